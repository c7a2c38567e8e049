"""The shape of what stands in for an image."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fullwell.errors import ParameterError

__all__ = ["shape_of"]


def shape_of(image: npt.ArrayLike) -> tuple[int, int]:
    """Return rows and columns of an image.

    Raises
    ------
    ParameterError
        If it is none.
    """
    shape = np.shape(image)
    if len(shape) != 2 or 0 in shape:
        raise ParameterError("shape of image", shape, "rows and columns, neither 0")
    return int(shape[0]), int(shape[1])
