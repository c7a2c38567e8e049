"""Many files in order; what must be decoded is decoded in threads while the caller works."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from fullwell.frame import Frame
from fullwell.io.mapping import MappedFrame, map_frame
from fullwell.io.reading import read

__all__ = ["frames_ahead"]


def frames_ahead(paths: Iterable[Path], *, ahead: int = 2) -> Iterator[Frame | MappedFrame]:
    """Yield the frames of files: mapped where they are plain, else read.

    Parameters
    ----------
    paths : iterable of Path
    ahead : int
        How many frames may wait, decoded, for the caller.

    Raises
    ------
    FileError, FrameError
        As for `fullwell.io.read`, when the file's turn comes.
    """
    waiting: deque[Future[Frame | MappedFrame]] = deque()
    with ThreadPoolExecutor(max(1, ahead), thread_name_prefix="fullwell-read") as pool:
        try:
            for path in paths:
                waiting.append(pool.submit(_open, path))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _open(path: Path) -> Frame | MappedFrame:
    return map_frame(path) or read(path)
