"""The page of ``fullwell inspect`` in a headless Chromium: first paint, another frame, another stretch, many frames, sliders.

The window has 1280 x 800 pixels, and the clock is that of the page, from the key to the first repaint with the pixels.
The server is a process of its own; each frame is shown once, so that nothing of it was asked for before, and only the
jump over two frames counts, since the page loads its neighbors ahead.
"""

from __future__ import annotations

import itertools
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
from combining_files import make_files
from harness import Absent, Contest, Function, Options, Rival, Sample, Target, main
from inspecting import make_sparse_files, serving, started

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")
STRETCHES = ("linear", "log", "asinh", "sqrt")
APART = 3  # frames between two that are shown: the page has asked for the neighbors
LOOK = 500  # ms


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


#: Run by the page: milliseconds until a condition holds at a repaint.
WAIT = """async (holds) => {
  const start = performance.now();
  do { await new Promise(requestAnimationFrame); } while (!holds());
  return performance.now() - start;
}"""
FLIP = f"""id => {{
  location.hash = `#/frame?frame=${{id}}&panel=pixels`;
  return ({WAIT})(() => {{ const [pane] = window.viewer.state().panes; return pane.frame === id && pane.complete; }});
}}"""
SLIDE = """async ([name, place]) => {
  const start = performance.now();
  const slider = document.querySelector(`[data-testid="${name}"]`);
  slider.value = place;
  slider.dispatchEvent(new Event('input'));
  await window.simulator.idle;
  await new Promise(requestAnimationFrame);
  return performance.now() - start;
}"""


@attrs.frozen
class Drawn:
    """What takes as long as the page says; ``before`` runs off the clock."""

    name: str
    milliseconds: Callable[[], float]
    before: Callable[[], Any] | None = None
    version: str = ""
    rounds: int | None = None

    def measure(self) -> tuple[Sample, Any]:
        if self.before is not None:
            self.before()
        return Sample(self.milliseconds() / 1000, math.nan), None


def contests(options: Options) -> Iterator[Contest]:
    frames, side = (7, 512) if options.quick else (20, 4096)
    folder = Path(tempfile.mkdtemp(prefix="fullwell-bench-", dir=options.folder))
    try:
        (folder / "large").mkdir()
        make_files(folder / "large", frames, side)
        for many in (frames, 10 * frames):
            make_sparse_files(folder / f"many{many}", many, side)
        with serving(folder / "large") as (client, _), window(client.url) as page:
            client.listed()  # all headers were read
            yield from about_page(page, client.url, frames, side)
            yield about_simulator(page, client.url)
        yield about_many(folder, frames, side)
    except (ImportError, FileNotFoundError) as error:
        yield contest("paint", "First paint of the inspector", "", [Absent("fullwell inspect", str(error))])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def about_page(page: Any, address: str, frames: int, side: int) -> Iterator[Contest]:
    listed = page.evaluate("fetch('api/frames').then((answer) => answer.json())")["frames"]
    ids = [frame["id"] for frame in listed]
    far = itertools.cycle(ids[(i * APART) % frames] for i in range(1, frames))
    looks = itertools.cycle(STRETCHES)

    def open_page() -> None:
        page.goto("about:blank")
        page.goto(f"{address}/#/frame?frame={ids[0]}&panel=pixels")
        settle(page)

    def look() -> None:
        settle(page)
        page.wait_for_timeout(LOOK)

    def stretch() -> float:
        page.get_by_test_id("stretch").select_option(next(looks))
        settle(page)
        return float(page.evaluate("window.viewer.state().panes[0].paint_ms"))

    size = f"{side} x {side} uint16"
    yield contest(
        "paint",
        "First paint of the inspector",
        f"From an empty window to a frame of {size} on the screen, the driver of the browser included.",
        [Function("fullwell inspect", open_page)],
        rounds=5,
        targets=[Target("first paint, seconds", over="fullwell inspect", at_most=1.0)],
    )
    yield contest(
        "flip",
        "Another frame on the screen of the inspector",
        f"A frame of {size} that was not shown before, from the key to the pixels; the one before was looked at for "
        f"{LOOK / 1000:g} s.",
        [Drawn("fullwell inspect", lambda: float(page.evaluate(FLIP, next(far))), look)],
        rounds=frames // APART,
        warm_up=False,
        targets=[Target("another frame, seconds", over="fullwell inspect", at_most=0.2)],
    )
    yield contest(
        "stretch",
        "Another stretch in the inspector",
        f"From values to the colors of the screen, a frame of {size} in the window.",
        [Drawn("fullwell inspect", stretch)],
        rounds=12,
        targets=[Target("another stretch, seconds", over="fullwell inspect", at_most=0.033)],
    )


def about_simulator(page: Any, address: str) -> Contest:
    page.goto(f"{address}/simulator/")
    page.get_by_test_id("number-of-mean").wait_for()
    page.get_by_test_id("switch-brighter_fatter").evaluate("box => box.closest('details').open = true")
    places = itertools.cycle(range(200, 800, 7))

    def drag(name: str) -> float:
        return float(page.evaluate(SLIDE, [name, next(places)]))

    def switch(on: bool) -> Callable[[], None]:
        return lambda: page.get_by_test_id("switch-brighter_fatter").set_checked(on)

    names = ("a slider", "a slider, brighter-fatter on", "its strength")
    return contest(
        "slider",
        "A slider of the simulator on its page",
        "From the moved slider to frame (500 x 500) and histogram on the screen.",
        [
            Drawn(names[0], lambda: drag("slider-sky"), switch(False)),
            Drawn(names[1], lambda: drag("slider-sky"), switch(True)),
            Drawn(names[2], lambda: drag("strength-brighter_fatter"), switch(True)),
        ],
        rounds=15,
        targets=[Target(f"{name}, seconds", over=name, at_most=0.1) for name in names],
    )


def about_many(folder: Path, frames: int, side: int) -> Contest:
    def opened(many: int) -> Callable[[], None]:
        def call() -> None:
            with started(folder / f"many{many}") as (address, _), window(address):
                pass

        return call

    rivals: list[Rival | Absent] = [
        Function(f"{many} frames", opened(many)) for many in (10 * frames, frames)
    ]
    return contest(
        "night",
        "The night table of many frames",
        f"From the start of program and browser to the table; frames of {side} x {side} uint16 (sparse files).",
        rivals,
        rounds=5,
        targets=[Target("ten times the frames", over=rivals[0].name, under=rivals[1].name, at_most=1.2)],
    )


def contest(work: str, title: str, about: str, rivals: Sequence[Rival | Absent], **more: Any) -> Contest:
    return Contest(work=f"inspect-{work}", title=title, about=about, rivals=rivals, **more)


if __name__ == "__main__":
    main(contests)
