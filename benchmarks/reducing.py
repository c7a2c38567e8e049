"""Reducing a night from disk to disk, as whole processes: ``fullwell reduce``, ccdproc, and merely moving the bytes.

Five biases, five darks, five flats and fifty science frames of 16 bits; the masters are made of them and every science
frame is written with its uncertainty and flags and forced to disk. ccdproc does the same steps in two processes.
"moving the bytes" reads every file once and writes planes of the size of ours with the same calls of fsync, in two
threads; they go through the system's cache, as usual, and ours past it where that can be. The raw files lie in that
cache; report, pictures and cosmic rays are off. ccdproc subtracts and divides the same, but combines with another rule
for outliers: values are compared within a tenth of the noise of a pixel.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from harness import Agreement, Contest, Options, Program, Target, compare, main
from peers import if_found, of_python, own_program

GAIN, NOISE = 1.5, 6.0
QUIET = '[cosmic_rays]\nfind = "no"\n[report]\nwrite = false\npictures = false\n'

CCDPROC = """
import os, sys, warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
import numpy as np
from astropy import units as u
from astropy.nddata import CCDData, StdDevUncertainty
import ccdproc
import logging
logging.disable(logging.WARNING)
warnings.simplefilter("ignore")
RAW, OUT = Path("raw"), Path("ccdproc")
SIGMA = dict(sigma_clip=True, sigma_clip_low_thresh=5, sigma_clip_high_thresh=5, dtype=np.float32, mem_limit=2e9,
             sigma_clip_func=np.ma.median, sigma_clip_dev_func=np.ma.std)

def read(path):
    frame = CCDData.read(path, unit="adu")
    frame.data = frame.data.astype(np.float32)
    return frame

def combined(frames):
    return ccdproc.combine(frames, method="average", **SIGMA)

def masters():
    bias = combined([read(p) for p in sorted(RAW.glob("bias*"))])
    dark = combined([ccdproc.subtract_bias(read(p), bias) for p in sorted(RAW.glob("dark*"))])
    dark.meta["EXPTIME"] = 300.0
    take = lambda f: ccdproc.subtract_dark(ccdproc.subtract_bias(f, bias), dark, exposure_time="EXPTIME",
                                           exposure_unit=u.s, scale=True)
    flats = [take(read(p)) for p in sorted(RAW.glob("flat*"))]
    flats = [f.multiply(1 / np.median(f.data)) for f in flats]
    return bias, dark, combined(flats)

def begin(*given):
    global BIAS, DARK, FLAT
    BIAS, DARK, FLAT = given

def science(path):
    frame = ccdproc.ccd_process(read(path), error=True, gain=1.5 * u.electron / u.adu, readnoise=6.0 * u.electron,
                                gain_corrected=False, master_bias=BIAS, dark_frame=DARK, master_flat=FLAT,
                                exposure_key="EXPTIME", exposure_unit=u.s, dark_scale=True)
    frame.data = frame.data.astype(np.float32)
    frame.uncertainty.array = frame.uncertainty.array.astype(np.float32)
    frame.mask = np.zeros(frame.shape, bool) if frame.mask is None else frame.mask
    target = OUT / path.name
    frame.write(target, overwrite=True)
    with target.open("rb+") as file:
        os.fsync(file.fileno())

if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    with ProcessPoolExecutor(2, initializer=begin, initargs=masters()) as pool:
        list(pool.map(science, sorted(RAW.glob("science*"))))
"""

MOVING = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
OUT = Path("moved")
OUT.mkdir()
PLANES = bytes(int(sys.argv[1]) ** 2 * 11)

def move(path):
    path.read_bytes()
    if path.name.startswith("science"):
        aside = OUT / f".{path.name}"
        with aside.open("wb") as file:
            file.write(PLANES)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(OUT / path.name)
        folder = os.open(OUT, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

with ThreadPoolExecutor(2) as pool:
    list(pool.map(move, sorted(Path("raw").iterdir())))
"""


def make_night(folder: Path, side: int, science: int) -> None:
    """Write raw frames with the cards that a camera writes."""
    random = np.random.default_rng(7)
    y, x = np.indices((side, side), np.float32) / side - 0.5
    pixel = random.normal(1, 0.01, (side, side)).astype(np.float32)
    response = (1 - 0.2 * (x * x + y * y)) * pixel
    rate = random.gamma(2, 0.05, (side, side)).astype(np.float32)
    noise = random.standard_normal(side * side).astype(np.float32)
    folder.mkdir()

    def save(name: str, number: int, kind: str, seconds: float, light: float) -> None:
        electrons = (light * response + rate) * seconds
        scatter = np.roll(noise, int(random.integers(noise.size))).reshape(side, side)
        values = 1000 + (electrons + np.sqrt(electrons + NOISE**2) * scatter) / GAIN
        unit = fits.PrimaryHDU(np.rint(values).clip(0, 65535).astype(np.uint16))
        unit.header.update(
            {"IMAGETYP": kind, "EXPTIME": seconds, "EGAIN": GAIN, "CCD-TEMP": -10.0, "INSTRUME": "bench",
             "XBINNING": 1, "YBINNING": 1, "DATE-OBS": f"2026-01-01T{number // 60:02d}:{number % 60:02d}:00"}
        )  # fmt: skip
        if light:
            unit.header["FILTER"] = "V"
        unit.writeto(folder / name)

    for i in range(5):
        save(f"bias{i}.fits", i, "Bias Frame", 0.0, 0.0)
        save(f"dark{i}.fits", 10 + i, "Dark Frame", 300.0, 0.0)
        save(f"flat{i}.fits", 60 + i, "Flat Field", 5.0, 5000.0)
    for i in range(science):
        save(f"science{i:02d}.fits", 100 + i, "Light Frame", 120.0, 3.0 + 0.05 * i)


def first_science(folder: Path) -> Any:
    return fits.getdata(folder / "science00.fits")


def agree(_: str, ours: Any, theirs: Any) -> Agreement | None:
    return None if theirs is None else compare(ours, theirs, within=2.0, unit="electrons")


def contests(options: Options) -> Iterator[Contest]:
    side, science = (256, 4) if options.quick else (4096, 50)
    folder = Path(tempfile.mkdtemp(prefix="fullwell-bench-", dir=options.folder))
    try:
        make_night(folder / "raw", side, science)
        (folder / "reduce.toml").write_text(QUIET)

        def clean() -> None:
            """Leave the disk, and the memory that holds its pages, to the one whose turn it is."""
            for made in ("ours", "moved", "ccdproc"):
                shutil.rmtree(folder / made, ignore_errors=True)

        def rival(name: str, command: list[str], **more: Any) -> Program:
            return Program(name, command, folder, before=clean, timeout=1800.0, **more)

        ours = [own_program(), "reduce", "raw", "-o", "ours", "--config", "reduce.toml", "--workers", "2"]
        peer = rival(
            "ccdproc, 2 processes", [sys.executable, "ccdproc_.py"], rounds=1,
            scripts={"ccdproc_.py": CCDPROC}, load=lambda f: first_science(f / "ccdproc"),
        )  # fmt: skip
        yield Contest(
            work="reduce",
            title="Reducing a night from disk to disk",
            about=f"15 calibration frames and {science} science frames of {side} x {side} uint16",
            rivals=[
                rival("fullwell reduce", ours, load=lambda f: first_science(f / "ours" / "calibrated")),
                rival(
                    "moving the bytes",
                    [sys.executable, "moving.py", str(side)],
                    scripts={"moving.py": MOVING},
                ),
                if_found(of_python("ccdproc"), peer),
            ],
            rounds=2,
            targets=[
                Target(
                    "against moving the bytes", over="fullwell reduce", under="moving the bytes", at_most=1.5
                ),
                Target(
                    "ccdproc against fullwell",
                    over="ccdproc, 2 processes",
                    under="fullwell reduce",
                    at_least=15,
                ),
            ],
            agree=agree,
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(contests)
