"""Some rows of every input at once: levelled values, their noise, and what became of them."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.combining.inputs import Inputs
from fullwell.combining.options import Levels, Options
from fullwell.flags import BAD_FOR_SCIENCE, FLAG_DTYPE, FlagImage, Flags, mask_of
from fullwell.kernels.combine import BlockResult, Rule
from fullwell.kernels.order_statistics import clipping_factors, median_variance_factor

__all__ = ["Block"]

F64 = npt.NDArray[np.float64]
HARMLESS = 4.5  # sigma; clipping there takes less than 2e-4 of the variance of normal noise


FLOOR = 0.1  # of the variance without signal


@attrs.frozen(eq=False)
class Block:
    """A few rows of every input, levelled, as (N, pixels).

    Parameters
    ----------
    values : ndarray of float64
    valid : ndarray of bool
        Neither masked nor without a finite value.
    flags : list of ndarray or None
    variance : ndarray of float64 or None
        The inputs' own variances, levelled.
    rule : Rule
        What to do with the values.
    options : Options
    """

    values: F64
    valid: npt.NDArray[np.bool_]
    flags: list[FlagImage | None]
    variance: F64 | None
    rule: Rule
    options: Options

    @classmethod
    def read(cls, inputs: Inputs, part: slice, options: Options, levels: Levels) -> Block:
        """Take the rows `part` of each input."""
        scale, offset = levels.scales[:, None], levels.offsets[:, None]
        values = np.stack([plane[part].ravel() for plane in inputs.data]).astype(np.float64)
        values = values * scale + offset
        valid = np.isfinite(values)
        flags = [None if plane is None else plane[part].ravel() for plane in inputs.flags]
        for row, plane in zip(valid, flags, strict=True):
            if plane is not None:
                row &= ~mask_of(plane, bad=BAD_FOR_SCIENCE)
        variance = None
        if inputs.variance is not None:
            variance = (
                np.stack([plane[part].ravel() for plane in inputs.variance]).astype(np.float64) * scale**2
            )
        read_variance, slope = np.zeros((len(inputs), 1)), np.zeros((len(inputs), 1))
        pedestal = np.zeros((len(inputs), 1))
        if options.noise is not None:
            model = options.noise.rows(part)
            read_variance = (scale * model.read_noise) ** 2
            slope = slope if model.gain is None else scale / model.gain
            pedestal = scale * model.pedestal + offset
        elif variance is not None and options.spread == "noise" and options.clip is not None:
            read_variance = _typical_variance(variance, valid, np.asarray(inputs.typical)[:, None] * scale**2)
        rule = Rule(
            options.method,
            options.clip,
            options.spread,
            options.extrema,
            levels.weights,
            read_variance,
            slope,
            pedestal,
        )
        return cls(values, valid, flags, variance, rule, options)

    def master_flags(self, used: npt.NDArray[np.int32]) -> FlagImage:
        """Return flags that more than half of the inputs carry; UNCALIBRATED where nothing was usable."""
        result = np.zeros(used.shape, FLAG_DTYPE)
        planes = [plane for plane in self.flags if plane is not None]
        for plane in Flags if planes else ():
            bit = FLAG_DTYPE.type(plane)
            count = np.zeros(used.shape, np.int32)
            for flags in planes:
                count += (flags & bit) != 0
            result[2 * count > len(self.flags)] |= bit
        result[(used == 0) & ~mask_of(result)] |= FLAG_DTYPE.type(Flags.UNCALIBRATED)
        return result

    def propagated(self, result: BlockResult) -> F64:
        """Variance of the result from the noise of each input."""
        if self.variance is not None:
            variance = self.variance
        else:
            with np.errstate(invalid="ignore"):
                signal = result.center - self.rule.pedestal
            # Not clipped at zero, which would make the variance of faint pixels too large on average.
            poisson = self.rule.slope * np.where(np.isfinite(signal), signal, 0.0)
            variance = np.maximum(self.rule.read_variance + poisson, FLOOR * self.rule.read_variance)
        # Where nothing was kept the value is the plain mean of what is finite.
        share = _share(result.kept, self.rule)
        none = result.used == 0
        if none.any():
            finite = np.isfinite(self.values[:, none]).astype(np.float64)
            with np.errstate(invalid="ignore", divide="ignore"):
                share[:, none] = finite / finite.sum(axis=0)
        # Pixels that do not take part may well have no variance; NaN times zero would spoil the sum.
        parts = np.where(share > 0, share * share * variance, 0.0)
        total = _in_order(parts) * self._factor(result, empirical=False)
        return np.where(np.isnan(share).any(axis=0), np.nan, total)

    def empirical(self, result: BlockResult) -> F64:
        """Variance of the result from the scatter of the values that were used."""
        share = _share(result.kept, self.rule)
        return result.scatter * _in_order(share * share) * self._factor(result, empirical=True)

    def _factor(self, result: BlockResult, *, empirical: bool) -> F64:
        """Finite-N factor on the variance of a plain mean of the used values."""
        options, factor = self.options, np.ones(result.used.shape)
        clips = options.clip is not None and not (options.spread == "noise" and options.clip >= HARMLESS)
        if clips or any(options.extrema):
            offered = self.valid.sum(axis=0)
            for n in np.unique(offered[offered > max(2, sum(options.extrema))]):
                factors = clipping_factors(
                    int(n),
                    options.clip if clips else None,
                    options.spread,
                    method=options.method,
                    extrema=options.extrema,
                )
                factor[offered == n] = factors[int(empirical)]
        elif options.method == "median":
            for n in np.unique(result.used[result.used > 2]):
                factor[result.used == n] = median_variance_factor(int(n))
        return factor


def _share(kept: npt.NDArray[np.bool_], rule: Rule) -> F64:
    """Return the part that each value has in the result; NaN where none is kept."""
    weights = np.where(kept, rule.weights[:, None] if rule.method == "mean" else 1.0, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(weights / _in_order(weights))


def _typical_variance(variance: F64, valid: npt.NDArray[np.bool_], typical: F64) -> F64:
    """Variance of each value as the other inputs see it, never from the value itself.

    In units of each input's typical variance, the lower median over the inputs.
    """
    relative = np.where(valid & np.isfinite(variance), variance / typical, np.inf)
    middle = np.maximum(np.isfinite(relative).sum(axis=0) - 1, 0) // 2
    chosen = np.take_along_axis(np.sort(relative, axis=0), middle[None], axis=0)
    return np.asarray(np.where(np.isfinite(chosen), chosen, 0.0) * typical)


def _in_order(values: F64) -> F64:
    # numpy sums a single column in another order than many, which changes the last bit.
    total = np.zeros(values.shape[1:])
    for row in values:
        total += row
    return total
