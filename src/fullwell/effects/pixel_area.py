"""Fields in the silicon move charge sideways: pixels collect from more or less than their own square."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, Self

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.detector import Detector
from fullwell.effects.base import Effect, Kind, Signal, Stage
from fullwell.effects.converters import checked_image, fits
from fullwell.errors import ChainError, ParameterError
from fullwell.noise import Noise

__all__ = ["Boundaries", "MovesBoundaries", "PixelArea"]

Map = npt.NDArray[np.float64]
#: Rounding of single floats may make an area that is 0 this much less.
_ROUNDING = -1e-5


def _east(value: Any) -> npt.NDArray[np.float32]:
    return checked_image("east", value)


def _north(value: Any) -> npt.NDArray[np.float32]:
    return checked_image("north", value)


@attrs.frozen(eq=False)
class Boundaries:
    """How far the boundaries of pixels are moved, in pixels.

    Parameters
    ----------
    east : ndarray of float32, shape (rows, columns + 1)
        To the right: the boundary to the left of each column, and that behind the last.
    north : ndarray of float32, shape (rows + 1, columns)
        Upward: the boundary below each row, and that above the last.

    Raises
    ------
    ParameterError
        If shapes do not fit, a value is not finite, or boundaries cross: no area is below 0.
    """

    east: npt.NDArray[np.float32] = attrs.field(converter=_east)
    north: npt.NDArray[np.float32] = attrs.field(converter=_north)

    def __attrs_post_init__(self) -> None:
        rows, columns = self.shape
        if self.north.shape != (rows + 1, columns):
            raise ParameterError(
                "north", self.north.shape, f"({rows + 1}, {columns}), as east is {self.east.shape}"
            )
        least = float(self.area.min())
        if least < _ROUNDING:
            raise ParameterError(
                "boundaries", least, "areas of 0 or more in all pixels: boundaries must not cross"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of pixels."""
        return self.east.shape[0], self.east.shape[1] - 1

    @property
    def area(self) -> Map:
        """Area of each pixel, 1 for one that is not changed: what an even light shows."""
        across = np.diff(self.east.astype(np.float64), axis=1)
        return np.asarray(1 + across + np.diff(self.north.astype(np.float64), axis=0))

    @property
    def displacement(self) -> tuple[Map, Map]:
        """How far charge of each pixel is moved along columns and along rows (x, y): where stars are found.

        It goes against the boundaries: where they are moved to the left, charge lands farther to the right.
        The relative area is 1 less its divergence.
        """
        x, y = (array.astype(np.float64) for array in (self.east, self.north))
        return -(x[:, 1:] + x[:, :-1]) / 2, -(y[1:] + y[:-1]) / 2

    def __add__(self, other: Boundaries) -> Boundaries:
        """Return both together, to first order."""
        if not isinstance(other, Boundaries):
            return NotImplemented
        if other.shape != self.shape:
            raise ParameterError("boundaries", other.shape, f"those of {self.shape} pixels")
        return Boundaries(self.east + other.east, self.north + other.north)

    @classmethod
    def unmoved(cls, shape: tuple[int, int]) -> Self:
        """Return boundaries where they should be."""
        rows, columns = shape
        return cls(np.zeros((rows, columns + 1), np.float32), np.zeros((rows + 1, columns), np.float32))

    @classmethod
    def from_area(cls, area: npt.ArrayLike) -> Self:
        """Return the smoothest boundaries that give an image of areas.

        Parameters
        ----------
        area : array, shape (rows, columns)
            Above 0; only its ratio to the mean counts. An image of a flat will do where all that is left in
            it is area.

        Raises
        ------
        ParameterError
            If a value is not finite or not above 0.

        Notes
        -----
        The boundaries are the gradient of a potential, as fields are, and those at the edges stay where they
        are: its Laplacian is the area less 1, solved exactly for pixels by cosine transforms.
        """
        from scipy.fft import dctn, idctn

        image = checked_image("area", area, least=0.0).astype(np.float64)
        if not image.min() > 0:
            raise ParameterError("area", float(image.min()), "above 0 in all pixels")
        waves = dctn(image / image.mean() - 1)
        along, across = (2 * np.cos(np.pi * np.arange(size) / size) - 2 for size in image.shape)
        laplacian = along[:, None] + across
        laplacian[0, 0] = 1.0
        waves[0, 0] = 0.0
        potential = idctn(waves / laplacian)
        return cls(
            np.pad(np.diff(potential, axis=1), ((0, 0), (1, 1))),
            np.pad(np.diff(potential, axis=0), ((1, 1), (0, 0))),
        )


class MovesBoundaries(Protocol):
    """What moves boundaries differently in each exposure."""

    def boundaries_in(self, detector: Detector, *, exposure: int) -> Boundaries:
        """Return them in the exposure of that number."""
        ...


@attrs.frozen(eq=False)
class PixelArea(Effect):
    """Pixels whose boundaries are not where they should be.

    Parameters
    ----------
    boundaries : Boundaries
    changing : tuple of MovesBoundaries
        What moves them in addition and is another in each exposure, such as `fullwell.features.Tearing`.

    Notes
    -----
    Even light is multiplied by the areas, as by a `Flat`. A star keeps its electrons and is moved by
    `Boundaries.displacement`; so dividing by a flat that holds the areas makes its brightness wrong by them.
    It acts on light alone: dark current arises below the fields that do this, and tracks are not moved.
    """

    name: ClassVar[str] = "pixel_area"
    stage: ClassVar[Stage] = Stage.PIXEL_AREA
    kind: ClassVar[Kind] = Kind.REDISTRIBUTING
    boundaries: Boundaries = attrs.field()
    changing: tuple[MovesBoundaries, ...] = ()

    @boundaries.validator
    def _check(self, _: Any, value: Any) -> None:
        if not isinstance(value, Boundaries):
            raise ParameterError("boundaries", type(value).__name__, "Boundaries")

    def simulate(self, signal: Signal, *, noise: Noise) -> None:
        """Collect the expected light within the boundaries.

        Raises
        ------
        ChainError
            If the light was counted before, the image is in the raw layout, or shapes differ.
        """
        from fullwell.kernels.displacement import displaced

        if signal.counted or (signal.raw and signal.detector.has_scans):
            raise ChainError("pixels collect expected light: before it is counted, not in the raw layout")
        boundaries = self.boundaries
        fits(self.name, boundaries.east[:, 1:], signal.image.shape)
        for part in self.changing:
            boundaries += part.boundaries_in(signal.detector, exposure=noise.exposure)
        signal.image = displaced(signal.image, boundaries.east, boundaries.north)
