"""What is bright on one amplifier leaves a ghost on the others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Self

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.detector import Detector
from fullwell.detector.read_order import in_read_order, tick_blocks
from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage
from fullwell.effects.converters import matrix_of
from fullwell.effects.crosstalk_fit import fit_crosstalk
from fullwell.errors import ChainError, ParameterError
from fullwell.flags import FLAG_DTYPE, Flags
from fullwell.frame import Frame, FrameSet
from fullwell.noise import Noise
from fullwell.quantities import quantity

__all__ = ["Crosstalk"]

Matrix = npt.NDArray[np.float64]
_ROUNDS = 3  # each leaves an error smaller by the size of the coefficients


def _matrix(value: Any, name: str) -> Matrix | None:
    return None if value is None else matrix_of(name, value)


def _coefficients(value: Any) -> Any:
    return matrix_of("coefficients", value)


def _quadratic(value: Any) -> Any:
    return _matrix(value, "quadratic")


def _errors(value: Any) -> Any:
    return _matrix(value, "errors")


def _quadratic_errors(value: Any) -> Any:
    return _matrix(value, "quadratic_errors")


@attrs.frozen(eq=False)
class Crosstalk(Effect):
    """Signal that other amplifiers add to the pixel of the same clock tick.

    Amplifier i gets ``sum_j c_ij S_j + q_ij S_j^2`` from the pixels that the others read at the same time,
    the same number of rows and columns from the corner where each is read out. S is in electrons, after the
    read noise and before the gain. A positive coefficient makes a bright ghost, a negative one a dark ghost.

    Parameters
    ----------
    coefficients : array_like, shape (amplifiers, amplifiers)
        ``c_ij``: row i is the victim, column j the aggressor. Zero diagonal.
    quadratic : array_like or None, same shape
        ``q_ij`` in 1/electron.
    threshold : Quantity or float
        Electrons of an aggressor from which on the pixels of its victims are flagged CROSSTALK.
    errors, quadratic_errors : ndarray or None
        Standard errors, where they were measured; infinite where an amplifier was never bright.
    statistics : dict
        What happened when it was measured.

    Raises
    ------
    ParameterError
        If a matrix is not square, has a diagonal that is not zero or a coefficient that is not between -1
        and 1, or `threshold` is not positive.
    """

    name: ClassVar[str] = "crosstalk"
    stage: ClassVar[Stage] = Stage.CROSSTALK
    kind: ClassVar[Kind] = Kind.REDISTRIBUTING
    coefficients: Matrix = attrs.field(converter=_coefficients)
    quadratic: Matrix | None = attrs.field(default=None, converter=_quadratic)
    threshold: float = attrs.field(default=45_000.0, **quantity(u.electron, above=0))
    errors: Matrix | None = attrs.field(default=None, converter=_errors)
    quadratic_errors: Matrix | None = attrs.field(default=None, converter=_quadratic_errors)
    statistics: dict[str, Any] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        shape = self.coefficients.shape
        if len(shape) != 2 or shape[0] != shape[1] or shape[0] < 1:
            raise ParameterError("coefficients", shape, "a square matrix, amplifiers by amplifiers")
        for name in ("coefficients", "quadratic"):
            matrix = getattr(self, name)
            if matrix is not None:
                _check(name, matrix, shape)
        for name in ("errors", "quadratic_errors"):
            matrix = getattr(self, name)
            if matrix is not None and (matrix.shape != shape or not (matrix >= 0).all()):
                raise ParameterError(name, matrix.shape, f"a matrix of {shape} without negative numbers")

    def simulate(self, signal: Signal, *, noise: Noise) -> None:  # noqa: ARG002
        """Add the ghosts, in prescan and overscan too."""
        self._fits(signal.detector)
        image = np.array(signal.image, np.float32)
        for parts, stacked in tick_blocks(in_read_order(image, signal.detector, layout=signal.layout)):
            _add(parts, self._ghosts(stacked))
        signal.image = image

    @classmethod
    def measure(
        cls,
        frames: FrameSet | Iterable[Any],
        *,
        known: Chain | None = None,
        bright: float = 10_000.0,
        quadratic: bool = False,
        clip: float = 3.0,
        margin: int = 10,
        threshold: float = 45_000.0,
    ) -> Self:
        """Regress what victims show on what aggressors hold.

        Parameters
        ----------
        frames : FrameSet or iterable of Frame, CCDData or array
            Raw frames with spots, trails or stars that are bright on some amplifiers and miss the others.
        known : SignalChain
            Effects to take out first: overscan, bias, gain; nothing that was before the crosstalk.
        bright : float
            Electrons; pixels above are aggressors. Around each group of them a box grown by `margin` is used,
            its darker pixels being what the local background of the victims is known from.
        quadratic : bool
            Fit ``q_ij`` too.
        clip : float
            Residuals beyond so many standard deviations are left out, 2.5 or more, iterated.
        margin : int
            Pixels.
        threshold : float
            As for `Crosstalk`.

        Returns
        -------
        Crosstalk
            With errors; a column of an amplifier that was never bright has zeros, and infinite errors.

        Raises
        ------
        ChainError
            If the frames are not in electrons, or `known` undoes the non-linearity.
        FrameError
            If nothing is bright.
        """
        if known is not None and known.get("nonlinearity") is not None:
            raise ChainError(
                "crosstalk adds to what was bent already: leave the non-linearity out of the chain"
            )
        found = fit_crosstalk(
            frames, known=known, bright=bright, quadratic=quadratic, clip=clip, margin=margin
        )
        return cls(
            coefficients=found.coefficients,
            quadratic=found.quadratic,
            threshold=threshold,
            errors=found.errors,
            quadratic_errors=found.quadratic_errors,
            statistics=found.statistics,
        )

    def correct(self, frame: Frame, *, chain: Chain | None = None) -> Frame:  # noqa: ARG002
        """Subtract the ghosts.

        What leaked holds the shot and read noise of the aggressor's very pixel, and so does what is
        subtracted: only noise that came in later (rounding, masters) stays, with the square of the
        coefficient. Where coefficients have errors, these times the signal are added too.

        Raises
        ------
        ChainError
            If the frame is not in electrons.
        """
        if frame.unit != u.electron:
            raise ChainError(f"crosstalk is defined in electrons, the frame is in {frame.unit}; add a Gain")
        detector = frame.detector or Detector.single(frame.shape)
        self._fits(detector)
        layout = frame.layout
        noisy = frame.settled().variance
        data, flags = frame.data.copy(), frame.flags.copy()
        own = None if frame.variance is None else frame.variance.copy()
        planes = [data, flags] if noisy is None or own is None else [data, flags, noisy, own]
        blocks = [tick_blocks(in_read_order(plane, detector, layout=layout)) for plane in planes]
        for block in zip(*blocks, strict=True):
            (parts, read), (flag_parts, _) = block[:2]
            true = read
            for _ in range(_ROUNDS):
                true = read - self._ghosts(true)
            _add(parts, true - read)
            _flag(flag_parts, self._leaks(true))
            if len(block) == 4:
                _add(block[3][0], self._added_variance(true, block[2][1]))
        return frame.with_(data=data, flags=flags, variance=own)

    def _fits(self, detector: Detector) -> None:
        if len(detector.amplifiers) != len(self.coefficients):
            raise ChainError(
                f"a crosstalk matrix of {len(self.coefficients)} amplifiers does not fit detector "
                f"{detector.name}, which has {len(detector.amplifiers)}"
            )

    def _ghosts(self, signal: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return what is added to each amplifier, shape (amplifiers, rows, columns) as the signal."""
        ghosts = _times(self.coefficients, signal)
        return ghosts if self.quadratic is None else ghosts + _times(self.quadratic, signal * signal)

    def _added_variance(self, signal: npt.NDArray[np.float32], variance: npt.NDArray[np.float32]) -> Any:
        added = _times(self.coefficients**2, variance)
        if self.quadratic is not None:  # (c + 2 q S)^2 of the slope, less the c^2 above
            added += _times(4 * self.coefficients * self.quadratic, signal * variance)
            added += _times(4 * self.quadratic**2, signal * signal * variance)
        for errors, power in ((self.errors, 2), (self.quadratic_errors, 4)):
            if errors is not None:
                added += _times(np.where(np.isfinite(errors), errors, 0.0) ** 2, signal**power)
        return added

    def _leaks(self, signal: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        """Where an aggressor above the threshold leaks into an amplifier."""
        leaking = self.coefficients != 0
        if self.quadratic is not None:
            leaking |= self.quadratic != 0
        bright = signal > self.threshold
        return _times(leaking, bright.astype(np.float32)) > 0 if bright.any() else bright


def _check(name: str, matrix: Matrix, shape: tuple[int, ...]) -> None:
    if matrix.shape != shape:
        raise ParameterError(name, matrix.shape, f"a matrix of {shape}")
    diagonal = np.diag(matrix)
    if diagonal.any():
        value = float(diagonal[np.flatnonzero(diagonal)[0]])
        raise ParameterError(f"diagonal of {name}", value, "0: an amplifier is no victim of its own")
    bad = ~(np.abs(matrix) < 1)
    if bad.any():
        raise ParameterError(name, float(matrix[bad][0]), "between -1 and 1, both excluded")


def _times(matrix: npt.NDArray[Any], signal: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    flat = matrix.astype(np.float32) @ signal.reshape(len(signal), -1)
    return np.asarray(flat.reshape(-1, *signal.shape[1:]), np.float32)


def _add(parts: list[npt.NDArray[Any]], ghosts: npt.NDArray[Any]) -> None:
    for part, ghost in zip(parts, ghosts, strict=True):
        part += ghost[: part.shape[0], : part.shape[1]]


def _flag(parts: list[npt.NDArray[Any]], where: npt.NDArray[np.bool_]) -> None:
    for part, hit in zip(parts, where, strict=True):
        part[hit[: part.shape[0], : part.shape[1]]] |= FLAG_DTYPE.type(Flags.CROSSTALK)
