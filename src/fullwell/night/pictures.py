"""Pictures of masters and frames for the report, each with what its grays mean."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.night.context import Context
from fullwell.picture import draw, find_limits, pool_pixels

__all__ = ["pair_of", "picture_of"]

GRAYS = 48  # enough for the eye; noise in the last bits would make a third of the file
SAME_CONTRAST = 5.0  # up to this ratio of contrasts both pictures of a pair have the same


def picture_of(name: str, image: npt.NDArray[Any], context: Context, **options: Any) -> dict[str, Any]:
    """Draw an image, if pictures are wanted.

    Parameters
    ----------
    name : str
        Key of the picture in the result of a task.
    image : ndarray, shape (rows, columns)
    context : Context
    **options
        As for `fullwell.picture.draw`.

    Returns
    -------
    dict
        The PNG file under `name`, and the meaning of its grays under ``<name>_scale``.
    """
    if not context.config.report.pictures:
        return {}
    picture, grays = draw(image, width=context.config.report.width, levels=GRAYS, **options)
    return {name: picture} | ({f"{name}_scale": attrs.asdict(grays)} if grays is not None else {})


def pair_of(
    before: npt.NDArray[Any], after: npt.NDArray[Any], context: Context, *, mask: npt.NDArray[np.bool_]
) -> dict[str, Any]:
    """Draw a frame before and after, if pictures are wanted.

    Both get the contrast of the raw frame around their background, so that a frame that became flatter looks
    flatter; unless the contrasts differ too much, or the calibrated frame needs the greater one.

    Parameters
    ----------
    before, after : ndarray, shape (rows, columns)
    context : Context
    mask : ndarray of bool
        Pixels of the calibrated frame that do not count.

    Returns
    -------
    dict
        ``before_picture`` and ``after_picture``, each as in `picture_of`.
    """
    result = picture_of("before_picture", before, context)
    limits: Any = "zscale"
    grays = result.get("before_picture_scale")
    if grays is not None and not mask.all():
        small, empty = pool_pixels(after, width=context.config.report.width, mask=mask)
        low, high = find_limits(small, mask=empty)
        span = grays["white"] - grays["black"]
        if high - low <= span <= SAME_CONTRAST * (high - low):
            shift = float(np.median(small[~empty])) - float(np.median(before[np.isfinite(before)]))
            limits = (grays["black"] + shift, grays["white"] + shift)
    return result | picture_of("after_picture", after, context, limits=limits, mask=mask)
