"""The guide names all settings of an application that the framework reads."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent

# The ways in which a setting is read.
_READ = re.compile(
    r"""(?: settings(?:\.get\(|\[) | require_setting\( | caches\( )"([a-z_]+)"
    | "([a-z_]+)"\s+in\s+(?:self\.)?settings\b
    """,
    re.VERBOSE,
)


def test_every_setting_is_in_the_table_of_the_guide():
    read = {
        found[1] or found[2]
        for name in ("tornado-web", "tornado-websocket")
        for path in (ROOT / "packages" / name / "src").rglob("*.py")
        for found in _READ.finditer(path.read_text(encoding="utf-8"))
    }
    assert "cookie_secret" in read
    guide = (ROOT / "docs" / "guide" / "handlers.md").read_text(encoding="utf-8")
    table = guide.partition("## Settings")[2]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| ")]
    assert read == set(re.findall(r"`([a-z_]+)`", " ".join(rows)))
