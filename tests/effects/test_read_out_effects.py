"""Correlated noise, wandering bias, wrong codes: closed forms and what is measured again."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st
from simulated_frames import two_amplifiers

from fullwell import ADC, Bias, FrameSet, Gain, Overscan, ReadNoise, SignalChain
from fullwell.detector import Detector
from fullwell.detector.read_order import in_read_order
from fullwell.detector.shrinking import with_amplifiers_of
from fullwell.effects import Signal
from fullwell.effects.bias_wander import BiasWander
from fullwell.effects.code_errors import CodeErrors
from fullwell.effects.correlated_noise import CorrelatedNoise
from fullwell.errors import ChainError, NotEnoughFrames, ParameterError
from fullwell.flags import Flags
from fullwell.frame import Frame
from fullwell.noise import Noise

ONE = Detector.single((300, 400))
MANY = with_amplifiers_of(Detector.preset("lsst-itl"), (100, 120))


def read(effect, detector, *, exposure=0, value=0.0):
    signal = Signal(np.full(detector.shape, value, np.float32), detector, 0.0, 0.0)
    effect.simulate(signal, noise=Noise(5, exposure))
    return signal


# --- correlated noise


@pytest.mark.parametrize(
    "effect",
    [CorrelatedNoise(rows=3.0), CorrelatedNoise(slow=3.0), CorrelatedNoise(banding=4.0, period=23.7)],
    ids=["rows", "slow", "banding"],
)
def test_pixels_have_the_variance_that_is_stated(effect):
    values = [read(effect, ONE, exposure=k).image for k in range(12)]
    # 3600 rows for the first; the slow noise has fewer degrees of freedom.
    assert np.mean(np.square(values)) == pytest.approx(effect.variance, rel=0.15)


def test_rows_are_one_level_and_amplifiers_share():
    image = read(CorrelatedNoise(rows=3.0), ONE).image
    assert (image == image[:, :1]).all()
    shared = read(CorrelatedNoise(rows=3.0, common=1.0), MANY).image
    views = in_read_order(shared, MANY, layout="raw")
    for view in views[1:]:
        np.testing.assert_array_equal(view, views[0])
    own = in_read_order(read(CorrelatedNoise(rows=3.0), MANY).image, MANY, layout="raw")
    assert abs(np.corrcoef(own[0][:, 0], own[1][:, 0])[0, 1]) < 0.5
    half = CorrelatedNoise(rows=3.0, common=0.5)
    frames = [in_read_order(read(half, MANY, exposure=k).image, MANY, layout="raw") for k in range(20)]
    levels = np.array([[view[:, 0] for view in views] for views in frames])
    correlation = np.corrcoef(levels.transpose(1, 0, 2).reshape(16, -1))
    # 16 x 15 / 2 pairs of 2960 rows.
    assert correlation[~np.eye(16, dtype=bool)].mean() == pytest.approx(0.5, abs=0.05)


def test_slow_noise_falls_as_one_over_f():
    power = np.mean(
        [
            np.abs(np.fft.rfft(read(CorrelatedNoise(slow=1.0), ONE, exposure=k).image.ravel())) ** 2
            for k in range(10)
        ],
        axis=0,
    )
    f = np.arange(power.size)
    for low in (10, 100, 1000):
        ratio = power[low : 2 * low].mean() / power[10 * low : 20 * low].mean()
        assert ratio == pytest.approx(10, rel=0.5 if low == 10 else 0.2)
    assert f.size == power.size


def biases(effect, detector, count=8):
    n = len(detector.amplifiers)
    chain = SignalChain([effect, ReadNoise([5.0] * n), Gain([1.5] * n), Bias(1000.0), ADC(bits=18)])
    return FrameSet(
        [chain.expose(None, 0.0, detector=detector, noise=Noise(9, k)).frame for k in range(count)]
    )


def test_rows_and_what_is_common_are_found():
    true = CorrelatedNoise(rows=2.0, common=0.6)
    found = CorrelatedNoise.measure(biases(true, MANY), gain=1.5)
    # 148 rows, 16 amplifiers, 4 pairs; the common part has 600 independent rows only: 3 %.
    assert found.rows == pytest.approx(2.0, rel=0.1)
    assert found.common == pytest.approx(0.6, abs=0.1)
    assert found.banding < 0.3


def test_a_wave_is_found_with_its_period():
    true = CorrelatedNoise(banding=2.0, period=37.3)
    found = CorrelatedNoise.measure(biases(true, ONE, count=6), gain=1.5)
    assert found.banding == pytest.approx(2.0, rel=0.1)
    assert found.period == pytest.approx(37.3, rel=1e-3)


def test_pairs_without_a_wave_have_no_say_in_its_period():
    weak = CorrelatedNoise(banding=0.35, period=37.0)
    found = CorrelatedNoise.measure(biases(weak, ONE, count=12), gain=1.5)
    assert found.period == pytest.approx(37.0, rel=0.01)


def test_white_noise_has_nothing_in_common():
    found = CorrelatedNoise.measure(biases(CorrelatedNoise(), ONE, count=6), gain=1.5)
    assert found.rows < 0.3
    assert found.slow < 0.7
    assert found.banding == 0


def test_a_row_overscan_takes_rows_out():
    detector = Detector.single((200, 300), overscan=200)
    chain = SignalChain([CorrelatedNoise(rows=6.0), ReadNoise(2.0), Gain(1.0), Bias(1000.0)])
    frame = chain.expose(None, 0.0, detector=detector, noise=Noise(1)).frame
    before = SignalChain([Bias(1000.0)]).correct(frame).data.std()
    after = SignalChain([Overscan(method="row")]).correct(frame).data.std()
    assert before == pytest.approx(np.hypot(6, 2), rel=0.2)
    assert after == pytest.approx(2.0 * np.sqrt(1 + 1 / 200), rel=0.03)


@pytest.mark.parametrize("method", ["row", "mean"])
def test_rows_are_counted_once(method):
    """An overscan by rows takes them out and states the noise of its levels; any other leaves them in."""
    detector = Detector.single((400, 300), overscan=30)
    known = [CorrelatedNoise(rows=6.0), ReadNoise(4.0), Gain(1.0), Bias(1000.0)]
    taken = (SignalChain(known).expose(None, 0.0, detector=detector, noise=Noise(3, k)) for k in (0, 1))
    frames = [exposure.frame for exposure in taken]
    chain = SignalChain([*known, Overscan(method=method, skip=(0, 0))])
    clean = [chain.correct(frame) for frame in frames]
    measured = np.mean([frame.data.var() + frame.data.mean() ** 2 for frame in clean])
    # 800 rows: 5 % of 36 where they are left in, 4 % of 16/30 where not, and 0.3 % of the rest; 4 sigma.
    assert clean[0].variance.mean() == pytest.approx(measured, rel={"row": 0.025, "mean": 0.15}[method])
    assert clean[0].variance.mean() == pytest.approx({"row": 16 * 31 / 30, "mean": 52}[method], rel=0.02)


def test_amplifiers_have_their_own():
    rows = np.linspace(1, 4, 16)
    effect = CorrelatedNoise(rows=rows * u.electron, common=0.5)
    assert effect.variance == pytest.approx(rows**2)
    frames = [in_read_order(read(effect, MANY, exposure=k).image, MANY, layout="raw") for k in range(20)]
    levels = np.array([[view[:, 0] for view in views] for views in frames])
    # 2960 rows each: 1.3 %; 5 sigma.
    np.testing.assert_allclose(levels.std(axis=(0, 2)), rows, rtol=0.065)
    frame = Frame(np.zeros(MANY.shape, np.float32), unit=u.electron, detector=MANY.without_scans())
    variance = effect.correct(frame).variance
    for amplifier, value in zip(MANY.amplifiers, rows, strict=True):
        assert (variance[amplifier.box.slices] == np.float32(value**2)).all()
    with pytest.raises(ParameterError, match="one an amplifier"):
        read(effect, ONE)
    with pytest.raises(ParameterError, match="one an amplifier"):
        effect.correct(Frame(np.zeros((3, 3), np.float32), unit=u.electron))


def test_amplifiers_are_correlated_as_stated():
    """Neighbors strongly, in opposite sense if so said; one that is not stays alone."""
    matrix = np.eye(16)
    matrix[0, 1] = matrix[1, 0] = 0.8
    matrix[2, 3] = matrix[3, 2] = -1.0
    effect = CorrelatedNoise(rows=2.0, correlation=matrix)
    frames = [in_read_order(read(effect, MANY, exposure=k).image, MANY, layout="raw") for k in range(20)]
    levels = np.array([[view[:, 0] for view in views] for views in frames])
    found = np.corrcoef(levels.transpose(1, 0, 2).reshape(16, -1))
    np.testing.assert_allclose(found, matrix, atol=0.1)  # 1/sqrt(2960) = 0.018
    assert levels.std() == pytest.approx(2.0, rel=0.05)


def test_errors_of_period_and_common_are_those_of_many_trials():
    """30 trials of 10 pairs: scatter and mean error are known to 13 and 5 %, asked for to 3 of it."""
    wave = CorrelatedNoise(banding=6.0, period=23.7)
    rows = CorrelatedNoise(rows=4.0, common=0.4)
    detector = two_amplifiers(rows=40)
    for true, name, place in ((wave, "period", 3), (rows, "common", 4)):
        chain = SignalChain([true, ReadNoise(3.0), Gain(1.0), Bias(100.0), ADC(bits=16)])
        values, errors = [], []
        for trial in range(30):
            shots = [Noise(trial, k) for k in range(20)]
            frames = [chain.expose(None, 0.0, detector=detector, noise=shot).frame for shot in shots]
            found = CorrelatedNoise.measure(frames, gain=1.0)
            values.append(getattr(found, name))
            errors.append(found.errors[place])
        assert np.std(values) == pytest.approx(np.mean(errors), rel=0.42)
        assert abs(np.mean(values) - getattr(true, name)) < 4 * np.std(values) / np.sqrt(30)


def test_errors_are_those_of_many_trials():
    """60 trials: the width of their pulls has an error of 9 %; here 3 of it and 5 % for 20 pairs only."""
    true = CorrelatedNoise(rows=2.0)
    detector, pulls = Detector.single((60, 80)), []
    chain = SignalChain([true, ReadNoise(3.0), Gain(1.0), Bias(100.0), ADC(bits=16)])
    for trial in range(60):
        frames = [chain.expose(None, 0.0, detector=detector, noise=Noise(trial, k)).frame for k in range(40)]
        found = CorrelatedNoise.measure(frames, gain=1.0)
        pulls.append((found.rows - 2.0) / found.errors[0])
    assert np.sqrt(np.mean(np.square(pulls))) == pytest.approx(1.03, abs=0.32)
    assert abs(np.mean(pulls)) < 4 / np.sqrt(60)
    assert np.isnan(CorrelatedNoise.measure(frames[:2], gain=1.0).errors).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rows": [1.0, -2.0]}, "rows.*-2"),
        ({"rows": []}, "rows = "),
        ({"rows": [1.0, 2.0], "slow": [1.0, 2.0, 3.0]}, "rows, slow"),
        ({"correlation": [[1.0, 0.5]]}, "square"),
        ({"correlation": [[1.0, 0.5], [0.4, 1.0]]}, "symmetric"),
        ({"correlation": [[2.0, 0.5], [0.5, 1.0]]}, "diagonal"),
        ({"correlation": [[1.0, 1.5], [1.5, 1.0]]}, "eigenvalue"),
        ({"correlation": [[1.0, 0.5], [0.5, 1.0]], "common": 0.5}, "common"),
        ({"correlation": [[1.0, 0.5], [0.5, 1.0]], "rows": [1.0, 2.0, 3.0]}, "one number of amplifiers"),
    ],
)
def test_impossible_correlations_are_refused(wrong, message):
    with pytest.raises(ParameterError, match=message):
        CorrelatedNoise(**wrong)


def test_correlated_noise_cannot_be_told_from_one_frame():
    with pytest.raises(NotEnoughFrames, match="pairs"):
        CorrelatedNoise.measure(biases(CorrelatedNoise(), ONE, count=1), gain=1.5)
    with pytest.raises(ChainError, match="give a gain"):
        CorrelatedNoise.measure(biases(CorrelatedNoise(), ONE, count=2))
    with pytest.raises(ChainError, match="gain missing"):
        CorrelatedNoise(rows=1.0).correct(Frame(np.zeros((3, 3))))


# --- wandering bias


def test_the_level_does_what_it_was_told():
    signal = Signal(
        np.zeros(ONE.shape, np.float32), ONE, 0.0, 0.0, state={"bias_wander": {"hour": 3.0}}, unit=u.adu
    )
    BiasWander(ramp=10.0, ramp_length=20.0, droop=4.0, drift=1.5).simulate(signal, noise=Noise(1))
    image = signal.image
    np.testing.assert_allclose(image[0], 4.5 + 10 * np.exp(-np.arange(400) / 20), rtol=1e-5)
    np.testing.assert_allclose(image[:, 399], 4.5 + np.linspace(0, 4, 300), atol=1e-4)


def test_steps_stand_where_the_truth_says():
    signal = read(BiasWander(jump=20.0, jump_rate=3.0), MANY)
    total = 0
    for view, steps in zip(
        in_read_order(signal.image, MANY, layout="raw"), signal.truth["bias_wander"], strict=True
    ):
        expected = np.zeros(view.shape[0])
        for row, size in steps:
            expected[row:] += size
        np.testing.assert_allclose(view[:, 5], expected, atol=1e-3)
        total += len(steps)
    # Poisson of mean 48: 5 sigma.
    assert abs(total - 48) < 35


# --- codes


@given(st.integers(0, 1000), st.floats(0, 0.25))
def test_codes_follow_their_edges(seed, scatter):
    effect = CodeErrors.random(10, scatter=scatter, seed=seed)
    assert effect.widths.sum() == pytest.approx(1024)
    values = np.random.default_rng(seed).uniform(-5, 1030, ONE.shape).astype(np.float32)
    signal = Signal(values.copy(), ONE, 0.0, 0.0, unit=u.adu)
    effect.simulate(signal, noise=Noise(1))
    edges = effect.edges
    inside = (values >= edges[0]) & (values < edges[-1])
    codes = signal.image[inside].astype(int)
    assert (values[inside] >= edges[codes]).all()
    assert (values[inside] < edges[codes + 1]).all()
    ADC(bits=10).simulate(signal, noise=Noise(1))
    np.testing.assert_array_equal(signal.image[inside], codes)


def test_perfect_codes_change_nothing():
    values = np.random.default_rng(1).uniform(0, 255, ONE.shape).astype(np.float32)
    signal = Signal(values.copy(), ONE, 0.0, 0.0, unit=u.adu)
    CodeErrors(np.ones(256)).simulate(signal, noise=Noise(1))
    np.testing.assert_array_equal(signal.image, np.floor(values + 0.5))


def test_widths_are_found_from_a_ramp():
    true = CodeErrors.random(12, scatter=0.1, seed=3)
    detector = Detector.single((500, 1000))
    values = np.random.default_rng(2).uniform(200, 3900, (4, 500, 1000)).astype(np.float32)
    frames = []
    for image in values:
        signal = Signal(image, detector, 0.0, 0.0, unit=u.adu)
        true.simulate(signal, noise=Noise(1))
        ADC(bits=12).simulate(signal, noise=Noise(1))
        frames.append(Frame(signal.image))
    found = CodeErrors.measure(FrameSet(frames))
    part = slice(found.first, found.first + found.widths.size)
    pulls = (found.widths - true.widths[part]) / found.errors
    # 3400 codes: 1.2 %; the mean of the neighbors, whose own widths scatter, adds a sixty-fifth.
    assert np.sqrt((pulls**2).mean()) == pytest.approx(1, abs=0.1)
    assert found.stuck_high == found.stuck_low == 0
    frame = frames[0].with_(
        data=frames[0].data.astype(np.float32), variance=np.full((500, 1000), 1 / 12, "f4")
    )
    before, after = frame.data - values[0], true.correct(frame).data - values[0]
    assert abs(after.mean()) < 5 * after.std() / np.sqrt(after.size)
    assert after.std() < before.std()
    assert (after**2).mean() == pytest.approx(true.correct(frame).variance.mean(), rel=0.02)


def test_stuck_bits_are_found_and_flagged():
    true = CodeErrors(np.ones(4096), stuck_high=8, stuck_low=64)
    values = np.random.default_rng(2).uniform(0, 4095, (500, 1000)).astype(np.float32)
    signal = Signal(values, Detector.single((500, 1000)), 0.0, 0.0, unit=u.adu)
    true.simulate(signal, noise=Noise(1))
    ADC(bits=12).simulate(signal, noise=Noise(1))
    assert (signal.image & 8 == 8).all()
    assert (signal.image & 64 == 0).all()
    found = CodeErrors.measure(FrameSet([Frame(signal.image)]))
    assert (found.stuck_high, found.stuck_low) == (8, 64)
    assert (found.flag(Frame(signal.image)) == int(Flags.SUSPECT)).all()
    assert CodeErrors(np.ones(4)).flag(Frame(signal.image)) is None


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: CorrelatedNoise(rows=-1), "rows"),
        (lambda: CorrelatedNoise(period=1), "period"),
        (lambda: CorrelatedNoise(common=1.5), "common"),
        (lambda: BiasWander(ramp=np.nan), "ramp"),
        (lambda: BiasWander(ramp_length=0), "ramp_length"),
        (lambda: BiasWander(jump=-1), "jump"),
        (lambda: BiasWander(jump_rate=np.inf), "jump_rate"),
        (lambda: CodeErrors([1.0]), "widths"),
        (lambda: CodeErrors([1.0, -1.0]), "widths"),
        (lambda: CodeErrors([1.0, 1.0], first=-1), "first"),
        (lambda: CodeErrors([1.0, 1.0], stuck_high=1, stuck_low=1), "stuck_high"),
        (lambda: CodeErrors.random(40, scatter=0.1, seed=1), "bits"),
        (lambda: CodeErrors.random(8, scatter=0.9, seed=1), "scatter"),
        (lambda: CodeErrors.measure(FrameSet([Frame(np.ones((3, 3)))])), "pixels"),
        (lambda: CodeErrors.measure(FrameSet([]), window=4), "window"),
    ],
)
def test_impossible_values_are_refused(make, name):
    with pytest.raises(ParameterError, match=name):
        make()


def test_too_few_counts_are_no_histogram():
    with pytest.raises(NotEnoughFrames, match="codes"):
        CodeErrors.measure(FrameSet([Frame(np.ones((30, 30), np.uint16))]))
