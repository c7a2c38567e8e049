"""The pointwise effects at the beginning of a correction, in one pass over the raw frame."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Protocol

import attrs
import numpy as np
from astropy import units as u

from fullwell.chain.pointwise_run import PointwiseRun, run_of
from fullwell.detector import Amplifier, Detector
from fullwell.effects.adc import ADC
from fullwell.effects.affine import Affine
from fullwell.effects.assembly import assembled_header
from fullwell.effects.base import Chain, Effect, Kind, Stage
from fullwell.effects.overscan import Overscan, OverscanLevel
from fullwell.effects.pointwise import Pointwise
from fullwell.flags import FLAG_DTYPE, FlagImage, Flags
from fullwell.frame import Frame, Shared
from fullwell.kernels.correct import Amplified, Outputs, correct_plane
from fullwell.kernels.planes import Plane

__all__ = ["Undoes", "correct_fused"]

#: Bytes of images that are remembered for the frames to come; the last ones are, whatever their size.
REMEMBERED = 2**29
BITS = (int(Flags.SATURATED), int(Flags.NO_DATA))


class Undoes(Chain, Protocol):
    """A chain as this module needs it."""

    #: In the order of the stages.
    effects: tuple[Effect, ...]
    #: In the order of correction, with the noise that is understood.
    backward: list[Effect]


@attrs.frozen(eq=False)
class _Start:
    """The effects that one pass undoes: the first `done` of the chain, an overscan among them or not."""

    run: PointwiseRun
    overscan: Overscan | None
    done: int


class _Remembered:
    """What was worked out for the chains in use, by geometry, unit and times."""

    def __init__(self) -> None:
        self._held: OrderedDict[Any, tuple[weakref.ref[Any], _Start | None]] = OrderedDict()
        self._lock = threading.Lock()

    def start(self, chain: Undoes, frame: Frame, *, settle: bool) -> _Start | None:
        """Return how the chain begins for such a frame; None if that is not fit for one pass."""
        detector = frame.detector
        geometry = None if detector is None else (detector.shape, detector.raw_shape, detector.amplifiers)
        key = (
            id(chain),
            settle,
            frame.shape,
            geometry,
            str(frame.unit),
            frame.exposure_time,
            frame.dark_time,
            *(effect.depends_on(frame) for effect in chain.backward),
        )
        with self._lock:  # others wait for it rather than work it out as well
            known = self._held.get(key)
            if known is None or known[0]() is not chain:
                known = weakref.ref(chain), _start(chain, frame, settle=settle)
                self._held[key] = known
                self._forget()
            self._held.move_to_end(key)
            return known[1]

    def _forget(self) -> None:
        for key in [key for key, (chain, _) in self._held.items() if chain() is None]:
            del self._held[key]
        sizes = {key: 0 if start is None else start.run.nbytes for key, (_, start) in self._held.items()}
        for key in list(self._held)[:-1]:
            if sum(sizes.values()) > REMEMBERED:
                del self._held[key], sizes[key]


_remembered = _Remembered()


def correct_fused(chain: Undoes, frame: Frame, *, settle: bool) -> tuple[Frame, int] | None:
    """Undo the first effects of a chain in one pass.

    Parameters
    ----------
    chain : SignalChain
    frame : Frame
        As it was read.
    settle : bool
        Whether the noise of masters may become part of the variance.

    Returns
    -------
    (Frame, int) or None
        The frame, assembled, and how many effects of ``chain.backward`` it is freed from. None if frame or
        chain are not of the simple kind: integers of 16 bits or float32 without variance, and steps in the
        order of `fullwell.kernels.correct`.
    """
    plane = Plane(frame.data)
    if frame.variance is not None or frame.shared or not plane.is_ready or frame.data.dtype.itemsize > 4:
        return None
    start = _remembered.start(chain, frame, settle=settle)
    if start is None:
        return None
    detector = frame.detector or Detector.single(frame.shape)
    limit, flags = _raw_flags(chain, frame)
    levels = None if start.overscan is None else start.overscan.estimate(frame, limit=limit)
    amplifiers = [
        _amplified(
            amplifier, i, start.run, limit, None if levels is None else levels[i], raw=frame.layout == "raw"
        )
        for i, amplifier in enumerate(detector.amplifiers)
    ]
    images = start.run.images
    into = Outputs.empty(detector.shape, quiet=images.quiet)
    floored = correct_plane(plane, flags, amplifiers, images, into, bits=BITS)
    header = frame.header
    if start.overscan is not None and levels is not None:
        header = start.overscan.stated(header, levels)
    header = assembled_header(frame.with_(header=header))
    if floored:
        header = header.copy()
        header["NVARFLR"] = (floored, "pixels whose variance was floored")
    whole = start.run.whole
    result = frame.with_(
        data=into.data,
        variance=None if images.quiet else into.variance,
        flags=into.flags,
        header=header,
        detector=None if frame.detector is None else frame.detector.without_scans(),
        unit=frame.unit if whole.unit is None else whole.unit,
        shared={
            key: Shared(
                term.constant + (term.proportional * into.data if np.any(term.proportional) else 0.0),
                term.variance,
            )
            for key, term in whole.masters.items()
        },
    )
    return result, start.done


def _start(chain: Undoes, frame: Frame, *, settle: bool) -> _Start | None:
    detector = frame.detector or Detector.single(frame.shape)
    covered = sum(a.box.shape[0] * a.box.shape[1] for a in detector.amplifiers)
    if covered != detector.shape[0] * detector.shape[1]:
        return None
    seen = _stand_in(frame, frame.shape, frame.detector)
    steps: list[Pointwise] = []
    overscan: Overscan | None = None
    unit: u.UnitBase = frame.unit
    done = 0
    for effect in chain.backward:
        if effect.stage <= Stage.OVERSCAN and seen.layout == "raw":
            seen = _stand_in(frame, detector.shape, detector.without_scans())
        if isinstance(effect, Overscan):
            if frame.layout != "raw" or overscan is not None or not all(map(_level_free, steps)):
                return None
            overscan, done = effect, done + 1
            continue
        step = effect.affine(seen.with_(unit=unit), unit=unit, chain=chain)
        if step is None:
            break
        steps.append(step)
        done += 1
        unit = step.unit if isinstance(step, Affine) and step.unit is not None else unit
    rest = chain.backward[done:]
    if any(effect.stage >= Stage.OVERSCAN for effect in rest):
        return None
    # What only flags needs no more than the variance; anything else has to see the masters apart.
    settled = settle and all(effect.kind is Kind.FLAG_ONLY for effect in rest)
    run = run_of(steps, detector.without_scans(), settle=settled, noisy=overscan is not None)
    return None if run is None else _Start(run, overscan, done)


def _level_free(step: Pointwise) -> bool:
    """Whether a step before the overscan leaves values as they are."""
    return isinstance(step, Affine) and all(
        np.ndim(value) == 0 and value == idle for value, idle in ((step.scale, 1), (step.offset, 0))
    )


def _stand_in(frame: Frame, shape: tuple[int, int], detector: Detector | None) -> Frame:
    """Return a frame for effects to look at that has no pixels of its own."""
    return frame.with_(
        data=np.broadcast_to(np.float32(0), shape),
        flags=np.broadcast_to(FLAG_DTYPE.type(0), shape),
        detector=detector,
    )


def _raw_flags(chain: Undoes, frame: Frame) -> tuple[float, FlagImage | None]:
    """Return the value that is saturated, and the flags that are known before the pass."""
    limit = np.inf
    found: list[FlagImage] = [] if not any(frame.flags.strides) else [frame.flags]
    for effect in chain.effects:
        if isinstance(effect, ADC):
            limit = effect.limit
            low = effect.clipped_low(frame)
            found += [] if low is None else [low]
        elif type(effect).flag is not Effect.flag:
            more = effect.flag(frame)
            found += [] if more is None else [more]
    flags: Any = np.bitwise_or.reduce(found) if len(found) > 1 else found[0] if found else None
    return limit, flags


def _amplified(
    amplifier: Amplifier, i: int, run: PointwiseRun, limit: float, level: OverscanLevel | None, *, raw: bool
) -> Amplified:
    box = amplifier.box
    data = amplifier.data if raw else box
    flip_y, flip_x = (amplifier.flip_y, amplifier.flip_x) if raw else (False, False)
    factor = run.factors[i]
    zeros = [np.zeros(size, np.float32) for size in (*box.shape, *box.shape)]
    vectors: Sequence[Any] = zeros
    if level is not None:
        squared = np.float32(factor * factor)
        parts = (level.rows, level.columns, level.row_noise * squared, level.column_noise * squared)
        vectors = [
            np.ascontiguousarray(part[:: -1 if flip else 1])
            for part, flip in zip(parts, (flip_y, flip_x) * 2, strict=True)
        ]
    return Amplified(
        (box.y0, box.y1),
        (box.x0, box.x1),
        (data.y0, data.x0),
        flip_y,
        flip_x,
        factor,
        run.variances[i],
        limit,
        vectors[0],
        vectors[1],
        vectors[2],
        vectors[3],
        run.ramps[i],
    )
