"""Take the picture of the simulator: ``python docs/screenshot_simulator.py [FILE]``; needs a Chromium."""

from __future__ import annotations

import io
import shutil
import socket
import sys
import threading
from pathlib import Path

import uvicorn
from PIL import Image
from playwright.sync_api import sync_playwright
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

import fullwell.web
from fullwell.web.simulator import routes

__all__ = ["main"]

STATE = "#vignetting=0.4&dust=0.2&full_well=30&banding=8&brightness=60000"


def main(target: Path) -> None:
    """Serve the page, set it, and write what it looks like."""
    static = Path(fullwell.web.__file__).parent / "static"
    app = Starlette(routes=[*routes, Mount("/", StaticFiles(directory=static, html=True))])
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        raise SystemExit("no Chromium is on the PATH")
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        try:
            with sync_playwright() as play:
                page = play.chromium.launch(executable_path=browser, args=["--no-sandbox"]).new_page(
                    viewport={"width": 1280, "height": 1020}, color_scheme="light"
                )
                page.goto(f"http://127.0.0.1:{door.getsockname()[1]}/simulator/{STATE}")
                page.wait_for_function("window.simulator?.state")
                page.evaluate("window.simulator.idle")
                page.get_by_test_id("stretch").select_option("asinh")
                shot = page.screenshot()
        finally:
            server.should_exit = True
            thread.join()
    # Noise in the last bits packs badly, and pictures travel with every clone: few colors look the same.
    picture = (
        Image.open(io.BytesIO(shot))
        .convert("RGB")
        .quantize(96, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    )
    picture.save(target, format="PNG", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "pictures" / "simulator.png")
