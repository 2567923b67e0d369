"""The example of the README runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_hello_world(fetch):
    (code,) = re.findall(
        r"```python serve\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL
    )
    names = {"__name__": "readme"}
    exec(compile(code, str(README), "exec"), names)
    app = names["make_app"]()
    assert fetch(app).text == "Hello, world"
    conn = fetch(app, "GET", "/greet/you?excited=yes")
    assert json.loads(conn.body) == {"hello": "you", "excited": "yes"}
