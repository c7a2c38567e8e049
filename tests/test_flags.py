from __future__ import annotations

import numpy as np
import pytest

from fullwell.errors import ParameterError
from fullwell.flags import BAD_FOR_SCIENCE, FLAG_DTYPE, Flags, mask_of, names_of

INFORMATIONAL = {"INTERPOLATED", "SUSPECT", "CROSSTALK", "EDGE"}


@pytest.mark.parametrize("plane", list(Flags))
def test_planes_are_single_bits_of_the_image_and_mask_unless_they_only_inform(plane):
    assert plane.value.bit_count() == 1
    assert plane.value <= np.iinfo(FLAG_DTYPE).max
    image = np.array([[0, plane.value]], FLAG_DTYPE)
    assert mask_of(image).tolist() == [[False, plane.name not in INFORMATIONAL]]
    assert names_of(plane.value) == (plane.name,)


def test_which_planes_count_can_be_chosen():
    image = np.array([int(Flags.HOT), int(Flags.EDGE), int(Flags.HOT | Flags.EDGE)], FLAG_DTYPE)

    assert mask_of(image, bad=Flags.EDGE).tolist() == [False, True, True]
    assert mask_of(image, bad=BAD_FOR_SCIENCE & ~Flags.HOT).tolist() == [False, False, False]


def test_names_come_lowest_bit_first():
    assert names_of(int(Flags.EDGE | Flags.BAD)) == ("BAD", "EDGE")
    assert names_of(0) == ()
    for value in (-1, 1 << 15, 1 << 20):
        with pytest.raises(ParameterError):
            names_of(value)
