"""The limits and switches of an HTTP/1.1 connection."""

from __future__ import annotations

import math


class HTTP1ConnectionParameters:
    """Limits and switches that connections share.

    :arg no_keep_alive: close the connection after each message.
    :arg chunk_size: the most bytes that a delegate's ``data_received`` is given at once; `None`
        means 65536.
    :arg max_header_size: limit of a header block in bytes; `None` means 65536.
    :arg header_timeout: seconds to wait for a complete header block, idle time before it included;
        `None` means for ever.
    :arg max_body_size: limit of a body in bytes; `None` means 100 MiB.
    :arg body_timeout: seconds in which a body has to arrive; `None` means for ever.
    :arg decompress: decode incoming bodies that have the ``gzip`` content coding.
    :arg write_timeout: seconds in each of which the peer has to take some of what is written to it,
        if something waits; `None` means for ever.
    :arg max_header_count: limit of the fields of a header block; `None` means 1000.
    :arg accept_bare_lf: let lines of heads end in LF alone too; by default clients do, servers
        don't.
    :arg accept_folded_lines: let header lines that begin with white space continue the line before
        them; by default clients do, servers don't.

    .. versionadded:: 4.0
    .. versionchanged:: 6.100
       Added ``write_timeout``, ``accept_bare_lf``, ``accept_folded_lines`` and
       ``max_header_count``.
    """

    __slots__ = (
        "accept_bare_lf",
        "accept_folded_lines",
        "body_timeout",
        "chunk_size",
        "decompress",
        "header_timeout",
        "max_body_size",
        "max_header_count",
        "max_header_size",
        "no_keep_alive",
        "write_timeout",
    )

    def __init__(
        self,
        no_keep_alive: bool = False,
        chunk_size: int | None = None,
        max_header_size: int | None = None,
        header_timeout: float | None = None,
        max_body_size: int | None = None,
        body_timeout: float | None = None,
        decompress: bool = False,
        write_timeout: float | None = None,
        accept_bare_lf: bool | None = None,
        accept_folded_lines: bool | None = None,
        max_header_count: int | None = None,
    ) -> None:
        self.no_keep_alive = no_keep_alive
        self.chunk_size = chunk_size or 65536
        self.max_header_size = max_header_size or 65536
        self.max_header_count = max_header_count or 1000
        self.header_timeout = header_timeout
        self.max_body_size = max_body_size
        self.body_timeout = body_timeout
        self.decompress = decompress
        self.write_timeout = write_timeout
        self.accept_bare_lf = accept_bare_lf
        self.accept_folded_lines = accept_folded_lines

    @property
    def shortest_timeout(self) -> float:
        """The shortest of the timeouts in seconds, or infinity.

        .. versionadded:: 6.100
        """
        timeouts = (self.header_timeout, self.body_timeout, self.write_timeout)
        return min((timeout for timeout in timeouts if timeout is not None), default=math.inf)
