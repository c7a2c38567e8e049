"""What bias, dark and flat have in common when they are measured from stacks."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.combining import NoiseModel
from fullwell.detector import Detector
from fullwell.effects.assembly import assembled
from fullwell.effects.base import Chain
from fullwell.errors import ChainError
from fullwell.flags import FLAG_DTYPE, FlagImage, Flags, mask_of
from fullwell.frame import Frame, FrameSet, as_frame
from fullwell.kernels.spread import clipped_spread
from fullwell.photon_transfer import pooled_noise

__all__ = [
    "additive_offsets",
    "bias_noise",
    "detector_of",
    "identity",
    "load_corrected",
    "measured_noise",
    "noise_model",
    "to_unit",
]


def load_corrected(
    frames: FrameSet | Iterable[Any],
    known: Chain | None,
    *,
    memory: int,
    resources: ExitStack,
    then: Callable[[Frame], Frame] | None = None,
) -> list[Frame]:
    """Load each frame once, take the known effects out, and keep the result at hand.

    Parameters
    ----------
    frames : FrameSet or iterable
    known : Chain or None
        Effects to take out; noise of masters stays apart in `Frame.shared`.
    memory : int
        Bytes to hold in memory; what is more goes to a temporary folder.
    resources : ExitStack
        Removes the folder.
    then : callable, optional
        What else is done to each corrected frame.

    Returns
    -------
    list of Frame
        Assembled, float32 (float64 where they were); to be read only, frames without flags share a plane.
    """
    held: list[Frame] = []
    folder: Path | None = None
    size = 0
    clean: FlagImage | None = None
    for i, source in enumerate(frames):
        raw = as_frame(source)
        frame = _finite_flagged(assembled(raw)) if known is None else known.correct(raw, settle=False)
        frame = frame if then is None else then(frame)
        planes: list[npt.NDArray[Any]] = [_float(frame.data)]
        if frame.flags.any():
            planes.append(frame.flags)
        elif clean is None or clean.shape != frame.shape:
            clean = np.broadcast_to(FLAG_DTYPE.type(0), frame.shape)
        size += sum(plane.nbytes for plane in planes)
        if size > memory:
            folder = folder or Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="fullwell-")))
            planes = [_spilled(plane, folder / f"{i}-{j}.npy") for j, plane in enumerate(planes)]
        flags = planes[1] if len(planes) > 1 else clean
        # The noise of a stack is modelled from all of its frames; a variance for each is not needed.
        held.append(frame.with_(data=planes[0], flags=flags, variance=None))
    return held


def _finite_flagged(frame: Frame) -> Frame:
    """Flag what has no value, as a chain does."""
    missing = ~np.isfinite(frame.data)
    if not missing.any():
        return frame
    return frame.with_(flags=np.where(missing, frame.flags | FLAG_DTYPE.type(Flags.NO_DATA), frame.flags))


def _float(data: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return data if data.dtype.kind == "f" else data.astype(np.float32)


def _spilled(plane: npt.NDArray[Any], path: Path) -> npt.NDArray[Any]:
    np.save(path, plane)
    return np.asarray(np.load(path, mmap_mode="r"))


def detector_of(frames: Sequence[Frame]) -> Detector:
    """Return the detector of the frames, one plain amplifier where none is known."""
    return frames[0].detector or Detector.single(frames[0].shape)


def measured_noise(
    frames: Sequence[Frame], *, clip: float = 5.0
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Temporal noise of each amplifier and its error, by `fullwell.photon_transfer.pooled_noise`.

    The noise that an overscan level brought into each row is taken out again: it is counted where that level
    is subtracted.
    """
    noise, error = pooled_noise(((f.data, _mask(f)) for f in frames), detector_of(frames), clip=clip)
    rows = [
        float(np.mean([f.header.get(f"OSCROW{i}", 0.0) ** 2 for f in frames]))
        for i in range(1, len(noise) + 1)
    ]
    return tuple(float(np.sqrt(max(n * n - row, 0.0))) for n, row in zip(noise, rows, strict=True)), error


def _mask(frame: Frame) -> npt.NDArray[np.bool_]:
    """Return the mask; one number for all pixels where the flags are one."""
    if any(frame.flags.strides):
        return frame.mask
    return np.broadcast_to(mask_of(frame.flags[:1, :1]).any(), frame.shape)


def noise_model(read_noise: Sequence[float], gain: Any, detector: Detector) -> NoiseModel:
    """Noise model from values per amplifier; `gain` is a scalar, an image or None."""
    spread = detector.spread([0.0 if np.isnan(value) else value for value in read_noise])
    return NoiseModel(read_noise=spread if isinstance(spread, np.ndarray) else float(spread), gain=gain)


def bias_noise(known: Chain | None, unit: u.UnitBase) -> npt.NDArray[np.float64] | None:
    """Read noise of each amplifier as the bias in `known` has it, in the unit of frames behind `known`."""
    bias: Any = None if known is None else known.get("bias")
    if bias is None or not bias.read_noise:
        return None
    noise = np.asarray(bias.read_noise, np.float64)
    gain: Any = None if known is None else known.get("gain")
    return noise if unit == u.adu or gain is None else noise * np.asarray(gain.values)


def additive_offsets(frames: Sequence[Frame]) -> npt.NDArray[np.float64]:
    """Constants that bring the frames to their common level; their mean is zero.

    The level of a frame against the first one is the mean of the difference within 5 standard deviations of
    its median: integers quantize a median, and cosmic rays would move a plain mean.
    """
    first = frames[0]
    levels = np.zeros(len(frames))
    for i, frame in enumerate(frames[1:], start=1):
        flags = [one.flags for one in (first, frame) if any(one.flags.strides) or one.flags.any()]
        good = ~mask_of(np.bitwise_or.reduce(flags)) if flags else None
        difference = clipped_spread(frame.data, first.data, good=good, clip=5.0, rounds=5)
        levels[i] = difference.mean if difference.count else 0.0
    return np.asarray(levels.mean() - levels)


def identity(*parts: Any) -> str:
    """Sixteen hex digits that name a product by its content."""
    digest = hashlib.sha256()
    for part in parts:
        array = np.asarray(part)
        digest.update(str((array.dtype.str, array.shape)).encode())
        digest.update(np.ascontiguousarray(array) if array.dtype != object else str(part).encode())  # type: ignore[arg-type]
    return digest.hexdigest()[:16]


def to_unit(product: str, own: u.UnitBase, unit: u.UnitBase, chain: Chain | None, detector: Detector) -> Any:
    """Factor that brings a product in its `own` unit to `unit`, with the gain of the chain.

    Raises
    ------
    ChainError
        If there is no gain to do it with.
    """
    if own == unit:
        return np.float32(1.0)
    gain: Any = None if chain is None else chain.get("gain")
    if gain is None:
        raise ChainError(f"the {product} is in {own}, the frame in {unit}; put a Gain into the chain")
    image = gain.image(detector)
    return image if unit == u.electron else 1.0 / image
