from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullwell.sorting.names import (
    exposure_in_name,
    head_with_type,
    natural_key,
    numbered,
    type_in_name,
    type_of_name,
)


def test_natural_order() -> None:
    names = ["bias_10.fit", "Bias_2.fit", "bias_1.fit", "a/x.fit", "bias_002.fit"]
    assert sorted(names, key=natural_key) == [
        "a/x.fit",
        "bias_1.fit",
        "Bias_2.fit",
        "bias_002.fit",
        "bias_10.fit",
    ]


@given(st.lists(st.text(max_size=12), unique=True, max_size=8))
def test_natural_order_is_total(names: list[str]) -> None:
    backwards = names[::-1]
    assert sorted(names, key=natural_key) == sorted(backwards, key=natural_key)


@pytest.mark.parametrize(
    ("name", "begins", "anywhere"),
    [
        ("bias_001.FIT", "bias", "bias"),
        ("biases-Neg5-Vis.00000000.BIAS.FIT", "bias", "bias"),
        ("Zero3.fits", "bias", "bias"),
        ("DARK_10s.fit", "dark", "dark"),
        ("flatdark_V.fit", "dark", "dark"),
        ("flat_V.fit", "flat", "flat"),
        ("night1/target_image.FIT", "science", "science"),
        ("darks/m31.fit", None, None),
        ("L2-flat-hg-360.fit", None, "flat"),
        ("L2-dark-flat-360.fit", None, "dark"),
        ("m31_sci.fit", None, "science"),
        ("flatland", "flat", "flat"),
        ("m31.fit", None, None),
    ],
)
def test_type(name: str, begins: str | None, anywhere: str | None) -> None:
    assert type_of_name(name) == begins
    assert type_in_name(name) == anywhere


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("dark_10s_001.FIT", 10.0),
        ("darks-expos150s-Neg10-Vis.00000000.DARK.FIT", 150.0),
        ("dark10s.fit", 10.0),
        ("flat_0.5sec_V.fit", 0.5),
        ("10s/dark_001.fit", None),  # a folder is no name
        ("darks-expos1-Neg5-Vis.00000000.DARK.FIT", None),
        ("L2-flat-hg-360.00000000.FIT", None),
        ("M31s.fit", None),
        ("dark_100ms.fit", None),
        ("dark_10s2.fit", None),
    ],
)
def test_exposure(name: str, seconds: float | None) -> None:
    assert exposure_in_name(name) == seconds


@pytest.mark.parametrize(
    ("name", "number", "next_name"),
    [
        ("bias_001.FIT", 1, "bias_002.FIT"),
        ("dark_10s_009.FIT", 9, "dark_10s_010.FIT"),
        ("bias-Neg10-Vis.00000004.BIAS.FIT", 4, "bias-Neg10-Vis.00000005.BIAS.FIT"),
        ("n2/flat9.fit", 9, "n2/flat10.fit"),
    ],
)
def test_running_number(name: str, number: int, next_name: str) -> None:
    found = numbered(name)
    assert found is not None
    assert found.number == number
    assert found.name_of(number) == name
    assert found.name_of(number + 1) == next_name


@pytest.mark.parametrize(
    "name",
    [
        "dark_10s.fit",
        "dark_1.0s.fit",
        "target.fit",
        "n2/target.fit",
        "m31_2024-01-05.fit",
        "m31_20240105.fit",
    ],
)
def test_no_running_number(name: str) -> None:
    assert numbered(name) is None


def test_head_with_type() -> None:
    assert head_with_type("x/L2-flat-hg-360.fit") == "L2-flat"
    assert head_with_type("biases-Neg5.fit") == "biases"
    assert head_with_type("m31.fit") is None
