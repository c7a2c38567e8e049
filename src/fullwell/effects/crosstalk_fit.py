"""Crosstalk coefficients from frames with bright spots."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.detector import Detector
from fullwell.detector.read_order import in_read_order
from fullwell.effects.assembly import assembled
from fullwell.effects.base import Chain
from fullwell.effects.noise_in_common import excess_scatter
from fullwell.errors import ChainError, FrameError, NotEnoughFrames, ParameterError
from fullwell.frame import Frame, FrameSet, as_frame
from fullwell.kernels.order_statistics import truncated_variance_factor
from fullwell.quantities import number

__all__ = [
    "CrosstalkFit",
    "Patch",
    "check_options",
    "fit_crosstalk",
    "fit_patches",
    "masked_data",
    "patches_of",
]

Matrix = npt.NDArray[np.float64]
_LEAST_CLIP = 2.5
_ROUNDS = 6
_SCALE = 1e5  # electrons; squares are fitted in units of it, so that both columns are of one size


@attrs.frozen(eq=False)
class CrosstalkFit:
    """Matrices of shape (victims, aggressors), with errors; the quadratic ones None if not fitted."""

    coefficients: Matrix
    errors: Matrix
    quadratic: Matrix | None
    quadratic_errors: Matrix | None
    statistics: dict[str, Any]


@attrs.frozen(eq=False)
class Patch:
    """The same ticks of all amplifiers about one spot, shape (amplifiers, pixels); NaN is masked."""

    signal: npt.NDArray[np.float32]
    bright: npt.NDArray[np.bool_]  # one for each amplifier: whether it is an aggressor here
    rows: npt.NDArray[np.intp]  # of each pixel, the place where it is read
    columns: npt.NDArray[np.intp]


def fit_crosstalk(
    frames: FrameSet | Iterable[Any],
    *,
    known: Chain | None,
    bright: float,
    quadratic: bool,
    clip: float,
    margin: int,
) -> CrosstalkFit:
    """Fit the matrices; see `fullwell.effects.Crosstalk.measure`.

    In a box about each spot victims are ``b + sum_j c_ij S_j``, b being the background of that box. All
    aggressors are fitted together, so that spots on several amplifiers at once do no harm. Errors follow from
    the noise of the victims, one number for each box, pooled over its pixels after clipping, and from what is
    not white in it: levels of rows, and what all frames have in common at one place, such as the noise of the
    bias that was subtracted from them.
    """
    check_options(bright, clip, margin)
    patches: list[Patch] = []
    count, detector = 0, None
    for source in frames:
        raw = as_frame(source)
        frame = assembled(raw) if known is None else known.correct(raw)
        if frame.unit != u.electron:
            raise ChainError(
                f"crosstalk is measured in electrons, the frames are in {frame.unit}; add a Gain"
            )
        detector = frame.detector or Detector.single(frame.shape)
        views = in_read_order(masked_data(frame), detector, layout=frame.layout)
        patches.extend(patches_of(views, bright, margin))
        count += 1
    if detector is None:
        raise NotEnoughFrames("there is no frame to measure crosstalk in")
    if not patches:
        raise FrameError(f"no pixel of {count} frames is above {bright:g} electrons")
    names = [amplifier.name for amplifier in detector.amplifiers]
    found = fit_patches(
        patches, allowed=~np.eye(len(names), dtype=bool), names=names, clip=clip, quadratic=quadratic
    )
    return attrs.evolve(found, statistics={"frames": count, **found.statistics})


def check_options(bright: float, clip: float, margin: int) -> None:
    """Refuse impossible options of a measurement.

    Raises
    ------
    ParameterError
    """
    number(bright, "bright", u.electron, above=0)
    if not number(clip, "clip", least=0) >= _LEAST_CLIP:
        raise ParameterError("clip", clip, f"{_LEAST_CLIP:g} or more; less eats up normal noise")
    number(margin, "margin", least=1, whole=True)


def fit_patches(
    patches: Sequence[Patch],
    *,
    allowed: npt.NDArray[np.bool_],
    names: Sequence[str],
    clip: float,
    quadratic: bool,
) -> CrosstalkFit:
    """Fit all coefficients that may be there.

    Parameters
    ----------
    patches : sequence of Patch
    allowed : ndarray of bool, shape (victims, aggressors)
        Where a coefficient is fitted; the others are 0 and have no error.
    names : sequence of str
        Of the amplifiers.
    clip, quadratic
        As for `fit_crosstalk`.
    """
    lit = np.any([patch.bright for patch in patches], axis=0)
    n = len(lit)
    shape = (2 if quadratic else 1, n, n)
    values, errors = np.zeros(shape), np.where(allowed, np.inf, 0.0) * np.ones(shape)
    clipped = np.zeros(n)
    for victim in range(n):
        aggressors = np.flatnonzero(lit & allowed[victim]).tolist()
        if aggressors:
            own, sigma, clipped[victim] = _victim(patches, victim, aggressors, clip, quadratic=quadratic)
            for k in range(shape[0]):
                part = slice(k * len(aggressors), (k + 1) * len(aggressors))
                values[k, victim, aggressors], errors[k, victim, aggressors] = own[part], sigma[part]
    return CrosstalkFit(
        coefficients=_of_true_signals(values[0]),
        errors=errors[0],
        quadratic=values[1] / _SCALE if quadratic else None,
        quadratic_errors=errors[1] / _SCALE if quadratic else None,
        statistics={
            "spots": len(patches),
            "never_bright": [name for name, on in zip(names, lit, strict=True) if not on],
            "clipped_fraction": [float(part) for part in clipped],
        },
    )


def _of_true_signals(of_read: Matrix) -> Matrix:
    """Coefficients of true signals from those of signals as read, which hold ghosts themselves.

    With ``read = (1 + C) S`` a victim without light shows ``read_i = sum_k E_ik read_k``, and
    ``(1 - E)^-1`` is 1 + C but for a factor of each column.
    """
    mixed = np.linalg.inv(np.eye(len(of_read)) - of_read)
    result = mixed / np.diag(mixed)
    np.fill_diagonal(result, 0.0)
    return np.asarray(result)


def masked_data(frame: Frame) -> npt.NDArray[np.float32]:
    """Return the data of a frame, NaN where it is masked."""
    return np.where(frame.mask, np.nan, frame.data).astype(np.float32)


def patches_of(views: Sequence[npt.NDArray[np.float32]], bright: float, margin: int) -> list[Patch]:
    """Return what lies about the spots of an exposure, whose amplifiers are given in read order."""
    from scipy import ndimage

    rows, columns = (max(view.shape[k] for view in views) for k in (0, 1))
    stacked = np.full((len(views), rows, columns), np.nan, np.float32)
    for plane, view in zip(stacked, views, strict=True):
        plane[: view.shape[0], : view.shape[1]] = view
    aggressors = stacked > bright  # false for NaN
    # What grown spots have in common is one box, or its pixels would count twice.
    lit = np.asarray(aggressors.any(axis=0))
    near = ndimage.binary_dilation(lit, np.ones((2 * margin + 1, 2 * margin + 1), bool))
    labels, many = ndimage.label(near, np.ones((3, 3), bool))
    patches = []
    for label, box in enumerate(ndimage.find_objects(labels, many), start=1):
        inside = labels[box] == label
        signal = stacked[(slice(None), *box)][:, inside]
        hit = np.asarray(aggressors[(slice(None), *box)][:, inside].any(axis=1))
        y, x = np.nonzero(inside)
        patches.append(Patch(signal, hit, y + box[0].start, x + box[1].start))
    return patches


def _victim(
    patches: Sequence[Patch], victim: int, aggressors: list[int], clip: float, *, quadratic: bool
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], float]:
    """Coefficients of one victim, their errors, and the fraction of pixels that was clipped."""
    columns, targets, groups, places = [], [], [], []
    for place, patch in enumerate(patches):
        # Where the victim is lit itself it tells nothing.
        if patch.bright[victim] or not patch.bright.any():
            continue
        signal = patch.signal[aggressors].astype(np.float64)
        good = np.isfinite(signal).all(axis=0) & np.isfinite(patch.signal[victim])
        design = np.concatenate([signal, signal**2 / _SCALE]) if quadratic else signal
        columns.append(design[:, good])
        targets.append(patch.signal[victim][good].astype(np.float64))
        groups.append(np.full(good.sum(), place))
        places.append(np.stack([patch.rows, patch.columns])[:, good])
    width = len(aggressors) * (2 if quadratic else 1)
    if not columns:
        return np.zeros(width), np.full(width, np.inf), 0.0
    design, target = np.concatenate(columns, axis=1), np.concatenate(targets)
    group = np.unique(np.concatenate(groups), return_inverse=True)[1]
    row, column = np.concatenate(places, axis=1)
    together = (group * (row.max() + 1) + row, row * (column.max() + 1) + column)
    return _regress(design, target, group, together, clip)


def _regress(
    design: Matrix,
    target: npt.NDArray[np.float64],
    group: npt.NDArray[np.intp],
    together: Sequence[npt.NDArray[np.intp]],
    clip: float,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], float]:
    """Weighted least squares with a constant of its own for each group, iterated with clipping."""
    number = int(group.max()) + 1
    kept = np.ones(target.size, bool)
    spread = np.full(number, float(np.std(target)) or 1.0)
    left = truncated_variance_factor(clip)
    for _ in range(_ROUNDS):
        weight = kept / spread[group] ** 2
        total = np.bincount(group, weight, number)
        total[total == 0] = 1.0
        centers = np.stack([np.bincount(group, weight * column, number) / total for column in design])
        level = np.bincount(group, weight * target, number) / total
        centered = design - centers[:, group]
        normal = (centered * weight) @ centered.T
        covariance = np.linalg.pinv(normal, hermitian=True, rcond=1e-14)
        solution = covariance @ ((centered * weight) @ (target - level[group]))
        residual = target - level[group] - solution @ centered
        sigma2 = np.bincount(group, kept * residual**2, number)
        count = np.bincount(group, kept, number)
        # The constant of each group takes one degree of freedom; what clipping took is put back.
        correction = left if not kept.all() else 1.0
        spread = np.sqrt(np.maximum(sigma2 / np.maximum(count - 1, 1) / correction, 1e-12))
        inside = np.abs(residual) <= clip * spread[group]
        if np.array_equal(inside, kept):
            break
        kept = inside
    weight = kept / spread[group] ** 2
    covariance = np.linalg.pinv((centered * weight) @ centered.T, hermitian=True, rcond=1e-14)
    root = np.sqrt(weight)
    scatter = excess_scatter(centered * root, residual * root, together)
    covariance = covariance + covariance @ (scatter / correction) @ covariance
    known = np.diag(covariance) > 0
    errors = np.where(known, np.sqrt(np.maximum(np.diag(covariance), 0.0)) * _loss(clip), np.inf)
    return solution, errors, float(1.0 - kept.mean())


def _loss(clip: float) -> float:
    """Factor of the error of a mean of clipped values over that of as many normal ones.

    The limits cut what would pull the mean most: the influence ``x`` within k has the slope
    ``P - 2 k phi(k)`` and the variance of the same value, so that the error goes with its inverse root;
    what was counted above is the error of P n values.
    """
    from scipy.stats import norm

    inside = float(2 * norm.cdf(clip) - 1)
    return float(np.sqrt(inside / (inside - 2 * clip * norm.pdf(clip))))
