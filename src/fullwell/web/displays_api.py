"""Endpoints of displays: scripts send frames and marks, the page asks for them."""

from __future__ import annotations

import hmac
import json

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from fullwell.web.answers import Answer, Refusal
from fullwell.web.displays import KINDS, MOST_BYTES, display_id
from fullwell.web.inspecting import Inspector, inspector_of
from fullwell.web.parameters import choice, whole

__all__ = ["change_display", "displays", "send_plane"]

_HIGHEST_NUMBER = 9999
_MOST_JSON = 8 * 2**20
_DTYPES = {"uint16": "<u2", "float32": "<f4", "float64": "<f8"}
_PLANES = ("data", "variance", "flags")
_TEXT = 500


def displays(request: Request) -> Answer:
    """List the displays."""
    return Answer({"displays": inspector_of(request).displays.listed()})


async def send_plane(request: Request) -> Response:
    """Take the pixels of one plane."""
    inspector, number = _allowed(request)
    plane = str(request.path_params["plane"])
    if plane not in _PLANES:
        raise Refusal("not-found", f"A display has no plane {plane[:40]!r}; it has {', '.join(_PLANES)}.")
    rows, columns = (whole(request, name, lowest=1, highest=100_000) for name in ("rows", "columns"))
    dtype = np.dtype(_DTYPES[choice(request, "dtype", tuple(_DTYPES))])
    if plane == "flags" and dtype.kind != "u":
        raise Refusal("bad-request", "flags are uint16.")
    expected = rows * columns * dtype.itemsize
    if expected > MOST_BYTES:
        raise Refusal("bad-request", f"{rows} x {columns} pixels are more than {MOST_BYTES >> 20} MiB.")
    body = await _body(request, expected)
    if len(body) != expected:
        raise Refusal("bad-request", f"{len(body)} bytes came; {rows} x {columns} pixels are {expected}.")
    array = (
        np.frombuffer(bytes(body), dtype).reshape(rows, columns).astype(dtype.newbyteorder("="), copy=False)
    )
    inspector.displays.put(number, plane, array)
    inspector.library.give(display_id(number), lambda: inspector.displays.frame(number))
    return Response(status_code=204)


async def change_display(request: Request) -> Response:
    """Take title, marks, and a wish how to be shown."""
    inspector, number = _allowed(request)
    try:
        wishes = json.loads(await _body(request, _MOST_JSON))
    except (ValueError, RecursionError):
        wishes = None
    if not isinstance(wishes, dict):
        raise Refusal("bad-request", "What was sent is no JSON object.")
    for key, kind in (*KINDS.items(), ("marks", list), ("erase", bool)):
        if key in wishes and not isinstance(wishes[key], kind):
            raise Refusal("bad-request", f"{key} is a {type(wishes[key]).__name__}, not a {kind.__name__}.")
    if not all(isinstance(mark, dict) for mark in wishes.get("marks", ())):
        raise Refusal("bad-request", "A mark is a JSON object.")
    for key in ("title", "unit"):
        if key in wishes:
            wishes[key] = wishes[key][:_TEXT]
    inspector.displays.change(number, wishes)
    return Response(status_code=204)


def _allowed(request: Request) -> tuple[Inspector, int]:
    inspector = inspector_of(request)
    kind, _, shown = request.headers.get("authorization", "").partition(" ")
    right = inspector.token is not None and hmac.compare_digest(shown.encode(), inspector.token.encode())
    if kind.casefold() != "bearer" or not right:
        raise Refusal("forbidden", "The token of this server is needed to send frames.")
    return inspector, whole(request, "number", lowest=0, highest=_HIGHEST_NUMBER)


async def _body(request: Request, most: int) -> bytearray:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most:
            raise Refusal("bad-request", f"More than {most} bytes came.")
    return body
