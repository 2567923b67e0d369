"""Every name of version 6.6 is there, takes its parameters by name and position, and works."""

import inspect
import logging
import zlib

import pytest

from tornado import escape, log, options, util
from tornado.util import ArgReplacer, Configurable, GzipDecompressor, ObjectDict

FUNCTIONS = {
    "escape.json_decode": "value",
    "escape.json_encode": "value",
    "escape.linkify": "text, shorten=False, extra_params='', require_protocol=False, permitted_protocols=('http', 'https')",
    "escape.native_str": "value",
    "escape.parse_qs_bytes": "qs, keep_blank_values=False, strict_parsing=False, *, max_num_fields=None",
    "escape.recursive_unicode": "obj",
    "escape.squeeze": "value",
    "escape.to_basestring": "value",
    "escape.to_unicode": "value",
    "escape.url_escape": "value, plus=True",
    "escape.url_unescape": "value, encoding='utf-8', plus=True",
    "escape.utf8": "value",
    "escape.xhtml_escape": "value",
    "escape.xhtml_unescape": "value",
    "options.OptionParser": "",
    "options.OptionParser.add_parse_callback": "self, callback",
    "options.OptionParser.as_dict": "self",
    "options.OptionParser.define": "self, name, default=None, type=None, help=None, metavar=None, multiple=False, group=None, callback=None",
    "options.OptionParser.group_dict": "self, group",
    "options.OptionParser.groups": "self",
    "options.OptionParser.items": "self",
    "options.OptionParser.mockable": "self",
    "options.OptionParser.parse_command_line": "self, args=None, final=True",
    "options.OptionParser.parse_config_file": "self, path, final=True",
    "options.OptionParser.print_help": "self, file=None",
    "options.OptionParser.run_parse_callbacks": "self",
    "options.add_parse_callback": "callback",
    "options.define": "name, default=None, type=None, help=None, metavar=None, multiple=False, group=None, callback=None",
    "options.enable_pretty_logging": "options=None, logger=None",
    "options.parse_command_line": "args=None, final=True",
    "options.parse_config_file": "path, final=True",
    "options.print_help": "file=None",
    "log.LogFormatter.format": "self, record",
    "log.define_logging_options": "options=None",
    "log.enable_pretty_logging": "options=None, logger=None",
    "util.ArgReplacer": "func, name",
    "util.ArgReplacer.get_old_value": "self, args, kwargs, default=None",
    "util.ArgReplacer.replace": "self, new_value, args, kwargs",
    "util.Configurable.configurable_base": "",
    "util.Configurable.configurable_default": "",
    "util.Configurable.configure": "impl, **kwargs",
    "util.Configurable.configured_class": "",
    "util.GzipDecompressor": "",
    "util.GzipDecompressor.decompress": "self, value, max_length=0",
    "util.GzipDecompressor.flush": "self",
    "util.doctests": "",
    "util.errno_from_exception": "e",
    "util.exec_in": "code, glob, loc=None",
    "util.import_object": "name",
    "util.raise_exc_info": "exc_info",
    "util.re_unescape": "s",
    "util.timedelta_to_seconds": "td",
}


def shown(parameter):
    if parameter.default is parameter.empty:
        return "**" * (parameter.kind is parameter.VAR_KEYWORD) + parameter.name
    return f"{parameter.name}={parameter.default!r}"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_have_the_documented_parameters(name):
    found = {"escape": escape, "log": log, "options": options, "util": util}
    module, *path = name.split(".")
    function = found[module]
    for part in path:
        function = getattr(function, part)
    parameters = inspect.signature(function).parameters.values()
    texts = [shown(parameter) for parameter in parameters]
    kinds = [parameter.kind for parameter in parameters]
    if inspect.Parameter.KEYWORD_ONLY in kinds:
        texts.insert(kinds.index(inspect.Parameter.KEYWORD_ONLY), "*")
    assert ", ".join(texts) == FUNCTIONS[name]


def test_the_formatter_has_the_documented_defaults():
    signature = inspect.signature(log.LogFormatter).parameters
    assert list(signature) == ["fmt", "datefmt", "style", "color", "colors"]
    defaults = [parameter.default for parameter in signature.values()]
    formatter = log.LogFormatter
    assert defaults == [
        "%(color)s[%(levelname)1.1s %(asctime)s %(module)s:%(lineno)d]%(end_color)s %(message)s",
        "%y%m%d %H:%M:%S",
        "%",
        True,
        {10: 4, 20: 2, 30: 3, 40: 1, 50: 5},
    ]
    assert defaults[0] == formatter.DEFAULT_FORMAT
    assert defaults[1] == formatter.DEFAULT_DATE_FORMAT
    assert defaults[4] == formatter.DEFAULT_COLORS
    assert issubclass(formatter, logging.Formatter)


def test_the_modules_have_their_objects():
    assert isinstance(options.options, options.OptionParser)
    assert issubclass(options.Error, Exception)
    names = ("access", "application", "general")
    for name, logger in zip(names, (log.access_log, log.app_log, log.gen_log), strict=True):
        assert logger is logging.getLogger(f"tornado.{name}")
    assert issubclass(ObjectDict, dict)
    assert util.TimeoutError is TimeoutError
    assert (util.unicode_type, util.basestring_type, util.bytes_type) == (str, str, bytes)


def test_escape_takes_arguments_by_name():
    assert escape.url_escape(value="a b", plus=False) == "a%20b"
    assert escape.url_unescape(value="a+b", encoding=None, plus=True) == b"a b"
    assert escape.parse_qs_bytes(qs="a=", keep_blank_values=True) == {"a": [b""]}
    with pytest.raises(ValueError):
        escape.parse_qs_bytes(qs="a=1&b", strict_parsing=True, max_num_fields=3)
    linked = escape.linkify(
        text="www.a.b ftp://c.d",
        shorten=False,
        extra_params=lambda href: f'class="{len(href)}"',
        require_protocol=True,
        permitted_protocols=["ftp"],
    )
    assert linked == 'www.a.b <a href="ftp://c.d" class="9">ftp://c.d</a>'


def test_classes_take_arguments_by_name():
    replacer = ArgReplacer(func=lambda a, b=1: None, name="b")
    assert (replacer.name, replacer.arg_pos) == ("b", 1)
    assert replacer.get_old_value(args=(1,), kwargs={}, default=7) == 7
    assert replacer.replace(new_value=2, args=(1,), kwargs={}) == (None, (1,), {"b": 2})
    compressor = zlib.compressobj(wbits=31)
    data = compressor.compress(b"x" * 100) + compressor.flush()
    decoder = GzipDecompressor()
    assert decoder.decompress(value=data, max_length=60) == b"x" * 60
    assert decoder.decompress(value=decoder.unconsumed_tail) == b"x" * 40
    assert decoder.flush() == b""


def test_configurable_classes_take_arguments_by_name():
    class Base(Configurable):
        @classmethod
        def configurable_base(cls):
            return Base

        @classmethod
        def configurable_default(cls):
            return Other

        def initialize(self, size=1):
            self.size = size

    class Other(Base):
        """What is made unless something else is chosen."""

    Base.configure(impl=None, size=5)
    assert (Base().size, Base(size=6).size) == (5, 6)
    assert Base.configured_class() is Other
