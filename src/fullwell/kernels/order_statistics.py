"""What medians and clipping do to the variance of Gaussian samples."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Literal

import numpy as np

from fullwell.kernels.clipping_table import FEWEST, MEANS

__all__ = [
    "clipping_factors",
    "factors_by_trials",
    "iterated_clip_factor",
    "median_variance_factor",
    "truncated_variance_factor",
]

_TRIALS = 100_000
_CHUNK = 2**18  # values at a time
_UNIT = 1024  # the sigma of the trials, in integers: these are combined much faster than floats


def truncated_variance_factor(k: float) -> float:
    """Variance of a unit normal after values beyond ``k`` sigma are cut away.

    ``1 - 2 k phi(k) / (2 Phi(k) - 1)``, the variance of the doubly truncated normal.

    Parameters
    ----------
    k : float
        Above 0.
    """
    return float(1.0 - 2.0 * k * _density(k) / (2.0 * _below(k) - 1.0))


@lru_cache(maxsize=64)
def iterated_clip_factor(k: float) -> tuple[float, float]:
    """Return what iterated clipping at ``k`` sigma does to the variance of many normal values.

    The limits shrink along with the sigma of what is left: they come to rest at ``c = k sqrt(T(c))``, T being
    `truncated_variance_factor`, and the variance at ``T(c)``.

    Parameters
    ----------
    k : float
        Above the square root of 3, below which the clipping does not come to rest before all is gone.

    Returns
    -------
    variance : float
        Variance of the survivors over the true one.
    error : float
        Standard error of the variance over that of a plain variance of as many values, ``sqrt(2/n)``. A
        fluctuation of the variance moves the limits, which enhances it by ``1/(1 - c T'(c) / 2 T(c))``.
    """
    limit = k
    for _ in range(1000):
        following = k * truncated_variance_factor(limit) ** 0.5
        if abs(following - limit) < 1e-12:
            break
        limit = following
    variance = truncated_variance_factor(limit)
    step = 1e-4
    slope = truncated_variance_factor(limit + step) - truncated_variance_factor(limit - step)
    inside = 2.0 * _below(limit) - 1.0
    fourth = 3.0 - 2.0 * limit * (limit**2 + 3.0) * _density(limit) / inside
    error = np.sqrt((fourth / variance**2 - 1.0) / 2.0) / (1.0 - limit * slope / (4.0 * step * variance))
    return variance, float(error)


@lru_cache(maxsize=1024)
def median_variance_factor(n: int) -> float:
    """``N var(median) / sigma^2`` for N normal values, from the densities of the order statistics.

    Exact (quadrature, 1e-5) to N = 100, beyond that ``pi/2 - pi (4 - pi)/(4 N)`` for odd and
    ``pi/2 - pi (6 - pi)/(4 N)`` for even N, which is right to 4e-4. The median of an even number is the mean
    of the two middle values.

    Parameters
    ----------
    n : int
        1 or more.

    Notes
    -----
    David & Nagaraja, *Order Statistics* (3rd ed.), equations 2.1.6 and 2.2.1.
    """
    from scipy.special import gammaln, log_ndtr  # scipy.stats takes a second to load

    if n <= 2:
        return 1.0
    if n > 100:
        return float(np.pi / 2 - np.pi * ((4 if n % 2 else 6) - np.pi) / (4 * n))
    x = np.linspace(-9.0, 9.0, 3601)
    step = x[1] - x[0]
    log_cdf, log_pdf, log_tail = log_ndtr(x), -0.5 * x**2 - 0.5 * np.log(2 * np.pi), log_ndtr(-x)
    m = (n - 1) // 2
    if n % 2:
        density = np.exp(gammaln(n + 1) - 2 * gammaln(m + 1) + m * (log_cdf + log_tail) + log_pdf)
        return float(n * (x**2 * density).sum() * step)
    # Joint density of the two middle values x < y; the inner integrals over y > x accumulate.
    below = np.exp(m * log_cdf + log_pdf)
    above = np.exp(m * log_tail + log_pdf)
    scale = np.exp(gammaln(n + 1) - 2 * gammaln(m + 1)) * step * step / 4
    moments = []
    for power in range(3):
        weighted = above * x**power
        # Trapezoid from y = x on, with the term of Euler and Maclaurin for its sharp end there.
        end = np.gradient(weighted, edge_order=2) / 12
        moments.append(np.cumsum(weighted[::-1])[::-1] - 0.5 * weighted + end)
    total = (below * (x**2 * moments[0] + 2 * x * moments[1] + moments[2])).sum()
    return float(n * scale * total)


@lru_cache(maxsize=256)
def clipping_factors(
    n: int,
    k: float | None,
    spread: Literal["noise", "std", "mad"],
    *,
    method: Literal["mean", "median"] = "mean",
    extrema: tuple[int, int] = (0, 0),
) -> tuple[float, float]:
    """Return what to multiply textbook variances with when values were rejected, from fixed trials.

    Those of the usual rules stand in `fullwell.kernels.clipping_table`.

    Parameters
    ----------
    n : int
        Number of values before any is rejected.
    k : float or None
        Clipping factor.
    spread : {'noise', 'std', 'mad'}
        What k is counted in; 'noise' is the true sigma.
    method : {'mean', 'median'}
        What is taken of the survivors.
    extrema : tuple of int
        Lowest and highest values dropped first.

    Returns
    -------
    propagated : float
        Factor on ``sigma^2 / used``.
    empirical : float
        Factor on ``s^2 / used``, s^2 the variance of the survivors with ddof 1.

    Notes
    -----
    The mean (or median) and the variance of the same numbers without rejection, whose variances are known
    exactly, take most of the noise out of the trials; what is left is below 0.5 %.
    """
    known = MEANS.get((k, spread)) if method == "mean" and extrema == (0, 0) else None
    if known is not None and FEWEST <= n < FEWEST + len(known):
        return known[n - FEWEST]
    return factors_by_trials(n, k, spread, method=method, extrema=extrema, trials=_TRIALS)


def factors_by_trials(
    n: int,
    k: float | None,
    spread: Literal["noise", "std", "mad"],
    *,
    method: Literal["mean", "median"],
    extrema: tuple[int, int],
    trials: int,
) -> tuple[float, float]:
    """Return what `clipping_factors` does, from so many trials at least."""
    from fullwell.kernels.combine_compiled import PlaneRule, PlaneStack, PlaneTotals, combine_planes
    from fullwell.kernels.planes import Plane

    random = np.random.Generator(np.random.Philox(20_190_101))
    ones = np.ones(n)
    noise = np.full(1, float(_UNIT)), np.full(1, np.inf), 0.0
    rule = PlaneRule(method, k, spread, extrema, ones, ones, np.zeros(n), ones, noise)
    plain_rule = PlaneRule(method, None, spread, (0, 0), ones, ones, np.zeros(n), ones, noise)
    done = 0
    level, value, plain_level, plain_value, inverse, scatter, plain_scatter, scattered = np.zeros(8)
    while done < trials:
        values = np.rint(random.standard_normal((n, max(1, _CHUNK // n)), np.float32) * np.float32(_UNIT))
        done += values.shape[1]
        stack = PlaneStack([Plane(row) for row in values.astype(np.int16)], [None] * n)
        result, plain = (PlaneTotals.empty(n, values.shape[1]) for _ in range(2))
        combine_planes(stack, rule, result)
        combine_planes(stack, plain_rule, plain)
        good = result.used > 1
        level += result.value.sum(dtype=np.float64)
        value += (result.value.astype(np.float64) ** 2).sum()
        inverse += (1 / np.maximum(result.used, 1)).sum()
        scattered += good.sum()
        scatter += result.empirical[good].sum(dtype=np.float64)
        plain_level += plain.value.sum(dtype=np.float64)
        plain_value += (plain.value.astype(np.float64) ** 2).sum()
        # Of a median the kernel states the scatter of a mean: s^2 / n.
        plain_scatter += n * plain.empirical[good].sum(dtype=np.float64)
    variance = (value - level**2 / done) / (plain_value - plain_level**2 / done) / n
    variance *= median_variance_factor(n) if method == "median" else 1.0
    # Selecting trials with two survivors selects their plain variance too, but hardly ever drops one.
    if not scatter > 0:  # so narrow a clip leaves no two values that differ
        return float(variance * done / inverse), 1.0
    expected = scatter / plain_scatter if scattered == done else scatter / scattered / _UNIT**2
    return float(variance * done / inverse), float(variance / expected)


def _density(x: float) -> float:
    """Density of the unit normal."""
    return math.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)


def _below(x: float) -> float:
    """Return the probability of a unit normal to lie below `x`."""
    return 0.5 * math.erfc(-x / math.sqrt(2.0))
