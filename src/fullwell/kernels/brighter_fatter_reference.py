"""The plain NumPy form of `brighter_fatter_compiled`: what the compiled loops have to agree with."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["moved_charge"]


def moved_charge(
    light: npt.NDArray[Any], charge: npt.NDArray[Any], east: npt.NDArray[Any], north: npt.NDArray[Any]
) -> npt.NDArray[Any]:
    """Return what `fullwell.kernels.brighter_fatter.moved_charge` does, in the type of `light`."""
    n = north.shape[0]
    east, north = east.astype(light.dtype), north.astype(light.dtype)
    wide = np.pad(charge.astype(light.dtype), n, mode="symmetric")
    rows, columns = light.shape

    def shifted(down: int, right: int) -> npt.NDArray[Any]:
        """Charge of the pixel so many rows above and columns to the right."""
        return wide[n + down : n + down + rows, n + right : n + right + columns]

    # The boundaries between columns x and x + 1, then those between rows y and y + 1.
    across = np.zeros(light.shape, light.dtype)
    for j in range(n):
        for i in range(n - 1):
            left, right = shifted(j, -i), shifted(j, i + 1)
            if j > 0:
                left, right = left + shifted(-j, -i), right + shifted(-j, i + 1)
            across += east[i, j] * (left - right)
    upward = np.zeros(light.shape, light.dtype)
    for j in range(n - 1):
        for i in range(n):
            steps = shifted(-j, -i) - shifted(j + 1, -i)
            if i > 0:
                steps = steps + (shifted(-j, i) - shifted(j + 1, i))
            upward += north[i, j] * steps
    half = light.dtype.type(0.5)
    across[:, :-1] *= half * (light[:, :-1] + light[:, 1:])
    upward[:-1] *= half * (light[:-1] + light[1:])
    across[:, -1], upward[-1] = 0, 0
    gained = across.copy(), upward.copy()
    gained[0][:, 1:] -= across[:, :-1]
    gained[1][1:] -= upward[:-1]
    return gained[0] + gained[1]
