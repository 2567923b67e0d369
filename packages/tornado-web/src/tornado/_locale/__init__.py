"""Private modules behind :mod:`tornado.locale`."""
