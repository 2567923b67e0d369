"""The HTTP client that is made of Tornado's own streams and HTTP/1.1 connections."""
