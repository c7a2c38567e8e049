"""L.A.Cosmic as `fullwell.kernels.lacosmic` states it, in plain NumPy: every round on the whole image."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = ["find_cosmic_rays"]

f32 = np.float32
Image = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


def find_cosmic_rays(
    data: Image,
    variance: Image,
    mask: Mask | None = None,
    *,
    threshold: float = 5.0,
    neighbors: float = 0.3,
    contrast: float = 2.0,
    halo: float = 17.0,
    iterations: int = 4,
    grow: int = 0,
    medians: Literal["full", "separable"] = "full",
) -> Mask:
    """Find the pixels hit by cosmic rays; see `fullwell.kernels.lacosmic.find_cosmic_rays`."""
    separable = medians == "separable"
    reach, small, wide = (3, 2, 4) if separable else (2, 1, 3)
    masked = np.zeros(data.shape, bool) if mask is None else mask
    bad = masked | ~np.isfinite(data) | ~((variance > 0) & np.isfinite(variance))
    image: Any = np.where(np.isfinite(data), data, f32(-np.inf))
    power: Any = variance
    hits = np.zeros(data.shape, bool)
    for _ in range(iterations):
        noise = np.sqrt(_median(power, bad, reach, separable))
        sharp = _laplacian(image, bad) / (f32(2) * noise)
        excess = np.where(bad, f32(0), sharp - _median(sharp, bad, reach, separable))
        level = _median(image, np.isneginf(image), small, separable)
        base = _median(level, bad, wide, separable)
        structure = np.maximum((level - base) / noise, f32(0.01))
        above = excess > f32(threshold)
        new = above & (excess > f32(contrast) * structure)
        if halo:
            light, number, third = _halo(image, base, noise)
            new &= ~((excess * number < f32(halo) * light) | (third > image))
        new |= _dilated(new, 1) & above
        new |= _dilated(new, 1) & (excess > f32(threshold) * f32(neighbors))
        if not (new & ~hits).any():
            break
        hits |= new
        # Hits are cleaned afresh in every round: an earlier neighbor may turn out to be one.
        left_out = bad | hits
        image = np.where(hits, _median(image, left_out, 2, False), image)
        power = np.where(hits, _median(power, left_out, 2, False), power)
        lonely = hits & np.isnan(image)
        image[lonely] = -np.inf
        bad |= lonely
    return hits | (_dilated(hits, grow) & ~masked)


def _halo(image: Image, base: Image, noise: Image) -> tuple[Any, Any, Any]:
    """Sum of the known neighbors but the three brightest, above a base, in sigma, their number, the third.

    Where there are three or less, the sum is 0, and the third brightest is said to be dark.
    """
    around = np.lib.stride_tricks.sliding_window_view(np.pad(image, 1, constant_values=-np.inf), (3, 3))
    ring = np.sort(np.delete(around.reshape(*image.shape, 9), 4, axis=-1), axis=-1)
    first = np.isneginf(ring).sum(axis=-1)  # the unknown ones come first
    light = np.zeros(image.shape, f32)
    for k in range(5):
        light += np.where(first <= k, ring[..., k], f32(0))
    number = np.maximum(5 - first, 0).astype(f32)
    third = np.where(number > 0, ring[..., 5], f32(-np.inf))
    return np.where(number > 0, (light - number * base) / noise, f32(0)), number, third


def _laplacian(image: Image, bad: Mask) -> Any:
    """Mean of the Laplacians of the four quarters of each pixel, none below 0."""
    height, width = image.shape
    padded = np.pad(image, 1, constant_values=-np.inf)
    padded_bad = np.pad(bad, 1, constant_values=True)

    def step(dy: int, dx: int) -> Any:
        there = slice(1 + dy, 1 + dy + height), slice(1 + dx, 1 + dx + width)
        drop = image - padded[there]
        return np.where(padded_bad[there], np.minimum(drop, f32(0)), drop)

    with np.errstate(invalid="ignore"):  # bad pixels only, which nobody looks at
        left, right, down, up = step(0, -1), step(0, 1), step(-1, 0), step(1, 0)
        corners = [np.maximum(side + other, f32(0)) for other in (down, up) for side in (left, right)]
        lower, upper = corners[0] + corners[1], corners[2] + corners[3]
        return np.where(bad, f32(0), f32(0.25) * (lower + upper))


def _median(image: Image, bad: Mask, reach: int, separable: bool) -> Any:
    """Median of what is not bad in the square around each pixel; NaN where there is nothing."""
    window = 2 * reach + 1
    views: list[Any] = [
        np.lib.stride_tricks.sliding_window_view(np.pad(a, reach, constant_values=v), (window, window))
        for a, v in ((image, f32(0)), (bad, True))
    ]
    values, usable = views[0], ~views[1]
    if separable:
        values = _lower_median(values, usable)
        return _lower_median(values, ~np.isnan(values))
    flat = (*image.shape, window * window)
    return _lower_median(values.reshape(flat), usable.reshape(flat))


def _lower_median(values: Any, usable: Any) -> Any:
    """Median along the last axis, the lower of two in the middle; NaN where nothing is usable."""
    ordered = np.sort(np.where(usable, values, f32(np.inf)), axis=-1)
    count = usable.sum(axis=-1)
    middle = np.maximum(count - 1, 0) // 2
    value = np.take_along_axis(ordered, middle[..., None], axis=-1)[..., 0]
    return np.where(count > 0, value, f32(np.nan))


def _dilated(mask: Mask, reach: int) -> Mask:
    """Return True up to ``reach`` rows and columns away from where the mask is True."""
    views = np.lib.stride_tricks.sliding_window_view(np.pad(mask, reach), (2 * reach + 1, 2 * reach + 1))
    return np.asarray(views.any(axis=(-2, -1)))
