"""The frames to combine: planes in memory, in a temporary file, or in their own files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.flags import FlagImage
from fullwell.io.file_planes import FileImage
from fullwell.kernels.planes import Plane

if TYPE_CHECKING:
    from fullwell.frame import Shared

__all__ = ["Inputs"]

#: Bytes of a mapped file that count as memory of the process, though rows are given back: systems map 2 MiB
#: where one byte is looked at, for each thread, and the pages beside it.
LOOKED_AT = 8 * 2**20
_FEW_FILES, _MANY_FILES = 128, 10_000


class Inputs:
    """Planes of the frames.

    Attributes
    ----------
    shape : tuple of int
        Rows and columns of each.
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

    def __init__(self, shape: tuple[int, int], *, with_variance: bool = False) -> None:
        self.shape = shape
        self.names: list[str] = []
        self.data: list[Plane] = []
        self.flags: list[FlagImage | None] = []
        self.variance: list[Plane] | None = [] if with_variance else None
        self.typical: list[float] = []
        self.shared: list[dict[str, Shared]] = []
        self._mapped: list[tuple[int, FileImage]] = []
        self._mapped_bytes = 0

    def __len__(self) -> int:
        return len(self.data)

    def shared_mean(self, factors: npt.NDArray[np.float64]) -> dict[str, Shared]:
        """Average the coefficients of the masters that the inputs have in common."""
        result: dict[str, Shared] = {}
        for factor, shared in zip(factors, self.shared, strict=True):
            for key, share in shared.items():
                coefficient = share.coefficient * factor
                if key in result:
                    coefficient = result[key].coefficient + coefficient
                result[key] = attrs.evolve(share, coefficient=coefficient)
        return result

    def map(self, image: FileImage, name: str, shared: dict[str, Shared], *, memory: int) -> None:
        """Take a frame that lies in its file, has no variance and no flag.

        Where too many files would stay open, or more than `memory` bytes taken, none is mapped: rows are read
        instead.
        """
        self._mapped.append((len(self.data), image))
        self.names.append(name)
        self.data.append(image.plane)
        self.flags.append(None)
        self.shared.append(shared)
        size = image.plane.nbytes
        self._mapped_bytes += min(size, LOOKED_AT) if image.plane.can_release else size
        if self._mapped_bytes > memory or len(self.data) > _most_mapped():
            for index, each in self._mapped:
                self.data[index] = each.unmapped()
            self._mapped.clear()


def _most_mapped() -> int:
    """Files that may stay open: half of those that the system allows."""
    try:
        import resource
    except ImportError:  # not on Windows
        return _FEW_FILES
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return _MANY_FILES if limit == resource.RLIM_INFINITY else max(1, limit // 2)
