"""A lamp that lights the whole detector evenly, for flats."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.scene.source import light_level

__all__ = ["Lamp"]


def _level(value: Any) -> Any:
    return light_level(value, "level")


@attrs.frozen
class Lamp:
    """Even light: a screen in the dome, or twilight.

    Parameters
    ----------
    level : float or Quantity
        e-/s/pixel where the flat response is 1.

    Raises
    ------
    ParameterError
        If the level is negative or not finite.
    """

    night_sky: ClassVar[bool] = False
    level: float = attrs.field(converter=_level)

    def render(self, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
        """Return the expected photo-electrons per second and pixel."""
        return np.full(shape, self.level, np.float32)
