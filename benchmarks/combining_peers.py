"""How the peers combine the files ``f_00001.fits`` and so on in a folder, each as a whole process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from peers import if_found, of_debian, of_python
from records import Absent
from rivals import Program

__all__ = ["peers"]

IRAF = """images
immatch
imcombine ("f_*.fits", "iraf.fits", sigmas="sigma.fits", combine="average", reject="sigclip", mclip=yes, \
lsigma=3., hsigma=3., nkeep=0, outtype="real", logfile="")
logout
"""
CCDPROC = """import sys
import numpy as np
from ccdproc import combine
result = combine(sys.argv[1:], method="average", unit="adu", mem_limit=4e9, sigma_clip=True, dtype=np.float32,
                 sigma_clip_low_thresh=3, sigma_clip_high_thresh=3,
                 sigma_clip_func=np.ma.median, sigma_clip_dev_func=np.ma.std)
result.write("ccdproc.fits", overwrite=True)
"""
NUMPY = """import sys
import numpy as np
from astropy.io import fits
stack = np.array([fits.getdata(name) for name in sys.argv[1:]])
result = np.empty(stack.shape[1:], np.float32)
for row in range(len(result)):
    result[row] = np.median(stack[:, row], axis=0)
fits.writeto("numpy.fits", result, overwrite=True)
"""
BOTTLENECK = """import sys
import bottleneck
import numpy as np
from astropy.io import fits
stack = np.array([fits.getdata(name) for name in sys.argv[1:]], np.float32)
fits.writeto("bottleneck.fits", bottleneck.nanmedian(stack, axis=0).astype(np.float32), overwrite=True)
"""


def peers(folder: Path, files: Sequence[str]) -> list[Program | Absent]:
    """Return all peers, those that are absent with the reason; slow ones take part in fewer rounds."""
    return [
        siril(folder, "siril sigma", "s 3 3"),
        siril(folder, "siril Winsorized", "3 3"),
        if_found(
            of_debian("irafcl", "iraf"),
            Program(
                "IRAF imcombine",
                ["irafcl", "-f", "run.cl"],
                folder,
                makes=["iraf.fits"],
                scripts={"run.cl": IRAF},
                before=lambda: (folder / "sigma.fits").unlink(missing_ok=True),
                load=reader("iraf.fits"),
            ),
        ),
        if_found(
            of_debian("astarithmetic", "gnuastro"),
            Program(
                "gnuastro",
                [
                    "astarithmetic",
                    *files,
                    str(len(files)),
                    "3",
                    "0.2",
                    "sigclip-mean",
                    "-g0",
                    "--output=gnuastro.fits",
                ],
                folder,
                makes=["gnuastro.fits"],
                load=reader("gnuastro.fits"),
            ),
        ),
        swarp(folder, files, "CLIPPED"),
        swarp(folder, files, "MEDIAN"),
        script(folder, files, "ccdproc", CCDPROC, rounds=2),
        script(folder, files, "numpy.median", NUMPY, "astropy", "numpy", rounds=2),
        script(folder, files, "bottleneck.nanmedian", BOTTLENECK, "bottleneck", rounds=2),
    ]


def reader(name: str, scale: float = 1.0) -> Callable[[Path], np.ndarray]:
    """Return a function that reads the first image of a file, multiplied."""

    def read(folder: Path) -> np.ndarray:
        from astropy.io import fits

        with fits.open(folder / name, memmap=False) as units:
            data = next(unit.data for unit in units if unit.data is not None)
        return np.asarray(data, np.float64) * scale

    return read


def siril(folder: Path, name: str, rejection: str) -> Program | Absent:
    """Return siril with one way to reject; what it knows of the files from the last time is taken away."""
    lines = ["requires 1.0.0", "setext fits", f"stack f_ rej {rejection} -nonorm -out=siril", "close"]

    def forget() -> None:
        for path in folder.glob("f_*.seq"):
            path.unlink()

    return if_found(
        of_debian("siril-cli", "siril"),
        Program(
            name,
            ["siril-cli", "-s", "siril.ssf"],
            folder,
            makes=["siril.fits"],
            scripts={"siril.ssf": "\n".join(lines) + "\n"},
            before=forget,
            load=reader("siril.fits", 65535.0),
        ),
    )


def swarp(folder: Path, files: Sequence[str], kind: str) -> Program | Absent:
    """Return SWarp without resampling, in one round: it is slow and has no target."""
    options = {
        "RESAMPLE": "N",
        "SUBTRACT_BACK": "N",
        "COMBINE_TYPE": kind,
        "CLIP_SIGMA": "3",
        "IMAGEOUT_NAME": "swarp.fits",
        "WEIGHTOUT_NAME": "weight.fits",
        "WRITE_XML": "N",
        "NTHREADS": str(os.cpu_count() or 1),
        "VERBOSE_TYPE": "QUIET",
    }
    words = [word for key, value in options.items() for word in (f"-{key}", value)]
    return if_found(
        of_debian("SWarp", "swarp"),
        Program(
            f"SWarp {kind}",
            ["SWarp", *files, *words],
            folder,
            makes=["swarp.fits"],
            load=reader("swarp.fits"),
            rounds=1,
        ),
    )


def script(
    folder: Path, files: Sequence[str], name: str, text: str, *packages: str, rounds: int | None
) -> Program | Absent:
    """Return a script for this Python, which writes ``<first part of its name>.fits``."""
    first = name.partition(".")[0]
    return if_found(
        of_python(*(packages or (first,))),
        Program(
            name,
            [sys.executable, f"by_{first}.py", *files],
            folder,
            makes=[f"{first}.fits"],
            scripts={f"by_{first}.py": text},
            load=reader(f"{first}.fits"),
            rounds=rounds,
        ),
    )
