"""The showcase, driven by curl and by two windows of a real browser."""

import json
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

ROOT = Path(__file__).parent.parent.parent
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c636060606000000005000155a24f5f0000000049454e44ae426082"
)


class Showcase:
    """The showcase as a process of its own."""

    def __init__(self, database):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "demos.showcase", "--port", "0", "--database", str(database)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert "http://" in line, line
        self.url = line.split(" at ")[1].split()[0].rstrip("/")
        self.port = int(self.url.rpartition(":")[2])

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        _, errors = self.process.communicate(timeout=20)
        return self.process.returncode, errors


@pytest.fixture
def showcase(tmp_path):
    running = Showcase(tmp_path / "messages.db")
    yield running
    if running.process.poll() is None:
        status, errors = running.stop()
        assert status == 0
        assert "Traceback" not in errors


def curl(*arguments):
    program = shutil.which("curl")
    assert program, "curl is needed: make installs it"
    run = subprocess.run(
        [program, "-s", "-i", "--max-time", "10", *arguments], capture_output=True, check=True
    )
    head, _, body = run.stdout.partition(b"\r\n\r\n")
    return int(head.split()[1]), head.decode(), body


@pytest.mark.parametrize("path", ["/", "/room/lobby", "/fetch", "/status"])
def test_pages(showcase, path):
    status, _, body = curl(showcase.url + path)
    assert status == 200
    assert b"Tornado showcase" in body


def test_numbers_and_errors(showcase):
    status, _, body = curl(showcase.url + "/status.json")
    assert status == 200
    assert json.loads(body)["connections"] == 1
    assert curl(showcase.url + "/nowhere")[0] == 404


def test_static_files_are_cached(showcase):
    status, head, _ = curl(showcase.url + "/static/style.css")
    etag = next(line[6:] for line in head.splitlines() if line.lower().startswith("etag: "))
    assert status == 200
    assert curl("-H", f"If-None-Match: {etag}", showcase.url + "/static/style.css")[0] == 304


def test_messages_need_a_token_and_reach_those_who_poll(showcase, tmp_path):
    url = showcase.url + "/room/lobby/messages"
    assert curl("-d", "author=me&text=hello", url)[0] == 403
    jar = str(tmp_path / "cookies")
    page = curl("-c", jar, showcase.url + "/room/lobby")[2].decode()
    token = page.split('name="_xsrf" value="')[1].split('"')[0]
    form = ["-b", jar, "-H", f"X-XSRFToken: {token}"]
    assert curl(*form, "-d", "author=me&text=<hello>", url)[0] == 200
    assert json.loads(curl(url + "?after=0")[2])["messages"][0]["text"] == "<hello>"
    assert b"&lt;hello&gt;" in curl(showcase.url + "/room/lobby")[2]
    picture = tmp_path / "picture.png"
    picture.write_bytes(PICTURE)
    status, _, body = curl(
        *form, "-F", f"picture=@{picture}", showcase.url + "/room/lobby/pictures"
    )
    assert status == 200
    number = json.loads(body)["picture"]
    assert curl(f"{showcase.url}/pictures/{number}")[2] == PICTURE
    picture.write_bytes(b"<script>")
    assert curl(*form, "-F", f"picture=@{picture}", showcase.url + "/room/lobby/pictures")[0] == 415


def test_results_of_fetches_are_streamed_in_the_order_of_their_coming(showcase):
    query = "&".join(f"url={showcase.url}/slow/{ms}" for ms in (300, 10))
    body = curl(f"{showcase.url}/fetch/results?{query}")[2]
    urls = [json.loads(line)["url"] for line in body.splitlines()]
    assert [url.rpartition("/")[2] for url in urls] == ["10", "300"]


def test_stopping_lets_an_open_request_finish(showcase):
    with socket.create_connection(("127.0.0.1", showcase.port), timeout=10) as sock:
        sock.sendall(b"GET /slow/500 HTTP/1.1\r\nHost: a\r\n\r\n")
        # The server has read it when it answers somebody else.
        curl(showcase.url + "/status.json")
        assert showcase.stop() == (0, "")
        answer = sock.makefile("rb").read()
    assert answer.endswith(b"This took 500 ms.\n")


def wait_for(browser, condition):
    return WebDriverWait(browser, 20, poll_frequency=0.05).until(condition)


def texts(browser):
    return [item.text for item in browser.find_elements(By.CSS_SELECTOR, "#messages .text")]


def say(browser, author, text):
    name = browser.find_element(By.ID, "author")
    name.clear()
    name.send_keys(author)
    browser.find_element(By.ID, "text").send_keys(text + "\n")


def test_two_windows_chat_with_each_other(showcase, window, tmp_path):
    one, other = window(), window()
    one.get(showcase.url + "/room/lobby")
    other.get(showcase.url + "/room/lobby?poll=1")
    for browser, state in ((one, "live"), (other, "long polling")):
        wait_for(browser, lambda b, s=state: b.find_element(By.ID, "link").text.endswith(s))
    say(one, "Ann", "hello from one <b>")
    wait_for(other, lambda b: "hello from one <b>" in texts(b))
    say(other, "Bob", "and from the other")
    wait_for(one, lambda b: "and from the other" in texts(b))
    picture = tmp_path / "picture.png"
    picture.write_bytes(PICTURE)
    one.find_element(By.ID, "picture").send_keys(str(picture))
    wait_for(other, lambda b: b.find_elements(By.CSS_SELECTOR, "#messages img"))
    one.get(showcase.url + "/fetch")
    one.find_element(By.CSS_SELECTOR, "#fetch button").click()
    wait_for(one, lambda b: len(b.find_elements(By.CSS_SELECTOR, "#results tbody tr")) == 5)
    one.get(showcase.url + "/status")
    before = one.find_element(By.CSS_SELECTOR, "[data-name=requests]").text
    wait_for(one, lambda b: b.find_element(By.CSS_SELECTOR, "[data-name=requests]").text != before)
