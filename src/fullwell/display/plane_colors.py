"""Colors of the flag planes, and pictures of them to lay over an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from fullwell.errors import FrameError, ParameterError
from fullwell.flags import FLAG_DTYPE, FlagImage, Flags

__all__ = ["MASK_NAME", "PLANE_COLORS", "Planes", "choose_planes", "color_of", "paint_planes"]

#: What a mask without a name of its own is called.
MASK_NAME = "MASK"

#: Color of each flag plane in every display, by name; told apart on black, gray and white.
PLANE_COLORS: Mapping[str, str] = MappingProxyType(
    {
        "BAD": "#e6194b",
        "HOT": "#f58231",
        "DEAD": "#4363d8",
        "SATURATED": "#f032e6",
        "COSMIC_RAY": "#3cb44b",
        "NO_DATA": "#7a6a53",
        "MASKED": "#9a6324",
        "UNCALIBRATED": "#808000",
        "BLEED": "#b76cf4",
        "INTERPOLATED": "#42d4f4",
        "SUSPECT": "#ffe119",
        "CROSSTALK": "#469990",
        "EDGE": "#8fd9a8",
        MASK_NAME: "#e6194b",
    }
)

#: None, 'all', names, the planes themselves, or masks of one's own by name.
Planes = str | Flags | Sequence[str] | Mapping[str, npt.NDArray[np.bool_]] | None


def choose_planes(planes: Planes, flags: FlagImage) -> dict[str, npt.NDArray[np.bool_]]:
    """Pixels of each plane that is asked for, in the order of the bits.

    Parameters
    ----------
    planes : None, 'all', str, sequence of str, Flags, or mapping of str to ndarray of bool
        ``'all'`` are those of which a pixel is set. A mapping is taken as it is.
    flags : ndarray of uint16

    Raises
    ------
    ParameterError
        If there is no plane of that name.
    FrameError
        If a mask does not fit the image.
    """
    if planes is None:
        return {}
    if isinstance(planes, Mapping):
        for name, plane in planes.items():
            if np.shape(plane) != flags.shape:
                raise FrameError(f"mask {name} of {np.shape(plane)} does not fit an image of {flags.shape}")
        return {str(name): np.asarray(plane, bool) for name, plane in planes.items()}
    if isinstance(planes, str) and planes == "all":
        there = Flags(int(np.bitwise_or.reduce(flags, axis=None)) & int(sum(plane.value for plane in Flags)))
        chosen = {plane.name for plane in Flags if plane & there}
    elif isinstance(planes, Flags):
        chosen = {plane.name for plane in Flags if plane & planes}
    else:
        chosen = {planes} if isinstance(planes, str) else set(planes)
    unknown = chosen - {plane.name for plane in Flags}
    if unknown:
        known = ", ".join(str(plane.name) for plane in Flags)
        raise ParameterError("planes", sorted(map(str, unknown)), f"'all', Flags, or names out of {known}")
    return {
        str(plane.name): (flags & FLAG_DTYPE.type(plane.value)) != 0
        for plane in Flags
        if plane.name in chosen
    }


def color_of(name: str, colors: Mapping[str, Any] | None = None) -> tuple[int, int, int]:
    """Red, green and blue of a plane, 0 to 255.

    Raises
    ------
    ParameterError
        If what `colors` says is no color.
    """
    from matplotlib.colors import to_rgb

    color = {**PLANE_COLORS, **(colors or {})}.get(name, PLANE_COLORS[MASK_NAME])
    try:
        red, green, blue = (round(255 * part) for part in to_rgb(color))
    except ValueError:
        raise ParameterError(
            "color", color, "a color as matplotlib knows them, such as 'red' or '#e6194b'"
        ) from None
    return red, green, blue


def paint_planes(
    planes: Mapping[str, npt.NDArray[np.bool_]],
    *,
    step: int = 1,
    colors: Mapping[str, Any] | None = None,
    opacity: float | Mapping[str, float] = 0.5,
) -> npt.NDArray[np.uint8]:
    """Paint planes to one picture; where several are set, the last one is seen.

    Parameters
    ----------
    planes : mapping of str to ndarray of bool
        Of one shape, at least one.
    step : int
        Side of the blocks that become one cell; one pixel of the block is enough for it to show.
    colors : mapping of str
        Instead of `PLANE_COLORS`.
    opacity : float or mapping of str to float
        0 is not seen, 1 hides the image.

    Returns
    -------
    ndarray of uint8, shape (rows, columns, 4)
        Red, green, blue and opacity.

    Raises
    ------
    ParameterError
        If an opacity is not within 0 and 1.
    FrameError
        If the planes differ in shape.
    """
    picture: npt.NDArray[np.uint8] | None = None
    for name, plane in planes.items():
        alpha = opacity.get(name, 0.5) if isinstance(opacity, Mapping) else opacity
        if not 0 <= alpha <= 1:
            raise ParameterError("opacity", alpha, "0 to 1")
        cells = _any_in_blocks(plane, step)
        if picture is None:
            picture = np.zeros((*cells.shape, 4), np.uint8)
        if picture.shape[:2] != cells.shape:
            raise FrameError(f"plane {name} of {plane.shape} does not fit the others")
        picture[cells] = (*color_of(name, colors), round(255 * alpha))
    if picture is None:
        raise ParameterError("planes", dict(planes), "at least one")
    return picture


def _any_in_blocks(plane: npt.NDArray[np.bool_], step: int) -> npt.NDArray[np.bool_]:
    y, x = (np.arange(0, size, step) for size in plane.shape)
    return np.asarray(np.logical_or.reduceat(np.logical_or.reduceat(plane, y, axis=0), x, axis=1))
