from __future__ import annotations

import numpy as np
import pytest

from fullwell.detector import Amplifier, Box, Detector
from fullwell.flags import Flags
from fullwell.frame import Frame
from fullwell.night.looking import clipped, look


def frame(data, **options):
    return Frame(np.asarray(data), unit="adu", **options)


def noisy(shape=(60, 80), level=1000.0, sigma=10.0, seed=1):
    return np.rint(np.random.default_rng(seed).normal(level, sigma, shape)).astype(np.uint16)


def test_level_noise_and_gradients():
    y, x = np.mgrid[:60, :80]
    seen = look(frame((noisy() + x + 2 * (59 - y)).astype(np.uint16)))
    assert seen.level == pytest.approx(1000 + 39.5 + 59, abs=1)
    # 4680 differences: their scatter is known to 1 %.
    assert seen.noise == pytest.approx(10, rel=0.05)
    assert seen.gradient_x == pytest.approx(72, abs=3)
    assert seen.gradient_y == pytest.approx(-108, abs=3)
    assert (seen.saturated, seen.shift, seen.overscan, seen.not_finite, seen.gains) == (0, 0, None, 0, ())


def test_outliers_move_neither_level_nor_noise():
    data = noisy()
    data[::20, ::20] = 60000
    seen = look(frame(data))
    assert seen.level == pytest.approx(1000, abs=2)
    assert seen.noise == pytest.approx(10, rel=0.06)
    assert seen.highest == 60000


@pytest.mark.parametrize(("bits", "top"), [(12, 65520), (14, 65532), (16, 65535)])
def test_saturation_of_shifted_values(bits, top):
    shift = 16 - bits
    data = (noisy(level=8000.0, sigma=500.0) >> shift) << shift
    data[:6] = top
    seen = look(frame(data.astype(np.uint16)))
    assert (seen.shift, seen.saturated) == (shift, pytest.approx(0.1))


def test_saturation_that_is_told():
    data = noisy()
    data[:6] = 3000
    assert look(frame(data), saturation=3000.0).saturated == pytest.approx(0.1)
    data[:6] = 4095
    assert look(frame(data), adc_bits=12).saturated == pytest.approx(0.1)


def test_few_values_do_not_tell_the_shift():
    seen = look(frame(np.full((10, 10), 65520, np.uint16)))
    assert (seen.shift, seen.saturated, seen.highest, seen.at_highest) == (None, 0, 65520, 1)


def test_pixels_without_a_value():
    data = noisy().astype(np.float32)
    data[0, :5] = np.nan
    flags = np.zeros(data.shape, np.uint16)
    flags[1, :3] = Flags.NO_DATA
    seen = look(frame(data, flags=flags))
    assert seen.not_finite == 8
    assert seen.level == pytest.approx(1000, abs=1)
    assert np.isnan(look(frame(np.full((5, 5), np.nan, np.float32))).level)


def test_overscan_and_amplifiers():
    def amplifier(i):
        return Amplifier(
            name=str(i), box=Box(20 * i, 20 * i + 20, 0, 30), raw=Box(26 * i, 26 * i + 26, 0, 30),
            data=Box(26 * i, 26 * i + 20, 0, 30), overscan=Box(26 * i + 20, 26 * i + 26, 0, 30), gain=1.0 + i,
        )  # fmt: skip

    detector = Detector(
        name="two", shape=(30, 40), raw_shape=(30, 52), amplifiers=(amplifier(0), amplifier(1))
    )
    data = np.full((30, 52), 700.0, np.float32)
    data[:, 20:26], data[:, 46:] = 500.0, 600.0
    seen = look(frame(data, detector=detector))
    assert (seen.level, seen.overscan, seen.above_overscan) == (700, 550, 150)
    assert seen.gains == (1.0, 2.0)
    assert look(frame(data, detector=detector), skip=(3, 3)).overscan is None


def test_clipped():
    values = np.append(np.random.default_rng(2).normal(size=1000), [1e3, -1e4])
    assert clipped(values).size == 1000
    assert clipped(np.zeros(0)).size == 0
    assert clipped(np.ones(5)).size == 5
