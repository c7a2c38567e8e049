"""Tiles: raw pixels of one square of a frame, at full resolution or pooled by powers of two.

The browser stretches them itself. A tile of any level is made from the pixels below it when it is asked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from starlette.requests import Request
from starlette.responses import Response

from fullwell.detector import Box
from fullwell.kernels.pooling import pool_blocks
from fullwell.web.answers import Refusal
from fullwell.web.inspecting import frame_of, inspector_of
from fullwell.web.overviews import TILE, levels_of, small_levels, tile_type
from fullwell.web.parameters import choice, whole
from fullwell.web.pixels import Pixels, bands

__all__ = ["make_tile", "tile"]

_LONG = "private, max-age=31536000, immutable"


def make_tile(pixels: Pixels, *, level: int, row: int, column: int, how: str) -> npt.NDArray[Any]:
    """Make one tile.

    Parameters
    ----------
    pixels : Pixels
    level : int
        Squares of 2^level pixels become one.
    row, column : int
        Of the tile, counted from the lower left.
    how : {'mean', 'max', 'or'}
        As for `pool_blocks`.

    Returns
    -------
    ndarray of the type of `tile_type`, at most 512 x 512
    """
    rows, columns = pixels.shape
    side, factor, dtype = TILE << level, 1 << level, tile_type(pixels)
    box = Box(column * side, min((column + 1) * side, columns), row * side, min((row + 1) * side, rows))
    with np.errstate(over="ignore"):  # what float32 cannot hold is shown as infinite
        parts = [
            pool_blocks(np.ascontiguousarray(band, dtype), factor, how=how)
            for _, band in bands(pixels, box, multiple=factor)
        ]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def tile(request: Request) -> Response:
    """Answer with one tile: little-endian bytes, row 0 first."""
    frame_id, frame = frame_of(request)
    plane = str(request.path_params["plane"])
    if plane not in frame.planes:
        raise Refusal(
            "not-found", f"This frame has no plane {plane[:40]!r}; it has {', '.join(frame.planes)}."
        )
    pixels = frame.planes[plane]
    level = whole(request, "level", lowest=0, highest=levels_of(frame.shape) - 1)
    row, column = (
        whole(request, name, lowest=0, highest=(size - 1) // (TILE << level))
        for name, size in zip(("row", "column"), frame.shape, strict=True)
    )
    how = choice(request, "pool", ("mean", "max"))
    how = "or" if plane == "flags" else how
    known = request.query_params.get("v")
    if known is not None and known != frame.version:
        raise Refusal("changed", "The frame has changed since it was opened; load it again.")
    tag = f'"{frame.version}-{plane}-{level}-{row}-{column}-{how}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache" if known is None else _LONG}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)

    def made() -> npt.NDArray[Any]:
        return make_tile(pixels, level=level, row=row, column=column, how=how)

    inspector = inspector_of(request)
    if (plane, how) == ("data", "mean") and level in small_levels(frame.shape):
        small = inspector.overview(frame_id, frame).images[level]
        array = small[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
    else:
        array = inspector.tiles.get((frame_id, tag), made) if level else made()
    headers |= {"X-Dtype": array.dtype.name, "X-Shape": f"{array.shape[0]},{array.shape[1]}"}
    content = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    return Response(content, media_type="application/octet-stream", headers=headers)
