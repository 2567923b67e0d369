"""What the documents say of templates that handlers render (TPL)."""

from tornado.template import DictLoader
from tornado.web import RequestHandler, UIModule


class Shout(UIModule):
    def render(self, text):
        return f"<b>{text.upper()}</b>"


def page_of(ask, text, handler=RequestHandler, **settings):
    made = type("Made", (handler,), {"get": lambda self: self.render("page", word="<w>")})
    settings = {"template_loader": DictLoader({"page": text}), **settings}
    conn = ask(made, settings=settings)
    assert conn.code == 200
    return conn.text


def test_tpl_25_33_handlers_add_names_of_their_own(ask):
    class Named(RequestHandler):
        def get_current_user(self):
            return "Tom & Jerry"

    text = (
        "{{ handler.request is request }} {{ current_user }} {{ locale.code }} {{ word }} "
        "{{ twice(2) }} {% module Shout('<a>') %} {{ static_url('a.css') }} {{ _('b') }}"
    )
    output = page_of(
        ask,
        text,
        Named,
        ui_methods={"twice": lambda handler, number: 2 * number},
        ui_modules={"Shout": Shout},
        static_path="/nowhere",
    )
    assert output.startswith("True Tom &amp; Jerry en_US &lt;w&gt; 4 <b><A></b> /static/a.css")
    assert output.endswith(" b")


def test_tpl_32_handlers_have_the_names_of_all_templates_too(ask):
    text = "{{ escape is xhtml_escape }}{{ squeeze('a  b') }}{{ datetime.timedelta(0) }}"
    assert page_of(ask, text) == "Truea b0:00:00"


def test_tpl_38_links_and_hidden_fields_are_escaped_unless_raw(ask):
    field = '<input type="hidden" name="_xsrf"'
    assert field in page_of(ask, "{% raw xsrf_form_html() %}")
    assert "&lt;input type=&quot;hidden&quot;" in page_of(ask, "{{ xsrf_form_html() }}")
    assert page_of(ask, "{% raw linkify('www.a.b') %}").startswith("<a href=")
    assert page_of(ask, "{{ linkify('www.a.b') }}").startswith("&lt;a href=")


def test_tpl_39_texts_are_translated_in_one_and_many(ask):
    class German(RequestHandler):
        def get_user_locale(self):
            return self

        code = "de"

        def translate(self, message, plural=None, count=None):
            known = {"dog": "Hund", "dogs": "Hunde"}
            return known[message if count in (None, 1) else plural]

        def pgettext(self, *args):
            raise AssertionError("it isn't asked for")

    text = "{{ _('dog') }} {{ _('dog', 'dogs', 1) }} {{ _('dog', 'dogs', 2) }}"
    assert page_of(ask, text, German) == "Hund Hund Hunde"
