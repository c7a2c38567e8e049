"""The sky after sunset, for sky flats: it fades while one exposes."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.errors import ParameterError
from fullwell.quantities import quantities, quantity
from fullwell.scene.sky import Sky
from fullwell.scene.source import light_level

__all__ = ["Twilight"]


def _level(value: Any) -> Any:
    return light_level(value, "level")


@attrs.frozen
class Twilight:
    """Twilight as one exposure sees it.

    Parameters
    ----------
    level : float or Quantity
        e-/s/pixel at time 0.
    start, exposure_time : float or Quantity
        When the shutter opens, and for how long, seconds.
    halving : float or Quantity
        Seconds in which the brightness halves; negative before sunrise. About 110 s at moderate latitudes
        (Tyson & Gal 1993, AJ 105, 1206: S = exp(-t/tau) with tau about 160 s near the equator).
    gradient : tuple of float
        Relative change over the frame, as for `Sky`.

    Raises
    ------
    ParameterError
        If a value is impossible.
    """

    night_sky: ClassVar[bool] = False
    level: float = attrs.field(converter=_level)
    start: float = attrs.field(default=0.0, **quantity(u.s))
    exposure_time: float = attrs.field(default=1.0, **quantity(u.s, least=0))
    halving: float = attrs.field(default=110.0, **quantity(u.s))
    gradient: tuple[float, float] = attrs.field(default=(0.0, 0.0), **quantities(size=2))

    def __attrs_post_init__(self) -> None:
        Sky(0.0, gradient=self.gradient)  # refuses one that is too steep
        if not self.halving:
            raise ParameterError("halving", self.halving, "seconds, not 0; negative before sunrise")
        if not math.isfinite(self.mean):
            raise ParameterError("start", self.start, "a time at which the brightness is finite")

    @property
    def mean(self) -> float:
        """Mean level over the exposure, e-/s/pixel."""
        decay = math.log(2) / self.halving
        x = decay * self.exposure_time
        shape = -math.expm1(-x) / x if x else 1.0
        try:
            return self.level * math.exp(-decay * self.start) * shape
        except OverflowError:
            return math.inf

    def render(self, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
        """Return the expected photo-electrons per second and pixel, mean over the exposure."""
        return Sky(self.mean, gradient=self.gradient).render(shape)
