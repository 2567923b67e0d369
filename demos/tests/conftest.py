"""What the tests of several demos use."""

import shutil

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

CHROMIUM_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture
def window(tmp_path):
    """Opens windows of a real browser, each with a profile of its own."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    assert program, "chromium is needed: make installs it"
    assert driver, "chromedriver is needed: make installs it"
    opened = []

    def open_window():
        options = webdriver.ChromeOptions()
        options.binary_location = program
        for option in CHROMIUM_OPTIONS:
            options.add_argument(option)
        options.add_argument(f"--user-data-dir={tmp_path / f'profile{len(opened)}'}")
        opened.append(webdriver.Chrome(options=options, service=Service(driver)))
        return opened[-1]

    yield open_window
    for browser in opened:
        browser.quit()
