"""Make the pictures of README and documentation with the program itself.

Simulates and reduces the night of the demo in a temporary folder and writes into ``docs/pictures``:

- ``before-after.png``: two star fields as read out and calibrated,
- ``noise.png``: what is left after calibration, against the noise that was predicted,
- ``dark-line.png``: the dark level of several exposure times and the line through it,
- ``report.png``: the top of the report, if there is a Chromium on the PATH to take it with.

and one picture for each module in ``docs/pictures_of``, under its name.

Call it as ``python docs/make_pictures.py [FOLDER]``. The same
versions of the libraries draw the same pictures.
"""

from __future__ import annotations

import io
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import fullwell as fw
from fullwell.flags import mask_of
from fullwell.night import NightResult, reduce
from fullwell.picture import find_limits, pool_pixels
from fullwell.simulation import Scenario, Truth, simulate

__all__ = ["main"]

FIELDS = ("field_Ha_001.fits", "field_R_short_001.fits")
DARK_TIMES = (30.0, 60.0, 120.0, 240.0, 480.0)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
LARGEST = 300_000  # bytes; pictures travel with every clone
INK, SOFT, BLUE, ORANGE = "#17212d", "#52606f", "#1d5bb8", "#c2570c"


def main(folder: Path) -> None:
    """Make all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        raw = scratch / "raw"
        simulate(Scenario.preset("night"), raw)
        night = reduce(raw, scratch / "night")
        before_and_after(raw, night, folder / "before-after.png")
        noise(Truth.load(raw), night, folder / "noise.png")
        dark_line(scratch, folder / "dark-line.png")
        screenshot(night.report_path, folder / "report.png")
    for module in sorted((Path(__file__).parent / "pictures_of").glob("*.py")):
        target = folder / f"{module.stem}.png"
        runpy.run_path(str(module))["draw"](target)
        _write_small(target.read_bytes(), target)
    for picture in sorted(folder.glob("*.png")):
        size = picture.stat().st_size
        print(f"{picture}: {size / 1000:.0f} kB{' - too large' if size > LARGEST else ''}")


def before_and_after(raw: Path, night: NightResult, target: Path) -> None:
    """Draw fields as read out and calibrated, in electrons and with one contrast a row."""
    rows = []
    for field in FIELDS:
        clean = fw.read(night.out / "calibrated" / field)
        before = fw.Gain(1.5).correct(fw.Overscan().correct(fw.read(raw / field))).data
        rows.append((field, before, np.where(mask_of(clean.flags), np.nan, clean.data)))
    figure = _figure(6.6, 7.2)
    axes = figure.subplots(2, 2, gridspec_kw={"hspace": 0.09, "wspace": 0.03})
    for pair, (field, before, after) in zip(axes, rows, strict=True):
        small = [pool_pixels(image, width=342)[0] for image in (before, after)]
        low, high = find_limits(small[0])
        for axis, image, words in zip(pair, small, ("raw, overscan subtracted", "calibrated"), strict=True):
            middle = float(np.median(image)) - float(np.median(small[0]))
            span = high - low
            stretched = np.arcsinh(10 * np.clip((image - low - middle) / span, 0, 1)) / np.arcsinh(10)
            axis.imshow(stretched, cmap="gray", origin="lower", vmin=0, vmax=1, interpolation="nearest")
            axis.set_axis_off()
            axis.set_title(f"{field}, {words}", fontsize=8.5, color=INK, loc="left", pad=4)
            scale = f"black {low + middle:,.0f} e-, white {high + middle:,.0f} e-"
            axis.text(0, -0.012, scale, fontsize=7.5, color=SOFT, va="top", transform=axis.transAxes)
    _save(figure, target, grays=40)


def noise(truth: Truth, night: NightResult, target: Path) -> None:
    """Draw residuals over predicted sigma, for all science frames, against the unit Gaussian."""
    edges = np.linspace(-7, 7, 141)
    counts = np.zeros(edges.size - 1)
    total, square, predicted = 0, 0.0, 0.0
    for frame in night.data["calibrated"]:
        clean = fw.read(night.out / frame["path"])
        flat = truth.flats[frame["filter"]] / np.median(truth.flats[frame["filter"]])
        good = ~mask_of(clean.flags)
        assert clean.variance is not None
        residual = clean.data - truth.expected(frame["raw"]) / flat
        # The variance plane takes the shot noise from the measured counts, which are low where the residual
        # is: for the shape of the curve the true counts take their place.
        sigma = np.sqrt(clean.variance - residual / flat)
        counts += np.histogram((residual / sigma)[good], edges)[0]
        total += int(good.sum())
        square += float((residual[good].astype(np.float64) ** 2).sum())
        predicted += float(clean.variance[good].sum(dtype=np.float64))
    figure = _figure(6.4, 3.6)
    axes = _axes(figure, "(calibrated - truth) / predicted sigma", "pixels")
    axes.stairs(counts, edges, color=BLUE, fill=True, alpha=0.3)
    words = f"{len(night.data['calibrated'])} frames, {total / 1e6:.1f} million pixels"
    axes.stairs(
        counts, edges, color=BLUE, linewidth=1.4, label=f"{words}; r²/variance = {square / predicted:.4f}"
    )
    x = (edges[1:] + edges[:-1]) / 2
    gauss = total * (edges[1] - edges[0]) * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    axes.plot(x, gauss, color=ORANGE, linewidth=1.6, label="unit Gaussian")
    axes.set_yscale("log")
    axes.set_ylim(0.5, 5 * counts.max())
    axes.set_xlim(-7, 7)
    axes.legend(frameon=False, fontsize=9, loc="upper left")
    _save(figure, target)


def dark_line(scratch: Path, target: Path) -> None:
    """Draw the median level of darks of several lengths, the line through them, and what was put in."""
    scenario = Scenario.preset("night")
    content = scenario.model_dump(exclude_none=True)
    name = "dark_{exposure_time}s_{number:03d}.fits"
    content["sequence"] = [{"type": "bias", "count": 10}]
    content["sequence"] += [
        {"type": "dark", "name": name, "count": 5, "exposure_time": t} for t in DARK_TIMES
    ]
    content["stars"] = None
    scenario = Scenario.from_dict({key: value for key, value in content.items() if value is not None})
    simulate(scenario, scratch / "darks")
    night = reduce(scratch / "darks", scratch / "dark-night")
    (dark,) = (master for master in night.data["masters"] if master["kind"] == "dark")
    times = np.array([level["time"] for level in dark["levels"]])
    medians = np.array([level["median"] for level in dark["levels"]])
    gain, table = float(scenario.detector.gain), scenario.dark  # type: ignore[arg-type]
    put_in = f"{table.offset / gain:.2f} ADU + {table.rate / gain:.4f} ADU/s x t"
    figure = _figure(6.4, 3.6)
    axes = _axes(figure, "dark time (s)", "median of the master (ADU)")
    ends = np.array([0.0, times.max() * 1.03])
    slope, offset = dark["line_rate"], dark["line_offset"]
    axes.plot(
        ends,
        offset + slope * ends,
        color=ORANGE,
        linewidth=1.6,
        label=f"{offset:.2f} ADU + {slope:.4f} ADU/s x t",
    )
    axes.plot(times, medians, "o", color=BLUE, markersize=6, label=f"5 frames each; put in {put_in}")
    axes.set_xlim(0, ends[1])
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=9, loc="upper left")
    _save(figure, target)


def screenshot(report: Path, target: Path) -> None:
    """Take a picture of the top of the report; say so where there is nothing to take it with."""
    browser = next((found for found in map(shutil.which, BROWSERS) if found), None)
    if browser is None:
        print(f"no {target.name}: none of {', '.join(BROWSERS)} is on the PATH")
        return
    with tempfile.TemporaryDirectory() as name:
        shot = Path(name) / "shot.png"
        command = [
            browser,
            "--headless",
            f"--screenshot={shot}",
            "--window-size=1280,1020",
            "--hide-scrollbars",
        ]
        command += [f"--user-data-dir={name}/profile", "--force-device-scale-factor=1"]
        command += ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses root otherwise
        subprocess.run([*command, report.resolve().as_uri()], check=True, capture_output=True, timeout=120)
        _write_small(shot.read_bytes(), target)


def _figure(width: float, height: float) -> Any:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=120, layout="constrained", facecolor="white")


def _axes(figure: Any, x_label: str, y_label: str) -> Any:
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9, colors=SOFT)
    axes.set_xlabel(x_label, fontsize=10, color=INK)
    axes.set_ylabel(y_label, fontsize=10, color=INK)
    return axes


def _save(figure: Any, target: Path, *, grays: int = 0) -> None:
    """Write a figure; `grays` is the number of grays of one that has no other colors."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})
    _write_small(buffer.getvalue(), target, grays=grays)


def _write_small(png: bytes, target: Path, *, grays: int = 0) -> None:
    """Write a picture, with few grays if that is wished; noise in the last bits packs badly."""
    from PIL import Image

    image = Image.open(io.BytesIO(png)).convert("RGB")
    if grays:
        steps = np.rint(np.asarray(image.convert("L")) * ((grays - 1) / 255)).astype(np.uint8)
        image = Image.fromarray(steps)
        image.putpalette([round(step * 255 / (grays - 1)) for step in range(grays) for _ in range(3)])
    image.save(target, format="PNG", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "pictures")
