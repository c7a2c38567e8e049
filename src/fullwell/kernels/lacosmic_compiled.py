"""The loops of `fullwell.kernels.lacosmic`, compiled; the plain form is `lacosmic_reference`.

Hardly any pixel gets past the first threshold, so only the Laplacian is made for all of them, and medians are
taken one by one where they decide something. That is faster than any median of the whole image.

All images have a margin of `MARGIN` pixels that are `UNKNOWN`, so that no window asks where the image ends.
No fast-math: the order of every operation is part of the result.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np

from fullwell.kernels.lacosmic_planes_compiled import fill_columns, fill_outer_rows, fill_rows
from fullwell.kernels.lacosmic_windows_compiled import (
    MASKED,
    SOUND,
    UNKNOWN,
    excess,
    has_halo,
    median,
    structure,
)
from fullwell.kernels.numba_cache import jit

__all__ = [
    "MARGIN", "TILE", "UNKNOWN", "fill_columns", "fill_outer_rows", "fill_rows", "first_candidates", "judge",
    "look_around", "prepare", "renew", "settle", "widen",
]  # fmt: skip

f32 = np.float32
_jit = jit()

#: Reach of the widest window: 9 x 9 of medians of 5 x 5.
MARGIN = 6
#: Side of the tiles that have one lower bound of the noise each.
TILE = 16
#: A new hit changes decisions up to here: 2 by cleaning and 6 by the widest window.
REACH = 8
#: Least fine structure, in sigma.
LEAST_STRUCTURE = f32(0.01)
#: Keeps the bound below the noise when both were rounded.
_BELOW = f32(0.9999)


@_jit
def prepare(
    data: Any, variance: Any, mask: Any, image: Any, power: Any, bad: Any, floor: Any, start: int, stop: int
) -> None:
    """Copy rows inside the margin; pixels that are masked or without noise become bad.

    Rows of ``floor`` (tile rows + 2, tile columns + 2) get the least good variance of each tile; so ``start``
    must be a multiple of `TILE`.
    """
    for y in range(start, stop):
        row, bad_row, power_row = image[y + MARGIN], bad[y + MARGIN], power[y + MARGIN]
        for x in range(data.shape[1]):
            v, p = data[y, x], variance[y, x]
            known = abs(v) < np.inf  # False for NaN, too
            row[x + MARGIN] = v if known else f32(-np.inf)
            power_row[x + MARGIN] = p
            if not known:
                bad_row[x + MARGIN] = UNKNOWN
            else:
                bad_row[x + MARGIN] = MASKED if mask[y, x] or not (p > f32(0) and p < np.inf) else SOUND
    _floors(power, bad, floor, start, stop)


@_jit
def _floors(power: Any, bad: Any, floor: Any, start: int, stop: int) -> None:
    width = power.shape[1] - 2 * MARGIN
    floor[start // TILE + 1 : (stop - 1) // TILE + 2, 1:-1] = np.inf
    for y in range(start, stop):
        row, bad_row, floor_row = power[y + MARGIN], bad[y + MARGIN], floor[y // TILE + 1]
        for tile in range(floor.shape[1] - 2):
            least = floor_row[tile + 1]
            for x in range(tile * TILE, min((tile + 1) * TILE, width)):
                p = f32(np.inf) if bad_row[x + MARGIN] else row[x + MARGIN]
                least = min(least, p)
            floor_row[tile + 1] = least


@_jit
def _limit(floor: Any, tile_y: int, tile_x: int, threshold: Any) -> Any:
    """Laplacian that no pixel of a tile can be a hit below: noise comes from up to 5 pixels away."""
    least = f32(np.inf)
    for j in range(3):
        for i in range(3):
            least = min(least, floor[tile_y + j, tile_x + i])
    return f32(2) * threshold * np.sqrt(least) * _BELOW


@_jit
def _step(v: Any, neighbor: Any, neighbor_bad: Any) -> Any:
    """Drop from a pixel to its neighbor; a bad neighbor can lessen a Laplacian, never raise it."""
    d = v - neighbor
    return min(d, f32(0)) if neighbor_bad else d


@_jit
def _laplacian(image: Any, bad: Any, y: int, x: int) -> Any:
    v = image[y, x]
    left, right = _step(v, image[y, x - 1], bad[y, x - 1]), _step(v, image[y, x + 1], bad[y, x + 1])
    down, up = _step(v, image[y - 1, x], bad[y - 1, x]), _step(v, image[y + 1, x], bad[y + 1, x])
    lower = max(left + down, f32(0)) + max(right + down, f32(0))
    upper = max(left + up, f32(0)) + max(right + up, f32(0))
    return f32(0.25) * (lower + upper)


@_jit
def first_candidates(
    image: Any, bad: Any, floor: Any, threshold: Any, laplacian: Any, candidates: Any, start: int, stop: int
) -> int:
    """Fill rows of the Laplacian; list the good pixels where it may do for a hit and return their number."""
    width = image.shape[1] - 2 * MARGIN
    count = 0
    for y in range(MARGIN + start, MARGIN + stop):
        out, bad_row = laplacian[y], bad[y]
        for x in range(MARGIN, MARGIN + width):
            out[x] = _laplacian(image, bad, y, x)
        tile_y = (y - MARGIN) // TILE
        for tile_x in range(floor.shape[1] - 2):
            limit = _limit(floor, tile_y, tile_x, threshold)
            for x in range(MARGIN + tile_x * TILE, MARGIN + min((tile_x + 1) * TILE, width)):
                if out[x] > limit and not bad_row[x]:
                    candidates[count] = y * image.shape[1] + x
                    count += 1
    return count


@_jit
def _grow(
    laplacian: Any,
    noise: Any,
    power: Any,
    rows: Any,
    bad: Any,
    new: Any,
    found: Any,
    count: int,
    threshold: Any,
    separable: Any,
    work: Any,
) -> Any:
    """Append the neighbors of the found pixels that exceed the threshold; return the new number."""
    width = bad.shape[1]
    for k in range(count):
        y, x = found[k] // width, found[k] % width
        for j in range(y - 1, y + 2):
            for i in range(x - 1, x + 2):
                if bad[j, i] or new[j, i]:
                    continue
                if excess(laplacian, noise, power, rows, bad, j, i, threshold, separable, work) > threshold:
                    new[j, i] = True
                    found[count] = j * width + i
                    count += 1
    return count


@_jit
def _clean(image: Any, power: Any, bad: Any, hits: Any, y: int, x: int, work: Any) -> None:
    """Give a hit the medians of the pixels around it that are neither bad nor hit."""
    n = 0
    for j in range(y - 2, y + 3):
        for i in range(x - 2, x + 3):
            if not (bad[j, i] or hits[j, i]):
                work[n] = image[j, i]
                work[64 + n] = power[j, i]
                n += 1
    if n:
        image[y, x] = median(work, n)
        power[y, x] = median(work[64:], n)
    else:
        image[y, x] = -np.inf
        bad[y, x] = UNKNOWN


@_jit
def judge(
    image: Any,
    power: Any,
    bad: Any,
    laplacian: Any,
    noise: Any,
    level: Any,
    rows: Any,
    limits: Any,
    separable: bool,
    candidates: Any,
    verdicts: Any,
) -> None:
    """Tell which candidates are hits by themselves.

    Threads may share ``noise``, ``level`` and ``rows``: whoever fills a pixel of these fills in the same.
    """
    width = image.shape[1]
    work = np.empty(256, np.float32)
    threshold, _, contrast, halo = limits
    for k in range(candidates.size):
        y, x = candidates[k] // width, candidates[k] % width
        verdicts[k] = False
        above = excess(laplacian, noise, power, rows, bad, y, x, threshold, separable, work)
        if above > threshold:
            fine, base = structure(image, level, rows, bad, y, x, separable, work)
            sigma = noise[y, x]
            verdicts[k] = above > contrast * max(fine / sigma, LEAST_STRUCTURE) and not (
                halo > f32(0) and has_halo(image, bad, y, x, base, sigma, above, halo, work)
            )


@_jit
def settle(
    power: Any,
    bad: Any,
    laplacian: Any,
    noise: Any,
    rows: Any,
    limits: Any,
    separable: bool,
    candidates: Any,
    verdicts: Any,
    new: Any,
    found: Any,
    hits: Any,
) -> int:
    """Add hits and their neighbors to ``hits``; list those that are new and return how many.

    ``new`` is left as it was, False everywhere.
    """
    width = bad.shape[1]
    work = np.empty(256, np.float32)
    threshold, low, _, _ = limits
    total = 0
    for k in range(candidates.size):
        if verdicts[k]:
            new[candidates[k] // width, candidates[k] % width] = True
            found[total] = candidates[k]
            total += 1
    total = _grow(laplacian, noise, power, rows, bad, new, found, total, threshold, separable, work)
    total = _grow(laplacian, noise, power, rows, bad, new, found, total, low, separable, work)
    fresh = 0
    for k in range(total):
        y, x = found[k] // width, found[k] % width
        new[y, x] = False
        if not hits[y, x]:
            hits[y, x] = True
            found[fresh] = found[k]
            fresh += 1
    return fresh


@_jit
def renew(image: Any, power: Any, bad: Any, laplacian: Any, hits: Any, fresh: Any) -> None:
    """Clean all hits around the fresh ones, and bring the Laplacian up to date."""
    height, width = image.shape
    work = np.empty(256, np.float32)
    for k in range(fresh.size):
        y, x = fresh[k] // width, fresh[k] % width
        for j in range(max(y - 2, MARGIN), min(y + 3, height - MARGIN)):
            for i in range(max(x - 2, MARGIN), min(x + 3, width - MARGIN)):
                if hits[j, i]:
                    _clean(image, power, bad, hits, j, i, work)
    # Cleaned pixels are up to 2 away, Laplacians 1 more.
    for k in range(fresh.size):
        y, x = fresh[k] // width, fresh[k] % width
        for j in range(max(y - 3, MARGIN), min(y + 4, height - MARGIN)):
            for i in range(max(x - 3, MARGIN), min(x + 4, width - MARGIN)):
                laplacian[j, i] = _laplacian(image, bad, j, i)


@_jit
def look_around(
    bad: Any,
    laplacian: Any,
    noise: Any,
    level: Any,
    rows: Any,
    separable: bool,
    floor: Any,
    threshold: Any,
    fresh: Any,
    new: Any,
    candidates: Any,
) -> int:
    """List the candidates around fresh hits, forget all medians there, and return their number."""
    height, width = bad.shape
    count = 0
    for k in range(fresh.size):
        y, x = fresh[k] // width, fresh[k] % width
        for j in range(max(y - REACH, MARGIN), min(y + REACH + 1, height - MARGIN)):
            for i in range(max(x - REACH, MARGIN), min(x + REACH + 1, width - MARGIN)):
                if not new[j, i]:
                    new[j, i] = True
                    if separable:
                        for kind in range(4):
                            rows[kind][j, i] = 0
                    noise[j, i] = 0
                    level[j, i] = 0
                    candidates[count] = j * width + i
                    count += 1
    kept = 0
    for k in range(count):
        y, x = candidates[k] // width, candidates[k] % width
        new[y, x] = False
        limit = _limit(floor, (y - MARGIN) // TILE, (x - MARGIN) // TILE, threshold)
        if laplacian[y, x] > limit and not bad[y, x]:
            candidates[kept] = candidates[k]
            kept += 1
    return kept


@_jit
def widen(hits: Any, mask: Any, reach: int, out: Any) -> None:
    """Fill ``out`` (no margin) with hits and the unmasked pixels up to ``reach`` rows and columns away."""
    height, width = out.shape
    for y in range(height):
        for x in range(width):
            if hits[y + MARGIN, x + MARGIN]:
                for j in range(max(y - reach, 0), min(y + reach + 1, height)):
                    for i in range(max(x - reach, 0), min(x + reach + 1, width)):
                        out[j, i] = not mask[j, i]
