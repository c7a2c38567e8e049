"""The page of ``fullwell inspect`` in a headless Chromium: first paint, another frame, another stretch.

The window has 1280 x 800 pixels. The server is a process of its own; each frame is shown once, so that nothing of it
was asked for before, and only the jump over two frames counts, since the page loads its neighbors ahead.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from combining_files import make_files
from harness import Absent, Contest, Function, Options, Target, main

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")
STRETCHES = ("linear", "log", "asinh", "sqrt")
APART = 3  # frames between two that are shown: the page has asked for the neighbors


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Start the program; give its address once all headers were read."""
    from urllib.request import urlopen

    command = [sys.executable, "-m", "fullwell.cli", "inspect", str(folder), "--no-browser", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())["address"]
        while json.load(urlopen(f"{address}/api/frames"))["scanning"]:
            pass
        yield address
    finally:
        process.terminate()
        process.wait()


@contextmanager
def window(address: str) -> Iterator[Any]:
    """Open a page of the server in Chromium."""
    from playwright.sync_api import sync_playwright

    path = next((found for found in map(shutil.which, BROWSERS) if found), None)
    if path is None:
        raise FileNotFoundError(f"none of {', '.join(BROWSERS)} is on the PATH")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses root otherwise
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=[*QUIET, *sandbox])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(address)
        settle(page)
        yield page
        browser.close()


def settle(page: Any) -> None:
    """Wait until nothing is pending and the screen shows it."""
    page.locator("body[data-ready]").wait_for(state="attached")
    page.evaluate("window.viewer.idle")


def contests(options: Options) -> Iterator[Contest]:
    frames, side = (7, 512) if options.quick else (20, 4096)
    folder = Path(tempfile.mkdtemp(prefix="fullwell-bench-", dir=options.folder))
    try:
        make_files(folder, frames, side)
        with serving(folder) as address, window(address) as page:
            yield from about_page(page, address, frames, side)
    except (ImportError, FileNotFoundError) as error:
        yield contest("paint", "First paint of the inspector", "", [Absent("fullwell inspect", str(error))])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def about_page(page: Any, address: str, frames: int, side: int) -> Iterator[Contest]:
    listed = page.evaluate("fetch('api/frames').then((answer) => answer.json())")["frames"]
    ids = [frame["id"] for frame in listed]
    far = itertools.cycle(ids[(i * APART) % frames] for i in range(frames))
    looks = itertools.cycle(STRETCHES)

    def open_page() -> None:
        page.goto("about:blank")
        page.goto(f"{address}/#/frame?frame={ids[0]}&panel=pixels")
        settle(page)

    def change() -> None:
        page.evaluate("id => { location.hash = `#/frame?frame=${id}&panel=pixels` }", next(far))
        settle(page)

    def stretch() -> float:
        page.get_by_test_id("stretch").select_option(next(looks))
        settle(page)
        return float(page.evaluate("window.viewer.state().panes[0].paint_ms"))

    size = f"{side} x {side} uint16"
    yield contest(
        "paint",
        "First paint of the inspector",
        f"From an empty window to a frame of {size} on the screen, script and server included.",
        [Function("fullwell inspect", open_page)],
        rounds=5,
        targets=[Target("first paint, seconds", over="fullwell inspect", at_most=1.0)],
    )
    yield contest(
        "flip",
        "Another frame on the screen of the inspector",
        f"A frame of {size} that was not shown before, from the key to the pixels.",
        [Function("fullwell inspect", change)],
        rounds=max(2, (frames - 1) // APART),
        targets=[Target("another frame, seconds", over="fullwell inspect", at_most=0.2)],
    )
    seen: list[float] = []
    yield contest(
        "stretch",
        "Another stretch in the inspector",
        "The way of the click through the driver included; the loop over the pixels alone is a part of it.",
        [Function("fullwell inspect", lambda: seen.append(stretch()))],
        rounds=12,
    )
    print(
        f"pixels of the stretch alone: {min(seen):.1f} ms at best, {sorted(seen)[len(seen) // 2]:.1f} ms median"
    )


def contest(work: str, title: str, about: str, rivals: list[Function | Absent], **more: Any) -> Contest:
    return Contest(work=f"inspect-{work}", title=title, about=about, rivals=rivals, **more)


if __name__ == "__main__":
    main(contests)
