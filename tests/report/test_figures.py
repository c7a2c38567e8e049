from __future__ import annotations

import pytest

from fullwell.report import Picture, Scale


@pytest.mark.parametrize(
    ("black", "white", "decimals"),
    [(10_000.0, 14_000.0, 0), (40.0, 116.0, 1), (0.9, 1.05, 3), (-0.004, 0.0001, 5), (5.0, 5.0, 6)],
)
def test_a_scale_has_the_digits_that_tell_black_from_white(black, white, decimals):
    assert Scale(black, (black + white) / 2, white).decimals == decimals


def test_a_picture_keeps_its_scale(png):
    scale = Scale(1.0, 2.0, 9.0, "ADU")
    assert Picture(png, "a frame", scale=scale).scale is scale
    assert Picture(png, "a frame").scale is None
