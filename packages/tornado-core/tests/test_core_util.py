"""Tools that the other modules share."""

import datetime
import gzip
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tornado
from tornado import util


class Shape(util.Configurable):
    @classmethod
    def configurable_base(cls):
        return Shape

    @classmethod
    def configurable_default(cls):
        return Circle

    def initialize(self, size=1):
        self.size = size


class Circle(Shape):
    pass


class Square(Shape):
    pass


@pytest.fixture(autouse=True)
def _restored():
    saved = Shape._save_configuration()
    yield
    Shape._restore_configuration(saved)


def test_pkg_3_version_info_has_four_elements():
    assert len(tornado.version_info) == 4
    assert tornado.version.startswith("6.")


def test_configurable_makes_its_default():
    shape = Shape(size=3)
    assert type(shape) is Circle
    assert shape.size == 3


def test_configure_chooses_class_and_arguments_by_object_or_name():
    Shape.configure(Square, size=7)
    assert type(Shape()) is Square
    assert Shape().size == 7
    assert Shape(size=8).size == 8
    Shape.configure(f"{__name__}.Circle")
    assert Shape.configured_class().__name__ == "Circle"


def test_configured_arguments_are_not_for_direct_construction():
    Shape.configure(Square, size=7)
    assert Square().size == 1


def test_configure_refuses_what_is_no_subclass():
    with pytest.raises(ValueError, match="no subclass"):
        Shape.configure(dict)


def test_import_object():
    assert util.import_object("tornado.util") is util
    assert util.import_object("tornado.util.ObjectDict") is util.ObjectDict
    with pytest.raises(ImportError):
        util.import_object("tornado.util.missing")


def test_object_dict_has_keys_as_attributes():
    value = util.ObjectDict(a=1)
    value.b = 2
    assert (value.a, value["b"]) == (1, 2)
    with pytest.raises(AttributeError, match="c"):
        _ = value.c


def test_arg_replacer_finds_an_argument_however_it_was_passed():
    def function(a, b, callback=None):
        """Have parameters."""

    replacer = util.ArgReplacer(function, "callback")
    assert replacer.replace("new", (1, 2, "old"), {}) == ("old", [1, 2, "new"], {})
    assert replacer.replace("new", (1,), {"b": 2}) == (None, (1,), {"b": 2, "callback": "new"})
    assert replacer.get_old_value((1, 2), {"callback": 5}) == 5


def test_raise_exc_info_keeps_the_exception():
    error = ValueError("here")
    with pytest.raises(ValueError, match="here") as caught:
        util.raise_exc_info((ValueError, error, None))
    assert caught.value is error
    with pytest.raises(TypeError):
        util.raise_exc_info((None, None, None))


@given(
    st.lists(st.binary(min_size=1), min_size=1, max_size=4), st.integers(0, 50), st.integers(1, 64)
)
def test_gzip_members_in_any_pieces_give_the_same_data(members, limit, size):
    data = b"".join(gzip.compress(member) for member in members)
    decompressor = util.GzipDecompressor()
    decoded = []
    for start in range(0, len(data), size):
        rest = data[start : start + size]
        while rest:
            part = decompressor.decompress(rest, limit)
            assert not limit or len(part) <= limit
            decoded.append(part)
            following = decompressor.unconsumed_tail
            if not part and len(following) == len(rest):
                break
            rest = following
    while limit and (part := decompressor.decompress(decompressor.unconsumed_tail, limit)):
        decoded.append(part)
    decoded.append(decompressor.flush())
    assert b"".join(decoded) == b"".join(members)


def test_truncated_gzip_data_is_an_error():
    decompressor = util.GzipDecompressor()
    decompressor.decompress(gzip.compress(b"x" * 100)[:-5])
    with pytest.raises(ValueError, match="truncated"):
        decompressor.flush()


@given(st.text())
def test_escapes_of_expressions_are_undone(text):
    assert util.re_unescape(re.escape(text)) == text


@pytest.mark.parametrize("text", [r"\d", r"a\b", r"\1", r"\Z"])
def test_escapes_that_are_more_than_a_character(text):
    with pytest.raises(ValueError, match="escape"):
        util.re_unescape(text)


def test_timedeltas():
    assert util.timedelta_to_seconds(datetime.timedelta(days=1, milliseconds=500)) == 86400.5
