"""Sixteen hundred requests, and what version 6.6.1 answers them.

``answers/`` has the application, the requests, and that version's answers in ``upstream.json``,
which ``exchange.py`` has asked for. Where answers differ on purpose, a rule below says how, or
``differences.json`` has the answer and the reason.
"""

import asyncio
import http.client
import importlib.util
import itertools
import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).with_name("answers")
UPSTREAM = json.loads((FOLDER / "upstream.json").read_text())
DIFFERENCES = json.loads((FOLDER / "differences.json").read_text())


def load_exchange():
    spec = importlib.util.spec_from_file_location("web_answers", FOLDER / "exchange.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


EXCHANGE = load_exchange()
REQUESTS = {name: raw for name, _, raw in EXCHANGE.requests.all_requests()}
GROUPS = itertools.groupby(REQUESTS, key=lambda name: name.rpartition("/")[0])
NAMES = {group: list(names) for group, names in GROUPS}


@pytest.fixture(scope="module")
def answers():
    return asyncio.run(EXCHANGE.exchange())


# RFC 9110 section 15.5 renamed these; Python's table of reasons, which both versions use, follows
# it from 3.13 on. The answers were asked for with an older one.
FORMER_REASONS = {
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    416: "Requested Range Not Satisfiable",
    422: "Unprocessable Entity",
}
FORMER_STATUSES = {
    f"HTTP/1.1 {code} {reason}": f"HTTP/1.1 {code} {http.client.responses[code]}"
    for code, reason in FORMER_REASONS.items()
}


def without_additions(name, answer):
    """Take what this implementation adds to some answers out of one."""
    if answer is None:
        return None
    fields = []
    for field, value in answer["headers"]:
        # RFC 9110 section 15.5.6: the status means that there are other methods, and which.
        if field == "Allow" and answer["status"].startswith("HTTP/1.1 405"):
            continue
        # RFC 9112 section 9.6: said to a client of HTTP/1.0 too.
        if field == "Connection" and b" HTTP/1.0\r\n" in REQUESTS[name]:
            continue
        # RFC 9110 section 8.8.3.3: what is compressed isn't the same octets.
        if field == "Etag" and ["Content-Encoding", "gzip"] in answer["headers"]:
            value = value.removeprefix("W/")
        fields.append([field, value])
    return {**answer, "headers": fields}


def as_expected(answer):
    """Bring an upstream answer to how this implementation writes it."""
    if not isinstance(answer, dict):
        return answer
    # RFC 6265 section 4.1.1: an empty value needs no quotes.
    headers = [
        [name, value.replace('=""', "=", 1) if name == "Set-Cookie" else value]
        for name, value in answer["headers"]
    ]
    status = FORMER_STATUSES.get(answer["status"], answer["status"])
    return {**answer, "status": status, "headers": headers}


@pytest.mark.parametrize("group", NAMES)
def test_answers_are_those_of_version_6_6_1_or_differ_for_a_reason(group, answers):
    wrong = {}
    for name in NAMES[group]:
        expected = as_expected(UPSTREAM[name])
        if name in DIFFERENCES:
            expected = DIFFERENCES[name]["answer"]
        found = without_additions(name, answers[name])
        if found != expected:
            wrong[name] = (REQUESTS[name][:200], found, expected)
    assert wrong == {}


def test_differences_are_real_and_have_reasons():
    for name, difference in DIFFERENCES.items():
        assert difference["answer"] != as_expected(UPSTREAM[name])
        assert len(difference["reason"]) > 30


def test_requests_that_are_refused_may_be_answered_with_methods(answers):
    refused = [a for a in answers.values() if a and a["status"].startswith("HTTP/1.1 405")]
    assert refused
    for answer in refused:
        assert "Allow" in dict(answer["headers"])
