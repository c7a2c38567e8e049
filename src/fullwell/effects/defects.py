"""Pixels that cannot be trusted whatever is done to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Self

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.effects.affine import Affine
from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage
from fullwell.effects.dark import Dark
from fullwell.effects.flat import Flat
from fullwell.errors import ChainError, ParameterError
from fullwell.flags import FLAG_DTYPE, FlagImage, Flags
from fullwell.frame import Frame, FrameSet
from fullwell.kernels.simulate import Op, Step
from fullwell.noise import Noise

__all__ = ["Defects"]


@attrs.frozen(eq=False)
class Defects(Effect):
    """Map of bad pixels.

    Parameters
    ----------
    flags : ndarray of uint16, shape (rows, columns)
        Planes HOT, DEAD, BAD.
    """

    name: ClassVar[str] = "defects"
    stage: ClassVar[Stage] = Stage.DEFECTS
    kind: ClassVar[Kind] = Kind.FLAG_ONLY
    flags: FlagImage = attrs.field()

    @flags.validator
    def _check(self, _: Any, value: FlagImage) -> None:
        if value.dtype != FLAG_DTYPE or value.ndim != 2:
            raise ParameterError(
                "flags", (value.dtype, value.shape), f"a two-dimensional image of {FLAG_DTYPE}"
            )

    @property
    def counts(self) -> dict[str, int]:
        """Number of pixels in each plane that is used."""
        found = {p.name: int((self.flags & FLAG_DTYPE.type(p) != 0).sum()) for p in Flags if p.name}
        return {name: count for name, count in found.items() if count}

    def steps(self, signal: Signal, *, noise: Noise) -> Sequence[Step]:  # noqa: ARG002
        """Dead pixels collect nothing."""
        return [Step(Op.CLEAR, self.flags & FLAG_DTYPE.type(Flags.DEAD) != 0)]

    @classmethod
    def measure(cls, frames: FrameSet | Iterable[Any], *, known: Chain | None = None) -> Self:  # noqa: ARG003
        """Refuse: use `from_products`.

        Raises
        ------
        ChainError
            Always; defects show in darks and flats, not in frames of their own.
        """
        raise ChainError(
            "defects are found in a measured dark and flats: Defects.from_products(dark, *flats)"
        )

    @classmethod
    def from_products(cls, *products: Dark | Flat, column_fraction: float = 0.5) -> Self:
        """Unite the HOT and DEAD pixels of darks and flats, and the columns that are full of them.

        Parameters
        ----------
        *products : Dark or Flat
            At least one that has flags; all of one shape.
        column_fraction : float
            A column with more than this share of such pixels is BAD as a whole.

        Raises
        ------
        ParameterError
            If no product has flags.
        """
        planes = [product.flags for product in products if product.flags is not None]
        if not planes:
            raise ParameterError("products", len(products), "at least one measured dark or flat")
        wanted = FLAG_DTYPE.type(Flags.HOT | Flags.DEAD | Flags.BAD)
        flags = np.zeros(planes[0].shape, FLAG_DTYPE)
        for plane in planes:
            flags |= plane & wanted
        flags[:, _bad_columns(flags, column_fraction)] |= FLAG_DTYPE.type(Flags.BAD)
        return cls(flags)

    def affine(self, frame: Frame, *, unit: u.UnitBase, chain: Chain | None = None) -> Affine:  # noqa: ARG002
        """Flag the pixels; values stay.

        Raises
        ------
        ChainError
            If shapes differ.
        """
        if self.flags.shape != frame.shape:
            raise ChainError(f"the defect map has shape {self.flags.shape}, the frame {frame.shape}")
        return Affine(flags=self.flags)


def _bad_columns(flags: FlagImage, fraction: float) -> npt.NDArray[np.bool_]:
    return np.asarray((flags != 0).mean(axis=0) > fraction)
