"""A source of light, and a scene of several."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.errors import ParameterError
from fullwell.quantities import dimensions, in_unit, number, numbers

__all__ = ["Scene", "Source", "each_of", "has_night_sky", "light_level", "rate"]


@runtime_checkable
class Source(Protocol):
    """Anything that can say how much light each pixel receives."""

    def render(self, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
        """Return the expected photo-electrons per second and pixel, before the flat response."""
        ...


@runtime_checkable
class AddsTo(Protocol):
    """A source that adds its light to an image, where that is faster than an image of its own."""

    def add_to(self, image: npt.NDArray[np.float32]) -> None:
        """Add what `render` returns."""
        ...


def _parts(value: Source | Iterable[Source]) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, Iterable) else (value,)


@attrs.frozen(eq=False)
class Scene:
    """Sources that add up.

    Parameters
    ----------
    parts : Source or sequence of Source
        None at all is a closed shutter.
    """

    parts: tuple[Source, ...] = attrs.field(converter=_parts, default=())

    def __attrs_post_init__(self) -> None:
        for part in self.parts:
            if not isinstance(part, Source):
                raise ParameterError("part of a scene", part, "something with a method render(shape)")

    @property
    def night_sky(self) -> bool:
        """Whether one of the parts has the narrow lines of the night sky."""
        return any(has_night_sky(part) for part in self.parts)

    @property
    def sky_level(self) -> float | None:
        """Light of the night sky, e-/s/pixel, all parts together; None where a part of it does not say."""
        levels = [getattr(part, "sky_level", None) for part in self.parts if has_night_sky(part)]
        return None if None in levels else float(sum(level for level in levels if level is not None))

    def render(self, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
        """Return the expected photo-electrons per second and pixel, before the flat response.

        Parameters
        ----------
        shape : tuple of int
            Rows and columns of the light-sensitive area.

        Returns
        -------
        ndarray of float32
        """
        total = np.zeros(shape, np.float32)
        self.add_to(total)
        return total

    def add_to(self, image: npt.NDArray[np.float32]) -> None:
        """Add what `render` returns."""
        for part in self.parts:
            if isinstance(part, AddsTo):
                part.add_to(image)
            else:
                image += part.render((image.shape[0], image.shape[1]))


def has_night_sky(scene: Any) -> bool:
    """Return whether light has the narrow lines of the night sky; images and scenes that say nothing have."""
    return scene is not None and bool(getattr(scene, "night_sky", True))


def rate(value: Any, *, name: str = "light") -> Any:
    """Strip a Quantity to e-/s or e-/s/pixel; anything else is in that unit already.

    Raises
    ------
    ParameterError
        If the Quantity is of another kind.
    """
    per_pixel = u.electron / u.s / u.pix
    if isinstance(value, u.Quantity) and value.unit.is_equivalent(per_pixel):
        return value.to_value(per_pixel)
    return in_unit(value, u.electron / u.s, name=name)


def light_level(value: Any, name: str) -> float:
    """Return a level of light in e-/s: finite, and 0 or more.

    Raises
    ------
    ParameterError
        If it is none.
    """
    return float(number(rate(value, name=name), name, u.electron / u.s, least=0))


def each_of(value: Any, name: str, unit: u.UnitBase | None = None, **bounds: Any) -> npt.NDArray[np.float64]:
    """Return numbers, one a source; there may be none.

    Raises
    ------
    ParameterError
        If one of them is none, or not within the bounds; see `fullwell.quantities.number`.
    """
    if unit == u.electron / u.s:
        value = rate(value, name=name)
    if dimensions(value) == 1 and np.size(value) == 0:
        return np.zeros(0)
    return numbers(value, name, unit, **bounds)
