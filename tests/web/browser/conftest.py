"""One headless Chromium for all tests, and a fresh window for each."""

from __future__ import annotations

import os
import shutil

import pytest
from asking import Asking
from viewing import Viewing

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")


@pytest.fixture(scope="session")
def browser():
    path = next((found for found in map(shutil.which, NAMES) if found), None)
    if path is None:
        pytest.skip(f"none of {', '.join(NAMES)} is on the PATH")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses root otherwise
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=[*QUIET, *sandbox])
        yield browser
        browser.close()


@pytest.fixture
def window(browser):
    """Open windows: ``window(url, width=1280)``; at the end none of their pages may have failed."""
    opened = []

    def open_window(url, *, width=1280, height=800, **options):
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(30_000)
        opened.append((context, Viewing(context.new_page(), url)))
        return opened[-1][1]

    yield open_window
    errors = [error for _, viewing in opened for error in viewing.errors]
    for context, _ in opened:
        context.close()
    assert errors == []


@pytest.fixture
def look(window, inspector, folder):
    """The inspector of the simulated folder at 1280 pixels."""
    return window(inspector(folder))


@pytest.fixture(scope="session")
def ids(inspector, folder):
    """Ids of the frames by name."""
    return {name: frame["id"] for name, frame in Asking(inspector(folder)).frames().items()}
