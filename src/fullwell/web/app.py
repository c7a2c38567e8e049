"""The application: all addresses of the inspector in one table."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from fullwell.errors import FullwellError
from fullwell.web.answers import Refusal, answer_refusal
from fullwell.web.displays_api import change_display, displays, send_plane
from fullwell.web.frames_api import describe, frames, header, session
from fullwell.web.inspecting import Inspector
from fullwell.web.library import Library
from fullwell.web.nights_api import masters, report, reports
from fullwell.web.regions_api import cut, histogram, projection, statistics
from fullwell.web.safety import Safety
from fullwell.web.stacks_api import compare_headers, count_flags, hot_pixels, series
from fullwell.web.tiles import tile
from fullwell.web.transfer_api import fit_set, transfer_sets
from fullwell.web.values_api import value

__all__ = ["create_app"]

_STATIC = Path(__file__).parent / "static"

_ROUTES: tuple[tuple[str, Any], ...] = (
    ("session", session),
    ("frames", frames),
    ("frames/{id}", describe),
    ("frames/{id}/tile/{plane}/{level}/{row}/{column}", tile),
    ("frames/{id}/header", header),
    ("frames/{id}/value", value),
    ("frames/{id}/statistics", statistics),
    ("frames/{id}/histogram", histogram),
    ("frames/{id}/cut", cut),
    ("frames/{id}/projection", projection),
    ("frames/{id}/flags", count_flags),
    ("frames/{id}/hot-pixels", hot_pixels),
    ("series", series),
    ("headers", compare_headers),
    ("masters", masters),
    ("reports", reports),
    ("photon-transfer", transfer_sets),
    ("photon-transfer/{id}", fit_set),
    ("displays", displays),
)


def create_app(roots: Sequence[Path], *, token: str | None = None) -> Starlette:
    """Build the application that shows some folders.

    Parameters
    ----------
    roots : sequence of Path
        Folders and files that may be looked at; nothing else is ever opened.
    token : str, optional
        What a display has to show before it may send frames; without one nothing can be sent.

    Returns
    -------
    Starlette
        The folders are being looked at from now on.

    Raises
    ------
    UnreadableFile
        If one of the roots is not there.
    """
    inspector = Inspector(Library([Path(root) for root in roots]), token=token)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        inspector.library.close()

    routes: list[BaseRoute] = [Route(f"/api/{path}", function) for path, function in _ROUTES]
    routes += [
        Route("/api/displays/{number}", change_display, methods=["POST"]),
        Route("/api/displays/{number}/data/{plane}", send_plane, methods=["PUT"]),
        Route("/report/{id}", report),
    ]
    simulator = _simulator_routes()
    app = Starlette(
        routes=[*routes, *simulator, Mount("/", StaticFiles(directory=_STATIC, html=True))],
        middleware=[Middleware(Safety)],
        exception_handlers=dict.fromkeys(
            (Refusal, FullwellError, OSError, HTTPException, Exception), answer_refusal
        ),
        lifespan=lifespan,
    )
    app.state.inspector, app.state.simulator = inspector, bool(simulator)
    inspector.library.refresh()
    return app


def _simulator_routes() -> list[BaseRoute]:
    if find_spec("fullwell.web.simulator") is None:
        return []
    from importlib import import_module

    return list(import_module("fullwell.web.simulator").routes)
