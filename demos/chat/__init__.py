"""A chat with rooms: pages, a small interface for programs, and websockets.

``python -m demos.chat`` serves it. Its tests, ``demos/tests/test_chat.py``, show what
`tornado.testing` and the pytest plugin are for.
"""
