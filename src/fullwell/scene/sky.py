"""The brightness of the sky."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.errors import ParameterError
from fullwell.quantities import quantities
from fullwell.scene.source import light_level

__all__ = ["Sky"]

#: Rows done at a time, so that what is computed on the way stays in the processor's caches.
_ROWS = 16


def _level(value: Any) -> Any:
    return light_level(value, "level")


@attrs.frozen
class Sky:
    """A plane of light.

    Parameters
    ----------
    level : float or Quantity
        e-/s/pixel, mean over the frame.
    gradient : tuple of float
        Relative change from the left edge to the right, and from the bottom to the top.

    Raises
    ------
    ParameterError
        If the level is negative, or the gradient so steep that a corner would be.
    """

    level: float = attrs.field(converter=_level)
    gradient: tuple[float, float] = attrs.field(default=(0.0, 0.0), **quantities(size=2))

    def __attrs_post_init__(self) -> None:
        if not abs(self.gradient[0]) + abs(self.gradient[1]) <= 2:
            raise ParameterError("gradient", self.gradient, "two numbers whose sizes add up to 2 at most")

    @property
    def night_sky(self) -> bool:
        """Whether there is light with the narrow lines of the night sky."""
        return self.level > 0

    @property
    def sky_level(self) -> float:
        """Mean light of the night sky, e-/s/pixel."""
        return self.level

    def render(self, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
        """Return the expected photo-electrons per second and pixel."""
        image = np.zeros(shape, np.float32)
        self.add_to(image)
        return image

    def add_to(self, image: npt.NDArray[np.float32]) -> None:
        """Add what `render` returns."""
        dx, dy = self.gradient
        if dx == dy == 0:
            image += np.float32(self.level)
            return
        rows, columns = 1 + dy * _ramp(image.shape[0])[:, None], dx * _ramp(image.shape[1])
        for start in range(0, image.shape[0], _ROWS):
            part = slice(start, start + _ROWS)
            image[part] += np.maximum(self.level * (rows[part] + columns), 0).astype(np.float32)


def _ramp(n: int) -> npt.NDArray[np.float64]:
    """Run from -1/2 to 1/2, from edge to edge: the centers of the outermost pixels lie within."""
    return (np.arange(n) + 0.5) / n - 0.5
