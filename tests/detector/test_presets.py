from __future__ import annotations

import numpy as np
import pytest

from fullwell.detector import Detector
from fullwell.detector.presets import detector_from_toml, load_detector, preset_names
from fullwell.errors import ConfigError, ParameterError

GEOMETRY = {
    "guide-ccd": ((2000, 2000), (2000, 2000), 1, 16),
    "lsst-e2v": ((4004, 4096), (4096, 4608), 16, 18),
    "lsst-itl": ((4000, 4072), (4096, 4608), 16, 18),
    "sbig-st402": ((510, 765), (510, 765), 1, 16),
    "sbig-stl1001": ((1024, 1024), (1024, 1024), 1, 16),
}


def test_the_presets_are_these():
    assert preset_names() == tuple(sorted(GEOMETRY))


@pytest.mark.parametrize("name", GEOMETRY)
def test_geometry(name):
    detector = Detector.preset(name)
    shape, raw_shape, amplifiers, bits = GEOMETRY[name]

    assert detector.name == name
    assert (detector.shape, detector.raw_shape) == (shape, raw_shape)
    assert (len(detector.amplifiers), detector.adc_bits) == (amplifiers, bits)
    # The boxes do not overlap (Detector says so), so equal areas mean that they tile the image.
    assert sum(np.prod(amp.box.shape) for amp in detector.amplifiers) == np.prod(shape)
    assert sum(np.prod(amp.raw.shape) for amp in detector.amplifiers) == np.prod(raw_shape)


def test_numbers_of_the_guide():
    detector = load_detector("guide-ccd")
    amplifier = detector.amplifiers[0]
    assert (amplifier.gain, amplifier.read_noise) == (1.0, 5.0)
    assert detector.defaults["bias"]["level"] == 1100.0
    assert detector.defaults["dark"]["rate"] == 0.1


@pytest.mark.parametrize(
    ("name", "prescan", "overscan", "parallel", "gain", "noise", "serial_percent", "a00"),
    [
        ("lsst-e2v", 10, 54, 46, 1.51, 5.40, 7.3e-6, 3.49e-6),
        ("lsst-itl", 3, 64, 48, 1.68, 6.21, 1.5e-4, 1.70e-6),
    ],
)
def test_lsst_amplifiers(name, prescan, overscan, parallel, gain, noise, serial_percent, a00):
    detector = load_detector(name)
    for amp in detector.amplifiers:
        assert amp.prescan.shape[1] == prescan
        assert amp.overscan.shape[1] == overscan
        assert amp.parallel.shape[0] == parallel
        assert prescan + amp.data.shape[1] + overscan == 576
        assert amp.data.shape[0] + parallel == 2048
        assert (amp.gain, amp.read_noise) == (gain, noise)
    assert detector.defaults["cti"]["serial"] == pytest.approx(serial_percent / 100)
    assert detector.defaults["brighter_fatter"]["a00"] == pytest.approx(-a00)
    levels = detector.defaults["bias"]["level"]
    assert len(set(levels)) == 16
    assert 23_000 <= min(levels) <= max(levels) <= 26_700


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ParameterError, match="sbig-st402"):
        load_detector("sbig")


GOOD = """
name = "mine"
description = "a camera"
shape = [10, 20]
[amplifiers]
gain = 1.2
read_noise = 8.0
array = [12, 26]
data = "[3:22,1:10]"
"""


def test_one_amplifier_with_scans(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    (amplifier,) = detector_from_toml(path).amplifiers
    assert amplifier.prescan.shape == (10, 2)
    assert amplifier.overscan.shape == (10, 4)
    assert amplifier.parallel.shape == (2, 20)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("gain =", "gian =", "did you mean 'gain'"),
        ("gain = 1.2", "gain = -1.2", "greater than 0"),
        ("gain = 1.2", "gain = nan", "finite"),
        ("shape = [10, 20]", "shape = [10, 21]", "one size"),
        ('data = "[3:22,1:10]"', 'data = "[3:22]"', "FITS section"),
        ("array = [12, 26]", "array = [5, 26]", "within"),
        ("[amplifiers]", "[defaults.bias]\nlevel = [1.0, 2.0]\n[amplifiers]", "one value, or 1"),
        ("[amplifiers]", "[defaults.drak]\nrate = 1.0\n[amplifiers]", "did you mean 'dark'"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path, old, new, message):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(ConfigError, match=message):
        detector_from_toml(path)
