from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from fullwell.errors import ConfigError
from fullwell.io.dialects import translate
from fullwell.sorting import Patterns, classify


def kind_of(
    name: str, cards: Mapping[str, Any], table: Mapping[str, Any] | None = None
) -> tuple[str | None, str]:
    decision = classify(name, translate(cards), patterns=Patterns.from_table(table or {}))
    return decision.type, decision.source


LIGHT = {"IMAGETYP": "Light Frame"}


@pytest.mark.parametrize(
    ("name", "cards", "table", "expected"),
    [
        ("flat-1.fit", LIGHT, {"flat": "flat-*"}, ("flat", "pattern")),
        ("Flat-1.fit", LIGHT, {"flat": "flat-*"}, ("science", "card")),  # case counts
        ("n1/flat-1.fit", LIGHT, {"flat": "flat-*"}, ("flat", "pattern")),
        ("flats/1.fit", LIGHT, {"flat": "flats/*"}, ("flat", "pattern")),
        (
            "flats/bias1.fit",
            LIGHT,
            {"flat": "flats/*", "bias": "bias*"},
            ("bias", "pattern"),
        ),  # file name first
        ("hg.fit", LIGHT, {"arc": ["neon*", "hg*"]}, ("arc", "pattern")),
        ("a.fit", LIGHT, {"darks": "a*"}, ("dark", "pattern")),
        ("a.fit", LIGHT, {"darkflat": "a*"}, ("dark", "pattern")),
        ("flat-1.fit", LIGHT, {}, ("science", "card")),
        ("x.fit", {"IMAGETYP": "DARKFLAT"}, {}, ("dark", "card")),
        ("x.fit", {"OBSTYPE": "comp"}, {}, ("arc", "card")),
        ("bias_001.FIT", {}, {}, ("bias", "name")),
        ("bias_001.FIT", {"IMAGETYP": "quux"}, {}, ("bias", "name")),
        ("target_image.FIT", {}, {}, ("science", "name")),
        ("m31.fit", {}, {}, (None, "none")),
        ("m31.fit", {"EXPTIME": 0.0}, {}, (None, "none")),  # never from the exposure time
    ],
)
def test_ladder(
    name: str, cards: dict[str, Any], table: dict[str, Any], expected: tuple[str | None, str]
) -> None:
    assert kind_of(name, cards, table) == expected


def test_two_types_for_one_name() -> None:
    with pytest.raises(ConfigError, match=r"flat-dark-1.fit .* flat = 'flat-\*' and dark = '\*dark\*'"):
        kind_of("flat-dark-1.fit", {}, {"flat": "flat-*", "dark": "*dark*"})


def test_two_patterns_of_one_type_are_no_conflict() -> None:
    assert kind_of("flat-1.fit", {}, {"flat": "flat*", "flats": "*-1*"})[0] == "flat"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"flaat": "x*"}, "frames.flaat: unknown type of frame, did you mean 'flat'"),
        ({"qqqqqq": "x*"}, "use 'other'"),
        ({"flat": [1]}, "1 is no pattern"),
        ({"flat": ""}, "'' is no pattern"),
    ],
)
def test_bad_tables(table: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Patterns.from_table(table)
