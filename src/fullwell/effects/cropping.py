"""Products cut to a read-out window."""

from __future__ import annotations

from typing import Any, TypeVar

import attrs
import numpy as np

from fullwell.detector import Box
from fullwell.effects.bias import Bias
from fullwell.effects.dark import Dark
from fullwell.effects.defects import Defects
from fullwell.effects.flat import Flat
from fullwell.errors import ParameterError
from fullwell.frame import Shared

__all__ = ["cropped"]

P = TypeVar("P", Bias, Dark, Flat, Defects)


def cropped(product: P, box: Box) -> P:
    """Return the part of a measured product that a windowed frame needs.

    Parameters
    ----------
    product : Bias, Dark, Flat or Defects
        Assembled, of the whole detector.
    box : Box
        The window in assembled pixels.

    Returns
    -------
    same type
        Views on the arrays; a flat keeps its normalization.

    Raises
    ------
    ParameterError
        If the window leaves the product.
    """

    def cut(value: Any) -> Any:
        if np.ndim(value) != 2:
            return value
        if not box.within(value.shape):
            raise ParameterError("window", box, f"within {value.shape}")
        return value[box.slices]

    def shared(masters: dict[str, Shared]) -> dict[str, Shared]:
        return {key: Shared(cut(share.coefficient), cut(share.variance)) for key, share in masters.items()}

    if isinstance(product, Dark):
        levels = tuple(attrs.evolve(v, level=cut(v.level), variance=cut(v.variance)) for v in product.levels)
        return attrs.evolve(
            product,
            levels=levels,
            rate=cut(product.rate),
            offset=cut(product.offset),
            flags=cut(product.flags),
            shared=shared(product.shared),
            law=None if product.law is None else product.law.cropped(box),
        )
    if isinstance(product, Bias):
        return attrs.evolve(  # type: ignore[call-arg]  # mypy looks for a child of Bias and Flat
            product,
            structure=cut(product.structure),
            variance=cut(product.variance),
            flags=cut(product.flags),
        )
    if isinstance(product, Flat):
        return attrs.evolve(
            product,
            response=cut(product.response),
            variance=cut(product.variance),
            flags=cut(product.flags),
            shared=shared(product.shared),
        )
    inside = [box.y0 <= row < box.y1 and box.x0 <= column < box.x1 for row, column, _ in product.traps]
    return attrs.evolve(
        product,
        flags=cut(product.flags),
        throughput=cut(product.throughput),
        traps=product.traps[np.array(inside, bool)] - (box.y0, box.x0, 0.0),
    )
