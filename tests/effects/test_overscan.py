from __future__ import annotations

import numpy as np
import pytest
from simulated_frames import adu, two_amplifiers

from fullwell import Detector, Overscan
from fullwell.errors import ChainError, FrameError, ParameterError
from fullwell.flags import Flags
from fullwell.frame import Frame

METHODS = ["mean", "median", "row", "polynomial"]
ROWS = 100


def raw(
    levels=(1000.0, 1200.0),
    *,
    noise=5.0,
    seed=0,
    rows=0.0,
    columns=0.0,
    signal=300.0,
    detector=None,
    dtype=np.float32,
):
    """Raw frame of two amplifiers; `rows` and `columns` are gradients in ADU over the detector."""
    detector = detector or two_amplifiers(parallel=20)
    random = np.random.default_rng(seed)
    data = noise * random.standard_normal(detector.raw_shape)
    y = np.linspace(0, 1, ROWS)[:, None]
    for amplifier, level in zip(detector.amplifiers, levels, strict=True):
        data[amplifier.raw.slices] += level
        data[:ROWS, amplifier.raw.x0 : amplifier.raw.x1] += rows * y
        data[:, amplifier.data.x0 : amplifier.data.x1] += columns * np.linspace(0, 1, 60)
        data[amplifier.data.slices] += signal
    return Frame(
        np.round(data).astype(dtype) if np.issubdtype(dtype, np.integer) else data.astype(dtype),
        detector=detector,
    )


@pytest.mark.parametrize("method", METHODS)
def test_the_level_of_each_amplifier_goes(method):
    clean = Overscan(method).correct(raw())

    assert clean.shape == (100, 120)
    assert clean.layout == "assembled"
    for half in (clean.data[:, :60], clean.data[:, 60:]):
        # Noise of the level: at most 5/sqrt(1300) sqrt(pi/2) = 0.17; of 6000 pixels 0.06; 5 sigma.
        assert half.mean(dtype=np.float64) == pytest.approx(300, abs=0.9)
    assert clean.header["OSCLEVEL"] == pytest.approx(1100, abs=1)


@pytest.mark.parametrize("method", METHODS)
def test_its_noise_is_the_one_that_is_predicted(method):
    errors, predicted = [], []
    for seed in range(150):
        clean = Overscan(method).correct(raw(noise=5.0, seed=seed, signal=0.0))
        # Without the pixels' own noise: subtract what was put in.
        truth = raw(noise=5.0, seed=seed, signal=0.0, levels=(0.0, 0.0))
        own = truth.detector.assemble(truth.data)
        errors.append((clean.data - own)[:, [0, 119]].astype(np.float64))
        predicted.append(clean.variance[:, [0, 119]])
    scatter, variance = np.mean(np.square(errors)), np.mean(predicted)
    # At least 300 independent levels: relative error of the variance 8 %; 4 sigma, false alarm 6e-5 each.
    assert scatter == pytest.approx(variance, rel=0.33)
    assert abs(np.mean(errors)) < 4 * np.sqrt(variance / 300)
    header_noise = clean.header["OSCNOISE"]
    assert header_noise == pytest.approx(np.sqrt(clean.variance.mean()), rel=0.05)


def test_the_variance_of_a_mean_in_closed_form():
    clean = Overscan("mean", skip=(3, 1)).correct(raw(noise=5.0))

    # 12 columns of 100 rows; the noise is known to 1/sqrt(2400) = 2 %.
    assert clean.variance[0, 0] == pytest.approx(25 / 1200, rel=0.16)


def test_the_median_of_integers_knows_only_integers():
    errors, predicted = [], []
    for seed in range(150):
        level = 1000 + seed / 150
        clean = Overscan("median").correct(
            raw((level, level), noise=3.0, seed=seed, signal=0.0, dtype=np.uint16)
        )
        errors.append(level - clean.header["OSCLEVEL"])
        predicted.append(clean.header["OSCNOISE"])
    assert np.std(errors) == pytest.approx(np.mean(predicted), rel=0.2)


@pytest.mark.parametrize(("method", "follows"), [("mean", False), ("row", True), ("polynomial", True)])
def test_gradients_along_the_rows(method, follows):
    clean = Overscan(method, order=1).correct(raw(rows=50.0))

    slope = clean.data[80:].mean() - clean.data[:20].mean()
    assert slope == pytest.approx(0 if follows else 40, abs=1.5)
    if follows:  # a gradient is no noise
        assert clean.variance.mean() == pytest.approx(
            Overscan(method, order=1).correct(raw()).variance.mean(), rel=0.1
        )


def test_columns_next_to_the_data_are_skipped_on_the_right_side():
    frame = raw(noise=0.0)
    for amplifier in frame.detector.amplifiers:
        box = amplifier.overscan
        frame.data[:, box.x0 : box.x0 + 3] += 100  # trailing charge
        frame.data[:, box.x1 - 1] -= 100  # the last one is odd
    clean = Overscan(skip=(3, 1), clip=1e9).correct(frame)
    np.testing.assert_allclose(clean.data, 300, atol=1e-3)

    mirrored = Detector("m", (4, 4), (4, 10), (
        attrs_amplifier(),
    ))  # fmt: skip
    data = np.full((4, 10), 1000.0, np.float32)
    data[:, 3:6] += 100  # next to the data, which lie at columns 6 to 9
    data[:, 6:] += 300
    clean = Overscan(skip=(3, 0), clip=1e9).correct(Frame(data, detector=mirrored))
    np.testing.assert_allclose(clean.data, 300, atol=1e-3)


def attrs_amplifier():
    from fullwell import Amplifier, Box

    return Amplifier(
        "A", box=Box(0, 4, 0, 4), data=Box(6, 10, 0, 4), raw=Box(0, 10, 0, 4), overscan=Box(0, 6, 0, 4)
    )


def test_cosmic_rays_in_the_overscan_are_clipped():
    frame = raw()
    frame.data[40:44, 65:68] += 10_000

    for method in METHODS:
        assert Overscan(method).correct(frame).data[:, :60].mean() == pytest.approx(300, abs=0.9)


@pytest.mark.parametrize("method", METHODS)
def test_rows_with_saturated_ends_are_left_out(method):
    frame = raw()
    rows = slice(30, 50)
    frame.data[rows, 50:60] = 65535
    frame.flags[rows, 50:60] = int(Flags.SATURATED)
    frame.data[rows, 60:76] += 40  # charge that spilled over

    clean = Overscan(method, skip=(0, 0)).correct(frame)

    assert clean.data[rows, :50].mean() == pytest.approx(300, abs=3)
    assert clean.data[60:, :50].mean() == pytest.approx(300, abs=1)


def test_all_rows_saturated_is_an_error():
    frame = raw()
    frame.flags[:, 59] = int(Flags.SATURATED)
    with pytest.raises(FrameError, match="all rows of amplifier L are saturated"):
        Overscan().correct(frame)


def test_parallel_overscan_takes_the_columns_along():
    frame = raw(columns=80.0)

    serial = Overscan("row").correct(frame)
    both = Overscan("row", parallel=True).correct(frame)

    def slope(clean):
        return clean.data[:, 40:60].mean() - clean.data[:, :20].mean()

    assert slope(serial) == pytest.approx(80 * 40 / 59, abs=1)
    # The mean of 20 rows in 20 columns: 0.25.
    assert slope(both) == pytest.approx(0, abs=1.5)
    assert both.data.mean() == pytest.approx(300, abs=1)
    assert both.header["OSCLEVEL"] == pytest.approx(1100 + 40, abs=1)
    assert both.variance.mean() == pytest.approx(serial.variance.mean() + 25 / 20, rel=0.1)


def test_parallel_overscan_as_one_value():
    frame = raw()
    for amplifier in frame.detector.amplifiers:
        frame.data[amplifier.parallel.slices] += 7
        frame.data[amplifier.data.slices] += 7

    assert Overscan(parallel=True).correct(frame).data.mean() == pytest.approx(300, abs=0.5)


def test_own_variance_and_types_are_kept():
    frame = raw()
    frame.variance = np.full(frame.shape, 4, np.float32)
    clean = Overscan().correct(frame)

    assert clean.variance.min() > 4
    assert clean.data.dtype == np.float32
    assert Overscan().correct(raw(dtype=np.float64)).data.dtype == np.float64
    assert Overscan().correct(raw(dtype=np.uint16)).data.dtype == np.float32
    assert frame.data.max() > 1000


@pytest.mark.parametrize(("drift", "helps"), [(5.0, True), (0.0, False)])
def test_whether_it_helps(drift, helps):
    random = np.random.default_rng(1)
    frames = [
        raw(1000 + drift * random.standard_normal() + np.zeros(2), seed=i, signal=0.0) for i in range(12)
    ]

    test = Overscan.test(frames)

    assert test.helps is helps
    assert test.scatter_after == pytest.approx(np.hypot(5 / np.sqrt(2600), 5 / np.sqrt(12_000)), rel=0.9)
    assert test.expected_noise == pytest.approx(5 / np.sqrt(2600), rel=0.1)
    with pytest.raises(FrameError, match="from 3 frames on"):
        Overscan.test(frames[:2])


def test_level_and_its_error():
    (first, second) = Overscan().level(raw())

    assert first[0] == pytest.approx(1000, abs=4 * first[1])
    assert second[0] == pytest.approx(1200, abs=4 * second[1])
    assert first[1] == pytest.approx(5 / np.sqrt(1300), rel=0.1)


def test_what_has_no_overscan_is_refused():
    with pytest.raises(ChainError, match="has no overscan"):
        Overscan().correct(adu(1.0))
    with pytest.raises(ChainError, match="has no overscan"):
        Overscan().correct(adu(1.0, detector=Detector.single((100, 120))))
    frame = raw()
    with pytest.raises(ChainError, match="assembled already"):
        Overscan().correct(Frame(np.zeros((100, 120)), detector=frame.detector))
    with pytest.raises(ParameterError, match="fewer than the 16 columns"):
        Overscan(skip=(10, 6)).correct(frame)
    for options in ({"method": "x"}, {"order": -1}, {"skip": (1,)}, {"skip": (-1, 0)}, {"clip": 0}):
        with pytest.raises(ParameterError):
            Overscan(**options)
