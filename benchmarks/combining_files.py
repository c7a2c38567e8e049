"""``fullwell combine`` from disk to disk beside its peers: whole processes, the same files, start-up included.

Raw frames with only the mandatory cards, in the page cache. Results are compared with ours in the same run, and ours
with a plain float64 form of the rule on every 64th row.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from combining_peers import peers
from harness import Agreement, Contest, Options, Program, Target, compare, main
from peers import own_program

WITHIN = 1e-3  # ADU; siril writes values divided by 65535, of which single precision leaves a few 1e-3
TARGETS = {
    "siril sigma": 3.5,
    "siril Winsorized": 5.0,
    "IRAF imcombine": 9.0,
    "gnuastro": 12.0,
    "ccdproc": 20.0,
    "SWarp CLIPPED": None,
    "SWarp MEDIAN": None,
    "numpy.median": None,
    "bottleneck.nanmedian": None,
}
MIB = 1024**2
CEILING = 512  # MiB, what --memory is by default


def make_files(folder: Path, frames: int, side: int) -> list[str]:
    """Write raw frames with only the mandatory cards; return their names."""
    random = np.random.default_rng(5)
    base = random.normal(1000, 30, side * side).astype(np.float32)
    cards = {"SIMPLE": "T", "BITPIX": 16, "NAXIS": 2, "NAXIS1": side, "NAXIS2": side, "BZERO": 32768}
    header = "".join(f"{key:8s}= {value!s:>20s}".ljust(80) for key, value in cards.items()) + "END"
    names = []
    for i in range(frames):
        values = np.roll(base, int(random.integers(base.size)))
        values[random.integers(0, base.size, base.size // 1000)] += 5000
        content = (np.rint(values).astype(np.int32) - 32768).astype(">i2").tobytes()
        names.append(f"f_{i + 1:05d}.fits")
        (folder / names[-1]).write_bytes(header.ljust(2880).encode() + content + bytes(-len(content) % 2880))
    return names


def image(path: Path) -> np.ndarray:
    """Return the first image of a file."""
    from astropy.io import fits

    with fits.open(path, memmap=False) as units:
        return next(np.asarray(unit.data) for unit in units if unit.data is not None)


def fullwell(name: str, folder: Path, files: list[str], *options: str, rounds: int | None = None) -> Program:
    """Return our contender, which writes a file of its own name."""
    out = name.replace(" ", "_").replace(",", "") + ".fits"
    return Program(
        name,
        [
            own_program(),
            "combine",
            *files,
            "-o",
            out,
            "--overwrite",
            "--method",
            "mean",
            "--clip",
            "3",
            *options,
        ],
        folder,
        makes=[out],
        load=lambda there: image(there / out),
        rounds=rounds,
    )


def plain_form(folder: Path, files: list[str], rows: slice) -> np.ndarray:
    """Return the clipped mean in NumPy and float64: 3 standard deviations about the median, until nothing changes."""
    stack = np.array([image(folder / name)[rows] for name in files], np.float64)
    while True:
        center, limit = np.nanmedian(stack, axis=0), 3 * np.nanstd(stack, axis=0)
        far = np.abs(stack - center) > limit
        if not far.any():
            return np.asarray(np.nanmean(stack, axis=0))
        stack[far] = np.nan


def agreements(folder: Path, files: list[str]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return how results are compared: those of the peers with ours, ours with the plain form."""
    rows = slice(0, None, 64)
    reference = plain_form(folder, files, rows)

    def agree(name: str, ours: np.ndarray, theirs: np.ndarray) -> Agreement | None:
        if name.startswith("fullwell") or "edian" in name or "MEDIAN" in name:
            return None  # another rule gives other values
        if name.startswith("siril"):  # it writes the rows in another order
            theirs = min((theirs, theirs[::-1]), key=lambda way: np.abs(way - ours).mean())
        return compare(ours, theirs, within=5 * WITHIN if name.startswith("siril") else WITHIN, unit="ADU")

    def judge(name: str, result: np.ndarray) -> Agreement | None:
        if name != "fullwell std":
            return None
        return compare(reference, result[rows], within=1e-5, relative=True)

    return agree, judge


def beside_peers(folder: Path, files: list[str], side: int) -> Contest:
    ours = fullwell("fullwell std", folder, files, "--spread", "std")
    mad = fullwell("fullwell MAD", folder, files, "--spread", "mad")
    for own in (ours, mad):
        own.measure()  # compiled, and the files in the page cache: no round to warm up, the peers are slow
    allowed = (folder / ours.makes[0]).stat().st_size / MIB + CEILING
    agree, judge = agreements(folder, files)
    return Contest(
        work="combine",
        title="`fullwell combine`, whole process",
        about=f"{len(files)} raw frames of {side} x {side}, uint16, to a mean clipped at 3 standard deviations about the "
        "median (the medians: no rejection). Wall time counts, from start to end of the process. Agreement is with "
        "fullwell std, and of fullwell std with a NumPy float64 form of the same rule.",
        rivals=[ours, mad, *peers(folder, files)],
        rounds=3,
        warm_up=False,
        targets=[
            *(Target(name, over=name, under=ours.name, at_least=limit) for name, limit in TARGETS.items()),
            Target("MAD against std", over=mad.name, under=ours.name, at_most=1.5),
            Target(
                f"memory: output + {CEILING} MiB", over=ours.name, measure="memory", at_most=round(allowed)
            ),
            Target("the same as NumPy in float64", over=ours.name, measure="agreement", at_least=1.0),
        ],
        agree=agree,
        judge=judge,
    )


def many_frames(folder: Path, files: list[str], side: int) -> Contest:
    """Compare ten times as many frames, links to the same files, with the cost of a sort."""
    few = len(files)
    names = []
    for i in range(10 * few):
        names.append(f"m_{i + 1:05d}.fits")
        (folder / names[-1]).hardlink_to(folder / files[i % few])
    ours = fullwell(f"fullwell, {few} frames", folder, files)
    many = fullwell(f"fullwell, {10 * few} frames", folder, names)
    ours.measure()
    allowed = (folder / ours.makes[0]).stat().st_size / MIB + CEILING
    limit = round(10 * np.log2(10 * few) / np.log2(few), 2)
    return Contest(
        work="combine-many",
        title="`fullwell combine`, ten times as many frames",
        about=f"{few} frames of {side} x {side} and {10 * few}, the same files under ten names each; 3 sigma, std.",
        rivals=[ours, many],
        rounds=3,
        warm_up=False,
        targets=[
            Target(
                f"{10 * few} frames against {few}: N log N", over=many.name, under=ours.name, at_most=limit
            ),
            Target(
                f"memory: output + {CEILING} MiB", over=many.name, measure="memory", at_most=round(allowed)
            ),
        ],
    )


def contests(options: Options) -> Iterator[Contest]:
    frames, side = (20, 256) if options.quick else (20, 4096)
    with tempfile.TemporaryDirectory(prefix="fullwell-bench-", dir=options.folder) as name:
        folder = Path(name)
        files = make_files(folder, frames, side)
        yield beside_peers(folder, files, side)
        yield many_frames(folder, files, side)


if __name__ == "__main__":
    main(contests)
