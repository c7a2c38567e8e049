from __future__ import annotations

import numpy as np
import pytest

from fullwell.detector import Detector
from fullwell.detector.per_amplifier import spread_rows
from fullwell.detector.shrinking import with_amplifiers_of
from fullwell.errors import ParameterError
from fullwell.kernels.simulate import Rows


@pytest.mark.parametrize("layout", ["raw", "assembled"])
@pytest.mark.parametrize("preset", ["lsst-itl", "lsst-e2v", "sbig-st402"])
def test_it_is_the_image_of_the_detector(preset, layout):
    detector = with_amplifiers_of(Detector.preset(preset), (11, 7))
    values = 1 + 0.5 * np.arange(len(detector.amplifiers))
    found = spread_rows(detector, values, layout=layout, fill=9.0)
    expected = detector.spread(values, layout=layout, fill=9.0)
    if isinstance(found, Rows):
        assert found.shape == expected.shape
        np.testing.assert_array_equal(found.image(), expected, strict=True)
        assert len(found.values) <= 5
    else:
        assert found == expected


def test_one_value_is_a_number():
    assert spread_rows(Detector.preset("lsst-itl"), [2.0] * 16) == 2.0
    assert spread_rows(Detector.single((3, 4)), 1.5) == 1.5
    with pytest.raises(ParameterError, match="1 or 16"):
        spread_rows(Detector.preset("lsst-itl"), [1.0, 2.0])
