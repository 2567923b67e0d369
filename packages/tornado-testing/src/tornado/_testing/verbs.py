"""Methods for the request methods."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Verbs(Generic[T]):
    """Has a method for each request method, on top of `fetch`, whose arguments they take."""

    def fetch(self, path: str, raise_error: bool = False, **kwargs: Any) -> T:
        """Send a request; clients define it."""
        raise NotImplementedError(f"{type(self).__name__} doesn't fetch")

    def get(self, path: str, **kwargs: Any) -> T:
        """Send a GET request; see `fetch`."""
        return self.fetch(path, method="GET", **kwargs)

    def head(self, path: str, **kwargs: Any) -> T:
        """Send a HEAD request; see `fetch`."""
        return self.fetch(path, method="HEAD", **kwargs)

    def options(self, path: str, **kwargs: Any) -> T:
        """Send an OPTIONS request; see `fetch`."""
        return self.fetch(path, method="OPTIONS", **kwargs)

    def post(self, path: str, **kwargs: Any) -> T:
        """Send a POST request; see `fetch`."""
        return self.fetch(path, method="POST", **kwargs)

    def put(self, path: str, **kwargs: Any) -> T:
        """Send a PUT request; see `fetch`."""
        return self.fetch(path, method="PUT", **kwargs)

    def patch(self, path: str, **kwargs: Any) -> T:
        """Send a PATCH request; see `fetch`."""
        return self.fetch(path, method="PATCH", **kwargs)

    def delete(self, path: str, **kwargs: Any) -> T:
        """Send a DELETE request; see `fetch`."""
        return self.fetch(path, method="DELETE", **kwargs)
