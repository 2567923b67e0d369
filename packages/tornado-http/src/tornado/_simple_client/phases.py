"""How far a fetch is, and when it got there."""

from __future__ import annotations

import enum


class Phase(enum.Enum):
    """What a fetch waits for; the value stands in messages about timeouts."""

    QUEUED = "in request queue"
    LOOKUP = "while connecting (looking up the host name)"
    CONNECT = "while connecting"
    PROXY = "while connecting (waiting for the proxy)"
    HANDSHAKE = "while connecting (TLS handshake)"
    SENDING = "during request (sending it)"
    WAITING = "during request (waiting for the response)"
    RECEIVING = "during request (receiving the response)"
    DONE = "after the request"


# Names of a module are found quicker than members of a class.
QUEUED, LOOKUP, CONNECT, PROXY = Phase.QUEUED, Phase.LOOKUP, Phase.CONNECT, Phase.PROXY
HANDSHAKE, SENDING, WAITING = Phase.HANDSHAKE, Phase.SENDING, Phase.WAITING
RECEIVING, DONE = Phase.RECEIVING, Phase.DONE
