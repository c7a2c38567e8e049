"""Kinds of numbers in scenario files."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

__all__ = ["Count", "Fraction", "NotNegative", "Number", "Positive", "Size"]

Number = Annotated[float, Field(allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Size = Annotated[int, Field(gt=0)]
