"""The curve of a simulated amplifier with an outlier and a turnoff, and the matrix a that comes out of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from fullwell import Noise, PhotonTransfer
from fullwell.photon_transfer import Curve, GaussianFlats, measure_curves

__all__ = ["draw"]

TURNOFF = 125_000.0


def draw(path: Path) -> None:
    """Draw the picture."""
    flats = GaussianFlats.like_lsst(lags=6, shape=(500, 500))
    levels = np.concatenate([[0.0, 0.0], np.linspace(2_500, 150_000, 60)])
    pairs = (flats.pair(mean, noise=Noise(11, k)) for k, mean in enumerate(levels))
    (measured,) = measure_curves(pairs, lags=6)
    # Beyond the onset of blooming charge is shared along the column: the variance falls, the mean does not.
    shared = np.exp(-np.maximum(measured.mean * flats.gain - TURNOFF, 0) / 25_000)
    shared[20] = 1.08  # a lamp that flickered
    curve = Curve(
        "A",
        measured.mean,
        measured.covariance * shared[:, None, None],
        measured.counts,
        measured.pairs,
        measured.reasons,
    )
    transfer = PhotonTransfer.fit_curves([curve])
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.9, 1))
    transfer.plot(left)
    left.set_ylim(0.25, 1.06)
    matrix = 1e6 * transfer.brighter_fatter.a[0]
    right.imshow(matrix.T, origin="lower", cmap="RdBu_r", vmin=-0.6, vmax=0.6)
    for i, j in np.ndindex(matrix.shape):
        color = "white" if abs(matrix[i, j]) > 0.35 else "black"
        right.text(i, j, f"{matrix[i, j]:.2f}", ha="center", va="center", fontsize=7.5, color=color)
    right.set_xlabel("i, columns apart (x)")
    right.set_ylabel("j, rows apart (y)")
    right.set_title("a[i, j] in 1e-6 / e-", fontsize="medium")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    draw(Path(__file__).parents[1] / "pictures" / "photon_transfer.png")
