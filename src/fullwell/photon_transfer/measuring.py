"""Mean and covariances of one pair of flats on one amplifier."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.detector import Box
from fullwell.flags import BAD_FOR_SCIENCE, Flags, mask_of
from fullwell.frame import Frame
from fullwell.kernels.covariances import autocovariance
from fullwell.kernels.order_statistics import iterated_clip_factor
from fullwell.photon_transfer.pairs import clip_limits

__all__ = ["PairPoint", "measure_pair"]

#: A value that was replaced has no noise of its own, and one near a limit may have lost some.
NOT_MEASURED = BAD_FOR_SCIENCE | Flags.INTERPOLATED | Flags.SUSPECT
FULL = Flags.SATURATED | Flags.BLEED | Flags.SUSPECT
FULL_SHARE = 1e-3  # of the pixels; leaving out more would cut the bright end off the distribution
LEVELS_DIFFER = 0.05  # the mean of shot noise at two levels m (1 +- e) is off by e^2: 6e-4


@attrs.frozen(eq=False)
class PairPoint:
    """What one pair of flats says of one amplifier.

    Parameters
    ----------
    mean : float
        Mean of both frames above bias, ADU.
    covariance : ndarray, shape (lags, lags)
        Of a *single* frame, ADU^2: that of the difference halved; ``[i, j]`` is i columns (x) and j rows (y)
        apart.
    counts : ndarray of int, shape (lags, lags)
        Products in each, less what clipping costs.
    trouble : str
        Why it is of no use; empty if it is.
    """

    mean: float
    covariance: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64]
    trouble: str = ""


def measure_pair(
    first: Frame, second: Frame, box: Box, *, lags: int, clip: float | None, least_pixels: int
) -> PairPoint:
    """Measure one amplifier on two bias-subtracted flats of one level.

    Parameters
    ----------
    first, second : Frame
        Assembled, ADU.
    box : Box
        Of the amplifier.
    lags : int
        Covariances to ``lags - 1`` columns and rows.
    clip : float or None
        Differences beyond this many standard deviations are left out (iterated), None for none.
    least_pixels : int
        Below this number of good pixels the pair is of no use.

    Notes
    -----
    The second frame is scaled to the first and both then to the level of their mean ``m``:
    ``D = (f1 - (m1/m2) f2) m2/m``. The fixed pattern drops out of D without a division by a flat, and a
    difference in level counts in second order only. Pairs without signal (biases) are not scaled.

    Clipping at k sigma leaves a share T(k) of the variance (`iterated_clip_factor`) and T^2 of a small
    covariance, since both pixels are cut: what is measured is divided by these.
    """
    where = box.slices
    one, two = (frame.data[where].astype(np.float64) for frame in (first, second))
    good = np.isfinite(one) & np.isfinite(two)
    for frame in (first, second):
        good &= ~mask_of(frame.flags[where], bad=NOT_MEASURED)
    full = max(float(mask_of(f.flags[where], bad=FULL).mean()) for f in (first, second))
    if full > FULL_SHARE:
        return _useless(lags, f"{100 * full:.2g} % of the pixels are saturated or near it")
    if good.sum() < least_pixels:
        return _useless(lags, f"{int(good.sum())} good pixels, fewer than {least_pixels}")
    difference, mean, trouble = _difference(one, two, good)
    if not trouble and clip is not None:
        low, high = clip_limits(difference[good], clip=clip)
        good &= (difference >= low) & (difference <= high)
        difference, mean, trouble = _difference(one, two, good)
    if trouble:
        return _useless(lags, trouble)
    covariance, counts = autocovariance(difference.astype(np.float32), good, lags=lags)
    covariance *= 0.5
    if clip is not None:
        left, worse = iterated_clip_factor(clip)
        covariance[0, 0] *= left  # it is divided by left^2 with the others
        covariance /= left**2
        counts = np.rint(counts / worse**2).astype(np.int64)
    return PairPoint(mean, covariance, counts)


def _difference(
    one: npt.NDArray[np.float64], two: npt.NDArray[np.float64], good: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.float64], float, str]:
    """Return the scaled difference, the mean level and what is wrong with it."""
    level1, level2 = float(one.mean(where=good)), float(two.mean(where=good))
    mean = (level1 + level2) / 2
    plain = one - two
    # Without signal the ratio of the levels says nothing: they have to be well above their own errors.
    error = float(plain.std(where=good)) / np.sqrt(good.sum())
    if min(level1, level2) < 20 * error:
        return plain, mean, ""
    trouble = ""
    if abs(level1 - level2) > LEVELS_DIFFER * mean:
        trouble = f"levels {level1:.5g} and {level2:.5g} ADU differ by more than {100 * LEVELS_DIFFER:g} %"
    return (level2 / mean) * one - (level1 / mean) * two, mean, trouble


def _useless(lags: int, trouble: str) -> PairPoint:
    return PairPoint(np.nan, np.full((lags, lags), np.nan), np.zeros((lags, lags), np.int64), trouble)
