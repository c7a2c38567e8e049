"""Charge that comes out in later exposures."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u

from fullwell import Bias, FrameSet, FullWell, Gain, ReadNoise, ShotNoise, SignalChain
from fullwell.chain import Take
from fullwell.detector import Detector
from fullwell.effects import Signal
from fullwell.effects.persistence import Persistence
from fullwell.errors import ChainError, NotEnoughFrames, ParameterError
from fullwell.flags import Flags
from fullwell.frame import Frame
from fullwell.noise import Noise

DETECTOR = Detector.single((60, 80))


def expose(effect, charge, seconds, memory, *, number=0):
    signal = Signal(
        np.full(DETECTOR.shape, charge, np.float32), DETECTOR, seconds, seconds, memory=dict(memory)
    )
    effect.simulate(signal, noise=Noise(3, number))
    return signal


def frame_of(data, seconds, **more):
    return Frame(
        np.asarray(data, np.float32), unit=u.electron, exposure_time=seconds, detector=DETECTOR, **more
    )


def test_charge_comes_out_as_traps_empty():
    effect = Persistence(0.01, 100.0, threshold=1000.0, idle=20.0)
    flat = expose(effect, 51_000, 10.0, {})
    # What is trapped is missing.
    assert (flat.image == 50_500).all()
    np.testing.assert_allclose(flat.memory["persistence"], 500)
    dark = expose(effect, 0, 50.0, flat.memory, number=1)
    expected = 500 * np.exp(-0.2) * (1 - np.exp(-0.5))
    np.testing.assert_allclose(dark.truth["persistence"], expected, rtol=1e-5)
    # Poisson: 5 standard errors of mean and variance.
    error = np.sqrt(expected / dark.image.size)
    assert dark.image.mean() == pytest.approx(expected, abs=5 * error)
    assert dark.image.var() == pytest.approx(expected, rel=5 * np.sqrt(2 / dark.image.size))
    np.testing.assert_allclose(dark.memory["persistence"], 500 * np.exp(-0.7), rtol=1e-5)


def test_traps_are_not_without_bottom():
    effect = Persistence(0.5, 100.0, capacity=300.0)
    first = expose(effect, 10_000, 0.0, {})
    np.testing.assert_allclose(first.memory["persistence"], 300)
    second = expose(effect, 10_000, 0.0, first.memory)
    np.testing.assert_allclose(second.memory["persistence"], 300)


def test_only_what_a_pixel_holds_is_trapped():
    chain = SignalChain([FullWell(1e5), Persistence(0.01, 50.0), ShotNoise(), Gain(1.5), Bias(1000.0)])
    left = []
    for light in (1e5, 1e7):
        takes = [(np.full(DETECTOR.shape, light), 1.0), (None, 30.0)]
        dark = list(chain.expose_sequence(takes, detector=DETECTOR, seed=1))[1]
        left.append(dark.truth["persistence"].mean())
    assert left[1] == pytest.approx(left[0], rel=0.01)


def test_nothing_bright_leaves_nothing():
    effect = Persistence(0.5, 100.0, threshold=1000.0)
    signal = expose(effect, 1000, 10.0, {})
    assert not signal.memory["persistence"].any()
    assert (expose(effect, 7, 10.0, signal.memory).image == 7).all()


def test_what_is_known_of_earlier_frames_is_taken_out():
    effect = Persistence(0.01, 100.0, idle=5.0)
    flat = expose(effect, 50_000, 10.0, {})
    dark = expose(effect, 0, 50.0, flat.memory, number=1)
    ready = effect.following([frame_of(flat.image, 10.0)])
    frame = frame_of(dark.image, 50.0, variance=np.ones(DETECTOR.shape, np.float32))
    clean = ready.correct(frame)
    expected = float(dark.truth["persistence"].mean())
    assert clean.data.mean() == pytest.approx(0, abs=5 * np.sqrt(expected / frame.data.size))
    assert (clean.flags & Flags.SUSPECT).all()
    np.testing.assert_array_equal(clean.variance, frame.variance)
    later = effect.following([frame_of(flat.image, 10.0), frame_of(clean.data, 50.0)])
    assert later.trapped.mean() == pytest.approx(dark.memory["persistence"].mean() * np.exp(-0.05), rel=1e-2)
    # Without a history the traps are empty: nothing is subtracted, what they take is put back.
    np.testing.assert_allclose(effect.correct(frame).data, frame.data / 0.99, rtol=1e-6)


def test_what_cannot_be_measured_or_corrected_is_refused():
    dark = frame_of(np.random.default_rng(1).normal(0, 5, DETECTOR.shape), 50.0)
    flat = frame_of(np.full(DETECTOR.shape, 5e4), 10.0)
    with pytest.raises(NotEnoughFrames, match="two darks"):
        Persistence.measure(FrameSet([flat, dark]))
    with pytest.raises(ChainError, match="no persistence is seen"):
        Persistence.measure(FrameSet([flat, dark, dark]))
    in_adu = flat.with_(unit=u.adu)
    with pytest.raises(ChainError, match="electrons"):
        Persistence.measure(FrameSet([in_adu] * 3))
    with pytest.raises(ChainError, match="electrons"):
        Persistence().following([in_adu])
    ready = Persistence(0.01).following([flat])
    with pytest.raises(ChainError, match="electrons"):
        ready.correct(in_adu)
    with pytest.raises(ChainError, match="shape"):
        ready.correct(frame_of(np.zeros((3, 3)), 1.0).with_(detector=None))


# --- several kinds of traps

LIGHT = np.full(DETECTOR.shape, 5e4)
TWO = Persistence([2e-3, 5e-3], [30.0, 600.0], capacity=[400.0, 1e4])


def test_charge_is_conserved():
    chain = SignalChain([TWO], detector=DETECTOR)
    bright, *darks = chain.expose_sequence([(LIGHT, 1.0)] + [(None, 500.0)] * 12, seed=1)
    missing = 5e4 - bright.frame.data
    np.testing.assert_allclose(missing, 100 + 250, rtol=1e-5)
    given_back = sum(dark.frame.data for dark in darks)
    # After ten time constants all is back: Poisson, 5 standard errors of the mean.
    assert given_back.mean() == pytest.approx(350, abs=5 * np.sqrt(350 / given_back.size) + 0.1)


@pytest.mark.parametrize("charge", [0.0, 500.0, 5e4, 1e6])
def test_what_was_taken_is_put_back(charge):
    effect = Persistence([2e-3, 5e-3], [30.0, 600.0], threshold=1000.0, capacity=[400.0, 1e4])
    held = np.stack([np.full(DETECTOR.shape, value, np.float32) for value in (350.0, 3000.0)])
    effect = Persistence(
        effect.fraction, effect.time_constant, threshold=1000.0, capacity=effect.capacity, trapped=held
    )
    signal = Signal(np.full(DETECTOR.shape, charge, np.float32), DETECTOR, 0.0, 0.0)
    effect.simulate(signal, noise=Noise(1))
    room = np.minimum([2e-3 * max(charge - 1000, 0), 5e-3 * max(charge - 1000, 0)], [50, 7000])
    np.testing.assert_allclose(signal.image, charge - room.sum(), rtol=1e-6)
    clean = effect.correct(frame_of(signal.image, 0.0))
    np.testing.assert_allclose(clean.data, charge, rtol=1e-6)


def test_capture_can_be_left_out():
    effect = Persistence(0.01, 100.0, conserving=False)
    assert (expose(effect, 5e4, 1.0, {}).image == 5e4).all()
    frame = frame_of(np.ones(DETECTOR.shape), 1.0)
    assert effect.correct(frame) is frame


def test_traps_empty_between_exposures():
    effect = Persistence(0.01, 100.0, idle=7.0)
    chain = SignalChain([effect], detector=DETECTOR)
    light = np.full(DETECTOR.shape, 1e4)
    for options, take, seconds in (
        ({}, Take(None, 10.0), 7.0),
        ({"idle": 50.0 * u.s}, Take(None, 10.0), 50.0),
        ({"idle": 50.0}, Take(None, 10.0, idle=200.0), 200.0),
    ):
        _, dark = chain.expose_sequence([(light, 1.0), take], seed=1, **options)
        expected = 100 * np.exp(-seconds / 100) * (1 - np.exp(-0.1))
        np.testing.assert_allclose(dark.truth["persistence"], expected, rtol=1e-4)
    flat = frame_of(np.full(DETECTOR.shape, 9900.0), 1.0)
    held = effect.following([flat], idle=50.0).trapped
    np.testing.assert_allclose(held, 100 * np.exp(-0.5), rtol=1e-4)
    with pytest.raises(ParameterError, match="idle"):
        effect.following([flat], idle=[1.0, 2.0])
    with pytest.raises(ParameterError, match="idle"):
        chain.expose(None, 1.0, seed=1, idle=-1.0)


def darks_after_a_flat(effect, *, count=16, seconds=30.0, seed=4):
    known = SignalChain([ReadNoise(5.0), Gain(1.5), Bias(1000.0)])
    chain = known.with_(effect, ShotNoise())
    takes = [(LIGHT, 1.0)] + [(None, seconds)] * count
    frames = [e.frame for e in chain.expose_sequence(takes, detector=DETECTOR, seed=seed, idle=2.0)]
    return Persistence.measure(FrameSet(frames), known=known, idle=2.0)


def test_time_constants_are_told_apart():
    found = darks_after_a_flat(Persistence([2e-3, 5e-3], [30.0, 600.0]))
    assert found.kinds == 2
    true = np.array([2e-3, 5e-3, 30.0, 600.0])
    # Four numbers within 5 standard errors each.
    pulls = (np.array([*found.fraction, *found.time_constant]) - true) / found.errors
    assert (np.abs(pulls) < 5).all()
    assert (np.array(found.errors) < 0.2 * true).all()


def test_one_time_constant_stays_one():
    kinds = [darks_after_a_flat(Persistence(4e-3, 150.0), seed=seed).kinds for seed in range(0, 400, 20)]
    # A second is taken for one in a thousand times: 20 trials, false alarm of this test 2e-4 for two of them.
    assert sum(kinds) <= 21
    found = darks_after_a_flat(Persistence(4e-3, 150.0))
    assert isinstance(found.fraction, float)
    assert found.fraction == pytest.approx(4e-3, abs=5 * found.errors[0])
    assert found.time_constant == pytest.approx(150.0, abs=5 * found.errors[1])


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"fraction": [0.6, 0.6]}, "fraction"),
        ({"fraction": [0.1, -0.1]}, "fraction"),
        ({"fraction": 1.0}, "fraction"),
        ({"fraction": []}, "fraction"),
        ({"fraction": [0.1, 0.1], "time_constant": [1.0, 2.0, 3.0]}, "time_constant"),
        ({"time_constant": [1.0, 0.0]}, "time_constant"),
        ({"trapped": -np.ones((2, 2))}, "trapped"),
        ({"trapped": np.full((2, 2), np.nan)}, "trapped"),
        ({"trapped": np.ones(5)}, "trapped"),
        ({"trapped": np.ones((0, 5))}, "trapped"),
        ({"trapped": np.ones((3, 2, 2))}, "trapped"),
    ],
)
def test_impossible_traps_are_refused(values, name):
    with pytest.raises(ParameterError, match=name):
        Persistence(**values)
