"""Backward: a raw frame loses the signature of its detector, and knows how well."""

from __future__ import annotations

from typing import Any

import numpy as np
from astropy import units as u

from fullwell.chain.fused import Undoes, correct_fused
from fullwell.effects.affine import Affine
from fullwell.effects.assembly import assembled
from fullwell.effects.base import Stage
from fullwell.effects.read_noise import ReadNoise
from fullwell.errors import ChainError
from fullwell.flags import FLAG_DTYPE, Flags
from fullwell.frame import Frame
from fullwell.io.hygiene import electron_header

__all__ = ["Undoes", "correct"]


@np.errstate(invalid="ignore")  # pixels without a value are flagged; the one pass says nothing of them either
def correct(chain: Undoes, frame: Frame, *, settle: bool) -> Frame:
    """Take the effects out of a frame; see `SignalChain.correct`."""
    again = [effect.name for effect in chain.effects if effect.name in frame.applied]
    if again:
        raise ChainError(f"frame {frame.source or ''}: {', '.join(again)} was corrected before")
    applied = frame.applied
    fused = correct_fused(chain, frame, settle=settle)
    frame, done = (_flagged(chain, frame), 0) if fused is None else fused
    frame = _corrected(chain, frame, done)
    for effect in chain.effects:
        frame = effect.finish(frame)
    undone = (effect for effect in chain.backward if effect.stage != Stage.ADC and effect.is_undone())
    applied += tuple(effect.name for effect in undone)
    result = _described(chain, frame.with_(applied=applied))
    return result.settled() if settle else result


def _corrected(chain: Undoes, frame: Frame, done: int) -> Frame:
    """Undo the effects that are left, one after the other; affine ones that follow each other in one."""
    pending: Affine | None = None
    for effect in chain.backward[done:]:
        if effect.stage < Stage.OVERSCAN and frame.layout == "raw":
            frame = assembled(frame if pending is None else pending.apply(frame))
            pending = None
        unit = frame.unit if pending is None or pending.unit is None else pending.unit
        step = effect.affine(frame, unit=unit, chain=chain)
        if isinstance(step, Affine):
            pending = step if pending is None else step @ pending
            continue
        frame = frame if pending is None else pending.apply(frame)
        pending = None
        frame = effect.correct(frame, chain=chain) if step is None else step.apply(frame)
    return assembled(frame if pending is None else pending.apply(frame))


def _described(chain: Undoes, frame: Frame) -> Frame:
    """Bring the header up to what the data are now."""
    gain: Any = chain.get("gain")
    if gain is None or frame.unit != u.electron:
        return frame
    noise: Any = next((e for e in chain.backward if e.name == "read_noise"), None)
    dark: Any = chain.get("dark")
    if noise is None and dark is not None and dark.bias_included and frame.dark_time is not None:
        measured = dark.noise_at(frame.dark_time)
        in_adu = 1.0 if dark.unit == u.electron else np.asarray(gain.values)
        noise = None if measured is None else ReadNoise(tuple(measured * in_adu), digitized=True)
    read_noise = float(np.mean(noise.values)) if noise is not None and noise.unit == u.electron else None
    return frame.with_(
        header=electron_header(frame.header, gain=float(np.mean(gain.values)), read_noise=read_noise)
    )


def _flagged(chain: Undoes, frame: Frame) -> Frame:
    """Raw values as every effect sees them, in floating point."""
    flags = frame.flags.copy()
    for effect in chain.effects:
        found = effect.flag(frame)
        if found is not None:
            flags |= found
    flags[~np.isfinite(frame.data)] |= FLAG_DTYPE.type(Flags.NO_DATA)
    dtype = frame.data.dtype if frame.data.dtype.kind == "f" else np.dtype(np.float32)
    return frame.with_(data=frame.data.astype(dtype.newbyteorder("=")), flags=flags)
