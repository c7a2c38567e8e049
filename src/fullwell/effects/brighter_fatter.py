"""Brighter-fatter: charge that is there already pushes the charge to come into the neighbors."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any, ClassVar, Protocol, Self

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.detector import Detector
from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage
from fullwell.effects.brighter_fatter_boundaries import (
    Boundaries,
    checked_coefficients,
    model_coefficients,
    zero_sum,
)
from fullwell.effects.brighter_fatter_correction import put_back, without_bad
from fullwell.effects.converters import matrix_of
from fullwell.errors import ChainError, FrameError, FullwellWarning, ParameterError
from fullwell.flags import FLAG_DTYPE, Flags, mask_of
from fullwell.frame import Frame, FrameSet, as_frame
from fullwell.kernels.brighter_fatter import moved_charge
from fullwell.kernels.simulate import Op, Step, run
from fullwell.noise import Noise
from fullwell.photon_transfer.transfer import PhotonTransfer
from fullwell.quantities import quantity

__all__ = ["BrighterFatter", "Measured"]

#: Medians of the sensors of LSST (SITCOMTN-148), 1/e-.
PRESETS = {"e2v": -3.09e-6, "itl": -1.70e-6}
#: Electrons up to which one step with half of the final charge is as good as many.
FAINT = 10_000.0
LEAST_INCREMENTS = 20


class Measured(Protocol):
    """What `BrighterFatter.from_photon_transfer` needs to know; `PhotonTransfer` is one."""

    @property
    def brighter_fatter(self) -> Any:
        """With `a` and `a_error`, shape (amplifiers, lags, lags), 1/e-."""
        ...


def _coefficients(value: Any) -> npt.NDArray[np.float64]:
    return checked_coefficients(value)


def _errors(value: Any) -> npt.NDArray[np.float64] | None:
    return None if value is None else matrix_of("a_error", value)


@attrs.frozen(eq=False)
class BrighterFatter(Effect):
    """Boundaries of pixels move toward the charge that a pixel holds, in proportion to it.

    Parameters
    ----------
    a : array_like, shape (n, n)
        Relative change of the area of a pixel for each electron that is held i columns (x) and j rows (y)
        away, at ``[i, j]``, 1/e-. One quadrant of four that are the same. a_00 is **negative**; the sum over
        all lags is zero, since what one pixel loses others get (`zero_sum` makes it so).
    a_error : array_like of the same shape, or None
        Standard errors, where it was measured.
    increments : int
        Steps in which light is collected, 20 to 1000. Frames that nowhere expect 10 000 electrons take one.
    largest_charge : float
        Electrons beyond which a pixel moves boundaries no further: no pixel holds more. 10 000 to 1e7.
    threshold : float
        Electrons: the correction is done when no pixel changes by more from one iteration to the next.
    iterations : int
        Of the correction, at most.
    statistics : dict
        What happened when it was measured.

    Raises
    ------
    ParameterError
        If a value is impossible; says by how much the sum of a is off.

    Notes
    -----
    Antilogus et al. 2014, JINST 9, C03048; Astier et al. 2019, A&A 629, A36. What crosses a boundary is its
    displacement times the mean light of the two pixels. A flat of mean mu then has the covariances
    ``C_ij = mu (delta_ij + a_ij mu + 2/3 (a*a)_ij mu^2 + 1/3 (a*a*a)_ij mu^3 + ...)``, eq. 20 of the latter
    with b = 0.

    Increments are counted as they come: each is a Poisson number, with the boundaries where the charge before
    and half of the increment itself put them. To know that half, the number is drawn twice from one random
    word, first with the boundaries of the increment before.
    """

    name: ClassVar[str] = "brighter_fatter"
    stage: ClassVar[Stage] = Stage.BRIGHTER_FATTER
    kind: ClassVar[Kind] = Kind.REDISTRIBUTING
    a: npt.NDArray[np.float64] = attrs.field(converter=_coefficients)
    a_error: npt.NDArray[np.float64] | None = attrs.field(default=None, converter=_errors)
    increments: int = attrs.field(
        default=LEAST_INCREMENTS,
        **quantity(least=LEAST_INCREMENTS, most=1000, whole=True),
    )
    largest_charge: float = attrs.field(default=3e5, **quantity(u.electron, least=FAINT, most=1e7))
    threshold: float = attrs.field(default=0.05, **quantity(u.electron, least=1e-3, most=1e3))
    iterations: int = attrs.field(default=20, **quantity(least=1, most=1000, whole=True))
    statistics: dict[str, Any] = attrs.field(factory=dict)
    _boundaries: Boundaries = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.a_error is not None and self.a_error.shape != self.a.shape:
            raise ParameterError("a_error", self.a_error.shape, f"one value for each a, {self.a.shape}")
        object.__setattr__(self, "_boundaries", Boundaries.of(self.a))

    @property
    def boundaries(self) -> Boundaries:
        """How far one electron moves the boundaries around it, and the kernel whose differences they are."""
        return self._boundaries

    @classmethod
    def preset(cls, name: str, **changes: Any) -> Self:
        """Return one whose a_ij are modeled: a_00 of a real sensor, the others by `model_coefficients`.

        Parameters
        ----------
        name : {'e2v', 'itl'}
        **changes
            Other parameters.

        Raises
        ------
        ParameterError
            If there is no such preset.
        """
        if name not in PRESETS:
            raise ParameterError("preset", name, f"one of {', '.join(PRESETS)}")
        return cls(**({"a": model_coefficients(PRESETS[name])} | changes))

    @classmethod
    def of(cls, detector: Detector, **changes: Any) -> Self:
        """Return one with the a_00 that the defaults of a detector state and modeled a_ij.

        Raises
        ------
        ParameterError
            If the detector does not state one.
        """
        known = detector.defaults.get("brighter_fatter")
        if known is None:
            raise ParameterError("detector", detector.name, "one whose defaults hold brighter_fatter")
        return cls(**({"a": model_coefficients(known["a00"])} | changes))

    def simulate(self, signal: Signal, *, noise: Noise) -> None:
        """Collect the expected light in increments, counted; `ShotNoise` then has nothing left to do.

        Raises
        ------
        ChainError
            If the light was counted before, or is not in electrons in the assembled layout.
        """
        if signal.counted:
            raise ChainError("brighter-fatter counts the light itself, and it was counted before")
        if signal.unit != u.electron or (signal.raw and signal.detector.has_scans):
            raise ChainError("light is collected before it is read out: in electrons, not in the raw layout")
        expected = np.maximum(np.asarray(signal.image, np.float32), np.float32(0))
        increments = self.increments if expected.size and float(expected.max()) >= FAINT else 1
        signal.image = self._collected(expected, increments, noise)
        signal.counted = True
        signal.truth[self.name] = {"increments": increments}

    def _collected(
        self, expected: npt.NDArray[np.float32], increments: int, noise: Noise
    ) -> npt.NDArray[np.float32]:
        stream = noise.stream(self.name)
        light = expected / np.float32(increments)
        charge, mean = np.zeros_like(light), light
        for draw in range(increments):
            key = stream.key(draw=draw)
            acting = run(charge, [Step(Op.ADD_COUNT, mean, stream=key)])
            acting += charge
            acting *= np.float32(0.5)
            np.minimum(acting, np.float32(self.largest_charge), out=acting)
            mean = moved_charge(light, acting, self._boundaries.east, self._boundaries.north)
            mean += light
            charge = run(charge, [Step(Op.ADD_COUNT, mean, stream=key)])
        return charge

    @classmethod
    def measure(cls, frames: FrameSet | Iterable[Any], *, known: Chain | None = None, **options: Any) -> Self:
        """Measure a_ij from pairs of flats, through their covariances.

        Parameters
        ----------
        frames : FrameSet or iterable of Frame, CCDData or array
            Flats of several levels, two of each.
        known : SignalChain, optional
            Effects to take out first: overscan, bias; no gain, no dark, no flat.
        **options
            For `PhotonTransfer.fit`: detector, lags, max_signal.

        Raises
        ------
        NotEnoughFrames, UnitError, ChainError, FrameError, ParameterError
            As `PhotonTransfer.fit`.
        """
        flats = [as_frame(frame) for frame in frames]
        if known is not None:
            flats = [known.correct(frame) for frame in flats]
        return cls.from_photon_transfer(PhotonTransfer.fit(flats, **options))

    @classmethod
    def from_photon_transfer(cls, result: Measured, *, size: int | None = None, **changes: Any) -> Self:
        """Take the a_ij of a photon transfer: the mean over the amplifiers, with zero sum.

        Parameters
        ----------
        result : PhotonTransfer
            Of a model that has covariances, ``'full'`` or ``'full-no-b'``.
        size : int, optional
            Lags 0 to size - 1 are used; all of them if not given.
        **changes
            Other parameters.

        Returns
        -------
        BrighterFatter
            `a_error` is that of the mean before its sum was made zero, a few percent more than behind that;
            `statistics` has the number of amplifiers, a_00 before, and the largest change in errors.

        Raises
        ------
        FrameError
            If no amplifier has covariances.
        """
        matrices = result.brighter_fatter
        a, error = (np.asarray(part, np.float64)[:, :size, :size] for part in (matrices.a, matrices.a_error))
        usable = np.isfinite(a).all(axis=(1, 2)) & np.isfinite(error).all(axis=(1, 2))
        if a.shape[1] < 2 or not usable.any():
            raise FrameError(
                f"{int(usable.sum())} amplifiers with {a.shape[1]} lags: brighter-fatter needs the "
                "covariances of a full model; fit with model='full'"
            )
        weight = 1 / error[usable] ** 2
        mean = (weight * a[usable]).sum(axis=0) / weight.sum(axis=0)
        mean_error = 1 / np.sqrt(weight.sum(axis=0))
        balanced = zero_sum(mean, errors=mean_error)
        statistics = {
            "amplifiers": int(usable.sum()),
            "a00_before_zero_sum": float(mean[0, 0]),
            "largest_change_in_errors": float((np.abs(balanced - mean) / mean_error).max()),
        }
        return cls(**({"a": balanced, "a_error": mean_error, "statistics": statistics} | changes))

    def correct(self, frame: Frame, *, chain: Chain | None = None) -> Frame:  # noqa: ARG002
        """Put charge back to where its light fell.

        Pixels that are not fit for science get the values of their neighbors first, and their own back
        afterwards; good neighbors of saturated ones become SUSPECT. The variance stays: the light moved, but
        as many electrons were counted as there are, and covariances vanish with the variance they were taken
        from.

        Raises
        ------
        ChainError
            If the frame is not in electrons.
        """
        if frame.unit != u.electron:
            raise ChainError(f"brighter-fatter acts on electrons, the frame is in {frame.unit}; add a Gain")
        bad = frame.mask | ~np.isfinite(frame.data)
        result = put_back(
            without_bad(frame.data, bad), self._boundaries, threshold=self.threshold, most=self.iterations
        )
        if result.last_change > self.threshold:
            warnings.warn(
                f"brighter-fatter correction: {result.iterations} iterations, and pixels still change by "
                f"{result.last_change:.3g} e-, more than threshold = {self.threshold:g}; raise iterations",
                FullwellWarning,
                stacklevel=2,
            )
        data = np.where(bad, frame.data, frame.data - result.gained)
        return frame.with_(data=data, flags=_beside_full(frame.flags, bad))


def _beside_full(flags: npt.NDArray[np.uint16], bad: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint16]:
    """Mark the good neighbors of pixels whose charge is not known."""
    full = mask_of(flags, bad=Flags.SATURATED | Flags.BLEED)
    if not full.any():
        return flags
    from scipy.ndimage import binary_dilation

    beside = binary_dilation(full, np.ones((3, 3), bool)) & ~bad
    return np.where(beside, flags | FLAG_DTYPE.type(Flags.SUSPECT), flags)
