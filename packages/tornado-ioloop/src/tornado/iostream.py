"""Non-blocking streams over sockets, TLS and pipes.

There are two ways to use one. Programs ``await`` its methods: `~BaseIOStream.read_until`,
`~BaseIOStream.read_bytes`, `~BaseIOStream.write` and their kin. Protocols attach a `StreamReceiver`
with `~BaseIOStream.start_receiving` and are called with what comes; that costs neither futures nor
tasks.
"""

from tornado._iostream.base import BaseIOStream
from tornado._iostream.errors import CONNECTION_RESET as _ERRNO_CONNRESET
from tornado._iostream.errors import (
    StreamBufferFullError,
    StreamClosedError,
    UnsatisfiableReadError,
)
from tornado._iostream.pipe import PipeIOStream
from tornado._iostream.receiver import StreamReceiver
from tornado._iostream.tcp import IOStream
from tornado._iostream.tls import SSLIOStream

__all__ = [
    "_ERRNO_CONNRESET",
    "BaseIOStream",
    "IOStream",
    "PipeIOStream",
    "SSLIOStream",
    "StreamBufferFullError",
    "StreamClosedError",
    "StreamReceiver",
    "UnsatisfiableReadError",
]
