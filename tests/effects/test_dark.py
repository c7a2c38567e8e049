from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from simulated_frames import SHAPE, adu, camera, electrons, expose, signal

from fullwell import Bias, CosmicRays, Dark, Gain, Noise, ReadNoise, ShotNoise, SignalChain
from fullwell.effects.dark import DarkLevel
from fullwell.errors import ChainError, FrameError, NotEnoughFrames, ParameterError
from fullwell.flags import Flags
from fullwell.frame import Shared

GAIN, NOISE = 1.6, 8.0
#: The mean rises to 60 e- in 100 s; the offset is 12 e-.
RATE = np.linspace(0.2, 0.6, SHAPE[1], dtype=np.float32)[None].repeat(SHAPE[0], axis=0)
OFFSET = 12.0


def truth(*effects, rate=RATE, offset=OFFSET):
    return camera(Gain(GAIN), Dark(rate, offset), *effects, read_noise=NOISE)


def biases(n=10, *, seed=1):
    return Bias.measure(expose(truth(), n, seed=seed))


def darks(seconds, n, *effects, seed=2, **options):
    return expose(truth(*effects, **options), n, seconds=seconds, seed=seed + int(seconds))


def measured(lengths, *, bias=None, **options):
    """Dark of ``{seconds: number}``."""
    frames = [frame for seconds, n in lengths.items() for frame in darks(seconds, n)]
    known = None if bias is None else SignalChain([bias])
    return Dark.measure(frames, known=known, gain=GAIN, **options)


# --- forward


def test_electrons_are_poisson_of_rate_times_time_and_offset():
    made = signal(0.0, seconds=100.0)
    Dark(0.5, 3.0).simulate(made, noise=Noise(1))

    # 12000 values of mean 53: 4 sigma, false alarm 1e-4 for both.
    assert made.image.mean() == pytest.approx(53, abs=4 * np.sqrt(53 / 12_000))
    assert made.image.var() == pytest.approx(53, rel=4 * np.sqrt(2 / 12_000))


def test_hot_pixels_and_quantities():
    rate = np.full(SHAPE, 0.0)
    rate[5, 5] = 1000
    made = signal(7.0, seconds=2.0)
    Dark(rate * u.electron / u.s).simulate(made, noise=Noise(1))

    assert made.image[5, 5] == pytest.approx(2007, abs=5 * np.sqrt(2000))
    assert (np.delete(made.image.ravel(), 5 * SHAPE[1] + 5) == 7).all()


# --- measured and taken out


@pytest.mark.parametrize("seconds", [100.0, 50.0, 25.0])
def test_one_length_serves_itself_and_shorter_ones(seconds):
    bias = biases()
    dark = measured({100.0: 10}, bias=bias)
    chain = SignalChain(
        [bias, dark, Gain(GAIN), ReadNoise(np.array(bias.read_noise) * GAIN, digitized=True), ShotNoise()]
    )

    residual, variance = [], []
    for raw in darks(seconds, 6, seed=70, offset=0.0) if seconds < 100 else darks(seconds, 6, seed=70):
        clean = chain.correct(raw)
        residual.append(clean.data[~clean.mask].astype(np.float64))
        variance.append(clean.variance[~clean.mask])
    # An offset scales along with the only length there is: 12 (s - 1) e- too little is the price.
    offset = 0.0 if seconds == 100 else -OFFSET * seconds / 100
    mean = np.mean(residual)
    assert mean == pytest.approx(offset, abs=4 * float(np.sqrt(np.mean(variance) / 12_000)) + 0.1)
    assert np.mean((np.array(residual) - offset) ** 2) / np.mean(variance) == pytest.approx(1, abs=0.025)


def test_one_length_says_that_the_offset_is_unknown():
    dark = measured({100.0: 5}, bias=biases())

    assert dark.offset == 0.0
    assert any("cannot be told from the rate" in remark for remark in dark.statistics["remarks"])
    assert dark.weights(100.04).rule == "same length"
    assert dark.weights(50.0).rule == "scaled down"
    assert dark.weights(200.0).rule == "scaled up"
    assert dark.weights(200.0).weights == (2.0,)


def test_bias_time_counts():
    frames = expose(truth(), 4, seconds=10.0)
    bias = Bias.measure(frames)

    dark = measured({100.0: 4}, bias=bias)

    assert dark.bias_time == 10.0
    assert dark.weights(55.0).weights == pytest.approx((0.5,))
    assert np.median(dark.rate) == pytest.approx(0.4 / GAIN, rel=0.03)


def test_two_lengths_tell_rate_and_offset_and_need_no_bias():
    for bias in (None, biases()):
        dark = measured({30.0: 10, 120.0: 10}, bias=bias)
        pedestal = 1000 if bias is None else 0

        # Noise of a level: sqrt(8^2 + 60)/1.6/sqrt(10) = 2.2 ADU, over 12000 pixels 0.02.
        assert np.mean(dark.rate) == pytest.approx(0.4 / GAIN, abs=0.002)
        assert np.mean(dark.offset) == pytest.approx(OFFSET / GAIN + pedestal, abs=0.2)
        assert np.polyfit(RATE[0], dark.rate.mean(axis=0), 1)[0] == pytest.approx(1 / GAIN, rel=0.03)
        weights = dark.weights(60.0)
        assert weights.rule == "line"
        assert sum(weights.weights) == pytest.approx(1)
        assert np.dot(weights.weights, dark.times) == pytest.approx(60)
        assert dark.weights(300.0).rule == "line extended"
        assert dark.weights(120.0).weights == (0.0, 1.0)


@pytest.mark.parametrize("with_bias", [False, True])
def test_between_two_lengths_what_is_left_is_noise_of_the_predicted_size(with_bias):
    bias = biases() if with_bias else None
    dark = measured({30.0: 6, 120.0: 6}, bias=bias)
    noise = ReadNoise(np.array([np.sqrt(NOISE**2 + GAIN**2 / 12)]), digitized=True)
    effects = [dark, Gain(GAIN), noise, *([bias, ShotNoise()] if with_bias else [])]

    residual, variance = [], []
    for raw in darks(60.0, 6, seed=90):
        clean = SignalChain(effects).correct(raw)
        residual.append(clean.data[~clean.mask].astype(np.float64))
        variance.append(clean.variance[~clean.mask])

    # Without a bias the shot noise of the dark current is not known: 36 e- of it, 64 + 0.2 of read noise.
    variance = np.mean(variance) + (0 if with_bias else 0.4 * 60 + OFFSET)
    assert abs(np.mean(residual)) < 4 * np.sqrt(variance / 12_000) + 0.05
    assert np.mean(np.square(residual)) / variance == pytest.approx(1, abs=0.025)


def test_errors_of_the_levels_cover_the_truth():
    dark = measured({50.0: 4, 100.0: 6}, bias=biases())
    for level in dark.levels:
        expected = (RATE * level.time + OFFSET) / GAIN
        own = Shared(-1.0, biases().variance).contribution
        pull = (level.level - expected) / np.sqrt(level.variance + own)
        # 12000 pulls; their Poisson part is taken from the level of a pixel.
        assert pull.std() == pytest.approx(1, abs=0.04)
        assert abs(pull.mean()) < 0.06


def test_single_exposures_of_many_lengths_make_a_line_without_cosmic_rays():
    bias = biases()
    rays = CosmicRays(rate=500.0)
    times = [20.0, 40.0, 60.0, 80.0, 100.0, 120.0, 200.0, 300.0]
    frames = [darks(seconds, 1, rays, seed=40)[0] for seconds in times]

    dark = Dark.measure(frames, known=SignalChain([bias]), gain=GAIN)

    assert dark.times == tuple(times)
    assert dark.count == 8
    # Cosmic rays leave 10^3 e- and more in some percent of the pixels of the longest frames.
    assert max(max(level["rejected_fraction"]) for level in dark.statistics["levels"]) > 0.01
    residual = dark.level_at(150.0) - (RATE * 150 + OFFSET) / GAIN
    # 3.5 % of the pixels are hit in some frame; a few by two or three, which can hide each other.
    assert (np.abs(residual) > 60).mean() < 2e-3
    assert np.mean(dark.rate) == pytest.approx(0.4 / GAIN, rel=0.01)
    clean = SignalChain([bias, dark]).correct(darks(150.0, 1, seed=80)[0])
    assert abs(np.median(clean.data)) < 1


def test_masked_values_do_not_count_on_the_line():
    bias = biases()
    frames = [darks(seconds, 1)[0] for seconds in (20.0, 40.0, 60.0, 80.0)]
    for frame in frames:
        frame.flags[2, 2] = int(Flags.BAD)
        frame.data[2, 2] = 60_000
    frames[1].flags[4, 4] = int(Flags.SATURATED)
    frames[1].data[4, 4] = 65535

    dark = Dark.measure(frames, known=SignalChain([bias]), gain=GAIN)

    assert dark.flags[2, 2] & int(Flags.BAD)
    assert dark.flags[4, 4] == 0
    assert abs(dark.level_at(40.0)[4, 4] - 20) < 60
    # A pixel that nobody knows leaves all others alone.
    assert np.isfinite(np.delete(dark.level_at(50.0).ravel(), 2 * SHAPE[1] + 2)).all()


def test_a_pixel_without_any_value_leaves_the_others_alone():
    frames = [frame for seconds in (30.0, 120.0) for frame in darks(seconds, 3)]
    for frame in frames:
        frame.data = frame.data.astype(np.float32)
        frame.data[2, 2] = np.nan

    dark = Dark.measure(frames, gain=GAIN)

    assert dark.flags[2, 2] == int(Flags.NO_DATA)
    assert np.isfinite(np.delete(dark.level_at(50.0).ravel(), 2 * SHAPE[1] + 2)).all()


def test_hot_pixels_are_flagged():
    rate = RATE.copy()
    rate[10, 10], rate[20, 20] = 50.0, 0.9
    frames = expose(truth(rate=rate), 5, seconds=100.0, seed=9)

    dark = Dark.measure(frames, known=SignalChain([biases()]), gain=GAIN)

    assert np.argwhere(dark.flags & int(Flags.HOT)).tolist() == [[10, 10]]
    assert dark.statistics["hot_pixels"] == 1
    assert SignalChain([biases(), dark]).correct(frames[0]).mask[10, 10]


# --- without a bias


def test_without_a_bias_the_same_length_serves_alone():
    dark = measured({100.0: 8})

    assert dark.bias_included
    clean = SignalChain([dark]).correct(darks(100.0, 1, seed=60)[0])
    assert abs(clean.data.mean()) < 0.3
    with pytest.raises(ChainError, match="take biases, or darks of a second length"):
        dark.weights(50.0)
    with pytest.raises(ChainError, match="the bias"):
        SignalChain([dark, biases()])
    with pytest.raises(ChainError, match="cannot be simulated"):
        Dark.measure([adu(1.0, exposure_time=1.0)] * 3, read_noise=1.0).simulate(signal(), noise=Noise(1))


# --- units


def test_in_electrons_the_noise_of_the_bias_is_in_electrons_too():
    bias = biases()
    known = SignalChain([bias, Gain(GAIN)])
    frames = darks(100.0, 6)
    frames[2].data[7, 7] += 100  # 160 e-: 15 sigma of 11 e-

    dark = Dark.measure(frames, known=known)

    assert dark.unit == u.electron
    assert dark.statistics["read_noise"] == pytest.approx(NOISE, rel=0.03)
    expected = (NOISE**2 + GAIN**2 / 12 + 40 + OFFSET) / 6
    assert np.median(dark.levels[0].variance) == pytest.approx(expected, rel=0.05)
    assert dark.levels[0].level[7, 7] == pytest.approx(np.float32(RATE[7, 7] * 100 + 12), abs=25)
    with pytest.raises(ChainError, match="put a Gain into the chain"):
        SignalChain([bias, dark]).correct(frames[0])


def test_a_dark_in_adu_is_converted_by_the_gain_of_the_chain():
    bias = biases()
    dark = measured({100.0: 6}, bias=bias)
    raw = darks(100.0, 1, seed=50)[0]

    in_adu = SignalChain([bias, dark]).correct(raw, settle=False)
    in_electrons = SignalChain([bias, dark, Gain(GAIN)]).correct(raw, settle=False)

    np.testing.assert_allclose(in_electrons.data, in_adu.data * GAIN, rtol=1e-4, atol=1e-3)
    assert set(in_electrons.shared) == set(in_adu.shared)
    for key, share in in_adu.shared.items():
        expected = share.contribution * GAIN**2
        np.testing.assert_allclose(in_electrons.shared[key].contribution, expected, rtol=1e-4)


def test_without_a_bias_the_pedestal_is_no_signal():
    dark = Dark.measure(darks(100.0, 6), gain=GAIN, read_noise=NOISE / GAIN)

    expected = ((NOISE / GAIN) ** 2) / 6
    assert np.median(dark.levels[0].variance) == pytest.approx(expected, rel=0.1)


# --- what is refused


def test_what_does_not_fit_is_refused():
    with pytest.raises(NotEnoughFrames):
        Dark.measure([])
    with pytest.raises(NotEnoughFrames, match="single darks need read_noise"):
        measured({100.0: 1})
    with pytest.raises(FrameError, match="no exposure time"):
        Dark.measure([adu(1.0)] * 3)
    with pytest.raises(FrameError, match="not longer than the biases"):
        Dark.measure(
            darks(10.0, 3), known=SignalChain([Bias.measure(expose(truth(), 3, seconds=10.0))]), gain=1.0
        )
    dark = measured({100.0: 3}, bias=biases())
    for frame, words in ((adu(1.0), "no exposure time"), (adu(1.0, shape=(2, 2), exposure_time=1.0), "crop")):
        with pytest.raises(ChainError, match=words):
            dark.correct(frame)
    for options in (
        {"rate": -1.0},
        {"offset": -1.0},
        {"dead_time": -1.0},
        {"rate": np.nan},
        {"rate": 1 * u.s},
    ):
        with pytest.raises(ParameterError):
            Dark(**options)


def test_weights_of_levels_and_the_covariance_with_the_bias():
    # raw - (1-s) bias - s dark: the bias within the dark gives back what the bias took.
    levels = (DarkLevel(100.0, np.zeros(SHAPE, np.float32), 3.0, 5, "d"),)
    dark = Dark(unit=u.adu, levels=levels, shared={"b": Shared(-1.0, 2.0)}, applied=("bias",))
    bias = Bias(structure=np.zeros(SHAPE, np.float32), variance=2.0, id="b", count=5)
    for seconds, s in ((100.0, 1.0), (50.0, 0.5), (0.0, 0.0), (200.0, 2.0)):
        frame = SignalChain([bias, dark]).correct(adu(1.0, exposure_time=seconds), settle=False)
        if s:
            assert frame.shared["d"].coefficient == pytest.approx(-s)
        assert frame.shared["b"].coefficient == pytest.approx(-(1 - s))
    two = (*levels, DarkLevel(200.0, np.zeros(SHAPE, np.float32), 3.0, 5, "e"))
    dark = Dark(unit=u.adu, levels=two, shared={"b": Shared(-1.0, 2.0)}, applied=("bias",))
    frame = SignalChain([bias, dark]).correct(adu(1.0, exposure_time=150.0), settle=False)
    assert frame.shared["b"].coefficient == pytest.approx(0, abs=1e-12)
    assert frame.shared["d"].coefficient == frame.shared["e"].coefficient == pytest.approx(-0.5)


def test_electrons_need_no_gain():
    dark = Dark(0.5, 3.0)

    assert (dark.correct(electrons(100.0, exposure_time=10.0)).data == 92).all()
