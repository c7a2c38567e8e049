"""The electronics answer a little less, or more, than in proportion to the charge."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Self

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.detector import Detector
from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage
from fullwell.effects.curve_shapes import Form
from fullwell.effects.curves import Curve
from fullwell.effects.inverse_curve import InverseCurve, inverse_of
from fullwell.effects.nonlinearity_fit import fit_ramp
from fullwell.effects.pointwise import Lookup
from fullwell.effects.ramp import ramp_of
from fullwell.errors import ChainError, ParameterError
from fullwell.flags import Flags
from fullwell.frame import Frame, FrameSet
from fullwell.noise import Noise

__all__ = ["NonLinearity"]


def _curves(value: Any) -> tuple[Curve, ...]:
    curves = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not curves or not all(isinstance(curve, Curve) for curve in curves):
        raise ParameterError("curves", value, "a Curve, or one for each amplifier")
    return curves


@attrs.frozen(eq=False)
class NonLinearity(Effect):
    """What is read for each true signal, by amplifier.

    Curves are in electrons, before the gain, and have slope 1 at low signal: the gain is that of faint light.

    Parameters
    ----------
    curves : Curve or sequence of Curve
        One for all amplifiers or one each; see `fullwell.effects.curves`.
    errors : tuple of tuple of float
        Standard errors of the coefficients (offsets, entries) of each curve, where it was measured.
    statistics : dict
        What happened when it was measured.

    Raises
    ------
    ParameterError
        If there is no curve.
    """

    name: ClassVar[str] = "nonlinearity"
    stage: ClassVar[Stage] = Stage.NONLINEARITY
    kind: ClassVar[Kind] = Kind.POINTWISE
    curves: tuple[Curve, ...] = attrs.field(converter=_curves)
    errors: tuple[tuple[float, ...], ...] = ()
    statistics: dict[str, Any] = attrs.field(factory=dict)
    _inverses: dict[int, InverseCurve] = attrs.field(init=False, factory=dict, repr=False)

    def simulate(self, signal: Signal, *, noise: Noise) -> None:  # noqa: ARG002
        """Bend the signal of each amplifier."""
        raw = signal.raw
        image = np.array(signal.image, np.float32)
        for i, amplifier in enumerate(signal.detector.amplifiers):
            box = (amplifier.raw if raw else amplifier.box).slices
            image[box] = self._curve(i, signal.detector)(image[box])
        signal.image = image

    @classmethod
    def measure(
        cls,
        frames: FrameSet | Iterable[Any],
        *,
        known: Chain | None = None,
        light: Sequence[float] | None = None,
        form: Form = "polynomial",
        size: int = 2,
        maximum: float | Sequence[float] | None = None,
        time_offset: bool = False,
        lamp_scatter: float | None = None,
    ) -> Self:
        """Fit a curve for each amplifier to a ramp of flats.

        Parameters
        ----------
        frames : FrameSet or iterable of Frame, CCDData or array
            Raw flats of different light.
        known : SignalChain
            Effects to take out first: overscan, bias, gain, crosstalk; no non-linearity.
        light : sequence of float, optional
            Photodiode reading of each frame; the exposure times if not given.
        form : {'polynomial', 'spline'}
            ``x + sum c_i x^(2+i)``, or ``x - S(x)`` with S = 0 at the first two knots.
        size : int
            Coefficients of the polynomial, or knots of the spline besides the one at 0.
        maximum : float or sequence, optional
            Electrons read beyond which a point is left out, one for all amplifiers or one each; where the
            response turns off if not given.
        time_offset : bool
            Fit what the shutter adds to each exposure time along with the curve; together with a curve alone
            it is indistinguishable from it over a short ramp, the errors say so.
        lamp_scatter : float, optional
            Relative scatter of the lamp from frame to frame, the same for all amplifiers; from the scatter of
            the points about the fit if not given.

        Returns
        -------
        NonLinearity
            `statistics` holds slopes, time offset, lamp scatter, chi^2 and the number of points.

        Raises
        ------
        ChainError
            If the frames are not in electrons.
        NotEnoughFrames, FrameError
            If the ramp has too few points.
        """
        if known is not None and known.get("nonlinearity") is not None:
            raise ChainError("the non-linearity is what is measured: leave it out of the chain")
        ramp = ramp_of(frames, known=known, light=light)
        if ramp.unit != u.electron:
            raise ChainError(
                f"non-linearity is defined in electrons, the frames are in {ramp.unit}; add a Gain"
            )
        noise: Any = None if known is None else known.get("read_noise")
        fits, common = fit_ramp(
            ramp,
            read_noise=0.0 if noise is None else float(np.max(noise.values)),
            form=form,
            size=size,
            maximum=maximum,
            time_offset=time_offset,
            lamp_scatter=lamp_scatter,
        )
        names = [amplifier.name for amplifier in ramp.detector.amplifiers]
        per_amplifier = {name: fit.summary for name, fit in zip(names, fits, strict=True)}
        return cls(
            curves=tuple(fit.curve for fit in fits),
            errors=tuple(fit.errors for fit in fits),
            statistics={**common, "amplifiers": per_amplifier},
        )

    def lookup(self, detector: Detector) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return the inverse as tables, for kernels that correct many things at once.

        Parameters
        ----------
        detector : Detector

        Returns
        -------
        knots, values : ndarray of float64, shape (amplifiers, entries)
            Electrons as read, in equal steps from 0, and true electrons. Between the entries straight lines
            err by less than a millionth; below 0 the slope is 1, beyond the last entry the value stays and
            the pixel is SATURATED and SUSPECT.
        """
        inverses = [self._inverse(i, detector) for i in range(len(detector.amplifiers))]
        size = max(inverse.true.size for inverse in inverses)
        knots = np.stack([np.linspace(0.0, inverse.end, size) for inverse in inverses])
        values = np.stack(
            [
                inverse.true if inverse.true.size == size else inverse.at(row)[0]
                for inverse, row in zip(inverses, knots, strict=True)
            ]
        )
        return knots, values

    def affine(self, frame: Frame, *, unit: u.UnitBase, chain: Chain | None = None) -> Lookup:
        """Straighten the data; the variance goes with the square of the slope.

        Raises
        ------
        ChainError
            If the frame is not in electrons, or a bias is still in it.
        """
        if unit != u.electron:
            raise ChainError(f"non-linearity is defined in electrons, the frame is in {unit}; add a Gain")
        if chain is not None and _bias_comes_later(chain):
            raise ChainError(
                "the bias comes off with the dark, behind the non-linearity; add a Bias or Overscan"
            )
        knots, values = self.lookup(frame.detector or Detector.single(frame.shape))
        return Lookup(0.0, knots[:, 1], values, below=1.0, beyond=Flags.SATURATED | Flags.SUSPECT)

    def _curve(self, i: int, detector: Detector) -> Curve:
        if len(self.curves) not in (1, len(detector.amplifiers)):
            raise ParameterError(
                "curves", len(self.curves), f"one, or one for each of {len(detector.amplifiers)} amplifiers"
            )
        return self.curves[i if len(self.curves) > 1 else 0]

    def _inverse(self, i: int, detector: Detector) -> InverseCurve:
        curve = self._curve(i, detector)
        if id(curve) not in self._inverses:
            self._inverses[id(curve)] = inverse_of(curve)
        return self._inverses[id(curve)]


def _bias_comes_later(chain: Chain) -> bool:
    dark: Any = chain.get("dark")
    return (
        getattr(dark, "bias_included", False) and chain.get("bias") is None and chain.get("overscan") is None
    )
