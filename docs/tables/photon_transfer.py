"""The table of docs/photon-transfer.md: what four models make of 200 simulated amplifiers.

Each amplifier has 9e4 pixels and 40 pairs up to 100 ke-, two of them without light, drawn as Gaussian fields
with the covariances of equation 20, noise of its own. Five minutes on one core; the number of amplifiers
may be given.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

# The matrices are small: threads for them only wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from fullwell.noise import Noise
from fullwell.photon_transfer import Curve, GaussianFlats, PhotonTransfer, measure_curves

LEVELS = np.concatenate([[0.0, 0.0], np.linspace(2_500, 99_000, 38)])
MODELS = ("quadratic", "exponential", "full-no-b", "full")
TARGET = Path(__file__).with_suffix(".txt")


def noiseless(flats: GaussianFlats, *, lags: int) -> Curve:
    """Return the curve that very many pixels would give, with the weights of one amplifier."""
    pairs = [flats.pair(mean, noise=Noise(0, k)) for k, mean in enumerate(LEVELS)]
    (measured,) = measure_curves(pairs, lags=lags)
    return Curve(
        "truth",
        LEVELS / flats.gain,
        flats.covariances(LEVELS),
        measured.counts,
        measured.pairs,
        measured.reasons,
    )


def fitted(curve: Curve, model: str) -> tuple[float, float, float, float]:
    """Return gain and a_00, each with its error."""
    fit = PhotonTransfer.fit_curves([curve], model=model)
    gain, a = fit.gain, fit.brighter_fatter
    return gain.value[0], gain.error[0], a.a00[0], a.a00_error[0]


def trials(amplifiers: int, *, lags: int = 11, side: int = 300) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return for each model what it says of each amplifier, and of the noiseless curve."""
    flats = GaussianFlats.like_lsst(lags=lags, shape=(side, side))
    truth = noiseless(flats, lags=lags)
    curves: list[Curve] = []
    for seed in range(amplifiers):
        pairs = (flats.pair(mean, noise=Noise(seed + 1, k)) for k, mean in enumerate(LEVELS))
        curves += measure_curves(pairs, lags=lags)
    return {
        model: (np.array([fitted(curve, model) for curve in curves]), np.array(fitted(truth, model)))
        for model in MODELS
    }


def main(amplifiers: int = 200) -> None:
    """Draw, fit, and write the rows."""
    flats = GaussianFlats.like_lsst()
    rows = [
        "| model | gain off by | by theory | pull width | one error | a_00 off by | by theory | pull width |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for model, (table, expected) in trials(amplifiers).items():
        cells = [model]
        for column, value in ((0, flats.gain), (2, flats.a[0, 0])):
            numbers, errors = table[:, column], table[:, column + 1]
            off = 100 * (numbers.mean() / value - 1)
            sure = 100 * numbers.std(ddof=1) / abs(value) / np.sqrt(amplifiers)
            theory = 100 * (expected[column] / value - 1)
            digits = 2 if column == 0 else 1
            cells += [f"{off:+.{digits}f} ± {sure:.{digits}f} %", f"{theory:+.{digits}f} %"]
            cells += [f"{((numbers - numbers.mean()) / errors).std(ddof=1):.2f}"]
            cells += [f"{100 * errors.mean() / value:.2f} %"] if column == 0 else []
        rows.append("| " + " | ".join(cells) + " |")
    TARGET.write_text("\n".join(rows) + "\n", encoding="utf-8")
    print(TARGET.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
