"""Many values of a pixel to one: the plain NumPy form, in float64, that defines the rule.

The rule. A value is *valid* when it is not masked and finite. The lowest and highest
`extrema` valid values go first, if that is asked for. Then, until nothing changes: the center
is the median of the survivors (the mean of the two middle ones when their number is even), a
survivor stays when ``|x - center| <= k * spread``; a rejected value never returns. The spread
is one of

- ``noise``: given by the caller for each frame, ``sqrt(read_variance_i + slope_i * signal)`` with
  ``signal = max(center - pedestal, 0)``;
- ``std``: standard deviation of the survivors about their mean, ddof 0;
- ``mad``: 1.482602... times the median absolute deviation of the survivors.

Sums run over the frames one after the other, so that the bits of a pixel do not depend on how many
pixels are done at once.
"""

from __future__ import annotations

from typing import Any, Literal

import attrs
import numpy as np
import numpy.typing as npt

__all__ = ["FLOOR", "MAD_TO_STD", "BlockResult", "Rule", "combine_block"]

FLOOR = 0.1  # of the variance without signal: noise that the Poisson term cannot take away
MAD_TO_STD = 1.4826022185056018  # 1 / inverse normal CDF of 3/4

F64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]


@attrs.frozen(eq=False)
class Rule:
    """How to combine; see the module.

    Parameters
    ----------
    method : {'mean', 'median'}
        What to take of the survivors.
    clip : float or None
        Factor k; None rejects nothing.
    spread : {'noise', 'std', 'mad'}
        What k is counted in.
    extrema : tuple of int
        How many of the lowest and highest valid values to drop, first of all.
    weights : ndarray, shape (N,)
        Weights of the mean.
    read_variance, slope : ndarray, shape (N, 1) or (N, P)
        Noise model of each frame, in units of the levelled data.
    pedestal : ndarray, shape (N, 1), or float
        Level without photons in each levelled frame.
    """

    method: Literal["mean", "median"]
    clip: float | None
    spread: Literal["noise", "std", "mad"]
    extrema: tuple[int, int]
    weights: F64
    read_variance: F64
    slope: F64
    pedestal: F64 | float = 0.0

    def columns(self, index: npt.NDArray[np.intp]) -> Rule:
        """Return the rule for some of the P pixels."""
        if self.read_variance.shape[1] == 1 and self.slope.shape[1] == 1:
            return self
        shape = (len(self.weights), max(self.read_variance.shape[1], self.slope.shape[1]))
        read, slope = np.broadcast_to(self.read_variance, shape), np.broadcast_to(self.slope, shape)
        return attrs.evolve(self, read_variance=read[:, index], slope=slope[:, index])


@attrs.frozen(eq=False)
class BlockResult:
    """What `combine_block` gives, each of shape (P,) except `offered` and `kept`, (N, P)."""

    value: F64
    center: F64
    used: npt.NDArray[np.int32]
    scatter: F64
    offered: Bool
    kept: Bool


def combine_block(values: F64, valid: Bool, rule: Rule) -> BlockResult:
    """Combine N values for each of P pixels.

    Parameters
    ----------
    values : ndarray of float64, shape (N, P)
        Levelled values.
    valid : ndarray of bool, shape (N, P)
        False where a value must not be used; such values may be NaN.
    rule : Rule

    Returns
    -------
    BlockResult
        `value`: mean or median of the survivors; where there is none, the plain mean of the
        finite values (NaN without any). `center`: median of the survivors. `used`: their
        number. `scatter`: their variance with ddof 1 (NaN for fewer than two). `offered`: which
        values the clipping got to see. `kept`: which it left.
    """
    kept = valid & np.isfinite(values)
    if any(rule.extrema):
        _drop_extrema(values, kept, *rule.extrema)
    offered = kept.copy()
    center = _median(values, kept)
    if rule.clip is not None:
        center = _clip(values, kept, center, rule)
    weights = np.where(kept, rule.weights[:, None], 0.0)
    filled = np.where(kept, values, 0.0)
    used = kept.sum(axis=0, dtype=np.int32)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = _sum(weights * filled) / _sum(weights)
        plain = _sum(filled) / used
        squares = _sum(np.where(kept, values - plain, 0.0) ** 2)
        scatter = np.where(used > 1, squares / np.maximum(used - 1, 1), np.nan)
    value = mean if rule.method == "mean" else center.copy()
    empty = used == 0
    if empty.any():
        value[empty] = _plain_mean(values[:, empty])
    return BlockResult(value, center, used, scatter, offered, kept)


def _clip(values: F64, kept: Bool, center: F64, rule: Rule) -> F64:
    """Reject in place until nothing changes; return the center of what is left."""
    assert rule.clip is not None
    open_columns = np.arange(values.shape[1])
    while open_columns.size:
        block, stay, middle = values[:, open_columns], kept[:, open_columns], center[open_columns]
        limit = rule.clip * _spread(block, stay, middle, rule.columns(open_columns))
        with np.errstate(invalid="ignore"):
            still = stay & (np.abs(block - middle) <= limit)
        changed = (still != stay).any(axis=0)
        open_columns = open_columns[changed]
        kept[:, open_columns] = still[:, changed]
        center[open_columns] = _median(values[:, open_columns], kept[:, open_columns])
    return center


def _spread(values: F64, kept: Bool, center: F64, rule: Rule) -> F64:
    if rule.spread == "noise":
        signal = np.maximum(center - rule.pedestal, 0.0)
        return np.asarray(np.sqrt(rule.read_variance + rule.slope * signal))
    if rule.spread == "mad":
        return MAD_TO_STD * _median(np.abs(values - center), kept)
    count = np.maximum(kept.sum(axis=0), 1)
    mean = _sum(np.where(kept, values, 0.0)) / count
    return np.asarray(np.sqrt(_sum(np.where(kept, values - mean, 0.0) ** 2) / count))


def _sum(values: F64) -> F64:
    # numpy sums a single column in another order than many, which changes the last bit.
    total = np.zeros(values.shape[1:])
    for row in values:
        total += row
    return total


def _median(values: F64, kept: Bool) -> F64:
    """Median of the kept values of each column; NaN where there is none."""
    ordered = np.sort(np.where(kept, values, np.inf), axis=0)
    count = kept.sum(axis=0)
    lower = np.take_along_axis(ordered, np.maximum(count - 1, 0)[None] // 2, axis=0)[0]
    upper = np.take_along_axis(ordered, np.minimum(count // 2, len(values) - 1)[None], axis=0)[0]
    with np.errstate(invalid="ignore"):
        return np.where(count > 0, 0.5 * (lower + upper), np.nan)


def _drop_extrema(values: F64, kept: Bool, low: int, high: int) -> None:
    order = np.argsort(np.where(kept, values, np.inf), axis=0, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(len(values))[:, None], axis=0)
    kept &= (rank >= low) & (rank < kept.sum(axis=0) - high)


def _plain_mean(values: F64) -> Any:
    finite = np.isfinite(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        return _sum(np.where(finite, values, 0.0)) / finite.sum(axis=0)
