"""The photon transfer curve of an amplifier: covariances against the mean."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.brief import Brief
from fullwell.detector import Detector
from fullwell.errors import ChainError, FrameError, NotEnoughFrames, ParameterError, UnitError
from fullwell.frame import Frame, FrameLike, as_frame
from fullwell.photon_transfer.measuring import PairPoint, measure_pair
from fullwell.photon_transfer.pairs import LEAST_CLIP

__all__ = ["Curve", "measure_curves"]

#: What takes out the electronic level, so that a mean is a number of electrons over the gain.
LEVELS = ("bias", "overscan")
#: What scales or moves electrons that have had their noise: their variance would not be their mean any more.
TOO_LATE = ("dark", "flat", "gain", "fringes", "illumination", "brighter_fatter")


@attrs.frozen(eq=False, repr=False)
class Curve(Brief):
    """What the pairs say of one amplifier, in the order of their means.

    Parameters
    ----------
    amplifier : str
    mean : ndarray, shape (points,)
        ADU above bias; NaN where a pair was of no use.
    covariance : ndarray, shape (points, lags, lags)
        Of a single frame, ADU^2; ``[:, i, j]`` is i columns (x) and j rows (y) apart.
    counts : ndarray of int, shape (points, lags, lags)
        Products in each.
    pairs : tuple of str
        Names of the two frames of each point.
    reasons : tuple of str
        Why a point is not used; empty where it is.
    """

    amplifier: str
    mean: npt.NDArray[np.float64]
    covariance: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64]
    pairs: tuple[str, ...]
    reasons: tuple[str, ...]

    @property
    def lags(self) -> int:
        """Lags 0 to lags - 1 in both directions."""
        return int(self.covariance.shape[-1])

    @property
    def variance(self) -> npt.NDArray[np.float64]:
        """C_00, ADU^2, shape (points,)."""
        return self.covariance[:, 0, 0]

    @property
    def used(self) -> npt.NDArray[np.bool_]:
        """Points without a reason against them, shape (points,)."""
        return np.array([not reason for reason in self.reasons], bool)

    def with_reasons(self, reasons: Iterable[str]) -> Curve:
        """Return a copy with other reasons."""
        return attrs.evolve(self, reasons=tuple(reasons))

    @classmethod
    def of_points(cls, amplifier: str, points: Iterable[PairPoint], pairs: Iterable[str]) -> Curve:
        """Gather points; sorted by their mean, those without one last."""
        points, names = list(points), list(pairs)
        order = np.argsort([point.mean for point in points], kind="stable")
        return cls(
            amplifier,
            np.array([points[k].mean for k in order]),
            np.stack([points[k].covariance for k in order]),
            np.stack([points[k].counts for k in order]),
            tuple(names[k] for k in order),
            tuple(points[k].trouble for k in order),
        )


def measure_curves(
    pairs: Iterable[tuple[FrameLike, FrameLike]],
    *,
    detector: Detector | None = None,
    lags: int = 11,
    clip: float | None = 5.5,
    least_pixels: int = 1000,
    bias_subtracted: bool = False,
) -> tuple[Curve, ...]:
    """Measure mean and covariances of all pairs on each amplifier.

    Parameters
    ----------
    pairs : iterable of two frames
        Taken one after the other, so a generator needs memory for one pair only. Assembled, in ADU, bias or
        overscan taken out, nothing later in the chain: dark electrons are Poisson numbers as photo-electrons
        are, and stay in.
    detector : Detector, optional
        Instead of that of the frames; without either, one amplifier.
    lags : int
        Covariances to ``lags - 1`` columns and rows.
    clip : float or None
        Differences beyond this many standard deviations are left out, None for none.
    least_pixels : int
        A pair with fewer good pixels on an amplifier is of no use there.
    bias_subtracted : bool
        Assurance that the bias is out, for arrays and frames that cannot say so themselves.

    Returns
    -------
    tuple of Curve
        One an amplifier.

    Raises
    ------
    UnitError, ChainError, FrameError
        If frames are not in ADU, are not bias-subtracted or had more than that taken out, or do not fit
        each other.
    NotEnoughFrames
        If there is no pair.
    ParameterError
        If `clip` is below 2.5 or `lags` below 1.
    """
    if clip is not None and not clip >= LEAST_CLIP:
        raise ParameterError("clip", clip, f"{LEAST_CLIP:g} or more, or None; less eats up normal noise")
    points: list[list[PairPoint]] = []
    names: list[str] = []
    options: dict[str, Any] = {"lags": lags, "clip": clip, "least_pixels": least_pixels}
    for first, second in pairs:
        one, two = as_frame(first), as_frame(second)
        one.same_shape(two, what="flats of a pair")
        for frame in (one, two):
            _check(frame, bias_subtracted=bias_subtracted)
        detector = detector or one.detector or Detector.single(one.shape)
        _check_layout(one, detector, lags)
        points.append([measure_pair(one, two, amp.box, **options) for amp in detector.amplifiers])
        names.append(f"{one.source or 2 * len(names)} {two.source or 2 * len(names) + 1}")
    if detector is None or not points:
        raise NotEnoughFrames("photon transfer needs pairs of flats; none was given")
    return tuple(
        Curve.of_points(amplifier.name, column, names)
        for amplifier, column in zip(detector.amplifiers, zip(*points, strict=True), strict=True)
    )


def _check(frame: Frame, *, bias_subtracted: bool) -> None:
    name = frame.source or "a flat"
    if frame.unit not in (u.adu, u.dimensionless_unscaled):
        raise UnitError(f"{name} is in {frame.unit}; photon transfer measures the gain, on frames in ADU")
    late = [effect for effect in TOO_LATE if effect in frame.applied]
    if late:
        raise ChainError(
            f"{name} had {', '.join(late)} taken out; photon transfer wants the bias out and nothing later: "
            "dark electrons are Poisson numbers too, and a flat would change the noise"
        )
    if not bias_subtracted and not any(level in frame.applied for level in LEVELS):
        raise ChainError(
            f"{name} has its bias in (taken out: {', '.join(frame.applied) or 'nothing'}); correct it with a "
            "Bias or an Overscan, or say bias_subtracted=True"
        )


def _check_layout(frame: Frame, detector: Detector, lags: int) -> None:
    if frame.shape != detector.shape:
        raise FrameError(
            f"flats of {frame.shape} are no assembled frames of detector {detector.name}, {detector.shape}; "
            "trim them first"
        )
    least = min(min(amplifier.box.shape) for amplifier in detector.amplifiers)
    if not 1 <= lags <= least:
        raise ParameterError("lags", lags, f"1 to {least}, the least width of an amplifier")
