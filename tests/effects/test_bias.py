from __future__ import annotations

import warnings

import numpy as np
import pytest
from astropy import units as u
from simulated_frames import SHAPE, adu, camera, electrons, expose, signal, two_amplifiers

from fullwell import ADC, Bias, FrameSet, Gain, Noise, Overscan, ReadNoise, SignalChain
from fullwell.errors import ChainError, NotEnoughFrames, ParameterError
from fullwell.flags import Flags


def structure(seed=5):
    return np.random.default_rng(seed).normal(0, 20, SHAPE).astype(np.float32)


def test_level_structure_and_offset_are_put_in():
    made = signal(5.0)
    made.state = {"bias": {"level_offset": 1.5}}
    Bias(1000 * u.adu, structure=structure()).simulate(made, noise=Noise(1))

    np.testing.assert_allclose(made.image, 1006.5 + structure(), rtol=1e-6)
    assert made.truth["bias_offset"] == 1.5


def test_prescan_and_overscan_have_the_level_but_no_structure():
    detector = two_amplifiers()
    made = signal(0.0, detector=detector)
    made.to_raw()
    Bias([1000 * u.adu, 1100.0], structure=np.ones(SHAPE, np.float32)).simulate(made, noise=Noise(1))

    assert (made.image[:, 60:76] == 1000).all()
    assert (made.image[:, :60] == 1001).all()
    assert (made.image[:, 136:] == 1100).all()


def test_drift_is_one_number_an_exposure():
    offsets = []
    for i in range(400):
        made = signal(0.0)
        Bias(drift=2.0).simulate(made, noise=Noise(1, i))
        assert np.ptp(made.image) == 0
        offsets.append(made.truth["bias_offset"])
    # 400 numbers: mean 0.1, standard deviation 3.5 %; 4 sigma, false alarm 1e-4 for both.
    assert abs(np.mean(offsets)) < 0.4
    assert np.std(offsets) == pytest.approx(2.0, rel=0.14)


@pytest.mark.parametrize("n", [2, 3, 10])
def test_measured_it_is_the_truth_within_its_errors(n):
    truth = 1000 + structure()
    chain = SignalChain([ReadNoise(8.0), Gain(2.0), Bias(1000.0, structure=structure(), drift=1.0), ADC()])

    bias = Bias.measure(expose(chain, n, seed=n))

    # Rounding adds 1/12 to 4^2 ADU^2. The noise is known to 0.6 %, and 12000 pixels give 1.3 % more.
    assert bias.read_noise[0] == pytest.approx(np.sqrt(16 + 1 / 12), rel=0.03)
    pull = (bias.structure - truth) / np.sqrt(bias.variance)
    pull -= np.median(pull)  # the mean level has the drift of n frames
    assert pull.std() == pytest.approx(1, abs=0.035)
    assert (bias.count, bias.applied, bias.level) == (n, (), (0.0,))
    assert bias.statistics["empirical_to_predicted"] == pytest.approx(1, abs=0.06)


def test_cosmic_rays_are_rejected_at_three_frames():
    frames = expose(camera(Gain(1.0)), 3)
    frames[1].data[20, 30:35] += 400

    bias = Bias.measure(frames)

    assert np.abs(bias.structure[20, 30:35] - 1000).max() < 30
    # Two values instead of three.
    np.testing.assert_allclose(bias.variance[20, 30:35], bias.read_noise[0] ** 2 / 2, rtol=1e-5)
    assert bias.variance[0, 0] == pytest.approx(bias.read_noise[0] ** 2 / 3)


def test_corrected_frames_are_noise_of_the_predicted_size():
    chain = SignalChain([ReadNoise(6.0), Gain(1.5), Bias(1000.0, structure=structure()), ADC()])
    bias = Bias.measure(expose(chain, 5, seed=7))
    known = SignalChain([bias, ReadNoise(bias.read_noise, unit=u.adu, digitized=True)])

    residuals, variances = [], []
    for raw in expose(chain, 8, seed=8):
        clean = known.correct(raw)
        residuals.append(clean.data.astype(np.float64))
        variances.append(clean.variance)
    residual, variance = np.array(residuals), np.array(variances)

    # The master is common to the 8 frames: 12000 independent values of it, 96000 of the rest.
    sigma = np.sqrt(variance.mean())
    assert abs(residual.mean()) < 4 * sigma / np.sqrt(12_000)
    assert (residual**2).mean() / variance.mean() == pytest.approx(1, abs=0.02)
    # Without the noise of the master it would be 1.2.
    assert variance.mean() == pytest.approx(1.2 * bias.read_noise[0] ** 2, rel=1e-3)


def test_its_noise_stays_apart_until_it_is_settled():
    bias = Bias.measure(expose(camera(Gain(1.0)), 4))

    frame = SignalChain([bias]).correct(adu(1000.0), settle=False)

    assert frame.variance is None
    assert frame.shared[bias.id].coefficient == -1.0
    np.testing.assert_array_equal(frame.settled().variance, bias.variance)


def test_a_bias_that_was_not_measured_has_no_noise():
    frame = Bias(1000.0).correct(adu(1010.0))

    assert (frame.data == 10).all()
    assert frame.shared == {}


def test_flags_and_dark_time_of_the_frames_are_kept():
    frames = expose(camera(Gain(1.0)), 3, seconds=0.04)
    for frame in frames[:2]:
        frame.flags[1, 1] |= np.uint16(Flags.BAD)

    bias = Bias.measure(FrameSet(frames))

    assert bias.flags[1, 1] == int(Flags.BAD)
    assert bias.dark_time == pytest.approx(0.04)


def test_little_memory_gives_the_same_bits():
    frames = expose(camera(Gain(1.0)), 6)
    frames[2].flags[3, 3] = int(Flags.BAD)

    much, little = Bias.measure(frames), Bias.measure(FrameSet(frames), memory=2 * 2**20)

    assert much.id == little.id
    np.testing.assert_array_equal(much.structure, little.structure)


def test_one_frame_needs_to_be_told_its_noise():
    frames = expose(camera(Gain(1.0)), 1)

    with pytest.raises(NotEnoughFrames):
        Bias.measure(frames)
    with pytest.raises(NotEnoughFrames):
        Bias.measure([], read_noise=5.0)
    bias = Bias.measure(frames, read_noise=5.0)
    assert (bias.variance == 25).all()


def test_what_does_not_fit_is_refused():
    bias = Bias.measure(expose(camera(Gain(1.0)), 3))
    with pytest.raises(ChainError, match="subtracted in ADU"):
        bias.correct(electrons(1.0))
    with pytest.raises(ChainError, match="crop"):
        bias.correct(adu(1.0, shape=(3, 3)))
    with pytest.raises(ChainError, match="measured in ADU"):
        Bias.measure(expose(camera(Gain(1.0)), 3), known=SignalChain([Gain(1.0)]))
    for options in ({"level": np.nan}, {"drift": -1.0}, {"level": 3 * u.s}):
        with pytest.raises(ParameterError):
            Bias(**options)


def test_measured_behind_an_overscan_it_wants_one_and_the_reverse():
    detector = two_amplifiers()
    frames = expose(camera(Gain(1.0)), 3, detector=detector)
    behind, before = Bias.measure(frames, known=SignalChain([Overscan()])), Bias.measure(frames)

    assert behind.applied == ("overscan",)
    assert np.abs(np.median(behind.structure)) < 1
    with pytest.raises(ChainError, match="this chain has no overscan"):
        SignalChain([behind])
    with pytest.raises(ChainError, match="with the overscan still in"):
        SignalChain([before, Overscan()])
    assert abs(np.median(SignalChain([behind, Overscan()]).correct(frames[0]).data)) < 1


def test_nothing_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Bias.measure(expose(camera(Gain(1.0)), 2))
