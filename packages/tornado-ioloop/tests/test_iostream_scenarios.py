"""What streams show in many small plays, compared with what those of Tornado 6.6.1 have shown.

The plays are in ``scenarios/streams.py``, what was seen is in ``scenarios/upstream.json``, and where
this implementation means to differ, ``scenarios/differences.json`` has the reason and what is to be
seen instead.
"""

import asyncio
import importlib.util
import json
import pathlib

import pytest

SCENARIOS = pathlib.Path(__file__).with_name("scenarios")


def load_plays():
    spec = importlib.util.spec_from_file_location("stream_scenarios", SCENARIOS / "streams.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PLAYS = load_plays()
SEEN = json.loads((SCENARIOS / "upstream.json").read_text())
DIFFERENCES = json.loads((SCENARIOS / "differences.json").read_text())


@pytest.mark.parametrize("name", PLAYS.PLAYS)
def test_a_play_shows_what_it_should(name):
    notes = json.loads(json.dumps(asyncio.run(PLAYS.perform(PLAYS.PLAYS[name]))))
    difference = DIFFERENCES.get(name)
    assert notes == (SEEN[name] if difference is None else difference["notes"])


def test_differences_are_real_and_have_reasons():
    assert set(SEEN) == set(PLAYS.PLAYS)
    assert set(DIFFERENCES) <= set(SEEN)
    for name, difference in DIFFERENCES.items():
        assert difference["notes"] != SEEN[name]
        assert len(difference["reason"]) > 40
