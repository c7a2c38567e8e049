"""Answers of the inspector: JSON that any browser can read, and refusals in sentences."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from fullwell.errors import FileError, FullwellError, NothingUsable, ParameterError, UnreadableFile

__all__ = ["Answer", "Refusal", "answer_refusal", "refused", "shown"]

#: Kind of refusal to HTTP status.
_STATUS = {
    "bad-request": 400,
    "forbidden": 403,
    "not-found": 404,
    "changed": 409,
    "gone": 410,
    "unreadable": 422,
    "busy": 503,
    "failed": 500,
}


class Refusal(FullwellError):  # noqa: N818  (it is an answer)
    """What the browser asked for cannot be given.

    Parameters
    ----------
    code : str
        ``'bad-request'``, ``'forbidden'``, ``'not-found'``, ``'changed'``, ``'gone'``, ``'unreadable'``,
        ``'busy'`` or ``'failed'``.
    sentence : str
        What is wrong, for people.
    """

    def __init__(self, code: str, sentence: str) -> None:
        self.code, self.sentence = code, sentence
        super().__init__(sentence)

    @property
    def answer(self) -> Answer:
        """As JSON, with the status that belongs to the code."""
        return Answer({"error": self.sentence, "code": self.code}, status_code=_STATUS[self.code])


class Answer(Response):  # type: ignore[misc]  # Starlette is not there for everybody
    """JSON; NaN and infinities, which JSON does not have, become null."""

    media_type = "application/json"

    def __init__(
        self, content: Any, *, status_code: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(content, status_code, {"Cache-Control": "no-store", **(headers or {})})

    def render(self, content: Any) -> bytes:
        """Write as ASCII: names of files may hold what is no text."""
        return json.dumps(_plain(content), allow_nan=False, separators=(",", ":")).encode("ascii")


def shown(path: object) -> str:
    """Return a name of a file as text that can be shown, whatever bytes are in it."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def refused(error: Exception) -> Refusal:
    """Turn what went wrong into a refusal."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, UnreadableFile):
        name = shown(Path(error.path).name)
        if not Path(error.path).exists():
            return Refusal("gone", f"{name} is no longer there.")
        return Refusal("unreadable", f"{name}: {_ended(shown(error.reason))}")
    if isinstance(error, FileError):
        return Refusal("unreadable", f"{shown(Path(error.path).name)}: {_ended(shown(error.reason))}")
    if isinstance(error, ParameterError):
        return Refusal("bad-request", f"{error}.")
    if isinstance(error, NothingUsable):
        return Refusal("not-found", f"{error}.")
    if isinstance(error, FullwellError):
        return Refusal("unreadable", f"{shown(error)}.")
    if isinstance(error, HTTPException):
        return Refusal("not-found" if error.status_code == 404 else "bad-request", f"{error.detail}.")
    if isinstance(error, FileNotFoundError):
        return Refusal("gone", f"{shown(Path(str(error.filename)).name)} is no longer there.")
    if isinstance(error, OSError):
        return Refusal("unreadable", f"A file cannot be read: {shown(error.strerror)}.")
    return Refusal("failed", f"An error that was not foreseen: {type(error).__name__}: {error}.")


async def answer_refusal(request: Request, error: Exception) -> Response:
    """Answer for anything that an endpoint raises."""
    if isinstance(error, HTTPException) and error.status_code == 405:
        status = 204 if request.method == "OPTIONS" else 405
        return Answer(None, status_code=status, headers=dict(error.headers or {}))
    return refused(error).answer


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "?")) else f"{sentence}."


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    return value
