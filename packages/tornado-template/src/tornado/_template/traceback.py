"""Tracebacks that point into templates.

The function of a template has lines of its own. In the traceback of an error, its entries are
replaced by ones that name the templates' files and lines instead: one for each file on the way from
the outermost template through blocks and includes to the line that failed. `linecache` is told the
templates' texts.
"""

from __future__ import annotations

import ast
import linecache
from types import CodeType, FrameType, TracebackType

from tornado._template.compiler import MAIN_FUNCTION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tornado._template.compiler import Part, Place

_Entry = tuple[FrameType, int, int]


def point_into_templates(error: BaseException, code_name: str, places: list[Place]) -> None:
    """Replace the entries of a template's function in the tracebacks of an error and of those that
    it came of.

    :arg code_name: file name that the function was compiled with.
    :arg places: template and position for each line of the function.
    """
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        _point(current, code_name, places)
        # Those that it came of are shown with it, and so are the members of a group.
        waiting += [current.__cause__, current.__context__]
        if isinstance(current, BaseExceptionGroup):
            waiting += current.exceptions


def _point(error: BaseException, code_name: str, places: list[Place]) -> None:
    entries: list[_Entry] = []
    way: list[Place] = []
    traceback = error.__traceback__
    while traceback is not None:
        frame, line = traceback.tb_frame, traceback.tb_lineno
        if frame.f_code.co_filename == code_name and 0 < line <= len(places):
            # What is inside of an `apply` is a function of its own, which an entry leads to that
            # has shown most of the way there.
            shown = way if frame.f_code.co_name != MAIN_FUNCTION else []
            way = _way_to(places[line - 1])
            entries += [_entry(place, frame) for place in _rest_of(way, shown)]
        else:
            entries.append((frame, traceback.tb_lasti, line))
        traceback = traceback.tb_next
    if not way:
        return
    result: TracebackType | None = None
    for frame, position, line in reversed(entries):
        result = TracebackType(result, frame, position, line)
    error.__traceback__ = result


def _way_to(place: Place) -> list[Place]:
    """Return the places through which a place is reached, the outermost first, and itself."""
    way = [place]
    while (outer := way[-1][0].outer) is not None:
        way.append(outer)
    return way[::-1]


def _rest_of(way: list[Place], shown: list[Place]) -> list[Place]:
    """Return a way without the places that it begins with as another one does; one at least."""
    number = 0
    for place, other in zip(way[:-1], shown, strict=False):
        if place[0] is not other[0] or place[1] != other[1]:
            break
        number += 1
    return way[number:]


def _entry(place: Place, frame: FrameType) -> _Entry:
    """Return an entry that claims to be of a template's line, with the variables of the frame."""
    part, position = place
    source = part.template.source
    line = source.line_of(position)
    lines = [text + "\n" for text in source.lines]
    linecache.cache[source.name] = (len(source.text), None, lines, source.name)
    code = _failing_code(part, line, source.lines[line - 1])
    try:
        exec(code, frame.f_globals, dict(frame.f_locals))
    except ZeroDivisionError as error:
        traceback = error.__traceback__
        if traceback is not None and traceback.tb_next is not None:
            return traceback.tb_next.tb_frame, traceback.tb_next.tb_lasti, line
    raise RuntimeError("division by zero went well")


def _failing_code(part: Part, line: int, text: str) -> CodeType:
    """Return code that fails, and seems to be all of a template's line: no part of that is to be
    pointed at."""
    module = ast.parse("1 / 0")
    start = len(text) - len(text.lstrip())
    for node in ast.walk(module):
        if isinstance(node, (ast.stmt, ast.expr)):
            node.lineno = node.end_lineno = line
            node.col_offset = start
            node.end_col_offset = max(start + 1, len(text.rstrip().encode()))
    return compile(module, part.template.source.name, "exec").replace(co_name=part.label)
