"""What medians and clipping do to the variance of Gaussian samples."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np

__all__ = [
    "clipping_factors",
    "iterated_clip_factor",
    "median_variance_factor",
    "truncated_variance_factor",
]

_TRIALS = 100_000
_CHUNK = 2**18  # values at a time


def truncated_variance_factor(k: float) -> float:
    """Variance of a unit normal after values beyond ``k`` sigma are cut away.

    ``1 - 2 k phi(k) / (2 Phi(k) - 1)``, the variance of the doubly truncated normal.

    Parameters
    ----------
    k : float
        Above 0.
    """
    from scipy.stats import norm

    return float(1.0 - 2.0 * k * norm.pdf(k) / (2.0 * norm.cdf(k) - 1.0))


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
    from scipy.stats import norm

    limit = k
    for _ in range(1000):
        following = k * truncated_variance_factor(limit) ** 0.5
        if abs(following - limit) < 1e-12:
            break
        limit = following
    variance = truncated_variance_factor(limit)
    step = 1e-4
    slope = truncated_variance_factor(limit + step) - truncated_variance_factor(limit - step)
    inside = 2.0 * norm.cdf(limit) - 1.0
    fourth = 3.0 - 2.0 * limit * (limit**2 + 3.0) * norm.pdf(limit) / inside
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
    from scipy.special import gammaln
    from scipy.stats import norm

    if n <= 2:
        return 1.0
    if n > 100:
        return float(np.pi / 2 - np.pi * ((4 if n % 2 else 6) - np.pi) / (4 * n))
    x = np.linspace(-9.0, 9.0, 3601)
    step = x[1] - x[0]
    log_cdf, log_pdf, log_tail = norm.logcdf(x), norm.logpdf(x), norm.logsf(x)
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
    The plain mean and the plain variance of the same numbers, whose variances are known exactly, take most of
    the noise out of the trials; what is left is below 0.5 %.
    """
    from fullwell.kernels.combine_compiled import PlaneRule, PlaneStack, PlaneTotals, combine_planes
    from fullwell.kernels.planes import Plane

    random = np.random.Generator(np.random.Philox(20_190_101))
    ones = np.ones(n)
    noise = np.ones(1), np.full(1, np.inf), 0.0
    rule = PlaneRule(method, k, spread, extrema, ones, ones, np.zeros(n), ones, noise)
    trials = 0
    level, value, plain_value, inverse, scatter, plain_scatter, scattered = np.zeros(7)
    while trials < _TRIALS:
        values = random.standard_normal((n, max(1, _CHUNK // n)))
        trials += values.shape[1]
        result = PlaneTotals.empty(n, values.shape[1])
        combine_planes(PlaneStack([Plane(row) for row in values], [None] * n), rule, result)
        good = result.used > 1
        level += result.value.sum(dtype=np.float64)
        value += (result.value.astype(np.float64) ** 2).sum()
        inverse += (1 / np.maximum(result.used, 1)).sum()
        scattered += good.sum()
        scatter += result.empirical[good].sum(dtype=np.float64)
        mean = values.mean(axis=0)
        plain_value += (mean**2).sum()
        variance = (np.einsum("ij,ij->j", values, values) - n * mean**2) / max(n - 1, 1)
        plain_scatter += variance[good].sum()
    variance = (value - level**2 / trials) / plain_value / n
    # Selecting trials with two survivors selects their plain variance too, but hardly ever drops one.
    expected = scatter / plain_scatter if scattered == trials else scatter / scattered
    return float(variance * trials / inverse), float(variance / expected)
