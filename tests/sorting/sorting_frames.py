"""Frames, records and folders for the tests of sorting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from fullwell.io.dialects import translate
from fullwell.sorting import FrameRecord

SHAPE = (6, 8)


def record(
    name: str = "a.fit", kind: str = "dark", *, shape: tuple[int, int] = SHAPE, **cards: Any
) -> FrameRecord:
    """Record of a frame with these cards; ``_`` in a keyword stands for ``-``."""
    header = {key.replace("_", "-"): value for key, value in cards.items()}
    return FrameRecord(
        path=Path(name),
        name=name,
        content_hash=f"hash of {name}",
        shape=shape,
        dtype="uint16",
        type=kind,
        rule="a test",
        is_guess=False,
        metadata=translate(header),
    )


def write_frame(path: Path, *, shape: tuple[int, int] = SHAPE, seed: int | None = None, **cards: Any) -> Path:
    """Write a raw frame of noise; the seed comes from the name where none is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(list(path.as_posix().encode()) if seed is None else seed)
    hdu = fits.PrimaryHDU(rng.integers(900, 1100, shape).astype(np.uint16))
    for key, value in cards.items():
        if key == "HISTORY":
            hdu.header.add_history(value)
        else:
            hdu.header[key.replace("_", "-")] = value
    hdu.writeto(path)
    return path
