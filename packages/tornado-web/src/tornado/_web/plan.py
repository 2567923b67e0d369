"""What a handler class has and hasn't defined, found out once for each class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tornado._web.handler import RequestHandler


class HandlerPlan:
    """Which hooks a class defines, so that the others needn't be called.

    :arg cls: the class.
    """

    __slots__ = ("has_initialize", "has_on_finish", "has_prepare", "methods")

    def __init__(self, cls: type[RequestHandler]) -> None:
        from tornado._web.handler import RequestHandler

        def defines(name: str) -> bool:
            return getattr(cls, name) is not getattr(RequestHandler, name)

        self.has_initialize = defines("initialize")
        self.has_prepare = defines("prepare")
        self.has_on_finish = defines("on_finish")
        #: Request method -> name of the class's method.
        self.methods: dict[Any, str] = {name: name.lower() for name in cls.SUPPORTED_METHODS}


def plan_for(cls: type[RequestHandler]) -> HandlerPlan:
    """Return the plan of a class."""
    plan = cls.__dict__.get("_own_plan")
    if plan is None:
        plan = HandlerPlan(cls)
        cls._own_plan = plan  # type: ignore[attr-defined]  # kept with the class, found in its own dictionary only
    return plan  # type: ignore[no-any-return]  # it was put there above
