"""The frames to combine, each loaded once and kept where there is room."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fullwell.errors import FrameError, NotEnoughFrames, UnitError
from fullwell.flags import FlagImage
from fullwell.frame import Frame, FrameLike, FrameSet, Shared, as_frame
from fullwell.io import MappedFrame
from fullwell.kernels.planes import Plane

__all__ = ["Inputs"]

_FEW_FILES, _MANY_FILES = 128, 10_000


class Inputs:
    """Planes of the frames, in memory, in a temporary file, or in their own files mapped into memory.

    Attributes
    ----------
    template : Frame
        The first frame, its arrays taken away but for the shape.
    names : list of str
        What to call the frames.
    data : list of Plane
    flags : list of ndarray or None
        None where no flag is set.
    variance : list of Plane, or None where the frames have none
    typical : list of float
        Median variance of the good pixels of each frame; 1 where that is not above 0.
    shared : list of dict
        Noise of masters of each frame.
    """

    def __init__(self) -> None:
        self.template: Frame
        self.names: list[str] = []
        self.data: list[Plane] = []
        self.flags: list[FlagImage | None] = []
        self.variance: list[Plane] | None = None
        self.typical: list[float] = []
        self.shared: list[dict[str, Shared]] = []
        self._mapped: list[tuple[int, MappedFrame]] = []
        self._mapped_bytes = 0

    def __len__(self) -> int:
        return len(self.data)

    @classmethod
    def load(cls, frames: FrameSet | Iterable[FrameLike], *, memory: int, resources: ExitStack) -> Inputs:
        """Load each frame once.

        Parameters
        ----------
        frames : FrameSet or iterable
            Of a list or tuple the caller holds the frames anyway; of everything else only `memory` bytes are
            kept, the rest goes to a temporary folder.
        resources : ExitStack
            Removes the folder.

        Raises
        ------
        NotEnoughFrames
            If there is no frame.
        FrameError, UnitError
            If frames differ in shape, unit, steps applied, or in having a variance.
        """
        inputs = cls()
        held, folder = 0, None
        for name, frame, mapped in _named(frames):
            inputs._accept(frame, name)
            if mapped is not None:
                inputs._map(mapped, memory)
                inputs.flags.append(None)
                inputs.shared.append(frame.shared)
                continue
            planes = [frame.data, frame.flags if frame.flags.any() else None, frame.variance]
            size = sum(plane.nbytes for plane in planes if plane is not None)
            if not isinstance(frames, list | tuple) and held + size > memory:
                folder = folder or Path(
                    resources.enter_context(tempfile.TemporaryDirectory(prefix="fullwell-"))
                )
                stem = f"{len(inputs)}-"
                planes = [_spilled(plane, folder / f"{stem}{j}.npy") for j, plane in enumerate(planes)]
            else:
                held += size
            data, flags, variance = planes
            assert data is not None
            inputs.data.append(Plane(data))
            inputs.flags.append(flags)
            inputs.shared.append(frame.shared)
            if inputs.variance is not None and variance is not None:
                inputs.variance.append(Plane(variance))
        if not len(inputs):
            raise NotEnoughFrames("there is nothing to combine")
        return inputs

    def shared_mean(self, factors: npt.NDArray[np.float64]) -> dict[str, Shared]:
        """Average the coefficients of the masters that the inputs have in common."""
        result: dict[str, Shared] = {}
        for factor, shared in zip(factors, self.shared, strict=True):
            for key, share in shared.items():
                coefficient = share.coefficient * factor
                if key in result:
                    coefficient = result[key].coefficient + coefficient
                result[key] = Shared(coefficient, share.variance)
        return result

    def _map(self, mapped: MappedFrame, ceiling: int) -> None:
        """Take a frame that lies in its file.

        Where too many files would stay open, or too much memory taken, none is mapped: rows are read instead.
        """
        self._mapped.append((len(self.data), mapped))
        self.data.append(mapped.plane)
        self._mapped_bytes += 0 if mapped.plane.can_release else mapped.plane.nbytes
        if self._mapped_bytes > ceiling or len(self.data) > _most_mapped():
            for index, each in self._mapped:
                self.data[index] = each.unmapped()
            self._mapped.clear()

    def _accept(self, frame: Frame, name: str) -> None:
        self.names.append(name)
        if not self.data:
            empty = np.broadcast_to(np.float32(0), frame.shape)
            self.template = frame.with_(
                data=empty, variance=None, flags=np.broadcast_to(np.uint16(0), frame.shape)
            )
            self.variance = None if frame.variance is None else []
        first = self.template
        if frame.shape != first.shape:
            raise FrameError(f"frame {name} has shape {frame.shape}, the first one {first.shape}")
        if frame.unit != first.unit:
            raise UnitError(f"frame {name} is in {frame.unit}, the first one in {first.unit}")
        if frame.applied != first.applied:
            raise FrameError(
                f"frame {name} was corrected for {frame.applied or 'nothing'}, "
                f"the first one for {first.applied or 'nothing'}"
            )
        if (frame.variance is None) != (self.variance is None):
            raise FrameError(f"frame {name}: either all frames have a variance or none")
        if frame.variance is not None:
            good = ~frame.mask & np.isfinite(frame.variance)
            middle = float(np.median(frame.variance[good])) if good.any() else 1.0
            self.typical.append(middle if middle > 0 else 1.0)


def _most_mapped() -> int:
    """Files that may stay open: half of those that the system allows."""
    try:
        import resource
    except ImportError:  # not on Windows
        return _FEW_FILES
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return _MANY_FILES if limit == resource.RLIM_INFINITY else max(1, limit // 2)


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
