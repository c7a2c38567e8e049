"""What all tests share: no stop-watch in hypothesis, the real frames where they are, and a browser."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

# Two busy cores make any deadline a matter of luck.
settings.register_profile("fullwell", deadline=None)
settings.load_profile("fullwell")

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Folder of the real frames; a test that asks for it is skipped where they are not."""
    if not DATA.is_dir():
        pytest.skip("the real frames are not here (../shared/data beside the repository)")
    return DATA


BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")


@pytest.fixture(scope="module")
def browser():
    """One headless Chromium for the tests of a file.

    For longer it must not live: while the driver runs, its thread counts as one with a running event loop, in
    which neither a second driver nor `asyncio.run` of another test can start.
    """
    path = next((found for found in map(shutil.which, BROWSERS) if found), None)
    if path is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} is on the PATH")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses root otherwise
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=[*QUIET, *sandbox])
        yield browser
        browser.close()
