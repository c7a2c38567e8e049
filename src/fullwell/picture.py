"""Pictures of frames: stretches to 256 gray levels, and thumbnails as PNG.

The same pixels give the same bytes: nothing of the clock, the machine or the version of a program
goes into a picture.
"""

from __future__ import annotations

import io
from typing import Any, Literal

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.errors import FrameError, ParameterError

__all__ = [
    "Grays",
    "Limits",
    "Pool",
    "Stretch",
    "bend",
    "draw",
    "find_limits",
    "pool_blocks",
    "pool_pixels",
    "stretch",
    "thumbnail",
    "unbend",
]

Limits = tuple[float, float] | float | Literal["zscale", "minmax"]
Stretch = Literal["linear", "asinh", "log", "sqrt"]
Pool = Literal["mean", "max"]

#: Where asinh turns from linear to logarithmic, as a fraction of the range.
_ASINH_SOFTENING = 0.1
_LOG_SCALE = 1000.0
#: Color of cells in which no pixel can be shown: not a gray that could be a value.
_NOTHING_TO_SHOW = (196, 92, 60)
_BLOCK_ROWS = 512


@attrs.frozen
class Grays:
    """What the grays of a picture mean; a picture without its scale is no measurement.

    Parameters
    ----------
    black, middle, white : float
        Pixel values that became black, half of the gray levels, and white.
    how : str
        The stretch between them.
    block : int
        Side of the square of pixels that one pixel of the picture stands for.
    """

    black: float
    middle: float
    white: float
    how: str
    block: int


def find_limits(
    data: npt.NDArray[Any], *, limits: Limits = "zscale", mask: npt.NDArray[np.bool_] | None = None
) -> tuple[float, float]:
    """Return the values that become black and white.

    Parameters
    ----------
    data : ndarray, shape (rows, columns)
    limits : {'zscale', 'minmax'}, float or (low, high)
        ``'zscale'`` is the algorithm of IRAF's display, as astropy has it; a number is the percentage
        of the pixels, taken symmetrically, that lie between black and white; two values are taken as
        they are.
    mask : ndarray of bool, optional
        True where a pixel does not count; pixels that are not finite never count.

    Returns
    -------
    low, high : float
        Low is below high. All pixels of one value get a range of one around it.

    Raises
    ------
    ParameterError
        If `limits` is none of these.
    FrameError
        If no pixel counts.
    """
    if isinstance(limits, tuple):
        low, high = (float(limit) for limit in limits)
        if not (np.isfinite(low) and np.isfinite(high) and low < high):
            raise ParameterError("limits", limits, "two finite values, the first below the second")
        return low, high
    good = _good(data, mask)
    values = np.asarray(data)[good]
    if values.size == 0:
        raise FrameError("no pixel is left to take limits from: all are masked or not finite")
    if limits == "zscale":
        low, high = _zscale(values)
    elif limits == "minmax":
        low, high = float(values.min()), float(values.max())
    elif isinstance(limits, int | float) and 0 < limits <= 100:
        tail = (100.0 - float(limits)) / 2
        low, high = (float(value) for value in np.percentile(values, [tail, 100 - tail]))
    else:
        raise ParameterError("limits", limits, "'zscale', 'minmax', a percentage up to 100, or (low, high)")
    return (low, high) if low < high else (low - 0.5, low + 0.5)


def stretch(
    data: npt.NDArray[Any],
    *,
    how: Stretch = "asinh",
    limits: Limits = "zscale",
    mask: npt.NDArray[np.bool_] | None = None,
) -> npt.NDArray[np.uint8]:
    """Turn pixel values into 256 gray levels.

    Parameters
    ----------
    data : ndarray, shape (rows, columns)
    how : {'linear', 'asinh', 'log', 'sqrt'}
        Asinh is linear in faint pixels and logarithmic in bright ones.
    limits, mask
        As for `find_limits`. Masked pixels and those that are not finite become black.

    Returns
    -------
    ndarray of uint8, same shape

    Raises
    ------
    ParameterError
        If `how` or `limits` is unknown.
    """
    _check_stretch(how)
    good = _good(data, mask)
    if not good.any():
        return np.zeros(np.shape(data), np.uint8)
    low, high = find_limits(data, limits=limits, mask=mask)
    x = np.where(good, np.asarray(data, np.float64), low)
    with np.errstate(over="ignore"):  # far above a narrow range is white all the same
        np.clip((x - low) / (high - low), 0.0, 1.0, out=x)
    x = bend(x, how)
    levels: npt.NDArray[np.uint8] = np.rint(x * 255).astype(np.uint8)
    return levels


def bend(fraction: npt.ArrayLike, how: Stretch) -> npt.NDArray[Any]:
    """Turn fractions of the range between black and white into fractions of the gray levels.

    Parameters
    ----------
    fraction : array_like
        From 0, black, to 1, white, which both stay what they are; not below 0.
    how : {'linear', 'asinh', 'log', 'sqrt'}

    Raises
    ------
    ParameterError
        If `how` is unknown.
    """
    _check_stretch(how)
    x = np.asarray(fraction)
    if how == "asinh":
        return np.asarray(np.arcsinh(x / _ASINH_SOFTENING) / np.arcsinh(1 / _ASINH_SOFTENING))
    if how == "log":
        return np.asarray(np.log1p(_LOG_SCALE * x) / np.log1p(_LOG_SCALE))
    return np.sqrt(x) if how == "sqrt" else x


def unbend(level: npt.ArrayLike, how: Stretch) -> npt.NDArray[Any]:
    """Turn fractions of the gray levels into fractions of the range: `bend` backward.

    Raises
    ------
    ParameterError
        If `how` is unknown.
    """
    _check_stretch(how)
    y = np.asarray(level)
    if how == "asinh":
        return np.asarray(_ASINH_SOFTENING * np.sinh(y * np.arcsinh(1 / _ASINH_SOFTENING)))
    if how == "log":
        return np.asarray(np.expm1(y * np.log1p(_LOG_SCALE)) / _LOG_SCALE)
    return np.square(y) if how == "sqrt" else y


def _check_stretch(how: str) -> None:
    if how not in ("linear", "asinh", "log", "sqrt"):
        raise ParameterError("how", how, "'linear', 'asinh', 'log' or 'sqrt'")


def thumbnail(data: npt.NDArray[Any], **options: Any) -> bytes:
    """Make a small picture of a frame: the picture of `draw`, without what its grays mean."""
    return draw(data, **options)[0]


def draw(
    data: npt.NDArray[Any],
    *,
    width: int = 400,
    pool: Pool = "mean",
    how: Stretch = "asinh",
    limits: Limits = "zscale",
    mask: npt.NDArray[np.bool_] | None = None,
    levels: int = 256,
) -> tuple[bytes, Grays | None]:
    """Make a small picture of a frame, row 0 at the bottom, and say what its grays mean.

    Parameters
    ----------
    data : ndarray, shape (rows, columns)
    width : int
        Greatest width in pixels. Square blocks of whole pixels become one; a smaller frame keeps its
        size.
    pool : {'mean', 'max'}
        Value of a block. The mean shows faint structure, the maximum keeps single hot pixels.
    how, limits
        As for `stretch`, taken from the blocks.
    mask : ndarray of bool, optional
        Pixels that do not count. A block without any other pixel is drawn in brick red.
    levels : int
        Number of grays, 2 to 256. Noise fills the last bits and packs badly: 48 grays look the same
        and make files a third smaller.

    Returns
    -------
    picture : bytes
        A PNG file.
    grays : Grays or None
        None if there is no pixel to show.

    Raises
    ------
    ParameterError
        If an option is unknown.
    FrameError
        If `data` is not an image.
    """
    if not 2 <= levels <= 256:
        raise ParameterError("levels", levels, "2 to 256")
    small, empty = pool_pixels(data, width=width, pool=pool, mask=mask)
    if empty.all():
        return _png(np.zeros(small.shape, np.uint8), empty[::-1]), None
    low, high = find_limits(small, limits=limits, mask=empty)
    gray = stretch(small, how=how, limits=(low, high), mask=empty)
    middle = low + float(unbend(0.5, how)) * (high - low)
    grays = Grays(low, middle, high, how, -(-np.shape(data)[1] // width))
    if levels == 256:
        return _png(gray[::-1], empty[::-1]), grays
    return _png_of_few(gray[::-1], empty[::-1], levels), grays


def pool_pixels(
    data: npt.NDArray[Any], *, width: int, pool: Pool = "mean", mask: npt.NDArray[np.bool_] | None = None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Shrink an image by whole factors until it is at most `width` columns wide.

    Returns
    -------
    small : ndarray
        Mean or maximum of the good pixels of each block, 0 where there is none.
    empty : ndarray of bool
        Blocks without a good pixel.

    Raises
    ------
    ParameterError
        If `width` or `pool` is impossible.
    FrameError
        If `data` is not an image.
    """
    if width < 1:
        raise ParameterError("width", width, "1 or more")
    shape = np.shape(data)
    return pool_blocks(data, step=-(-shape[1] // width) if len(shape) == 2 else 1, pool=pool, mask=mask)


def pool_blocks(
    data: npt.NDArray[Any], *, step: int, pool: Pool = "mean", mask: npt.NDArray[np.bool_] | None = None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Shrink an image by a whole factor; blocks at its end are what is left of them.

    Parameters
    ----------
    data : ndarray, shape (rows, columns)
    step : int
        Side of a block.
    pool, mask
        As for `draw`.

    Returns
    -------
    small : ndarray
        Mean or maximum of the good pixels of each block, 0 where there is none.
    empty : ndarray of bool
        Blocks without a good pixel.

    Raises
    ------
    ParameterError
        If `step` or `pool` is impossible.
    FrameError
        If `data` is not an image.
    """
    data = np.asarray(data)
    if data.ndim != 2 or data.size == 0:
        raise FrameError(f"a picture needs an image, not an array of shape {data.shape}")
    if step < 1:
        raise ParameterError("step", step, "1 or more")
    if pool not in ("mean", "max"):
        raise ParameterError("pool", pool, "'mean' or 'max'")
    # By blocks of rows, so that a large frame is never there twice in float64.
    rows = max(step, _BLOCK_ROWS // step * step)
    parts = [
        _pool_rows(data[y : y + rows], None if mask is None else mask[y : y + rows], step, pool)
        for y in range(0, data.shape[0], rows)
    ]
    return np.concatenate([small for small, _ in parts]), np.concatenate([empty for _, empty in parts])


def _pool_rows(
    data: npt.NDArray[Any], mask: npt.NDArray[np.bool_] | None, step: int, pool: Pool
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    good = _good(data, mask)
    y, x = (np.arange(0, size, step) for size in data.shape)
    if good.all():
        if pool == "max":
            whole = np.maximum.reduceat(np.maximum.reduceat(data, y, axis=0), x, axis=1)
            return whole.astype(np.float64), np.zeros(whole.shape, bool)
        total = np.add.reduceat(np.add.reduceat(data, y, axis=0, dtype=np.float64), x, axis=1)
        rows, columns = (np.diff(ends, append=size) for ends, size in zip((y, x), data.shape, strict=True))
        return total / (rows[:, np.newaxis] * columns), np.zeros(total.shape, bool)
    count = np.add.reduceat(np.add.reduceat(good.astype(np.int64), y, axis=0), x, axis=1)
    if pool == "mean":
        values = np.where(good, data, 0).astype(np.float64)
        total = np.add.reduceat(np.add.reduceat(values, y, axis=0), x, axis=1)
        return total / np.maximum(count, 1), count == 0
    values = np.where(good, data.astype(np.float64), -np.inf)
    highest = np.maximum.reduceat(np.maximum.reduceat(values, y, axis=0), x, axis=1)
    return np.where(count > 0, highest, 0.0), count == 0


def _good(data: npt.NDArray[Any], mask: npt.NDArray[np.bool_] | None) -> npt.NDArray[np.bool_]:
    good: npt.NDArray[np.bool_] = np.isfinite(data)
    if mask is not None:
        if np.shape(mask) != np.shape(data):
            raise FrameError(f"a mask of {np.shape(mask)} does not fit data of {np.shape(data)}")
        good &= ~mask
    return good


def _zscale(values: npt.NDArray[Any]) -> tuple[float, float]:
    from astropy.visualization import ZScaleInterval

    low, high = ZScaleInterval().get_limits(values)
    return float(low), float(high)


def _png_of_few(gray: npt.NDArray[np.uint8], empty: npt.NDArray[np.bool_], levels: int) -> bytes:
    """Write a picture with a palette of few grays, which packs better than the same grays without one."""
    from PIL import Image

    steps = np.rint(gray * ((levels - 1) / 255)).astype(np.uint8)
    steps[empty] = levels
    palette = [round(step * 255 / (levels - 1)) for step in range(levels) for _ in range(3)]
    image = Image.fromarray(np.ascontiguousarray(steps))
    image.putpalette([*palette, *_NOTHING_TO_SHOW])
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def _png(gray: npt.NDArray[np.uint8], empty: npt.NDArray[np.bool_]) -> bytes:
    from PIL import Image

    image = gray
    if empty.any():
        image = np.repeat(gray[:, :, np.newaxis], 3, axis=2)
        image[empty] = _NOTHING_TO_SHOW
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
