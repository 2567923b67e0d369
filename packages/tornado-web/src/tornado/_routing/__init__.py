"""Private modules behind :mod:`tornado.routing`."""
