"""Stars, integrated over pixels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, ClassVar, Literal, Self

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.brief import Brief
from fullwell.errors import ParameterError
from fullwell.noise import FIXED_PATTERN, Noise
from fullwell.quantities import checked_shape, choices, pair, quantity
from fullwell.quantities import number as checked_number
from fullwell.scene.source import each_of

__all__ = ["Stars"]

#: Flux that may lie beyond the edge of a Moffat star; a Gaussian ends at 6 sigma (4e-9).
LOST_FLUX = 1e-4
_FWHM_OF_SIGMA = 2 * math.sqrt(2 * math.log(2))
Values = npt.NDArray[np.float64]
_Part = tuple[slice, slice]
#: Stars whose error functions are taken in one call; a call for each takes longer than all else.
_STARS = 1024


def _x(value: Any) -> Any:
    return each_of(value, "x", u.pix)


def _y(value: Any) -> Any:
    return each_of(value, "y", u.pix)


def _flux(value: Any) -> Any:
    return each_of(value, "flux", u.electron / u.s, least=0)


@attrs.frozen(eq=False, repr=False)
class Stars(Brief):
    """Point sources seen through one point-spread function.

    Parameters
    ----------
    x, y : array of float
        Column and row; whole numbers are centers of pixels, counted from 0. Stars may lie outside.
    flux : array of float or Quantity
        e-/s, all of the star.
    fwhm : Quantity or float
        Full width at half maximum, pixels.
    profile : {'gaussian', 'moffat'}
        Gaussian pixels are exact (products of error functions). Moffat pixels are integrated by
        Gauss-Legendre quadrature, at 12 nodes per core radius and axis within 4 core radii and
        2 nodes beyond: better than 1e-4 of the flux for FWHM down to half a pixel.
    beta : float
        Exponent of the Moffat profile ``(1 + r^2/alpha^2)^-beta`` (Moffat 1969, A&A 3, 455), 1.2 to 100:
        below, the flux of the wings does not end.

    Raises
    ------
    ParameterError
        If the arrays differ in length or a value is impossible.

    Notes
    -----
    A Gaussian star ends at a square of 6 sigma, a Moffat star at the circle outside of which 1e-4
    of its flux would lie, or at 150 core radii. The pixels add up to what lies within.
    """

    night_sky: ClassVar[bool] = False
    x: Values = attrs.field(converter=_x)
    y: Values = attrs.field(converter=_y)
    flux: Values = attrs.field(converter=_flux)
    fwhm: float = attrs.field(default=3.0, **quantity(u.pix, least=0.5, most=1e4))
    profile: Literal["gaussian", "moffat"] = attrs.field(default="gaussian", **choices("gaussian", "moffat"))
    beta: float = attrs.field(default=3.0, **quantity(least=1.2, most=100))

    def __attrs_post_init__(self) -> None:
        if not self.x.shape == self.y.shape == self.flux.shape:
            lengths = (self.x.size, self.y.size, self.flux.size)
            raise ParameterError("length of x, y, flux", lengths, "the same for all")

    @classmethod
    def random(
        cls,
        number: int,
        *,
        shape: tuple[int, int],
        flux: tuple[Any, Any],
        seed: int,
        fwhm: float = 3.0,
        profile: Literal["gaussian", "moffat"] = "gaussian",
        beta: float = 3.0,
        margin: float = 0.0,
    ) -> Self:
        """Scatter stars evenly over the frame, the number above a flux falling as 1/flux.

        Parameters
        ----------
        number : int
            How many.
        shape : tuple of int
            Rows and columns.
        flux : tuple of float or Quantity
            Faintest and brightest, e-/s.
        seed : int
            The same seed gives the same field.
        fwhm, profile, beta
            As for the class.
        margin : float
            Pixels by which the field is larger than the frame on every side, for dithered frames.

        Raises
        ------
        ParameterError
            If the number is negative or the fluxes are not in order.
        """
        number = checked_number(number, "number", least=0, most=100_000_000, whole=True)
        shape = checked_shape(shape)
        margin = checked_number(margin, "margin", u.pix)
        faint, bright = pair(flux, "flux", u.electron / u.s, above=0)
        stream = Noise(seed, FIXED_PATTERN).stream("stars")
        column, row, rank = (stream.uniform(number, draw=draw) for draw in range(3))
        return cls(
            x=column * (shape[1] + 2 * margin) - margin - 0.5,
            y=row * (shape[0] + 2 * margin) - margin - 0.5,
            flux=faint / (1 - rank * (1 - faint / bright)),
            fwhm=fwhm,
            profile=profile,
            beta=beta,
        )

    def shifted(self, dx: float, dy: float) -> Stars:
        """Return the same field moved by `dx` columns and `dy` rows."""
        return attrs.evolve(self, x=self.x + dx, y=self.y + dy)

    @property
    def radius(self) -> float:
        """Where a star ends, pixels from its center."""
        if self.profile == "gaussian":
            return 6 * self.fwhm / _FWHM_OF_SIGMA
        wings = math.sqrt(LOST_FLUX ** (-1 / (self.beta - 1)) - 1)
        return self._alpha * min(wings, 150.0)

    @property
    def _alpha(self) -> float:
        return self.fwhm / (2 * math.sqrt(2 ** (1 / self.beta) - 1))

    def render(self, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
        """Return the expected photo-electrons per second and pixel."""
        image = np.zeros(shape, np.float32)
        self.add_to(image)
        return image

    def add_to(self, image: npt.NDArray[np.float32]) -> None:
        """Add what `render` returns; only pixels that a star covers are touched."""
        parts = self._parts(image.shape)
        depth = np.zeros(image.shape, np.uint8)  # stars in each pixel: 0, 1, or 2 for more
        for part in parts.values():
            depth[part] += depth[part] < 2
        together = {i: part for i, part in parts.items() if depth[part].max() > 1}
        for i, stamp in self._stamps({i: part for i, part in parts.items() if i not in together}):
            image[parts[i]] += stamp.astype(np.float32)
        # Light of several stars is summed in double precision, in an image only where most pixels have some.
        if sum(depth[part].size for part in together.values()) > depth.size // 16:
            light = np.zeros(image.shape, np.float64)
            for i, stamp in self._stamps(together):
                light[parts[i]] += stamp
            image += light.astype(np.float32)
        elif together:
            places = np.concatenate([_places(part, image.shape[1]) for part in together.values()])
            values = np.concatenate([stamp.ravel() for _, stamp in self._stamps(together)])
            different, number = np.unique(places, return_inverse=True)
            image[np.divmod(different, image.shape[1])] += np.bincount(number, values).astype(np.float32)

    def _parts(self, shape: tuple[int, ...]) -> dict[int, _Part]:
        """Return what the stars cover that lie on the image at least in part, by their number."""
        columns, rows = _covered(self.x, self.radius, shape[1]), _covered(self.y, self.radius, shape[0])
        visible = np.flatnonzero((columns[:, 1] > columns[:, 0]) & (rows[:, 1] > rows[:, 0])).tolist()
        return {i: (slice(*rows[i].tolist()), slice(*columns[i].tolist())) for i in visible}

    def _stamps(self, parts: dict[int, _Part]) -> Iterator[tuple[int, Values]]:
        """Yield the number of each star, and its light where it covers the image."""
        for stars in _batches(parts, _STARS):
            if self.profile == "gaussian":
                shares_y = self._shares([parts[i][0] for i in stars], self.y[stars])
                shares_x = self._shares([parts[i][1] for i in stars], self.x[stars])
            for k, i in enumerate(stars):
                rows, columns = parts[i]
                if self.profile == "gaussian":
                    height, width = rows.stop - rows.start, columns.stop - columns.start
                    stamp = shares_y[k, :height, None] * shares_x[k, :width]
                else:
                    dx = np.arange(columns.start, columns.stop) - self.x[i]
                    stamp = self._moffat(dx, np.arange(rows.start, rows.stop) - self.y[i])
                yield i, self.flux[i] * stamp

    def _shares(self, covered: list[slice], center: Values) -> Values:
        """Part of a Gaussian in each of the columns (rows) it covers, shape (stars, widest)."""
        from scipy.special import erf

        first = np.array([part.start for part in covered])
        widest = max(part.stop - part.start for part in covered)
        d = first[:, None] + np.arange(widest) - center[:, None]
        scale = _FWHM_OF_SIGMA / (self.fwhm * math.sqrt(2))
        return np.asarray(erf((d + 0.5) * scale) - erf((d - 0.5) * scale)) / 2

    def _moffat(self, dx: Values, dy: Values) -> Values:
        stamp = self._moffat_pixels(dx, dy, nodes=2)
        near_x, near_y = np.abs(dx) < 4 * self._alpha + 1, np.abs(dy) < 4 * self._alpha + 1
        nodes = min(max(4, math.ceil(12 / self._alpha)), 40)
        stamp[np.ix_(near_y, near_x)] = self._moffat_pixels(dx[near_x], dy[near_y], nodes=nodes)
        return stamp

    def _moffat_pixels(self, dx: Values, dy: Values, *, nodes: int) -> Values:
        offset, weight = _quadrature(nodes)
        qx = ((dx[:, None] + offset) / self._alpha) ** 2
        qy = ((dy[:, None] + offset) / self._alpha) ** 2
        surface = (1 + qy[:, :, None, None] + qx) ** -self.beta
        surface *= qy[:, :, None, None] + qx <= (self.radius / self._alpha) ** 2
        total = np.einsum("iajb,a,b->ij", surface, weight, weight)
        return np.asarray(total * (self.beta - 1) / (math.pi * self._alpha**2))


def _places(part: _Part, columns: int) -> npt.NDArray[np.int64]:
    """Numbers of the pixels of a rectangle, row by row."""
    rows, along = (np.arange(each.start, each.stop) for each in part)
    return np.asarray(rows[:, None] * columns + along, np.int64).ravel()


def _batches(parts: dict[int, _Part], size: int) -> Iterator[list[int]]:
    numbers = list(parts)
    for start in range(0, len(numbers), size):
        yield numbers[start : start + size]


def _covered(center: Values, radius: float, size: int) -> npt.NDArray[np.int64]:
    """First column (row) that a star covers, and the one behind its last, shape (stars, 2)."""
    first, last = np.floor(center - radius + 0.5), np.floor(center + radius + 0.5)
    return np.asarray(np.clip(np.stack([first, last + 1], axis=1), 0, size), np.int64)


@lru_cache(maxsize=64)
def _quadrature(nodes: int) -> tuple[Values, Values]:
    """Offsets and weights of Gauss-Legendre quadrature over one pixel."""
    offset, weight = np.polynomial.legendre.leggauss(nodes)
    return offset / 2, weight / 2
