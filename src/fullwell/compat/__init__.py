"""Faces for people who come from elsewhere: the guide's own modules."""

from __future__ import annotations

__all__: list[str] = []
