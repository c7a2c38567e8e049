"""Endpoints about what was made of the frames: masters and reports."""

from __future__ import annotations

import os
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from fullwell.web.answers import Answer, Refusal, shown
from fullwell.web.inspecting import inspector_of
from fullwell.web.nights import nights_of
from fullwell.web.safety import REPORT_POLICY

__all__ = ["masters", "report", "reports"]

_MOST_BYTES = 128 * 2**20


def masters(request: Request) -> Answer:
    """List masters, what they are made of and what used them."""
    inspector = inspector_of(request)
    found = list(nights_of(inspector).masters)
    named = {master["id"] for master in found}
    for entry in inspector.library.entries():
        if entry.facts.get("kind") == "master" and entry.id not in named and not entry.facts.get("extension"):
            name = entry.shown.rpartition("/")[2]
            kind = entry.facts.get("type")
            found.append({"id": entry.id, "name": name, "type": kind, "made_from": [], "used_by": []})
    return Answer({"masters": found})


def reports(request: Request) -> Answer:
    """List the pages that lie in the folders."""
    listed = [
        {"name": shown(path.relative_to(root.path)), "address": f"/report/{key}"}
        for key, root, path in inspector_of(request).library.others(".html")
    ]
    return Answer({"reports": sorted(listed, key=lambda one: one["name"])})


def report(request: Request) -> Response:
    """Give one page, which may run its own scripts in no site at all and fetch nothing."""
    _, path = inspector_of(request).library.other(str(request.path_params["id"]))
    content = _content(path)
    headers = {"Content-Security-Policy": REPORT_POLICY, "Cache-Control": "no-store"}
    return Response(content, media_type="text/html; charset=utf-8", headers=headers)


def _content(path: Path) -> bytes:
    with path.open("rb") as stream:
        if os.fstat(stream.fileno()).st_size > _MOST_BYTES:
            raise Refusal("unreadable", f"{shown(path.name)} is larger than {_MOST_BYTES >> 20} MiB.")
        return stream.read(_MOST_BYTES)
