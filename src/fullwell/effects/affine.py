"""Pointwise corrections as ``scale * data + offset``, composed before they touch a pixel."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from astropy import units as u

from fullwell.flags import FlagImage
from fullwell.frame import Frame, Shared

__all__ = ["Affine", "MasterTerm"]


@attrs.frozen(eq=False)
class MasterTerm:
    """How the noise of one master enters corrected data ``y``: ``(constant + proportional * y) * noise``.

    Parameters
    ----------
    constant, proportional : float or ndarray
        Signed; a subtracted master is constant, a divided one proportional.
    variance : float or ndarray
        Variance of the master, in its own unit squared.
    """

    constant: Any = 0.0
    proportional: Any = 0.0
    variance: Any = 0.0

    def after(self, scale: Any, offset: Any) -> MasterTerm:
        """Return the term behind a further step ``scale * y + offset``."""
        # Times nothing an offset would still make an image of what is one number for all pixels.
        moved = np.ndim(self.proportional) or self.proportional
        constant = scale * self.constant - offset * self.proportional if moved else scale * self.constant
        return MasterTerm(constant, self.proportional, self.variance)

    def __add__(self, other: MasterTerm) -> MasterTerm:
        # A product from a file knows the variance of a master it was made with as one number; the master
        # itself, when it is in the chain too, as a plane, which is better.
        plane = self.variance if np.ndim(self.variance) >= np.ndim(other.variance) else other.variance
        return MasterTerm(self.constant + other.constant, self.proportional + other.proportional, plane)


@attrs.frozen(eq=False)
class Affine:
    """One step or a run of steps ``y = scale * x + offset`` with the noise they bring in.

    Parameters
    ----------
    scale, offset : float or ndarray
    variance : float, ndarray or None
        Variance added that belongs to this frame alone; None adds nothing, and a frame that has no variance
        gets none.
    masters : dict of str to MasterTerm
        Noise of masters, by id.
    flags : ndarray of uint16 or None
        Flags to set.
    unit : astropy unit or None
        Unit of the result; None leaves it.
    """

    scale: Any = 1.0
    offset: Any = 0.0
    variance: Any = None
    masters: dict[str, MasterTerm] = attrs.field(factory=dict)
    flags: FlagImage | None = None
    unit: u.UnitBase | None = None

    def __matmul__(self, first: Affine) -> Affine:
        """Compose: ``(second @ first)`` does `first`, then `second`."""
        masters = {key: term.after(self.scale, self.offset) for key, term in first.masters.items()}
        for key, term in self.masters.items():
            masters[key] = masters[key] + term if key in masters else term
        flags = first.flags
        if self.flags is not None:
            flags = self.flags if flags is None else flags | self.flags
        return Affine(
            self.scale * first.scale,
            self.scale * first.offset + self.offset,
            self._variance_after(first),
            masters,
            flags,
            first.unit if self.unit is None else self.unit,
        )

    def _variance_after(self, first: Affine) -> Any:
        if first.variance is None:
            return self.variance
        scaled = self.scale * self.scale * first.variance
        return scaled if self.variance is None else scaled + self.variance

    def apply(self, frame: Frame) -> Frame:
        """Correct a frame: data, own variance, noise shared through masters, flags.

        Parameters
        ----------
        frame : Frame
            float32 and float64 stay what they are, integers become float32.

        Returns
        -------
        Frame
            New arrays. To first order in the noise, coefficients of one master are added before anything
            is squared.
        """
        dtype = frame.data.dtype if frame.data.dtype.kind == "f" else np.dtype(np.float32)
        with np.errstate(invalid="ignore"):  # what is infinite where the scale is 0 has no value
            data = (frame.data * self.scale + self.offset).astype(dtype, copy=False)
        variance = frame.variance
        added = 0.0 if self.variance is None else self.variance
        if variance is not None:
            variance = (variance * (self.scale * self.scale) + added).astype(dtype, copy=False)
        elif self.variance is not None:
            variance = np.broadcast_to(np.asarray(self.variance, dtype), data.shape).copy()
        terms = {
            key: MasterTerm(s.coefficient, 0.0, s.variance).after(self.scale, self.offset)
            for key, s in frame.shared.items()
        }
        for key, term in self.masters.items():
            terms[key] = terms[key] + term if key in terms else term
        shared = {
            key: Shared(
                term.constant + (term.proportional * data if np.any(term.proportional) else 0.0),
                term.variance,
            )
            for key, term in terms.items()
        }
        flags = frame.flags.copy() if self.flags is None else frame.flags | self.flags
        unit = frame.unit if self.unit is None else self.unit
        return frame.with_(data=data, variance=variance, flags=flags, shared=shared, unit=unit)
