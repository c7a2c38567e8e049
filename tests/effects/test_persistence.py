"""Charge that comes out in later exposures."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u

from fullwell import Bias, FrameSet, FullWell, Gain, ShotNoise, SignalChain
from fullwell.detector import Detector
from fullwell.effects import Signal
from fullwell.effects.persistence import Persistence
from fullwell.errors import ChainError, NotEnoughFrames
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
    assert (flat.image == 51_000).all()
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
    untouched = effect.correct(frame)
    assert untouched is frame


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
