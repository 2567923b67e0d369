"""What `json_encode` writes is what `json.dumps` writes."""

import datetime
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado.escape import json_encode

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=10,
)


@given(values)
def test_values(value):
    expected = json.dumps(value).replace("</", "<\\/").replace("<!", "\\u003c!")
    assert json_encode(value) == expected


def test_tuples_and_odd_keys():
    value = {None: (1, 2), True: {}, 1.5: []}
    assert json_encode(value) == json.dumps(value)


@pytest.mark.parametrize("value", [{1, 2}, b"x", {"a": datetime.date(2020, 1, 1)}, {b"a": 1}])
def test_what_json_has_nothing_for(value):
    with pytest.raises(TypeError):
        json_encode(value)


def test_circles_are_errors():
    value = []
    value.append({"a": value})
    with pytest.raises(ValueError, match="[Cc]ircular"):
        json_encode(value)


def test_strings_of_other_classes():
    class Text(str):
        pass

    assert json_encode(Text("a")) == '"a"'
    assert json_encode({Text("a"): Text("</")}) == '{"a": "<\\/"}'
