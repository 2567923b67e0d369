"""Windows of a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

CHROMIUM_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    # Containers have little of that memory, and pages die of it.
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A page that is left stays alive for a while otherwise, its websockets too.
    "--disable-features=BackForwardCache",
)


@contextmanager
def windows(folder: Path) -> Iterator[Callable[[], webdriver.Chrome]]:
    """Open windows, each with a profile of its own, and close them in the end.

    :arg folder: where the profiles are.
    :returns: what opens a window.
    """
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    assert program, "chromium is needed: make installs it"
    assert driver, "chromedriver is needed: make installs it"
    opened: list[webdriver.Chrome] = []

    def open_window() -> webdriver.Chrome:
        options = webdriver.ChromeOptions()
        options.binary_location = program
        for option in CHROMIUM_OPTIONS:
            options.add_argument(option)
        options.add_argument(f"--user-data-dir={folder / f'profile{len(opened)}'}")
        opened.append(webdriver.Chrome(options=options, service=Service(driver)))
        return opened[-1]

    try:
        yield open_window
    finally:
        for browser in opened:
            browser.quit()
