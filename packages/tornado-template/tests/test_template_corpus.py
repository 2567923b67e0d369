"""Templates of all kinds give the bytes that version 6.6.1 gives.

``template_corpus/corpus.json`` holds the cases and what that version made of them;
``template_corpus/record.py`` asks it. Where results differ on purpose, it's said here, and why.
"""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "template_corpus"
CORPUS = json.loads((FOLDER / "corpus.json").read_text(encoding="utf-8"))
SUBJECTS = sorted({case["name"].rpartition("-")[0] for case in CORPUS})

PARSE_ERROR = {"when": "load", "error": "ParseError", "file": "<string>", "line": 1}

# Templates that are refused, or work, where it's otherwise in 6.6.1: reason, template, result here.
DIFFERENCES = [
    (
        "Expressions may go over several lines, with brackets around the parts or without.",
        [
            ("{{ n\n + n }}", {"output": "6"}),
            ("{{ n #\n + 1 }}", {"output": "4"}),
            ("{% if n == 3 and\n s %}y{% end %}", {"output": "y"}),
            (
                "{% try %}{{ boom(\n KeyError) }}{% except KeyError\n as e %}{{ e }}{% end %}",
                {"output": "&#x27;boom&#x27;"},
            ),
            ("{% set a =\n 1 %}{{ a }}", {"output": "1"}),
        ],
    ),
    (
        "Any white space separates a directive from its operand.",
        [
            ("{% comment\nover\nlines %}y", {"output": "y"}),
            ("{%\nif\nn\n%}a{%\nend\n%}", {"output": "a"}),
            ("{%\tif\tn\t%}a{%\tend\t%}", {"output": "a"}),
        ],
    ),
    (
        "`apply` takes any expression: brackets around it were needed, or it was called too late.",
        [
            ("{% apply lambda v: v[::-1] %}abc{% end %}", {"output": "cba"}),
            ("{% apply upper if n else wrap %}abc{% end %}", {"output": "ABC"}),
        ],
    ),
    (
        "A template's variables don't get in the way of the engine's own names.",
        [
            ("{% set str = 5 %}{{ n }}", {"output": "3"}),
            ("{% set isinstance = 5 %}{{ n }}", {"output": "3"}),
            ("{{ x }}{{ n }}", {"output": "&lt;x&amp;y&gt;3"}),
        ],
    ),
    (
        "What stands between double braces is one expression, no statement.",
        [
            ("{{ (yield) }}", PARSE_ERROR),
            ("{{ x; s }}", PARSE_ERROR),
            ("{{ x = s }}", PARSE_ERROR),
            ("{% raw x = 1 %}", PARSE_ERROR),
            ("{% raw x; %}", PARSE_ERROR),
        ],
    ),
    (
        "What's wrong with a template is a ParseError with its line.",
        [
            ("{% extends other %}", PARSE_ERROR),
            ("{% include other %}", PARSE_ERROR),
            ("{% whitespace bogus %}", PARSE_ERROR),
            ("{% whitespace %}", PARSE_ERROR),
            ("{% autoescape wrap( %}x", PARSE_ERROR),
        ],
    ),
    (
        "The line of an error is the one where the directive begins that is wrong.",
        [
            ("{% if n %} a\n{% apply upper %}{% end %}", PARSE_ERROR),
            ("{% nothing\nat all %}", PARSE_ERROR),
        ],
    ),
]
DIFFERENT = {text: result for _, cases in DIFFERENCES for text, result in cases}


def different_on_purpose(case, result):
    """Tell whether a result that isn't 6.6.1's is what it's meant to be."""
    stored = case["result"]
    files = case.get("files", {})
    texts = list(files.values())
    wanted = DIFFERENT.get(texts[0]) if len(texts) == 1 else None
    if wanted is not None:
        return result == wanted
    if stored.get("error") == "SyntaxError":
        # An error in a template's Python has a place in the template, like others.
        return result["error"] == "ParseError" and result["file"] in ("<string>", *files)
    if stored.get("error") == "NotImplementedError":
        # A template that extends another can't be included, and `extends` belongs outside of
        # all blocks; both are said of a line.
        return result["error"] == "ParseError" and result["file"] in files
    if stored.get("error") == "Exception":
        # Arguments that are wrong have errors with names of their own, which are Exceptions too.
        both = "compress_whitespace" in case.get("options", {})
        return result["error"] == ("TypeError" if both else "ValueError")
    # A parent that ends with a slash names no file; both loaders take it for a folder here.
    return case["kind"] == "resolve-file" and case["arguments"] == ["a", "dir/"]


@pytest.fixture(scope="module")
def results():
    done = subprocess.run(
        [sys.executable, str(FOLDER / "render.py")],
        input=json.dumps(CORPUS),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_results_are_those_of_version_6_6(subject, results):
    wrong = [
        (case["name"], case.get("files", case.get("arguments")), case["result"], result)
        for case, result in zip(CORPUS, results, strict=True)
        if case["name"].rpartition("-")[0] == subject
        if result != case["result"] and not different_on_purpose(case, result)
    ]
    assert wrong == []


def test_differences_are_what_is_said_of_them(results):
    """No exception stays on the list when there's nothing left that it's for."""
    differing = {
        text
        for case, result in zip(CORPUS, results, strict=True)
        if result != case["result"]
        for text in case.get("files", {}).values()
    }
    assert set(DIFFERENT) <= differing


def test_the_stored_corpus_is_all_there_is():
    asked = runpy.run_path(str(FOLDER / "cases.py"))["cases"]()
    assert asked == [
        {name: value for name, value in case.items() if name != "result"} for case in CORPUS
    ]


def test_the_corpus_covers_the_language():
    """Most cases render; otherwise equal errors would hide what is to be compared."""
    rendered = sum("output" in case["result"] for case in CORPUS)
    assert len(CORPUS) > 1000
    assert rendered > 0.6 * len(CORPUS)
