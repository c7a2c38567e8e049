"""Photon transfer on disk: FITS with a as an image, everything else beside it."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy import units as u

from fullwell.errors import FrameError
from fullwell.frame import Frame
from fullwell.io import read, read_image, write
from fullwell.photon_transfer.curves import Curve
from fullwell.photon_transfer.fits import AmplifierFit

if TYPE_CHECKING:
    from fullwell.photon_transfer.transfer import PhotonTransfer

__all__ = ["read_transfer", "write_transfer"]

PRODUCT = "photon_transfer"


def write_transfer(
    transfer: PhotonTransfer, path: str | os.PathLike[str], *, overwrite: bool, sign: str
) -> None:
    """Write a fit: primary a_ij (1/e-) of all amplifiers, one above the other, then the rest by name.

    For amplifier k the extensions VALUESk and COVARk hold parameters and their covariance, MEANk, CIJk and
    COUNTSk its curve; TEXTS is JSON in bytes: names, reasons, what is not a finite number.
    """
    bf = transfer.brighter_fatter
    lags = bf.a.shape[-1]
    frame = Frame(np.nan_to_num(bf.a.reshape(-1, lags)), unit=u.electron**-1)
    cards: dict[str, Any] = {
        "PRODUCT": (PRODUCT, "what this file is"),
        "PTMODEL": (transfer.model, "model fitted"),
        "PTLAGS": (lags, "lags 0 to PTLAGS - 1"),
        "PTAMPS": (len(transfer.amplifiers), "amplifiers, one above the other"),
        "PTSIGN": ("NEGATIVE", "sign of a_00"),
        "PTAXES": ("a[i, j]: NAXIS2 lag in x, NAXIS1 lag in y", "lags"),
    }
    for number, (gain, noise) in enumerate(
        zip(transfer.gain.value, transfer.read_noise.value, strict=True), start=1
    ):
        for keyword, value, comment in (
            (f"GAIN{number}", gain, "[electron/adu]"),
            (f"RDNOIS{number}", noise, "[electron]"),
            (f"AZERO{number}", bf.a00[number - 1], "[1/electron] a_00, negative"),
        ):
            if np.isfinite(value):  # FITS cards hold no others
                cards[keyword] = (float(value), comment)
    extra: dict[str, Any] = {}
    for number, fit in enumerate(transfer.amplifiers, start=1):
        extra |= {
            f"VALUES{number}": fit.values[None],
            f"COVAR{number}": fit.covariance,
            f"MEAN{number}": fit.curve.mean[None],
            f"CIJ{number}": fit.curve.covariance,
            f"COUNTS{number}": fit.curve.counts,
        }
    extra["TEXTS"] = np.frombuffer(json.dumps(_texts(transfer), sort_keys=True).encode(), np.uint8)[None]
    write(
        frame,
        path,
        overwrite=overwrite,
        extra=extra,
        cards=cards,
        history=[f"sign of the brighter-fatter coefficients: {sign}"],
        dtype=np.float64,
    )


def read_transfer(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the arguments of the `PhotonTransfer` in a file.

    Raises
    ------
    FileError
        If the file cannot be read.
    FrameError
        If it holds something else.
    """
    kind = read(path).header.get("PRODUCT")
    if kind != PRODUCT:
        raise FrameError(f"{Path(path).name} is no photon transfer: PRODUCT = {kind!r}, not {PRODUCT!r}")
    texts = json.loads(read_image(path, "TEXTS")[0].tobytes().decode())
    fits = []
    for number, one in enumerate(texts["amplifiers"], start=1):
        curve = Curve(
            one["amplifier"],
            read_image(path, f"MEAN{number}")[0][0],
            read_image(path, f"CIJ{number}")[0],
            read_image(path, f"COUNTS{number}")[0],
            tuple(one["pairs"]),
            tuple(one["reasons"]),
        )
        fits.append(
            AmplifierFit(
                curve,
                tuple(one["names"]),
                read_image(path, f"VALUES{number}")[0][0],
                read_image(path, f"COVAR{number}")[0],
                _back(one["chi2"]),
                one["degrees"],
                _back(one["turnoff"]),
                _back(one["turnoff_error"]),
                one["turned"],
                one["trouble"],
            )
        )
    return {
        "model": texts["model"],
        "amplifiers": fits,
        "max_signal": texts["max_signal"],
        "unpaired": tuple(texts["unpaired"]),
    }


def _texts(transfer: PhotonTransfer) -> dict[str, Any]:
    return {
        "model": transfer.model,
        "max_signal": transfer.max_signal,
        "unpaired": transfer.unpaired,
        "amplifiers": [
            {
                "amplifier": fit.curve.amplifier,
                "pairs": fit.curve.pairs,
                "reasons": fit.curve.reasons,
                "names": fit.names,
                "chi2": _finite(fit.chi2),
                "degrees": fit.degrees,
                "turnoff": _finite(fit.turnoff),
                "turnoff_error": _finite(fit.turnoff_error),
                "turned": fit.turned,
                "trouble": fit.trouble,
            }
            for fit in transfer.amplifiers
        ],
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _back(value: float | None) -> float:
    return math.nan if value is None else float(value)
