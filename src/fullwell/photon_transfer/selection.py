"""Which points of a curve are used: below the turnoff, without outliers, where the model holds."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.errors import FullwellError, NotEnoughFrames
from fullwell.photon_transfer.curves import Curve
from fullwell.photon_transfer.least_squares import covariance_errors, solve
from fullwell.photon_transfer.models import VarianceModel
from fullwell.photon_transfer.turnoff import find_turnoff

__all__ = ["Selection", "select_points"]

FAINT = 50_000.0  # e-; up to here every device is tame
OUTLIER = 5.0  # sigma
ROUNDS = 10
LEAST_POINTS = 4


@attrs.frozen(eq=False)
class Selection:
    """A curve with reasons, and where its variance turns.

    Parameters
    ----------
    curve : Curve
        Each point that is not used has its reason.
    turnoff : float
        Mean of the last point before the variance falls, ADU; where it does not fall, of the brightest point.
    turnoff_error : float
        Half the distance to the neighbors, ADU.
    turned : bool
        Whether it falls at all.
    """

    curve: Curve
    turnoff: float
    turnoff_error: float
    turned: bool


def select_points(curve: Curve, *, max_signal: float | None) -> Selection:
    """Find the points that a model can be fitted to.

    Parameters
    ----------
    curve : Curve
        As measured.
    max_signal : float or None
        e-; brighter points are left out.

    Returns
    -------
    Selection

    Raises
    ------
    NotEnoughFrames
        If fewer than four points are left.

    Notes
    -----
    A first fit of the exponential model, up to 50 ke- and with far residuals held back, gives the gain and
    the noise to expect. Then the turnoff; then, below it, whatever is further than 5 sigma from the model is
    an outlier, sigma being that of the model or, where the model is coarser than that, the scatter of all
    points about it (median of absolute residuals), until nothing changes.
    """
    reasons = list(curve.reasons)
    gain = _first_gain(curve)
    turnoff, error, turned = _turnoff(curve, reasons)
    for k, mean in enumerate(curve.mean):
        if reasons[k]:
            continue
        if turned and mean > turnoff:
            reasons[k] = "above the turnoff"
        elif max_signal is not None and gain * mean > max_signal:
            reasons[k] = f"above {max_signal:g} e-"
    return Selection(_without_outliers(curve, reasons), turnoff, error, turned)


def _first_gain(curve: Curve) -> float:
    """Gain from the faint points, rough at first."""
    used = curve.used & (curve.mean > 0) & (curve.variance > 0)
    if used.sum() < 2:
        raise NotEnoughFrames(f"{int(used.sum())} pairs of {len(curve.mean)} can be used")
    gain = float(np.median(curve.mean[used] / curve.variance[used]))
    for _ in range(2):
        faint = curve.used & (gain * curve.mean <= FAINT)
        if faint.sum() < LEAST_POINTS:
            return gain
        reasons = ("" if take else "bright" for take in faint)
        try:
            gain = float(
                solve(VarianceModel("exponential"), curve.with_reasons(reasons), robust=True).values[0]
            )
        except FullwellError:  # too noisy for three parameters: what is rough has to do
            return gain
    return gain


def _turnoff(curve: Curve, reasons: list[str]) -> tuple[float, float, bool]:
    """Mean at which the variance turns, its error, whether it does; else the end, and half a step."""
    known = np.flatnonzero([not reason for reason in reasons])
    mean, variance = curve.mean[known], curve.variance[known]
    error = variance * np.sqrt(2.0 / np.maximum(curve.counts[known, 0, 0], 1))
    found = find_turnoff(mean, variance, error)
    if found is not None:
        return *found, True
    return float(mean[-1]), float(mean[-1] - mean[-2]) / 2 if len(mean) > 1 else 0.0, False


def _without_outliers(curve: Curve, reasons: list[str]) -> Curve:
    candidates = np.array([not reason for reason in reasons])
    bad = np.zeros_like(candidates)
    for number in range(ROUNDS):
        kept = candidates & ~bad
        if kept.sum() < LEAST_POINTS:
            raise NotEnoughFrames(
                f"{int(kept.sum())} points of {len(reasons)} can be used, {LEAST_POINTS} or more are needed; "
                f"the others: {_counted(reasons, bad)}"
            )
        chosen = curve.with_reasons("" if take else "left out" for take in kept)
        solution = solve(VarianceModel("exponential"), chosen, robust=number == 0)
        distance = _residuals(curve, solution.predicted(curve.mean)[:, 0], candidates)
        scale = max(1.0, 1.4826 * float(np.median(np.abs(distance[kept]))))
        now = candidates & (np.abs(distance) > OUTLIER * scale)
        if (now == bad).all():
            break
        bad = now
    return curve.with_reasons(
        f"outlier, {distance[k]:+.1f} sigma from the model" if bad[k] else reason
        for k, reason in enumerate(reasons)
    )


def _residuals(
    curve: Curve, model: npt.NDArray[np.float64], where: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    error = covariance_errors(np.abs(model), curve.counts.reshape(len(model), -1))[:, 0]
    result = np.zeros(len(model))
    result[where] = (curve.variance[where] - model[where]) / error[where]
    return result


def _counted(reasons: list[str], bad: npt.NDArray[np.bool_]) -> str:
    texts = [reason for reason in reasons if reason]
    parts = [f"{texts.count(text)} {text}" for text in dict.fromkeys(texts)]
    if bad.any():
        parts.append(f"{int(bad.sum())} outliers")
    return ", ".join(parts) or "none"
