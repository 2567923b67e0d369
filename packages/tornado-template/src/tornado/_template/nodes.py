"""What a template consists of."""

from __future__ import annotations

from collections.abc import Iterator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tornado._template.template import Template


class Node:
    """A part of a template.

    :arg position: where its contents start in the text.
    """

    __slots__ = ("position",)

    def __init__(self, position: int) -> None:
        self.position = position

    def bodies(self) -> Iterator[Body]:
        """Yield the bodies in here; not those in them."""
        return iter(())


class Text(Node):
    """Text that is output as it is."""

    __slots__ = ("text",)

    def __init__(self, position: int, text: str) -> None:
        super().__init__(position)
        self.text = text


class Expression(Node):
    """``{{ }}``, ``{% raw %}`` or ``{% module %}``.

    :arg added: how many characters its code begins with that the text doesn't have.
    """

    __slots__ = ("added", "code", "raw")

    def __init__(self, position: int, code: str, *, raw: bool = False, added: int = 0) -> None:
        super().__init__(position)
        self.code = code
        self.raw = raw
        self.added = added


class Statement(Node):
    """A line of Python: ``set``, ``import``, ``break`` and so on.

    :arg word: the directive.
    """

    __slots__ = ("code", "word")

    def __init__(self, position: int, word: str, code: str) -> None:
        super().__init__(position)
        self.word = word
        self.code = code


class Extends(Node):
    """``{% extends %}``."""

    __slots__ = ("name",)

    def __init__(self, position: int, name: str) -> None:
        super().__init__(position)
        self.name = name


class Include(Node):
    """``{% include %}``."""

    __slots__ = ("name",)

    def __init__(self, position: int, name: str) -> None:
        super().__init__(position)
        self.name = name


class Body(Node):
    """Nodes one after another."""

    __slots__ = ("nodes",)

    def __init__(self, position: int, nodes: list[Node]) -> None:
        super().__init__(position)
        self.nodes = nodes


class NamedBlock(Node):
    """``{% block %}``, and the template that it's written in."""

    __slots__ = ("body", "name", "template")

    def __init__(self, position: int, name: str, body: Body, template: Template) -> None:
        super().__init__(position)
        self.name = name
        self.body = body
        self.template = template

    def bodies(self) -> Iterator[Body]:
        """See `Node.bodies`."""
        yield self.body


class Apply(Node):
    """``{% apply %}``."""

    __slots__ = ("body", "function")

    def __init__(self, position: int, function: str, body: Body) -> None:
        super().__init__(position)
        self.function = function
        self.body = body

    def bodies(self) -> Iterator[Body]:
        """See `Node.bodies`."""
        yield self.body


class Clause(Node):
    """One part of a control statement, such as an ``elif`` with what follows it."""

    __slots__ = ("body", "code", "word")

    def __init__(self, position: int, word: str, code: str, body: Body) -> None:
        super().__init__(position)
        self.word = word
        self.code = code
        self.body = body


class Control(Node):
    """``{% if %}``, ``{% for %}``, ``{% while %}`` or ``{% try %}``, with all their clauses.

    :arg misplaced: what is wrong with a clause that can't stand where it does, and its position.
        It matters where the statement is used, as all other errors in Python do.
    """

    __slots__ = ("clauses", "misplaced")

    def __init__(
        self, position: int, clauses: list[Clause], misplaced: tuple[str, int] | None = None
    ) -> None:
        super().__init__(position)
        self.clauses = clauses
        self.misplaced = misplaced

    def bodies(self) -> Iterator[Body]:
        """See `Node.bodies`."""
        for clause in self.clauses:
            yield clause.body
