"""Pictures of masters and frames for the report, each with what its grays mean."""

from __future__ import annotations

from typing import Any

import attrs
import numpy.typing as npt

from fullwell.night.context import Context
from fullwell.picture import draw

__all__ = ["picture_of"]

GRAYS = 64  # enough for the eye; noise in the last two bits would make half of the file


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
