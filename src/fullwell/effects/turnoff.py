"""Where a ramp of flats leaves its line."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.errors import FrameError, ParameterError

__all__ = ["Turnoff", "linearity_turnoff"]

Series = npt.NDArray[np.float64]
_FEWEST = 4  # points on the line


@attrs.frozen
class Turnoff:
    """A signal level with its standard error, both in the unit of the means."""

    value: float
    error: float


def linearity_turnoff(
    light: npt.ArrayLike,
    means: npt.ArrayLike,
    *,
    errors: npt.ArrayLike = 0.0,
    tolerance: float = 0.02,
    line: tuple[float, float] = (0.05, 0.5),
) -> Turnoff:
    """Find the signal from which on the response deviates from the line below.

    Parameters
    ----------
    light : array_like
        Exposure times or photodiode readings, in any order; 0 or more.
    means : array_like
        Mean signals above bias.
    errors : array_like
        Their standard errors, apart from the scatter of the lamp.
    tolerance : float
        Relative deviation that counts, between 0 and 1; 0.01 and 0.02 are usual.
    line : tuple of float
        The line goes through the points between these fractions of the largest mean, all of one relative
        weight, which is what a lamp that scatters asks for. It need not go through zero.

    Returns
    -------
    Turnoff
        The mean signal where the deviation passes the tolerance for good, interpolated between the points
        about it. Its error counts those of the two means, what the points scatter about the line (on a
        plateau that does not move the signal), and half the distance of the two in signal as the edge of
        what is possible (its square over 3).

    Raises
    ------
    ParameterError
        If a value is impossible.
    FrameError
        If fewer than 4 points lie on the line, or the ramp ends before it leaves the line.
    """
    if not 0 < tolerance < 1:
        raise ParameterError("tolerance", tolerance, "between 0 and 1, both excluded")
    if not 0 <= line[0] < line[1] <= 1:
        raise ParameterError("line", line, "two fractions of the largest mean, the smaller one first")
    x, y, own = _sorted(light, means, errors)
    on = (y >= line[0] * y.max()) & (y <= line[1] * y.max()) & (y > 0)
    if on.sum() < _FEWEST:
        raise FrameError(
            f"{int(on.sum())} points of the ramp lie between {line[0]:.0%} and {line[1]:.0%} of its end; "
            f"{_FEWEST} are needed for the line"
        )
    design = np.stack([np.ones(on.sum()), x[on]], axis=1) / y[on, None]
    parameters, *_ = np.linalg.lstsq(design, np.ones(on.sum()), rcond=None)
    expected = parameters[0] + parameters[1] * x
    off = np.divide(y, expected, out=np.ones_like(y), where=expected > 0) - 1.0
    scatter = float(np.sqrt(np.sum(off[on] ** 2) / (on.sum() - 2)))
    outside = np.abs(off) > tolerance
    if not outside[-1]:
        raise FrameError(
            f"the ramp ends at {y[-1]:.6g}, {off[-1]:+.2%} off its line: it does not reach the turnoff at "
            f"{tolerance:.1%}; more light is needed"
        )
    last = int(np.flatnonzero(~outside)[-1])
    within, beyond = abs(off[last]), abs(off[last + 1])
    part = (tolerance - within) / (beyond - within)
    step = y[last + 1] - y[last]
    value = y[last] + part * step
    noise = own[last] ** 2 + own[last + 1] ** 2
    variances = (
        ((1 - part) * own[last]) ** 2,
        (part * own[last + 1]) ** 2,
        max(step**2 - noise, 0.0) / 12.0,
        (scatter * step / (beyond - within)) ** 2,
    )
    return Turnoff(float(value), float(np.sqrt(sum(variances))))


def _sorted(light: npt.ArrayLike, means: npt.ArrayLike, errors: npt.ArrayLike) -> tuple[Series, ...]:
    x, y = np.asarray(light, np.float64), np.asarray(means, np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise ParameterError("means", y.shape, f"one for each of the {x.size} lights")
    if not (np.isfinite(x).all() and np.isfinite(y).all() and (x >= 0).all()):
        raise ParameterError("light", x, "finite and 0 or more, as the means")
    order = np.argsort(x, kind="stable")
    return x[order], y[order], np.broadcast_to(np.asarray(errors, np.float64), x.shape)[order]
