"""Looking: displays, pictures of frames, histograms, profiles and series."""

from __future__ import annotations

__all__: list[str] = []
