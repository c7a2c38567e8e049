"""Take the pictures of the inspector and the simulator with the program itself.

Simulates and reduces the night of the demo in a temporary folder, serves it, opens it in a headless Chromium,
and writes into ``docs/pictures``:

- ``inspector-night.png``: the table of all frames,
- ``inspector-frame.png``: a frame with a region and its statistics,
- ``inspector-side.png``: a raw frame beside the calibrated one, in dark colors,
- ``inspector-series.png``: a pixel through ten dark frames,
- ``inspector-narrow.png``: the same on a telephone,
- ``simulator.png``: the page with sliders.

Call it as ``python docs/make_screenshots.py [FOLDER]``.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fullwell.night import reduce
from fullwell.simulation import Scenario, simulate
from fullwell.web.app import create_app
from fullwell.web.server import running

__all__ = ["main"]

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
GRAYS, COLORS = 44, 84  # of each picture
GRAY_WITHIN = 10  # of 255: red, green and blue differ by no more
SIMULATED = "#vignetting=0.4&dust=0.2&full_well=30&banding=8&brightness=60000"


def main(folder: Path) -> int:
    """Take all pictures; returns 1 where there is nothing to take them with."""
    browser = next((found for found in map(shutil.which, BROWSERS) if found), None)
    if browser is None:
        print(f"no pictures: none of {', '.join(BROWSERS)} is on the PATH")
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        top = Path(name) / "night"
        simulate(Scenario.preset("night"), top / "raw")
        reduce(top / "raw", top / "reduced")
        with running(create_app([top])) as address:
            take(browser, address, folder)
    return 0


def take(browser: str, address: str, folder: Path) -> None:
    """Open the pages one after the other."""
    from playwright.sync_api import sync_playwright

    ids = frames_of(address)
    field = ids["raw", "field_R_001.fits"]
    darks = [ids["raw", f"dark_60s_{number:03d}.fits"] for number in range(1, 11)]
    clean = ids["calibrated", "field_R_001.fits"]
    region = f"frame?frame={field}&region=300,500,400,600&px=380&py=500&amplifiers=1"
    series = f"frame?frame={darks[0]}&stack={','.join(darks)}&panel=series&px=573&py=500"
    side = f"frame?frame={field}&other={clean}&mode=side&panel=pixels&px=380&py=500"
    pages = {
        "inspector-night": ("night", 1280, "light"),
        "inspector-frame": (region, 1280, "light"),
        "inspector-side": (side, 1280, "dark"),
        "inspector-series": (series, 1280, "light"),
        "inspector-narrow": (region, 390, "dark"),
    }
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses root otherwise
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=browser, args=sandbox)
        for name, (page, width, scheme) in pages.items():
            png = picture_of(chromium, f"{address}/#/{page}", width, scheme)
            write_small(png, folder / f"{name}.png")
        write_small(picture_of_simulator(chromium, f"{address}/simulator/"), folder / "simulator.png")
        for name in [*pages, "simulator"]:
            print(f"{name}.png: {(folder / f'{name}.png').stat().st_size / 1000:.0f} kB")
        chromium.close()


def frames_of(address: str) -> dict[tuple[str, str], str]:
    """Return the ids of all frames by kind and name, once all headers were read."""
    while True:
        with urllib.request.urlopen(f"{address}/api/frames") as answer:
            told = json.load(answer)
        if not told["scanning"]:
            return {(frame["kind"], frame["name"]): frame["id"] for frame in told["frames"]}


def picture_of(chromium: Any, address: str, width: int, scheme: str) -> bytes:
    """Return one page as PNG, when nothing is pending any more."""
    height = 800 if width > 600 else 844
    page = chromium.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    page.set_default_timeout(120_000)
    page.goto(address)
    page.locator("body[data-ready]").wait_for(state="attached")
    page.evaluate("window.viewer.idle")
    # The folder is a temporary one, whose name says nothing.
    page.evaluate("document.querySelector('#roots').textContent = 'night'")
    picture = bytes(page.screenshot())
    page.close()
    return picture


def picture_of_simulator(chromium: Any, address: str) -> bytes:
    """Return the page of the simulator with a few effects switched on."""
    page = chromium.new_page(viewport={"width": 1280, "height": 1020}, color_scheme="light")
    page.goto(f"{address}{SIMULATED}")
    page.get_by_test_id("stretch").select_option("asinh")
    page.evaluate("window.simulator.idle")
    picture = bytes(page.screenshot())
    page.close()
    return picture


def write_small(png: bytes, target: Path) -> None:
    """Write a picture with few grays, which noise would fill the file with, and enough other colors."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    pixels = np.asarray(image).reshape(-1, 3)
    colored = pixels[np.ptp(pixels.astype(int), axis=1) > GRAY_WITHIN]
    strip = Image.fromarray(np.ascontiguousarray(np.unique(colored, axis=0)[None]))
    found = strip.quantize(COLORS, method=Image.Quantize.MEDIANCUT).getpalette() or []
    grays = [round(step * 255 / (GRAYS - 1)) for step in range(GRAYS) for _ in range(3)]
    palette = Image.new("P", (1, 1))
    palette.putpalette((grays + found)[: 3 * 256])
    image.quantize(palette=palette, dither=Image.Dither.NONE).save(target, format="PNG", optimize=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "pictures"))
