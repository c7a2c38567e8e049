"""The same detector with fewer pixels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullwell.detector import Detector
from fullwell.detector.presets import preset_names
from fullwell.detector.shrinking import with_amplifiers_of
from fullwell.errors import ParameterError


@pytest.mark.parametrize("name", preset_names())
def test_its_own_size_gives_the_same_detector(name):
    detector = Detector.preset(name)
    shape = detector.amplifiers[0].data.shape
    again = with_amplifiers_of(detector, shape)
    assert again.amplifiers == detector.amplifiers
    assert (again.shape, again.raw_shape, again.defaults) == (
        detector.shape, detector.raw_shape, detector.defaults
    )  # fmt: skip


@given(st.integers(1, 40), st.integers(1, 40))
def test_amplifiers_tile_the_smaller_image_and_keep_their_scans(rows, columns):
    detector = Detector.preset("lsst-itl")
    small = with_amplifiers_of(detector, (rows, columns))
    assert small.shape == (2 * rows, 8 * columns)
    covered = np.zeros(small.shape, int)
    for before, after in zip(detector.amplifiers, small.amplifiers, strict=True):
        covered[after.box.slices] += 1
        assert after.data.shape == (rows, columns)
        assert (after.flip_x, after.flip_y, after.gain) == (before.flip_x, before.flip_y, before.gain)
        assert [s.shape[1] for s in (after.prescan, after.overscan)] == [3, 64]
        assert after.parallel.shape == (48, columns)
    assert (covered == 1).all()
    image = np.arange(covered.size, dtype=np.float32).reshape(covered.shape)
    np.testing.assert_array_equal(small.assemble(small.disassemble(image)), image)


@pytest.mark.parametrize("shape", [(0, 3), (3, -1)])
def test_no_pixels_are_refused(shape):
    with pytest.raises(ParameterError, match="shape"):
        with_amplifiers_of(Detector.preset("lsst-itl"), shape)
