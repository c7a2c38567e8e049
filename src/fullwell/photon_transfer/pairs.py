"""Gain and read noise from two flats and two biases."""

from __future__ import annotations

import warnings
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.detector import Box, parse_section
from fullwell.errors import FrameError, FullwellWarning, ParameterError, UnitError
from fullwell.frame import FrameLike, as_frame
from fullwell.kernels.order_statistics import iterated_clip_factor
from fullwell.kernels.spread import clipped_spread

__all__ = [
    "PairGain",
    "clip_limits",
    "clipped_variance",
    "difference_variance",
    "gain_from_pair",
    "pair_numbers",
]

LEVEL_TOLERANCE = 0.01
LEAST_CLIP = 2.5  # sigma; below, iterated clipping eats its way in and its error is not known any more


@attrs.frozen
class PairGain:
    """Gain and read noise with their standard errors.

    Parameters
    ----------
    gain, gain_error : float
        e-/ADU.
    read_noise, read_noise_error : float
        e-.
    """

    gain: float
    gain_error: float
    read_noise: float
    read_noise_error: float


def gain_from_pair(
    flat1: FrameLike,
    flat2: FrameLike,
    bias1: FrameLike,
    bias2: FrameLike,
    *,
    region: Box | str | None = None,
    rescale: bool = True,
    clip: float | None = 5.0,
) -> PairGain:
    """Measure gain and read noise from two flats and two biases.

    Parameters
    ----------
    flat1, flat2, bias1, bias2 : Frame, CCDData or array, all of one shape
        Raw frames in ADU. Masked pixels are left out.
    region : Box or FITS section, optional
        The part to use; everything if not given.
    rescale : bool
        Bring the second flat to the level of the first before the difference, so that a drifting
        lamp does not add its share of the fixed pattern.
    clip : float or None
        Leave out differences further than this many standard deviations from their median
        (iterated); the loss of variance is corrected for.

    Returns
    -------
    PairGain
        With ``rescale=False, clip=None`` it is the textbook formula,
        ``gain = (<f1> + <f2> - <b1> - <b2>) / (var(f1 - f2) - var(b1 - b2))`` and
        ``read noise = gain std(b1 - b2) / sqrt(2)``, variances with ddof 0, all in float64.

    Raises
    ------
    UnitError
        If the frames are not in ADU.
    FrameError
        If shapes differ, fewer than 2 pixels are left, or the flats show no more noise than the biases.
    ParameterError
        If `clip` is below 2.5 or the region lies outside of the frames.

    Warns
    -----
    FullwellWarning
        If the two flats differ in level by more than 1 %.

    Notes
    -----
    Janesick, *Scientific Charge-Coupled Devices* (2001), section 2.2.5; with ``rescale`` the second flat is
    multiplied by ``s = m1/m2`` (``m``: level above bias) and
    ``gain = m1 (1 + s) / (var(f1 - s f2) - (1 + s^2)/2 var(b1 - b2))``. Errors: a variance of n
    Gaussian values has the relative error sqrt(2/n).
    """
    measured, (level1, level2) = pair_numbers(
        flat1, flat2, bias1, bias2, region=region, rescale=rescale, clip=clip
    )
    if abs(level1 - level2) > LEVEL_TOLERANCE * 0.5 * (level1 + level2):
        advice = "the gain is corrected for it" if rescale else "use rescale=True, or a steadier lamp"
        warnings.warn(
            f"the flats differ in level: {level1:.6g} and {level2:.6g} ADU above bias; {advice}",
            FullwellWarning,
            stacklevel=2,
        )
    return measured


def pair_numbers(
    flat1: FrameLike,
    flat2: FrameLike,
    bias1: FrameLike,
    bias2: FrameLike,
    *,
    region: Box | str | None,
    rescale: bool,
    clip: float | None,
) -> tuple[PairGain, tuple[float, float]]:
    """Measure as `gain_from_pair` does, without warning; return the levels of the flats above bias too."""
    if clip is not None and not clip >= LEAST_CLIP:
        raise ParameterError("clip", clip, f"{LEAST_CLIP:g} or more, or None; less eats up normal noise")
    (f1, f2, b1, b2), good = _planes([flat1, flat2, bias1, bias2], region)
    mean_f1, mean_f2, mean_b1, mean_b2 = (clipped_spread(plane, good=good).mean for plane in (f1, f2, b1, b2))
    level1 = mean_f1 - mean_b1
    level2 = mean_f2 - mean_b2
    mean = 0.5 * (level1 + level2)
    if not mean > 0:
        raise FrameError(f"the flats are not brighter than the biases (by {mean:.4g} ADU)")
    s = level1 / level2 if rescale else 1.0
    flat_variance, n_flat = difference_variance(f1, f2, scale=s, good=good, clip=clip)
    bias_variance, n_bias = difference_variance(b1, b2, good=good, clip=clip)
    excess = (
        flat_variance - 0.5 * (1.0 + s * s) * bias_variance if s != 1.0 else flat_variance - bias_variance
    )
    if not excess > 0:
        raise FrameError(
            f"the flats show no shot noise: variance of the difference is {flat_variance:.4g} ADU^2 in the "
            f"flats, {bias_variance:.4g} in the biases"
        )
    signal = mean_f1 + mean_f2 - mean_b1 - mean_b2 if s == 1.0 else level1 * (1.0 + s)
    gain = signal / excess
    gain_error = gain * np.sqrt(2 * flat_variance**2 / n_flat + 2 * bias_variance**2 / n_bias) / excess
    noise = gain * np.sqrt(bias_variance) / np.sqrt(2.0)
    noise_error = noise * np.hypot(gain_error / gain, np.sqrt(0.5 / n_bias))
    return PairGain(float(gain), float(gain_error), float(noise), float(noise_error)), (
        float(level1),
        float(level2),
    )


def clipped_variance(difference: npt.NDArray[np.float64], *, clip: float | None) -> tuple[float, float]:
    """Variance (ddof 0) of the values within `clip` standard deviations of their median, iterated.

    Parameters
    ----------
    difference : ndarray of float64, one-dimensional
    clip : float or None
        None takes all values.

    Returns
    -------
    variance : float
        Divided by what is left of the variance of a normal distribution when the clipping has come to rest.
    count : float
        Number of values that, without clipping, would give a variance of this quality: those that were used,
        less what the clipping costs (nothing to speak of at 5 standard deviations, a seventh at 3).
    """
    if clip is None:
        return float(difference.var()), float(difference.size)
    low, high = clip_limits(difference, clip=clip)
    kept = difference[(difference >= low) & (difference <= high)]
    left, worse = iterated_clip_factor(clip)
    return float(kept.var()) / left, kept.size / worse**2


def difference_variance(
    first: npt.NDArray[Any],
    second: npt.NDArray[Any],
    *,
    scale: float = 1.0,
    good: npt.NDArray[np.bool_] | None = None,
    clip: float | None,
) -> tuple[float, float]:
    """Return what `clipped_variance` does for ``first - scale second``, without an image of the difference.

    Parameters
    ----------
    first, second : ndarray, shape (rows, columns)
    scale : float
    good : ndarray of bool, optional
        Pixels that count; all if not given.
    clip : float or None
    """
    spread = clipped_spread(first, second, scale=scale, good=good, clip=clip)
    if clip is None:
        return spread.variance, float(spread.count)
    left, worse = iterated_clip_factor(clip)
    return spread.variance / left, spread.count / worse**2


def clip_limits(difference: npt.NDArray[np.float64], *, clip: float) -> tuple[float, float]:
    """Lowest and highest value that stay within `clip` standard deviations of the median, iterated.

    Parameters
    ----------
    difference : ndarray of float64, one-dimensional
    clip : float
    """
    kept = difference
    while True:
        center, spread = np.median(kept), np.sqrt(kept.var())
        inside = kept[np.abs(kept - center) <= clip * spread]
        if inside.size == kept.size:
            return float(kept.min()), float(kept.max())
        kept = inside


def _planes(
    sources: list[FrameLike], region: Box | str | None
) -> tuple[list[npt.NDArray[Any]], npt.NDArray[np.bool_]]:
    """Return the pixels of the region, and which of them are good in all frames."""
    frames = [as_frame(source) for source in sources]
    for frame in frames[1:]:
        frames[0].same_shape(frame, what="flats and biases")
    for frame in frames:
        if frame.unit not in (u.adu, u.dimensionless_unscaled):
            raise UnitError(f"the gain is measured on frames in ADU, not in {frame.unit}")
    if not (region is None or isinstance(region, str | Box)):
        raise ParameterError("region", region, "a Box or a FITS section such as '[1:100,1:100]'")
    box = parse_section(region)[0] if isinstance(region, str) else region
    if box is not None and (box.empty or not box.within(frames[0].shape)):
        raise ParameterError("region", box, f"a box of at least one pixel within {frames[0].shape}")
    where = box.slices if box is not None else (slice(None), slice(None))
    good = np.ones(frames[0].data[where].shape, bool)
    for frame in frames:
        if any(frame.flags.strides) or frame.flags.any():  # one number for all pixels is quickly seen
            good &= ~frame.mask[where]
        if frame.data.dtype.kind == "f":
            good &= np.isfinite(frame.data[where])
    if good.sum() < 2:
        raise FrameError(f"{int(good.sum())} pixels are left after masking; at least 2 are needed")
    return [frame.data[where] for frame in frames], good
