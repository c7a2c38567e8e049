"""Galaxies: ellipses of Sersic profiles, seen through a Gaussian point-spread function."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.brief import Brief
from fullwell.errors import ParameterError
from fullwell.quantities import quantity
from fullwell.scene.source import each_of

__all__ = ["Galaxies"]

Values = npt.NDArray[np.float64]
#: Effective radii at which a galaxy ends; outside lies less than 1 % of the light for indices up to 2.
REACH = 8.0
_SIGMA_OF_FWHM = 1 / (2 * math.sqrt(2 * math.log(2)))


def _x(value: Any) -> Any:
    return each_of(value, "x", u.pix)


def _y(value: Any) -> Any:
    return each_of(value, "y", u.pix)


def _flux(value: Any) -> Any:
    return each_of(value, "flux", u.electron / u.s, least=0)


def _radius(value: Any) -> Any:
    return each_of(value, "radius", u.pix, least=1e-3, most=1e5)


def _index(value: Any) -> Any:
    return each_of(value, "index", least=0.3, most=8)


def _axis_ratio(value: Any) -> Any:
    return each_of(value, "axis_ratio", least=0.01, most=1)


def _angle(value: Any) -> Any:
    return each_of(value, "angle", u.rad)


@attrs.frozen(eq=False, repr=False)
class Galaxies(Brief):
    """Extended sources.

    Parameters
    ----------
    x, y : array of float
        Column and row of the center; whole numbers are centers of pixels, counted from 0.
    flux : array of float or Quantity
        e-/s, all of the galaxy within its edge.
    radius : array of float
        Half-light radius along the major axis, pixels.
    index : array of float
        Sersic index: 1 an exponential disk, 4 the profile of de Vaucouleurs.
    axis_ratio : array of float
        Minor over major axis, above 0, at most 1.
    angle : array of float
        Of the major axis, radians from the direction of columns toward that of rows.
    fwhm : float
        Of the Gaussian point-spread function, pixels; 0 for none.

    Raises
    ------
    ParameterError
        If lengths differ or a value is impossible.

    Notes
    -----
    I(r) ~ exp(-b ((r/R)^(1/n) - 1)) with b from Ciotti & Bertin 1999 (A&A 352, 447, equation 18), out to 8 R.
    The center is sampled finer than pixels, and the stamp is scaled so that its sum is `flux`.
    """

    night_sky: ClassVar[bool] = False
    x: Values = attrs.field(converter=_x)
    y: Values = attrs.field(converter=_y)
    flux: Values = attrs.field(converter=_flux)
    radius: Values = attrs.field(converter=_radius)
    index: Values = attrs.field(converter=_index, default=1.0)
    axis_ratio: Values = attrs.field(converter=_axis_ratio, default=1.0)
    angle: Values = attrs.field(converter=_angle, default=0.0)
    fwhm: float = attrs.field(default=3.0, **quantity(u.pix, least=0, most=1e4))

    def __attrs_post_init__(self) -> None:
        for name in ("flux", "radius", "index", "axis_ratio", "angle"):
            values = getattr(self, name)
            if values.size not in (1, self.x.size):
                raise ParameterError(f"length of {name}", values.size, f"1 or {self.x.size}")
        if self.x.shape != self.y.shape:
            raise ParameterError(
                "position of a galaxy", (self.x.size, self.y.size), "x and y, finite, in pairs"
            )

    def render(self, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
        """Return the expected photo-electrons per second and pixel."""
        image = np.zeros(shape, np.float64)
        each = (self.flux, self.radius, self.index, self.axis_ratio, self.angle)
        columns = np.broadcast_arrays(self.x, self.y, *(np.broadcast_to(v, self.x.shape) for v in each))
        for x, y, flux, radius, index, ratio, angle in zip(*columns, strict=True):
            reach = math.ceil(REACH * radius + 3 * self.fwhm) + 1
            column, row = math.floor(x + 0.5), math.floor(y + 0.5)
            box = _inside(row, column, reach, shape)
            if box is None:
                continue
            stamp = _stamp(x - column, y - row, reach, radius, index, ratio, angle, fwhm=self.fwhm)
            rows, cols = box
            image[rows, cols] += (
                flux
                * stamp[
                    rows.start - row + reach : rows.stop - row + reach,
                    cols.start - column + reach : cols.stop - column + reach,
                ]
            )
        return image.astype(np.float32)


def _inside(row: int, column: int, reach: int, shape: tuple[int, int]) -> tuple[slice, slice] | None:
    rows = slice(max(row - reach, 0), min(row + reach + 1, shape[0]))
    columns = slice(max(column - reach, 0), min(column + reach + 1, shape[1]))
    return (rows, columns) if rows.start < rows.stop and columns.start < columns.stop else None


def _stamp(
    dx: float, dy: float, reach: int, radius: float, index: float, ratio: float, angle: float, *, fwhm: float
) -> Values:
    """Pixels of one galaxy of flux 1, centered at (dx, dy) from the middle of the stamp."""
    side = np.arange(-reach, reach + 1, dtype=np.float64)
    stamp = _surface(side - dx, side - dy, radius, index, ratio, angle)
    # Steep centers change within a pixel: the nearer, the finer the grid of points.
    for near, fine in ((min(reach, 3 + math.ceil(min(radius, 3.0))), 15), (1, 75)):
        offsets = (np.arange(fine) + 0.5) / fine - 0.5
        inner = np.arange(-near, near + 1, dtype=np.float64)
        points_x, points_y = ((inner[:, None] + offsets).ravel() - d for d in (dx, dy))
        values = _surface(points_x, points_y, radius, index, ratio, angle)
        middle = slice(reach - near, reach + near + 1)
        stamp[middle, middle] = values.reshape(inner.size, fine, inner.size, fine).mean(axis=(1, 3))
    if fwhm:
        from scipy.ndimage import gaussian_filter

        stamp = gaussian_filter(stamp, fwhm * _SIGMA_OF_FWHM, mode="constant", truncate=6.0)
    return np.asarray(stamp / stamp.sum())


def _surface(dx: Values, dy: Values, radius: float, index: float, ratio: float, angle: float) -> Values:
    n = index
    b = 2 * n - 1 / 3 + 4 / (405 * n) + 46 / (25515 * n**2)
    major = dx * math.cos(angle) + (dy * math.sin(angle))[:, None]
    minor = -dx * math.sin(angle) + (dy * math.cos(angle))[:, None]
    r = np.hypot(major, minor / ratio) / radius
    return np.asarray(np.where(r <= REACH, np.exp(-b * (r ** (1 / n) - 1)), 0.0))
