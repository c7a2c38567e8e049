"""The inspector in the browser: frames, tiles and numbers over HTTP, to this machine only."""

from __future__ import annotations

__all__: list[str] = []
