"""Frames of any kind as inputs, each loaded once and kept where there is room."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fullwell.combining.inputs import Inputs
from fullwell.errors import FrameError, NotEnoughFrames, UnitError
from fullwell.frame import Frame, FrameLike, FrameSet, as_frame
from fullwell.io import MappedFrame
from fullwell.kernels.planes import Plane

__all__ = ["load_inputs"]


def load_inputs(
    frames: FrameSet | Iterable[FrameLike], *, memory: int, resources: ExitStack
) -> tuple[Inputs, Frame]:
    """Load each frame once.

    Parameters
    ----------
    frames : FrameSet or iterable
        Of a list or tuple the caller holds the frames anyway; of everything else only `memory` bytes are
        kept, the rest goes to a temporary folder.
    resources : ExitStack
        Removes the folder.

    Returns
    -------
    inputs : Inputs
    template : Frame
        The first frame, its arrays taken away but for the shape.

    Raises
    ------
    NotEnoughFrames
        If there is no frame.
    FrameError, UnitError
        If frames differ in shape, unit, steps applied, or in having a variance.
    """
    inputs: Inputs | None = None
    held, folder = 0, None
    for name, frame, mapped in _named(frames):
        if inputs is None:
            inputs, first = Inputs(frame.shape, with_variance=frame.variance is not None), _emptied(frame)
        _check(frame, name, first, with_variance=inputs.variance is not None)
        if mapped is not None:
            inputs.map(mapped.image, name, frame.shared, memory=memory)
            continue
        planes = [frame.data, frame.flags if frame.flags.any() else None, frame.variance]
        size = sum(plane.nbytes for plane in planes if plane is not None)
        if not isinstance(frames, list | tuple) and held + size > memory:
            folder = folder or Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="fullwell-")))
            stem = f"{len(inputs)}-"
            planes = [_spilled(plane, folder / f"{stem}{j}.npy") for j, plane in enumerate(planes)]
        else:
            held += size
        _append(inputs, frame, name, planes)
    if inputs is None:
        raise NotEnoughFrames("there is nothing to combine")
    return inputs, first


def _emptied(frame: Frame) -> Frame:
    empty = np.broadcast_to(np.float32(0), frame.shape)
    return frame.with_(data=empty, variance=None, flags=np.broadcast_to(np.uint16(0), frame.shape))


def _check(frame: Frame, name: str, first: Frame, *, with_variance: bool) -> None:
    if frame.shape != first.shape:
        raise FrameError(f"frame {name} has shape {frame.shape}, the first one {first.shape}")
    if frame.unit != first.unit:
        raise UnitError(f"frame {name} is in {frame.unit}, the first one in {first.unit}")
    if frame.applied != first.applied:
        raise FrameError(
            f"frame {name} was corrected for {frame.applied or 'nothing'}, "
            f"the first one for {first.applied or 'nothing'}"
        )
    if (frame.variance is not None) != with_variance:
        raise FrameError(f"frame {name}: either all frames have a variance or none")


def _append(inputs: Inputs, frame: Frame, name: str, planes: list[npt.NDArray[Any] | None]) -> None:
    data, flags, variance = planes
    assert data is not None
    inputs.names.append(name)
    inputs.data.append(Plane(data))
    inputs.flags.append(flags)
    inputs.shared.append(frame.shared)
    if inputs.variance is not None and variance is not None and frame.variance is not None:
        inputs.variance.append(Plane(variance))
        good = ~frame.mask & np.isfinite(frame.variance)
        middle = float(np.median(frame.variance[good])) if good.any() else 1.0
        inputs.typical.append(middle if middle > 0 else 1.0)


def _named(
    frames: FrameSet | Iterable[FrameLike | MappedFrame],
) -> Iterator[tuple[str, Frame, MappedFrame | None]]:
    names = iter(frames.names) if isinstance(frames, FrameSet) else None
    for i, source in enumerate(frames):
        mapped = source if isinstance(source, MappedFrame) else None
        frame = as_frame(source) if mapped is None else mapped.frame
        yield (next(names) if names is not None else frame.source or str(i)), frame, mapped


def _spilled(plane: npt.NDArray[Any] | None, path: Path) -> npt.NDArray[Any] | None:
    if plane is None:
        return None
    np.save(path, plane)
    # A plain array on the mapped file, since a memmap makes every slice of it carry the file along.
    return np.asarray(np.load(path, mmap_mode="r"))
