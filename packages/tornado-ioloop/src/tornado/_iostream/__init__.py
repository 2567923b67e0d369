"""The code behind `tornado.iostream`, one noun to a module."""
