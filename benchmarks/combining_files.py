"""``fullwell combine`` from disk to disk beside its peers: whole processes, the same files, start-up included.

20 raw frames of 4096 x 4096 (``--side``, ``--frames`` for others) with only the mandatory cards, in the page cache.
Programs run in turn; wall and CPU seconds are the median of the rounds, a ratio is taken in each round and its median
and range stand in the table (above 1: fullwell is faster). Results are compared with ours in the same run. A peer that
is not installed is listed as absent; ccdproc runs in the Python that FULLWELL_BENCH_PYTHON names.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import attrs
import numpy as np
from astropy.io import fits

PLAIN = "3 sigma about the median, standard deviation"


@attrs.frozen
class Peer:
    """One program: how to call it in a folder that holds ``f_00001.fits`` and so on, and what it writes."""

    name: str
    program: str
    command: Callable[[list[str]], list[str]]
    result: str
    scripts: dict[str, str] = attrs.field(factory=dict)
    scaled: float = 1.0


def fullwell(*options: str) -> Callable[[list[str]], list[str]]:
    program = str(Path(sys.executable).parent / "fullwell")
    return lambda files: [program, "combine", *files, "-o", "out.fits", "--overwrite", *options]


def siril(rejection: str) -> dict[str, str]:
    lines = ["requires 1.0.0", "setext fits", f"stack f_ rej {rejection} -nonorm -out=siril", "close"]
    return {"siril.ssf": "\n".join(lines) + "\n"}


IRAF = """images
immatch
imcombine ("f_*.fits", "iraf.fits", sigmas="sigma.fits", combine="average", reject="sigclip", mclip=yes, \
lsigma=3., hsigma=3., nkeep=0, outtype="real", logfile="")
logout
"""
CCDPROC = """import sys
import numpy as np
from astropy.nddata import CCDData
from ccdproc import Combiner, combine
result = combine(sys.argv[1:], method="average", unit="adu", mem_limit=4e9, sigma_clip=True, dtype=np.float32,
                 sigma_clip_low_thresh=3, sigma_clip_high_thresh=3,
                 sigma_clip_func=np.ma.median, sigma_clip_dev_func=np.ma.std)
result.write("ccdproc.fits", overwrite=True)
"""


def peers() -> list[Peer]:
    own = str(Path(sys.executable).parent / "fullwell")
    python = os.environ.get("FULLWELL_BENCH_PYTHON", "")
    sigclip = ["-g0", "--output=gnuastro.fits"]
    return [
        Peer("fullwell std", own, fullwell("--clip", "3", "--spread", "std"), "out.fits"),
        Peer("fullwell MAD", own, fullwell("--clip", "3", "--spread", "mad"), "out.fits"),
        Peer("siril sigma", "siril-cli", lambda _: ["siril-cli", "-s", "siril.ssf"], "siril.fits",
             siril("s 3 3"), 65535.0),
        Peer("siril Winsorized", "siril-cli", lambda _: ["siril-cli", "-s", "siril.ssf"], "siril.fits",
             siril("3 3"), 65535.0),
        Peer("IRAF imcombine", "irafcl", lambda _: ["irafcl", "-f", "run.cl"], "iraf.fits", {"run.cl": IRAF}),
        Peer("gnuastro", "astarithmetic",
             lambda files: ["astarithmetic", *files, str(len(files)), "3", "0.2", "sigclip-mean", *sigclip],
             "gnuastro.fits"),
        Peer("ccdproc", python, lambda files: [python, "ccdproc_.py", *files], "ccdproc.fits",
             {"ccdproc_.py": CCDPROC}),
    ]  # fmt: skip


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


def run(peer: Peer, folder: Path, files: list[str]) -> tuple[float, float, float]:
    """Wall and CPU seconds and peak memory in MiB of one call."""
    (folder / peer.result).unlink(missing_ok=True)
    (folder / "sigma.fits").unlink(missing_ok=True)
    for name, text in peer.scripts.items():
        (folder / name).write_text(text)
    log = folder / "log"
    start = time.perf_counter()
    with log.open("wb") as out:
        process = subprocess.Popen(
            peer.command(files), cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if not (folder / peer.result).exists():
        raise RuntimeError(f"{peer.name} failed:\n{log.read_text(errors='replace')[-2000:]}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def agreement(peer: Peer, folder: Path, ours: np.ndarray) -> str:
    """Part of the pixels that agree with ours, and the largest difference in ADU."""
    # siril divides by 65535, of which single precision leaves a few 1e-3.
    tolerance = 1e-3 if peer.scaled == 1 else 5e-3
    theirs = fits.getdata(folder / peer.result).astype(np.float64) * peer.scaled
    if peer.name.startswith("siril"):
        theirs = theirs[::-1] if abs(theirs[::-1] - ours).mean() < abs(theirs - ours).mean() else theirs
    difference = np.abs(theirs - ours)
    return f"{100 * (difference < tolerance).mean():.2f} % ({difference.max():.3g})"


def main() -> None:
    parser = argparse.ArgumentParser(description="Whole processes beside each other.")
    parser.add_argument("--side", type=int, default=4096)
    parser.add_argument("--frames", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    present = [peer for peer in peers() if peer.program and shutil.which(peer.program)]
    names = [peer.name for peer in present]
    absent = [peer.name for peer in peers() if peer.name not in names]
    with tempfile.TemporaryDirectory(prefix="fullwell-bench-") as name:
        folder = Path(name)
        files = make_files(folder, options.frames, options.side)
        figures: dict[str, list[tuple[float, float, float]]] = {peer.name: [] for peer in present}
        agreed, ours = {}, np.zeros(1)
        run(present[0], folder, files)  # compiled, and the files in the page cache
        for lap in range(options.rounds):
            for peer in present:
                figures[peer.name].append(run(peer, folder, files))
                if peer is present[0]:
                    ours = fits.getdata(folder / peer.result).astype(np.float64)
                elif lap == 0 and not peer.name.startswith("fullwell"):  # another rule gives other values
                    agreed[peer.name] = agreement(peer, folder, ours)
    print(f"{options.frames} frames of {options.side} x {options.side}, {PLAIN}; {options.rounds} rounds")
    print(
        f"{'':18s}{'wall s':>8s}{'cpu s':>8s}{'MiB':>7s}  wall ratio          cpu ratio   agreement (largest)"
    )
    base = np.array(figures[present[0].name])
    for peer in present:
        rows = np.array(figures[peer.name])
        wall, cpu = rows[:, 0] / base[:, 0], np.median(rows[:, 1] / base[:, 1])
        print(
            f"{peer.name:18s}{np.median(rows[:, 0]):8.2f}{np.median(rows[:, 1]):8.2f}{rows[:, 2].max():7.0f}"
            f"  {np.median(wall):5.2f} ({wall.min():.2f}-{wall.max():.2f})  {cpu:8.2f}   {agreed.get(peer.name, '')}"
        )
    if absent:
        print(f"absent: {', '.join(absent)}")


if __name__ == "__main__":
    main()
