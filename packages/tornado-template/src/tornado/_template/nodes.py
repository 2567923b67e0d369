"""What a template consists of."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tornado._template.template import Template


@dataclasses.dataclass(slots=True)
class Node:
    """A part of a template, and the line where it stands."""

    line: int


@dataclasses.dataclass(slots=True)
class Text(Node):
    """Text that is output as it is."""

    text: str


@dataclasses.dataclass(slots=True)
class Expression(Node):
    """``{{ }}``, ``{% raw %}`` or ``{% module %}``."""

    code: str
    raw: bool = False


@dataclasses.dataclass(slots=True)
class Statement(Node):
    """A line of Python: ``set``, ``import``, ``break`` and so on."""

    code: str


@dataclasses.dataclass(slots=True)
class Extends(Node):
    """``{% extends %}``."""

    name: str


@dataclasses.dataclass(slots=True)
class Include(Node):
    """``{% include %}``."""

    name: str


@dataclasses.dataclass(slots=True)
class Body(Node):
    """Nodes one after another."""

    nodes: list[Node]

    def blocks(self) -> Iterator[NamedBlock]:
        """Yield the named blocks in here, however deep; an outer one before those in it."""
        for node in self.nodes:
            if isinstance(node, NamedBlock):
                yield node
            if isinstance(node, Control):
                for _, _, body in node.clauses:
                    yield from body.blocks()
            elif isinstance(node, (NamedBlock, Apply)):
                yield from node.body.blocks()


@dataclasses.dataclass(slots=True)
class NamedBlock(Node):
    """``{% block %}``."""

    name: str
    body: Body
    template: Template


@dataclasses.dataclass(slots=True)
class Apply(Node):
    """``{% apply %}``."""

    function: str
    body: Body


@dataclasses.dataclass(slots=True)
class Control(Node):
    """``{% if %}``, ``{% for %}``, ``{% while %}`` or ``{% try %}``, with all their clauses: line,
    code and body of each."""

    clauses: list[tuple[int, str, Body]]
