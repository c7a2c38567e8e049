"""A projector of spots, for crosstalk and for the brighter-fatter effect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.brief import Brief
from fullwell.detector import Detector
from fullwell.errors import ParameterError
from fullwell.quantities import quantity
from fullwell.scene.source import each_of, light_level

__all__ = ["Spots"]


def _x(value: Any) -> Any:
    return each_of(value, "x", u.pix)


def _y(value: Any) -> Any:
    return each_of(value, "y", u.pix)


def _level(value: Any) -> Any:
    return light_level(value, "level")


@attrs.frozen(eq=False, repr=False)
class Spots(Brief):
    """Round spots of even light.

    Parameters
    ----------
    x, y : array of float
        Column and row of their centers, pixels.
    level : float or Quantity
        e-/s/pixel within a spot.
    radius : float
        Pixels.
    blur : float
        Standard deviation of the Gaussian with which the edge is blurred, pixels.

    Raises
    ------
    ParameterError
        If a value is impossible.
    """

    night_sky: ClassVar[bool] = False
    x: npt.NDArray[np.float64] = attrs.field(converter=_x)
    y: npt.NDArray[np.float64] = attrs.field(converter=_y)
    level: float = attrs.field(converter=_level)
    radius: float = attrs.field(default=10.0, **quantity(u.pix, least=0.5, most=1e5))
    blur: float = attrs.field(default=1.0, **quantity(u.pix, least=0, most=1e4))

    def __attrs_post_init__(self) -> None:
        if np.shape(self.x) != np.shape(self.y):
            raise ParameterError("length of x, y", (np.shape(self.x), np.shape(self.y)), "finite, in pairs")

    @classmethod
    def on_amplifiers(
        cls, detector: Detector, level: Any, *, names: Sequence[str] | None = None, radius: float = 10.0
    ) -> Spots:
        """Put one spot into the middle of each of these amplifiers.

        Parameters
        ----------
        detector : Detector
        level : float or Quantity
            e-/s/pixel.
        names : sequence of str, optional
            Names of amplifiers; all if not given.
        radius : float
            Pixels.

        Raises
        ------
        ParameterError
            If the detector has no amplifier of a name.
        """
        known = {amplifier.name: amplifier.box for amplifier in detector.amplifiers}
        wanted = list(known) if names is None else list(names)
        unknown = [name for name in wanted if name not in known]
        if unknown:
            raise ParameterError("names", unknown, f"amplifiers of {detector.name}: {', '.join(known)}")
        boxes = [known[name] for name in wanted]
        x = [(box.x0 + box.x1 - 1) / 2 for box in boxes]
        y = [(box.y0 + box.y1 - 1) / 2 for box in boxes]
        return cls(x, y, level, radius=radius)

    def render(self, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
        """Return the expected photo-electrons per second and pixel; spots that overlap add up."""
        from scipy.special import erfc

        image = np.zeros(shape, np.float64)
        reach = self.radius + 6 * self.blur + 1
        for x, y in zip(self.x, self.y, strict=True):
            rows = slice(max(int(y - reach), 0), max(int(y + reach) + 2, 0))
            columns = slice(max(int(x - reach), 0), max(int(x + reach) + 2, 0))
            part = image[rows, columns]
            if not part.size:
                continue
            dy = np.arange(rows.start, rows.start + part.shape[0]) - y
            dx = np.arange(columns.start, columns.start + part.shape[1]) - x
            outside = np.hypot(dx, dy[:, None]) - self.radius
            # A straight edge blurred; good where the blur is small beside the radius.
            part += self.level * (
                0.5 * erfc(outside / (self.blur * np.sqrt(2))) if self.blur else outside <= 0
            )
        return image.astype(np.float32)
