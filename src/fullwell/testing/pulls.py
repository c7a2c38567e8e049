"""Is a difference as large as its error says? Pulls of estimates, residuals of frames."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.errors import ParameterError
from fullwell.frame import Frame

__all__ = ["Residual", "check_pulls", "residual_of"]

#: Pulls that are needed before their width says something: it then has an error of 3.2 %.
ENOUGH = 500


@attrs.frozen
class Residual:
    """What is left of a corrected frame when the truth is taken away.

    Parameters
    ----------
    pixels : int
        Good pixels that were counted.
    mean : float
        Mean residual over the root of the mean variance; its own standard error is ``pixels ** -0.5``.
    variance_ratio : float
        mean(residual^2) / mean(variance plane).
    covariances : tuple of float
        Correlation of neighbors in a row and in a column, about the mean residual: what `mean` tells is not
        told twice.
    """

    pixels: int
    mean: float
    variance_ratio: float
    covariances: tuple[float, float]


def residual_of(frame: Frame, truth: npt.ArrayLike) -> Residual:
    """Compare a corrected frame with what is true.

    Parameters
    ----------
    frame : Frame
        With a variance.
    truth : ndarray or float
        Expected value of every pixel, in the unit of the frame.

    Raises
    ------
    ParameterError
        If the frame has no variance or no good pixel.
    """
    if frame.variance is None:
        raise ParameterError("variance", None, "a plane: the frame must say how noisy it is")
    good = ~frame.mask
    if not good.any():
        raise ParameterError("good pixels", 0, "at least one")
    difference = np.where(good, frame.data.astype(np.float64) - np.asarray(truth), 0.0)
    variance = frame.variance.astype(np.float64)
    mean_square = float((difference[good] ** 2).mean())
    mean = float(difference[good].mean())
    about_mean = difference - mean
    covariances = []
    for axis in (1, 0):
        products = np.delete(about_mean, 0, axis) * np.delete(about_mean, -1, axis)
        both = np.delete(good, 0, axis) & np.delete(good, -1, axis)
        covariances.append(float(products[both].mean()) / (mean_square - mean**2))
    return Residual(
        pixels=int(good.sum()),
        # Not the mean of the ratios: a pixel that came out low also thinks that it is less noisy.
        mean=mean / float(np.sqrt(variance[good].mean())),
        variance_ratio=mean_square / float(variance[good].mean()),
        covariances=(covariances[0], covariances[1]),
    )


def check_pulls(name: str, pulls: npt.NDArray[Any], *, least: float = 0.9, most: float = 1.1) -> None:
    """Assert that estimates scatter about the truth as their errors say.

    Parameters
    ----------
    name : str
        What was estimated, for the message.
    pulls : ndarray
        (estimate - truth) / error, one for each independent trial or pixel. With fewer than 500 only
        outliers of more than 5 sigma are looked for.
    least, most : float
        Limits of their width, the root mean square about the truth.

    Raises
    ------
    AssertionError
        If they do not.
    """
    finite = pulls[np.isfinite(pulls)]
    assert finite.size == pulls.size, f"{name}: {pulls.size - finite.size} pulls are not finite"
    if finite.size < ENOUGH:
        # Of 500 normal numbers one is beyond 5 sigma with a probability of 3e-4.
        worst = float(np.abs(finite).max())
        assert worst < 5, f"{name}: {worst:.2f} sigma from the truth"
        return
    width = float(np.sqrt((finite**2).mean()))
    assert least <= width <= most, f"{name}: pull width {width:.3f}, not {least} to {most}"
