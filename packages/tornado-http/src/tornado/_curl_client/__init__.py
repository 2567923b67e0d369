"""The HTTP client on libcurl's multi-socket interface."""
