"""Addresses of the simulator to play with: what can be set, and a frame for each state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fullwell.errors import ParameterError

if TYPE_CHECKING:
    from fullwell.simulation.playground import Play, Playground

__all__ = ["routes"]

_LONGEST = 8192
#: Frames that are made or wait to be made at one time; a page asks for one at a time.
_MOST_AT_WORK = 16
_at_work: set[object] = set()


async def _describe(_: Request) -> Response:
    """All sliders and switches."""
    from fullwell.simulation.playground_controls import describe

    return JSONResponse(describe())


async def _frame(request: Request) -> Response:
    """One frame: the length of a text as 4 bytes, the text (JSON), and little-endian uint16 pixels."""
    try:
        values = _parsed(request.query_params.get("parameters", "{}"))
    except ParameterError as error:
        return _refusal(400, "bad-request", str(error))
    if len(_at_work) >= _MOST_AT_WORK:
        return _refusal(503, "busy", "The simulator is busy; try again in a moment.")
    ticket = object()
    _at_work.add(ticket)
    try:
        return await run_in_threadpool(_answer, values)
    except ParameterError as error:
        return _refusal(400, "bad-request", str(error))
    finally:
        _at_work.discard(ticket)


def _parsed(text: str) -> Mapping[str, Any]:
    if len(text) > _LONGEST:
        raise ParameterError("length of parameters", len(text), f"at most {_LONGEST} characters")
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParameterError("parameters", text[:40], "JSON") from error
    if not isinstance(values, dict):
        raise ParameterError("parameters", text[:40], "an object of names and values")
    return values


def _answer(values: Mapping[str, Any]) -> Response:
    from fullwell.simulation.playground_controls import Settings

    play = _playground().take(Settings.of(values))
    return Response(
        _packed(play), media_type="application/octet-stream", headers={"Cache-Control": "no-store"}
    )


def _packed(play: Play) -> bytes:
    text = json.dumps(play.reading(), separators=(",", ":"), allow_nan=False).encode("ascii")
    text += b" " * (len(text) % 2)  # pixels begin at an even place
    return len(text).to_bytes(4, "little") + text + play.frame.astype("<u2", copy=False).tobytes()


@cache
def _playground() -> Playground:
    from fullwell.simulation.playground import Playground

    return Playground()


def _refusal(status: int, code: str, sentence: str) -> Response:
    return JSONResponse({"error": sentence, "code": code}, status)


routes = [Route("/api/simulator", _describe), Route("/api/simulator/frame", _frame)]
