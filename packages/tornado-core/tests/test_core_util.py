"""Tools that the other modules share."""

import datetime
import gzip
import re
import subprocess
import sys
import time
import types
import unittest
import zlib

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


def run(program):
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    return done.stdout


def test_pkg_1_modules_are_imported_when_the_package_is_asked_for_them():
    program = """
import sys, tornado
print(*sorted(name for name in sys.modules if name.startswith("tornado.")))
print(tornado.escape.xhtml_escape("<"), tornado.util.ObjectDict(a=1).a)
"""
    assert run(program) == "\n&lt; 1\n"


@pytest.mark.parametrize("name", ["nosuch", "_nosuch", "__wrapped__"])
def test_the_package_has_no_other_attributes(name):
    with pytest.raises(AttributeError, match=name):
        getattr(tornado, name)


def test_a_module_that_is_not_installed_is_no_attribute(monkeypatch):
    monkeypatch.delattr(tornado, "wsgi", raising=False)
    monkeypatch.setattr(tornado, "__path__", [])
    monkeypatch.delitem(sys.modules, "tornado.wsgi", raising=False)
    with pytest.raises(AttributeError, match=r"tornado\.wsgi .*not installed"):
        _ = tornado.wsgi


def test_what_a_module_needs_and_is_missing_is_told(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError("No module named 'pycurl'", name="pycurl")

    monkeypatch.delattr(tornado, "curl_httpclient", raising=False)
    monkeypatch.setitem(sys.modules, "importlib", types.SimpleNamespace(import_module=missing))
    with pytest.raises(ModuleNotFoundError, match="pycurl"):
        _ = tornado.curl_httpclient


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


def test_configure_none_goes_back_to_the_default_and_may_have_arguments():
    Shape.configure(Square)
    Shape.configure(None, size=5)
    assert type(Shape()) is Circle
    assert Shape().size == 5


def test_configure_takes_the_name_of_a_class_that_has_to_be_there():
    for name in ("tornado.nosuch.Shape", "tornado.util.NoSuch"):
        with pytest.raises(ImportError, match="(?i)nosuch"):
            Shape.configure(name)
    assert type(Shape()) is Circle


def test_an_implementation_may_be_configurable_itself():
    class Polygon(Shape):
        @classmethod
        def configurable_base(cls):
            return Polygon

        @classmethod
        def configurable_default(cls):
            return Triangle

        def initialize(self, size=1, sides=0):
            super().initialize(size)
            self.sides = sides

    class Triangle(Polygon):
        pass

    class Hexagon(Polygon):
        pass

    Shape.configure(Polygon, size=4)
    assert type(Shape()) is Triangle
    assert (Shape(sides=3).size, Shape(sides=3).sides) == (4, 3)
    # What is configured for the outer hierarchy isn't for the inner one.
    assert Polygon().size == 1
    Polygon.configure(Hexagon, sides=6)
    assert type(Shape()) is Hexagon
    assert (Shape().size, Shape().sides) == (4, 6)
    Shape.configure(None)
    assert type(Polygon()) is Hexagon
    assert type(Shape()) is Circle


def test_configuration_is_saved_and_restored():
    Shape.configure(Square, size=7)
    saved = Shape._save_configuration()
    Shape.configure(Circle, size=1)
    Shape._restore_configuration(saved)
    assert type(Shape()) is Square
    assert Shape().size == 7


def test_a_hierarchy_needs_a_base_and_a_default():
    with pytest.raises(NotImplementedError, match="base class of Configurable"):
        util.Configurable()


def test_import_object():
    assert util.import_object("tornado.util") is util
    assert util.import_object("tornado.util.ObjectDict") is util.ObjectDict
    assert util.import_object("tornado") is tornado
    for name in (
        "tornado.util.missing",
        "tornado.missing",
        "missing_module",
        "missing_module.name",
    ):
        with pytest.raises(ImportError, match="missing"):
            util.import_object(name)


def test_import_object_does_not_hide_what_a_module_is_missing(tmp_path, monkeypatch):
    (tmp_path / "core_test_package").mkdir()
    (tmp_path / "core_test_package" / "__init__.py").touch()
    (tmp_path / "core_test_package" / "broken.py").write_text("import module_that_is_not_there")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="module_that_is_not_there"):
        util.import_object("core_test_package.broken")


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


def test_arg_replacer_knows_what_is_passed_by_name_only():
    def function(a, *rest, timeout=None, **others):
        """Have parameters."""

    replacer = util.ArgReplacer(function, "timeout")
    assert replacer.arg_pos is None
    assert replacer.replace(1, (1, 2), {}) == (None, (1, 2), {"timeout": 1})
    assert util.ArgReplacer(function, "other").replace(1, (), {"other": 2}) == (2, (), {"other": 1})


def test_arg_replacer_leaves_the_arguments_of_its_caller_alone():
    args, kwargs = [1, 2], {"c": 3}
    util.ArgReplacer(lambda a, b, c: None, "b").replace(5, args, kwargs)
    util.ArgReplacer(lambda a, b, c: None, "c").replace(5, args, kwargs)
    assert (args, kwargs) == ([1, 2], {"c": 3})


def test_arg_replacer_takes_functions_that_do_not_tell_their_parameters():
    assert util.ArgReplacer(getattr, "default").replace(1, (2,), {}) == (None, (2,), {"default": 1})


@given(st.text())
def test_re_unescape_undoes_escape(text):
    assert util.re_unescape(re.escape(text)) == text


@pytest.mark.parametrize("pattern", [r"\d", r"a\b", "\\", r"\1"])
def test_re_unescape_refuses_patterns(pattern):
    with pytest.raises(ValueError, match="patterns"):
        util.re_unescape(pattern)


def test_timedelta_to_seconds():
    assert util.timedelta_to_seconds(datetime.timedelta(days=1, milliseconds=5)) == 86400.005


def test_the_examples_in_descriptions_work():
    outcome = unittest.TestResult()
    util.doctests().run(outcome)
    assert outcome.testsRun
    assert outcome.wasSuccessful()


def test_exec_in_takes_text_and_code_without_features_of_the_module():
    names = {}
    util.exec_in("def f(a: int): pass\nx = 1", names)
    util.exec_in(compile("y = x + 1", "<test>", "exec"), names)
    assert (names["x"], names["y"]) == (1, 2)
    assert names["f"].__annotations__ == {"a": int}
    local = {}
    util.exec_in("z = x", names, local)
    assert local == {"z": 1}


@pytest.mark.parametrize(
    ("error", "number"),
    [(OSError(5, "x"), 5), (ValueError(3), 3), (ValueError(), None), (OSError(), None)],
)
def test_errno_from_exception(error, number):
    assert util.errno_from_exception(error) == number


def test_names_of_types():
    assert (util.bytes_type, util.unicode_type, util.basestring_type) == (bytes, str, str)
    assert util.TimeoutError is TimeoutError


def test_raise_exc_info_keeps_the_exception():
    error = ValueError("here")
    with pytest.raises(ValueError, match="here") as caught:
        util.raise_exc_info((ValueError, error, None))
    assert caught.value is error
    with pytest.raises(TypeError):
        util.raise_exc_info((None, None, None))


@pytest.mark.parametrize("length", [-1, -(10**9)])
def test_a_length_below_zero_is_refused_instead_of_never_giving_anything(length):
    decompressor = util.GzipDecompressor()
    with pytest.raises(ValueError, match="max_length"):
        decompressor.decompress(gzip.compress(b"x"), length)
    assert decompressor.decompress(gzip.compress(b"x"), 1) == b"x"


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
    with pytest.raises(zlib.error, match="truncated"):
        decompressor.flush()


def test_gzip_data_that_is_left_over_has_to_be_passed_again():
    decompressor = util.GzipDecompressor()
    assert decompressor.decompress(gzip.compress(b"x" * 100), 10) == b"x" * 10
    with pytest.raises(ValueError, match="unconsumed_tail"):
        decompressor.flush()
    assert decompressor.decompress(decompressor.unconsumed_tail) == b"x" * 90
    assert decompressor.flush() == b""


def test_nothing_at_all_is_no_truncated_data():
    decompressor = util.GzipDecompressor()
    assert decompressor.decompress(b"") == b""
    assert decompressor.flush() == b""


@pytest.mark.parametrize("data", [b"junk", gzip.compress(b"x") + b"junk", zlib.compress(b"x")])
def test_what_is_no_gzip_data_is_an_error(data):
    with pytest.raises(zlib.error):
        util.GzipDecompressor().decompress(data)


def test_many_small_members_are_decoded_in_linear_time():
    def seconds(count):
        data = gzip.compress(b"x") * count
        start = time.process_time()
        assert util.GzipDecompressor().decompress(data) == b"x" * count
        return time.process_time() - start

    # Ten times as much takes ten times as long, and not a hundred times.
    assert seconds(20_000) < 40 * max(seconds(2_000), 0.002)
