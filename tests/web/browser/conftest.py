"""A fresh window for each test."""

from __future__ import annotations

import pytest
from asking import Asking
from viewing import Viewing


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
