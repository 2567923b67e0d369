"""What the routers that lead to a handler want around the request: hooks, noted on the request.

Rules and applications name hooks; the message that runs the handler asks for them. Between them are
routers and delegates of any kind, which know nothing of hooks, so the request carries them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any

from tornado.httputil import HTTPServerRequest

#: Called with the handler; what it returns is entered before the request and left after it.
AroundHook = Callable[
    [Any], AbstractContextManager[Any, Any] | AbstractAsyncContextManager[Any, Any]
]

_NOTED_AS = "_around_request"


def hooks_of(request: HTTPServerRequest) -> tuple[AroundHook, ...]:
    """Return the hooks noted on a request, outermost first."""
    noted: tuple[AroundHook, ...] = request.__dict__.get(_NOTED_AS, ())
    return noted


def note_hooks(request: HTTPServerRequest, hooks: Sequence[AroundHook]) -> None:
    """Note further hooks, inside of those that are there; one that is there already stays where
    it is."""
    noted = hooks_of(request)
    request.__dict__[_NOTED_AS] = noted + tuple(hook for hook in hooks if hook not in noted)


def restore_hooks(request: HTTPServerRequest, hooks: tuple[AroundHook, ...]) -> None:
    """Put the hooks of a request back to what they were."""
    request.__dict__[_NOTED_AS] = hooks
