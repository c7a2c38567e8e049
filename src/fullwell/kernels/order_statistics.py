"""What medians and clipping do to the variance of Gaussian samples of finite size."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np

__all__ = ["clipping_factors", "median_variance_factor", "truncated_variance_factor"]

_TRIALS = 200_000


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


@lru_cache(maxsize=1024)
def median_variance_factor(n: int) -> float:
    """``N var(median) / sigma^2`` for N normal values, from the densities of the order statistics.

    Exact (quadrature, 1e-6) to N = 100, beyond that ``pi/2 * N / (N + pi/2 - 1)``, which is right to 1e-4.
    The median of an even number is the mean of the two middle values.

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
        return float(np.pi / 2 * n / (n + np.pi / 2 - 1))
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
        # The half weight of the diagonal is the trapezoid at y = x.
        moments.append(np.cumsum(weighted[::-1])[::-1] - 0.5 * weighted)
    total = (below * (x**2 * moments[0] + 2 * x * moments[1] + moments[2])).sum()
    return float(n * scale * total)


@lru_cache(maxsize=256)
def clipping_factors(n: int, k: float, spread: Literal["std", "mad"]) -> tuple[float, float]:
    """What iterated clipping does to N normal values, by 200 000 trials with fixed numbers.

    Parameters
    ----------
    n : int
        Number of values.
    k : float
        Clipping factor.
    spread : {'std', 'mad'}
        What k is counted in.

    Returns
    -------
    mean_factor : float
        ``N var(clipped mean) / sigma^2``.
    scatter_factor : float
        Mean of ``s^2 / n_used`` of the survivors (ddof 1) over ``sigma^2 / N``.
    """
    from fullwell.kernels.combine import Rule, combine_block

    values = np.random.Generator(np.random.Philox(20_190_101)).standard_normal((n, _TRIALS))
    none = np.zeros((n, 1))
    rule = Rule("mean", k, spread, (0, 0), np.ones(n), none, none)
    result = combine_block(values, np.ones(values.shape, bool), rule)
    good = result.used > 1
    per_mean = result.scatter[good] / result.used[good]
    return float(n * result.value.var()), float(n * per_mean.mean())
