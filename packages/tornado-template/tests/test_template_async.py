"""Templates that await."""

import asyncio
import traceback

import pytest

from tornado.template import DictLoader, ParseError, Template


async def later(value):
    await asyncio.sleep(0)
    return value


async def numbers(count):
    for number in range(count):
        await asyncio.sleep(0)
        yield number


def rendered(template, **names):
    return asyncio.run(template.generate_async(later=later, numbers=numbers, **names)).decode()


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("[{{ await later('<') }}]", "[&lt;]"),
        ("{% raw await later('<') %}", "<"),
        ("{% set x = await later(3) %}{{ x }}", "3"),
        ("{% if await later(0) %}a{% elif await later(1) %}b{% end %}", "b"),
        ("{% for i in await later([1, 2]) %}{{ i }}{% end %}", "12"),
        ("{{ [n async for n in numbers(3)] }}", "[0, 1, 2]"),
        ("{% apply f %}a{{ await later('b') }}{% apply f %}c{% end %}{% end %}", "(ab(c))"),
        ("{% autoescape f %}{{ await later('b') }}", "(b)"),
        (
            "{% try %}{{ await later(1) // 0 }}{% except ZeroDivisionError %}caught{% end %}",
            "caught",
        ),
        ("no waiting {{ 1 }}", "no waiting 1"),
    ],
)
def test_expressions_are_awaited(text, output):
    assert rendered(Template(text), f=lambda value: b"(" + value + b")") == output


def test_blocks_and_includes_are_awaited():
    loader = DictLoader(
        {
            "base": "<{% block a %}{% end %}>",
            "page": "{% extends base %}{% block a %}{% include part %}{% end %}",
            "part": "{{ await later(x) }}",
        }
    )
    assert rendered(loader.load("page"), x="&") == "<&amp;>"


def test_generate_refuses_what_awaits():
    template = Template("{{ await later(1) }}", name="page.html")
    with pytest.raises(RuntimeError, match=r"page\.html has `await` in it"):
        template.generate(later=later)


def test_templates_render_side_by_side():
    template = Template("{% for i in range(3) %}{{ await later(name) }}{% end %}")

    async def both():
        return await asyncio.gather(
            *(template.generate_async(later=later, name=name) for name in "ab")
        )

    assert asyncio.run(both()) == [b"aaa", b"bbb"]


def test_tracebacks_of_awaiting_templates_show_lines():
    async def fail():
        await asyncio.sleep(0)
        raise LookupError("no such thing")

    template = Template("one\n{{ await fail() }}", name="page.html")
    with pytest.raises(LookupError) as caught:
        rendered(template, fail=fail)
    entries = traceback.extract_tb(caught.value.__traceback__)
    assert ("page.html", 2) in [(entry.filename, entry.lineno) for entry in entries]


@pytest.mark.parametrize("text", ["{{ await }}", "{{ await x y }}", "{{ await x }}{{ (yield) }}"])
def test_errors_beside_await_are_found(text):
    with pytest.raises(ParseError):
        Template(text)
