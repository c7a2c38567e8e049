"""Charge that stays behind when it is shifted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Self

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.detector import Detector
from fullwell.detector.read_order import in_read_order
from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage
from fullwell.effects.charge_trails import Trap, trail
from fullwell.effects.eper import edge_response
from fullwell.effects.trap_fit import TrapTails, trap_tails
from fullwell.errors import ChainError, ParameterError
from fullwell.frame import Frame, FrameSet
from fullwell.noise import Noise
from fullwell.quantities import quantity, several

__all__ = ["ChargeTransfer"]

#: Rounds of the inverse: each leaves about the inefficiency times the transfers of the last error.
ROUNDS = 5
#: Part of a packet that may be left behind on its whole way; beyond it no correction is possible.
WORST = 0.5


def _traps(value: Any, name: str) -> tuple[Trap, ...]:
    traps = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not all(isinstance(trap, Trap) for trap in traps):
        raise ParameterError(name, value, "a sequence of Trap")
    return traps


def _serial(value: Any) -> Any:
    return several(value, "serial")


def _parallel(value: Any) -> Any:
    return several(value, "parallel")


def _serial_traps(value: Any) -> tuple[Trap, ...]:
    return _traps(value, "traps")


def _parallel_traps(value: Any) -> Any:
    return _traps(value, "parallel_traps")


def _offset(value: Any) -> Any:
    return several(value, "offset")


@attrs.frozen(eq=False)
class ChargeTransfer(Effect):
    """Inefficient transfer along columns, then along the register, and an output that follows slowly.

    Parameters
    ----------
    serial, parallel : float or sequence
        Part of a packet that stays behind in each transfer (CTI); one for all amplifiers, or one each.
    traps : sequence of Trap
        Traps in the serial register.
    parallel_traps : sequence of Trap
        Traps in every column of an amplifier; `Trap.pixel` counts rows from the register.
    offset : float or sequence
        Local offset: part of a pixel's signal by which the base of the next one is too high, after Snyder et
        al. 2021 (JATIS 7, 048002). It is of the electronics, no charge is moved.
    offset_decay : Quantity or float
        Pixels in which the local offset falls to 1/e.
    serial_error, parallel_error, offset_error : tuple of float
        Standard errors, where they were measured.
    statistics : dict
        What was found of traps, if they were looked for: ``["traps"]`` and ``["parallel_traps"]`` hold for
        each amplifier size, fill and release with their errors, and the limit where none was seen.

    Raises
    ------
    ParameterError
        If a value is negative, or so large that a register of the detector would lose its packets.

    Notes
    -----
    An electron that needs n transfers arrives k pixels late with probability C(n+k-1, k) (1-e)^n e^k.
    Expected charge is moved, no electron is made or lost; what is late for the last pixel is found in the
    overscan.
    """

    name: ClassVar[str] = "cti"
    stage: ClassVar[Stage] = Stage.TRANSFER
    kind: ClassVar[Kind] = Kind.REDISTRIBUTING
    serial: tuple[float, ...] = attrs.field(default=0.0, converter=_serial)
    parallel: tuple[float, ...] = attrs.field(default=0.0, converter=_parallel)
    traps: tuple[Trap, ...] = attrs.field(default=(), converter=_serial_traps)
    parallel_traps: tuple[Trap, ...] = attrs.field(default=(), converter=_parallel_traps)
    offset: tuple[float, ...] = attrs.field(default=0.0, converter=_offset)
    offset_decay: float = attrs.field(default=5.0, **quantity(u.pix, above=0))
    serial_error: tuple[float, ...] = ()
    parallel_error: tuple[float, ...] = ()
    offset_error: tuple[float, ...] = ()
    statistics: dict[str, Any] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        measured = bool(self.serial_error or self.parallel_error)
        for name, most in (("serial", 1e-2), ("parallel", 1e-2), ("offset", 0.1)):
            values = np.asarray(getattr(self, name))
            # Noise may make a measured value negative; it is kept, and corrected as 0.
            least = -most if measured else 0.0
            bad = ~(np.isfinite(values) & (values >= least) & (values <= most))
            if bad.any():
                raise ParameterError(name, float(values[bad][0]), f"{least:g} to {most:g} of the charge")

    def simulate(self, signal: Signal, *, noise: Noise) -> None:  # noqa: ARG002
        """Shift the charge of each amplifier, prescan and overscan included."""
        signal.to_raw()
        signal.image = self._shifted(signal.image, signal.detector, layout="raw")

    def correct(self, frame: Frame, *, chain: Chain | None = None) -> Frame:  # noqa: ARG002
        """Put the charge back: the image whose trails are those of the frame, found in a few rounds.

        Pixels without a value are taken to be as bright as the one read before them. The variance stays: the
        charge that is moved is a small part of the signal, and its noise a small part of that.
        """
        detector = frame.detector or Detector.single(frame.shape)
        missing = ~np.isfinite(frame.data)
        seen = _filled(frame.data, missing, detector) if missing.any() else frame.data
        guess = seen.astype(np.float64)
        for _ in range(ROUNDS):
            late = seen - self._shifted(guess, detector, layout=frame.layout)
            guess += late
            if np.abs(late).max(initial=0.0) < 1e-3:
                break
        data = np.where(missing, frame.data, guess).astype(frame.data.dtype)
        return frame.with_(data=data)

    @classmethod
    def measure(
        cls,
        frames: FrameSet | Iterable[Any],
        *,
        known: Chain | None = None,
        skip: int = 0,
        traps: bool = False,
    ) -> Self:
        """Look at what comes late into the overscan of flats, the extended pixel edge response.

        Parameters
        ----------
        frames : FrameSet or iterable of Frame
            Raw flats, of one level; of three exposure times or more where `traps` are looked for.
        known : SignalChain, optional
            Its gain says how many electrons a trap holds; nothing is needed without `traps`, since the
            response is a ratio of raw values.
        skip : int
            Rows next to the register that are left out of the serial response.
        traps : bool
            Fit a trap in each direction of each amplifier too: what comes late and does not grow with the
            light. Its place is not seen; it is put at the output, where every packet passes it.

        Returns
        -------
        ChargeTransfer
            With errors. Where a value is less than twice its error, value plus twice the error is an upper
            limit; see `limits`.

        Raises
        ------
        FrameError
            If the frames are trimmed, or have no overscan, or traps are asked for without exposure times.
        NotEnoughFrames
            If traps are asked for and there are not three exposure times.
        ChainError
            If traps are asked for and no gain is known.
        """
        if traps:
            return cls._with_traps(trap_tails(frames, gains=_gains(known), skip=skip))
        response = edge_response(frames, skip=skip)
        return cls(
            serial=response.serial,
            parallel=response.parallel,
            offset=response.offset,
            offset_decay=response.decay,
            serial_error=response.serial_error,
            parallel_error=response.parallel_error,
            offset_error=response.offset_error,
        )

    @classmethod
    def _with_traps(cls, tails: TrapTails) -> Self:
        serial, parallel = tails.serial, tails.parallel
        return cls(
            serial=[fit.cti for fit in serial],
            parallel=[fit.cti for fit in parallel],
            traps=[fit.trap for fit in serial if fit.trap is not None],
            parallel_traps=[fit.trap for fit in parallel if fit.trap is not None],
            offset=[fit.offset for fit in serial],
            offset_decay=tails.decay,
            serial_error=tuple(fit.cti_error for fit in serial),
            parallel_error=tuple(fit.cti_error for fit in parallel),
            offset_error=tuple(fit.offset_error for fit in serial),
            statistics={
                "traps": [fit.summary() for fit in serial],
                "parallel_traps": [fit.summary() for fit in parallel],
            },
        )

    @property
    def limits(self) -> dict[str, tuple[float | None, ...]]:
        """Upper limits (2 sigma) of what was not seen, None where it was; of traps in electrons."""
        pairs = {
            "serial": (self.serial, self.serial_error),
            "parallel": (self.parallel, self.parallel_error),
        }
        limits: dict[str, tuple[float | None, ...]] = {
            name: tuple(
                None if value >= 2 * error else max(value, 0.0) + 2 * error
                for value, error in zip(values, errors, strict=True)
            )
            for name, (values, errors) in pairs.items()
            if errors
        }
        return limits | {
            name: tuple(fit["limit"] for fit in self.statistics[name])
            for name in ("traps", "parallel_traps")
            if name in self.statistics
        }

    def _shifted(self, image: npt.NDArray[Any], detector: Detector, *, layout: str) -> npt.NDArray[Any]:
        number = len(detector.amplifiers)
        serial = _one_each("serial", self.serial, number)
        parallel = _one_each("parallel", self.parallel, number)
        offset = _one_each("offset", self.offset, number)
        result = image.astype(np.float64)
        for k, view in enumerate(in_read_order(result, detector, layout=layout)):
            # Of an assembled image the pixels before the data are gone; their transfers are not.
            columns, rows = (0, 0) if layout == "raw" else detector.amplifiers[k].read_before
            whole = np.pad(view, ((rows, 0), (columns, 0)))
            _check_whole(parallel[k], whole.shape[0], "parallel")
            _check_whole(serial[k], whole.shape[1], "serial")
            part = trail(whole.T, max(parallel[k], 0.0), traps=_of(self.parallel_traps, k)).T
            part = trail(part, max(serial[k], 0.0), traps=_of(self.traps, k))
            if offset[k] > 0:
                part = _with_offset(part, offset[k], self.offset_decay)
            view[...] = part[rows:, columns:]
        return result if image.dtype == np.float64 else result.astype(np.float32)


def _gains(known: Chain | None) -> tuple[float, ...]:
    gain: Any = None if known is None else known.get("gain")
    if gain is None:
        raise ChainError("traps hold electrons: give a chain with the Gain as `known`")
    return tuple(gain.values)


def _of(traps: Sequence[Trap], amplifier: int) -> list[Trap]:
    return [trap for trap in traps if trap.amplifier in (None, amplifier)]


def _one_each(name: str, values: Sequence[float], number: int) -> tuple[float, ...]:
    if len(values) == 1:
        return tuple(values) * number
    if len(values) != number:
        raise ParameterError(name, len(values), f"1 value, or {number}: one for each amplifier")
    return tuple(values)


def _check_whole(fraction: float, transfers: int, name: str) -> None:
    if fraction * transfers > WORST:
        raise ParameterError(
            name, fraction, f"at most {WORST / transfers:.2g}: {transfers} transfers empty the packets else"
        )


def _with_offset(part: npt.NDArray[np.float64], scale: float, decay: float) -> npt.NDArray[np.float64]:
    """Add to each pixel `scale` times the one before, or what is left of the last addition if more."""
    keep = np.exp(-1 / decay)
    result = part.copy()
    base = np.zeros(part.shape[0])
    for column in range(1, part.shape[1]):
        base = np.maximum(scale * np.maximum(part[:, column - 1], 0), keep * base)
        result[:, column] += base
    return result


def _filled(data: Any, missing: npt.NDArray[np.bool_], detector: Detector) -> npt.NDArray[np.float64]:
    filled = np.where(missing, np.nan, data).astype(np.float64)
    layout = detector.layout_of(filled.shape)
    for view in in_read_order(filled, detector, layout=layout):
        for row in np.flatnonzero(np.isnan(view).any(axis=1)):
            good = np.flatnonzero(~np.isnan(view[row]))
            if good.size:
                places = np.arange(view.shape[1])
                # The last good pixel at or before each place, else the first one there is.
                last = np.maximum(np.searchsorted(good, places, side="right") - 1, 0)
                view[row] = view[row, good[last]]
            else:
                view[row] = 0.0
    return filled
