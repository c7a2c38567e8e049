"""What all endpoints share: the library of frames, what was made before, and who may do heavy work."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy.typing as npt
from starlette.requests import Request

from fullwell.web.answers import Refusal
from fullwell.web.displays import Displays
from fullwell.web.library import Library
from fullwell.web.opening import OpenFrame
from fullwell.web.overviews import Interval, Overview, make_overview
from fullwell.web.store import Store

__all__ = ["Inspector", "frame_of", "inspector_of"]

_TILE_BYTES = _OVERVIEW_BYTES = 32 * 2**20
_NUMBERS = 2000
#: Whole frames of floats that are held at once, and how long one more waits.
_HEAVY, _PATIENCE = 2, 60.0


class Inspector:
    """The state of one server.

    Parameters
    ----------
    library : Library
    token : str or None
        What a display has to show before it may send anything.
    """

    def __init__(self, library: Library, *, token: str | None = None) -> None:
        self.library, self.token, self.displays = library, token, Displays()
        self.tiles: Store[npt.NDArray[Any]] = Store(_TILE_BYTES, size_of=lambda tile: tile.nbytes)
        self._overviews: Store[Overview] = Store(_OVERVIEW_BYTES, size_of=lambda overview: overview.nbytes)
        #: Small results that take a look at all pixels.
        self.numbers: Store[Any] = Store(_NUMBERS, size_of=lambda _: 1)
        self._heavy = threading.BoundedSemaphore(_HEAVY)

    def overview(self, frame_id: str, frame: OpenFrame) -> Overview:
        """Return what one pass over the data of a frame gives; those of the last frames are kept."""
        return self._overviews.get((frame_id, frame.version), lambda: make_overview(frame.data))

    def limits(self, frame_id: str, frame: OpenFrame) -> dict[str, Interval] | None:
        """Return the limits of a frame, which are kept for longer than its overview."""
        key = ("limits", frame_id, frame.version)
        limits: dict[str, Interval] | None = self.numbers.get(
            key, lambda: self.overview(frame_id, frame).limits
        )
        return limits

    @contextmanager
    def heavy(self) -> Iterator[None]:
        """Do work that takes as much memory as a whole frame; only few may at once.

        Raises
        ------
        Refusal
            If others took too long.
        """
        if not self._heavy.acquire(timeout=_PATIENCE):
            raise Refusal("busy", "The server is busy with other frames; try again.")
        try:
            yield
        finally:
            self._heavy.release()


def inspector_of(request: Request) -> Inspector:
    """Return the state of the server that got a request."""
    inspector: Inspector = request.app.state.inspector
    return inspector


def frame_of(request: Request) -> tuple[str, OpenFrame]:
    """Return id and frame that the address names."""
    frame_id = str(request.path_params["id"])
    return frame_id, inspector_of(request).library.open(frame_id)
