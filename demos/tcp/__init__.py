"""TCP programs on ``tornado-ioloop`` alone: a chat server, a port forwarder, and a soak of both."""
