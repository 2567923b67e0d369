"""The newspaper, by requests and by a real browser."""

import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path

import pytest
from selenium.common.exceptions import (
    NoSuchElementException,
    StaleElementReferenceException,
)
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def newspaper():
    """The demo as a process of its own; gives its address."""
    command = [sys.executable, "-W", "error", "-m", "demos.walkthrough", "--port=0"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            line = process.stdout.readline()
            assert "http://" in line, process.stderr.read()
            yield line.split()[-1].rstrip("/")
        finally:
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Traceback" not in errors


class Reader:
    """A client that keeps its cookies."""

    def __init__(self, address, **headers):
        self.address = address
        self.cookies = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        self._opener.addheaders = list(headers.items())

    def get(self, path):
        """Return the status and the text."""
        return self._open(self.address + path)

    def post(self, path, token=True, **fields):
        """Send a form, with the token that goes with the cookie."""
        if token:
            fields["_xsrf"] = next(one.value for one in self.cookies if one.name == "_xsrf")
        return self._open(self.address + path, urllib.parse.urlencode(fields).encode())

    def _open(self, url, data=None):
        try:
            with self._opener.open(url, data, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/", "The mill"),
        ("/story/1", "It turns again."),
        ("/first", "It turns again."),
        ("/latest", "It turns again."),
        ("/search?word=MILL", "The mill"),
        ("/feed.json", '"author": "ann"'),
        ("/weather", "The sky is clear."),
        ("/weather/engine", "clear, 21"),
        ("/write", "Sign in"),
        ("/static/paper.css", "font-family"),
    ],
)
def test_pages(newspaper, path, shown):
    status, text = Reader(newspaper).get(path)
    assert status == 200
    assert shown in text


def test_errors_are_pages_of_the_newspaper(newspaper):
    status, text = Reader(newspaper).get("/story/99")
    assert status == 404
    assert "Error 404" in text


def test_style_of_modules_is_in_the_head_once(newspaper):
    _, text = Reader(newspaper).get("/")
    assert text.partition("</head>")[0].count("entry.css") == 1


def test_visits_are_counted(newspaper):
    reader = Reader(newspaper)
    assert "You have been here once." in reader.get("/")[1]
    assert "You have been here 2 times." in reader.get("/")[1]


def test_pages_in_the_language_that_the_browser_asks_for_or_the_reader_chose(newspaper):
    reader = Reader(newspaper, **{"Accept-Language": "zz, es-ES;q=0.5"})
    assert "Ha estado aqu\u00ed una vez." in reader.get("/")[1]
    assert "You have been here 2 times." in reader.post("/language", code="en_US")[1]


def test_users_write_stories(newspaper):
    reader = Reader(newspaper)
    reader.get("/login")
    status, text = reader.post("/login", name="Zo\u00eb", next="/write")
    assert (status, '<form id="story"' in text) == (200, True)
    status, text = reader.post("/write", title="<b>", text="One.\nTwo.")
    assert status == 200
    assert "<h1>&lt;b&gt;</h1>" in text
    assert "by Zo\u00eb" in text
    reader.post("/logout")
    assert 'id="sign-in"' in reader.get("/")[1]


def test_forms_without_a_token_are_refused(newspaper):
    reader = Reader(newspaper)
    reader.get("/login")
    assert reader.post("/login", token=False, name="Zo\u00eb")[0] == 403


@pytest.mark.parametrize(
    "target",
    [
        "https://example.com/",
        "//example.com/",
        "/\\example.com",
        "/\t/example.com",
        "/\t\\example.com",
    ],
)
def test_t11_nobody_is_sent_elsewhere_after_signing_in(newspaper, target):
    """T11."""
    reader = Reader(newspaper)
    reader.get("/login")
    status, text = reader.post("/login", name="ann", next=target)
    assert (status, 'id="visits"' in text) == (200, True)


def wait(browser, condition):
    """Wait until something holds; the page may change in between."""
    ignored = (NoSuchElementException, StaleElementReferenceException)
    waiting = WebDriverWait(browser, 20, poll_frequency=0.05, ignored_exceptions=ignored)
    return waiting.until(condition)


def element(browser, css):
    """Return an element, once it's there."""
    return wait(browser, lambda b: b.find_element(By.CSS_SELECTOR, css))


def see(browser, css, text):
    """Wait for a text in an element."""
    wait(browser, lambda b: text in b.find_element(By.CSS_SELECTOR, css).text)


def test_in_a_browser(newspaper, window, tmp_path):
    browser = window()
    browser.get(newspaper + "/photo")
    # One has to sign in first, and comes back then.
    element(browser, "#login input[name=name]").send_keys("Ann\n")
    see(browser, "#user", "Ann")
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"\x89PNG" + bytes(996))
    element(browser, "#send input[name=photo]").send_keys(str(photo))
    element(browser, "#send button").click()
    see(browser, "#photo", "photo.png: 1000 bytes, image/png")
    # A form of another site doesn't know the token.
    browser.execute_script(
        "document.querySelector('#send input[name=_xsrf]').remove();"
        "document.querySelector('#send').submit()"
    )
    see(browser, "#error", "Error 403")
    browser.get(newspaper + "/")
    see(browser, "#visits", "You have been here once.")
    element(browser, "button[value=es_ES]").click()
    see(browser, "#visits", "2 veces")
    assert browser.title == "El Diario del Pueblo"
