"""The course's own computations on the simulated files give the course's numbers.

Tolerances are those within which two sets of frames of this camera would differ. The seed of the
preset is fixed; with others the hot pixel, of which there is one, may leave its range by chance.
"""

from __future__ import annotations

import glob

import numpy as np
import pytest
from astropy.io import fits

from fullwell.simulation import Scenario, Truth, simulate

WARM, COLD = -4.817803680962, -5.23215684599
COLD_DARKS = {1, 2, 4, 5, 14, 15, 16, 17, 21, 22, 29}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course")
    simulate(Scenario.preset("st402-course"), folder, workers=2)
    return folder


@pytest.fixture(scope="module")
def names(folder):
    return sorted(glob.glob(str(folder / "*.FIT")))  # noqa: PTH207  (as the course does)


@pytest.fixture(scope="module")
def biases(folder):
    return np.array([fits.getdata(folder / f"bias_{i:03d}.FIT") for i in range(1, 11)])


@pytest.fixture(scope="module")
def darks(folder):
    return np.array([fits.getdata(folder / f"dark_10s_{i:03d}.FIT") for i in range(1, 30)])


@pytest.fixture(scope="module")
def bias_mean_image(biases):
    return biases.mean(axis=0)


def test_files(names):
    expected = [f"bias_{i:03d}.FIT" for i in range(1, 11)] + [f"dark_10s_{i:03d}.FIT" for i in range(1, 30)]
    assert [name.rsplit("/", 1)[1] for name in names] == [*expected, "target_image.FIT"]


def test_format(biases, darks):
    assert biases.dtype == np.uint16
    assert biases.shape == (10, 510, 765)
    assert darks.shape == (29, 510, 765)


def test_mean_and_median_of_the_bias(bias_mean_image):
    assert bias_mean_image.mean() == pytest.approx(1080.1, abs=2)
    assert bias_mean_image.mean() - np.median(bias_mean_image) == pytest.approx(5.2, abs=0.7)


def test_spread_of_the_first_bias(biases):
    assert biases[0].std(ddof=1) == pytest.approx(19.3, abs=0.3)


def test_read_noise(biases):
    bias_std_image = biases.std(axis=0, ddof=1)
    assert bias_std_image.mean() == pytest.approx(10.56, rel=0.01)
    assert np.median(bias_std_image) == pytest.approx(10.43, rel=0.01)


def test_first_dark(darks):
    assert darks[0].mean() == pytest.approx(1095.2, abs=2)


def test_dark_noise(darks):
    mean = darks.std(axis=0, ddof=1).mean()
    assert 10.87 * 0.97 < mean < 10.87 * 1.04


def test_dark_current(darks, bias_mean_image):
    assert np.mean(darks.mean(axis=0)) - np.mean(bias_mean_image) == pytest.approx(13.8, abs=0.5)


def test_hot_pixel(biases, darks, bias_mean_image):
    first = biases[0]
    assert np.unravel_index(first.argmax(), first.shape) == (308, 628)
    assert first.argmax() == 236248
    assert first.max() == pytest.approx(1918, abs=40)
    assert (first > 1800).sum() == 1
    assert 20 < biases.std(axis=0, ddof=1)[308, 628] < 46
    subtracted = darks - bias_mean_image
    assert (subtracted[:, 308, 628] > 8000).all()
    assert darks.max() < 65535
    assert all((frame > 8000).sum() == 1 for frame in subtracted)


def test_warm_pixels(darks, bias_mean_image):
    counts = [(frame > 200).sum() for frame in darks - bias_mean_image]
    assert min(counts) >= 10
    assert max(counts) <= 20


def test_gradient_is_in_the_bias_and_goes_with_it(bias_mean_image, darks):
    assert bias_mean_image[:, :100].mean() - bias_mean_image[:, -100:].mean() > 5
    profile = bias_mean_image.mean(axis=0).reshape(-1, 51).mean(axis=1)
    assert (np.diff(profile) < 0.5).all()  # smooth and falling; 51 x 510 x 10 pixels leave 0.02 of noise
    subtracted = darks.mean(axis=0) - bias_mean_image
    assert abs(np.median(subtracted[:, :100]) - np.median(subtracted[:, -100:])) < 0.3


def test_printed_values_at_the_left_and_right_edge(folder):
    """The course prints nine pixels at either edge: 1222 to 1311 on the left, 1183 to 1234 on the right."""
    target = fits.getdata(folder / "target_image.FIT")
    assert np.median(target[:, :3]) == pytest.approx(1263, abs=15)
    assert np.median(target[:, -3:]) == pytest.approx(1210, abs=15)


def test_target(folder, darks):
    target = fits.getdata(folder / "target_image.FIT")
    clean = target - darks.mean(axis=0)
    assert np.median(clean) == pytest.approx(125, abs=10)
    assert np.median(clean[:, -100:]) > np.median(clean[:, :100]) + 3
    assert (clean > 1000).sum() > 10
    assert fits.getheader(folder / "target_image.FIT")["EXPTIME"] == 10


def test_header_is_the_printed_one(folder):
    assert repr(fits.getheader(folder / "dark_10s_007.FIT")).splitlines() == [
        "SIMPLE  =                    T /                                                ",
        "BITPIX  =                   16 /                                                ",
        "NAXIS   =                    2 /                                                ",
        "NAXIS1  =                  765 /                                                ",
        "NAXIS2  =                  510 /                                                ",
        "OBJECT  = ' '                  /                                                ",
        "TELESCOP= 'Unknown Telescope'                                                   ",
        "INSTRUME= 'SBIG ST-402'                                                         ",
        "OBSERVER= 'Observer''s Name'                                                    ",
        "DATE-OBS= '2020-01-16T02:15:19.000' / GMT START OF EXPOSURE [WIN]               ",
        "BZERO   = +3.276800000000E+004 /                                                ",
        "BSCALE  = +1.000000000000E+000 /                                                ",
        "EXPTIME = +1.000000000000E+001 / EXPOSURE IN SECONDS                            ",
        "CCD-TEMP= -4.817803680962E+000 / CCD TEMP IN DEGREES C                          ",
        "XPIXSZ  = +9.000000000000E+000 / PIXEL WIDTH IN MICRONS                         ",
        "YPIXSZ  = +9.000000000000E+000 / PIXEL HEIGHT IN MICRONS                        ",
        "XBINNING=                    1 / HORIZONTAL BINNING FACTOR                      ",
        "YBINNING=                    1 / VERTICAL BINNING FACTOR                        ",
        "XORGSUBF=                    0 / SUB_FRAME ORIGIN X POS                         ",
        "VEROSUBF=                    0 / SUB_FRAME ORIGIN Y POS                         ",
    ]


def test_times_and_temperatures(folder, names):
    for name in names:
        header = fits.getheader(name)
        file = name.rsplit("/", 1)[1]
        number = int(file[-7:-4]) if file.startswith("dark") else 0
        assert header["CCD-TEMP"] == (COLD if number in COLD_DARKS else WARM)
        assert header["EXPTIME"] == (0.04 if file.startswith("bias") else 10.0)
        assert header["OBSERVER"] == "Observer's Name"


def test_the_level_drifts_little(folder):
    truth = Truth.load(folder)
    for kind in ("bias", "dark"):
        offsets = np.array([frame["bias_offset"] for frame in truth.frames.values() if frame["type"] == kind])
        assert offsets.mean() == pytest.approx(0, abs=1e-6)
        assert np.sqrt((offsets**2).mean()) <= 0.4
    assert truth.frames["dark_10s_001.FIT"]["bias_offset"] == 1.3
