"""WebSocket (RFC 6455): framing, handshake, protocol, and the server's handler."""
