"""Where the variance of flats falls though the mean still rises: charge is shared, the well is full."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["variance_turnoff"]

FALLING = 2  # points, one after the other
SURE = 5.0  # sigma
BACK = 2  # points


def variance_turnoff(variance: npt.ArrayLike, error: npt.ArrayLike = 0.0) -> int | None:
    """Find the last point before the variance falls for good.

    The last mean before two or more consecutive points of falling variance, if they fall by more than 5 sigma
    together and no two later points come back as high. Without errors: the same rule on a noiseless curve.

    Parameters
    ----------
    variance : array_like, shape (points,)
        In the order of the mean.
    error : array_like or float
        Standard errors of the variances.

    Returns
    -------
    int or None
        Number of the point; None if the variance does not turn.
    """
    values = np.asarray(variance, np.float64)
    sigma = np.broadcast_to(np.asarray(error, np.float64), values.shape)

    def above(one: int, other: int) -> bool:
        return bool(values[one] - values[other] > SURE * np.hypot(sigma[one], sigma[other]))

    for k in range(len(values) - FALLING):
        end = k
        while end + 1 < len(values) and values[end + 1] < values[end]:
            end += 1
        if end - k < FALLING or not above(k, end):
            continue
        # Noise may break a fall just after its begin: then the top is a step or two before.
        earlier = [p for p in range(max(k - BACK, 0), k) if above(p, k)]
        top = max(earlier, key=lambda p: values[p]) if earlier else k
        if (values[end + 1 :] > values[top] - SURE * sigma[top]).sum() < FALLING:
            return top
    return None
