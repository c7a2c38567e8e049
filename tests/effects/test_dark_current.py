"""Dark current: the law of temperature, maps, glow, read-out, telegraph pixels."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st

from fullwell import Bias, Dark, FrameSet, Gain, ReadNoise, ShotNoise, SignalChain
from fullwell.detector import Detector
from fullwell.detector.shrinking import with_amplifiers_of
from fullwell.effects import Signal
from fullwell.effects.dark_current import DarkCurrent
from fullwell.effects.glow import Glow
from fullwell.effects.read_out_dark import ReadOutDark
from fullwell.effects.silicon import band_gap, kelvin
from fullwell.effects.telegraph import Telegraph
from fullwell.errors import ChainError, NotEnoughFrames, ParameterError
from fullwell.flags import Flags
from fullwell.frame import Frame
from fullwell.noise import Noise

SHAPE = (80, 100)
DETECTOR = Detector.single(SHAPE)

# --- the law


@pytest.mark.parametrize(("celsius", "doubling"), [(25, 8.4), (0, 7.1), (-20, 6.1), (-40, 5.2), (-60, 4.4)])
def test_depletion_dark_doubles_as_known(celsius, doubling):
    assert DarkCurrent(10.0).doubling(celsius * u.deg_C) == pytest.approx(doubling, abs=0.05)


def test_diffusion_doubles_twice_as_fast():
    for celsius in (25, -20):
        t = celsius * u.deg_C
        assert DarkCurrent(0.0, 10.0).doubling(t) == pytest.approx(
            DarkCurrent(10.0).doubling(t) / 2, rel=1e-3
        )


def test_the_law_is_that_of_the_books():
    t, t0, k = 250.0, 298.15, 8.617333262e-5
    expected = (t / t0) ** 1.5 * np.exp(-band_gap(t) / (2 * k * t) + band_gap(t0) / (2 * k * t0))
    assert DarkCurrent(7.0).at(t) == pytest.approx(7 * expected)
    assert DarkCurrent(7.0, 2.0).at(25 * u.deg_C) == pytest.approx(9.0)
    assert band_gap(300.0) == pytest.approx(1.1108, abs=1e-4)


def test_the_law_is_found_again():
    true = DarkCurrent(12.0, 5.0)
    celsius = np.array([-30.0, -20, -10, 0, 10, 20])
    pulls = []
    for seed in range(200):
        rates = np.array([true.at(t * u.deg_C) for t in celsius])
        errors = 0.01 * rates
        noisy = rates + errors * np.random.default_rng(seed).normal(size=rates.size)
        found = DarkCurrent.fit(celsius * u.deg_C, noisy, errors=errors)
        pulls.append(
            [
                (found.depletion - 12) / found.depletion_error,
                (found.diffusion - 5) / found.diffusion_error,
            ]
        )
    # 200 trials: the width has an error of 5 %; 4 of those.
    np.testing.assert_allclose(np.sqrt(np.mean(np.square(pulls), axis=0)), 1, atol=0.2)


def test_a_term_that_is_not_there_is_not_negative():
    celsius = np.array([-20.0, 0, 20])
    rates = [DarkCurrent(5.0).at(t * u.deg_C) for t in celsius] * np.array([1.02, 1.0, 0.99])
    found = DarkCurrent.fit(celsius * u.deg_C, rates)
    assert found.diffusion == 0
    assert found.depletion == pytest.approx(5, rel=0.02)


def test_pixels_differ_and_stay_the_same_detector():
    law = DarkCurrent(10.0, spread=0.5, hot_fraction=0.01)
    warm, cold = (law.rates((300, 400), t * u.deg_C, seed=4) for t in (0, -20))
    usual = np.log(warm[warm < 20 * np.median(warm)])
    assert usual.std() == pytest.approx(0.5, rel=0.15)
    ratio = warm / cold
    typical = law.at(0 * u.deg_C) / law.at(-20 * u.deg_C)
    assert np.median(ratio) == pytest.approx(typical, rel=1e-3)
    hot = warm > 50 * np.median(warm)
    assert 0 < hot.mean() < 0.01
    # Activation energies of 0.45 to 0.7 eV: each its own ratio, and none the typical one of all.
    assert ratio[hot].std() > 0.05 * typical
    np.testing.assert_array_equal(warm, law.rates((300, 400), 273.15, seed=4))
    assert isinstance(law.dark((30, 40), 273.15, seed=4, offset=2.0), Dark)


def test_an_exposure_has_the_dark_of_its_temperature():
    law = DarkCurrent(10.0, hot_fraction=0.01)
    chain = SignalChain([law.dark(SHAPE, 0 * u.deg_C, seed=4)], detector=DETECTOR)
    for celsius in (0, -20, 20):
        frame = chain.expose(None, 1000.0, seed=1, temperature=celsius * u.deg_C).frame
        expected = 1000 * law.rates(SHAPE, celsius * u.deg_C, seed=4)
        # Poisson: 6 sigma for each of 8000 pixels.
        assert (np.abs(frame.data - expected) < 6 * np.sqrt(expected) + 6).all()
    np.testing.assert_array_equal(
        chain.expose(None, 10.0, seed=1).frame.data,
        chain.expose(None, 10.0, seed=1, temperature=273.15).frame.data,
    )


def test_hot_pixels_are_not_scaled_by_one_factor():
    law = DarkCurrent(10.0)
    rate = np.full(SHAPE, 0.5, np.float32)
    rate[3, 4] = 100
    scaled = law.scaled(Dark(rate), measured_at=0 * u.deg_C, wanted=-20 * u.deg_C)
    factor = law.at(-20 * u.deg_C) / law.at(0 * u.deg_C)
    assert scaled.rate[0, 0] == pytest.approx(0.5 * factor)
    assert scaled.flags[3, 4] & Flags.HOT
    assert (scaled.flags != 0).sum() == 1
    with pytest.raises(ParameterError, match="median rate"):
        law.scaled(Dark(0.0), measured_at=270, wanted=260)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: DarkCurrent(-1.0), "depletion"),
        (lambda: DarkCurrent(1.0, spread=-1), "spread"),
        (lambda: DarkCurrent(1.0, hot_fraction=2), "hot_fraction"),
        (lambda: DarkCurrent(1.0, hot_rate=(5, 1)), "hot_rate"),
        (lambda: DarkCurrent(1.0, hot_energy=(0, 1)), "hot_energy"),
        (lambda: DarkCurrent(1.0).at(-20.0), "temperature"),
        (lambda: DarkCurrent.fit([250, 260], [1.0, np.nan]), "rates"),
        (lambda: Glow.at_amplifiers(DETECTOR, rate=1.0, radius=0), "radius"),
        (lambda: Glow(np.zeros(3)), "rate"),
        (lambda: ReadOutDark(-np.ones((3, 3))), "rate"),
        (lambda: ReadOutDark(np.ones((3, 3)), -1.0), "row_time"),
        (lambda: Telegraph([[-1, 2]]), "pixels"),
        (lambda: Telegraph([[1, 2]], -1.0), "amplitude"),
        (lambda: Telegraph([[1, 2]], [1.0, 2.0]), "amplitude"),
        (lambda: Telegraph([[1, 2]], 1.0, time_low=0), "time_low"),
        (lambda: Telegraph.random(SHAPE, fraction=2, amplitude=(1, 2), seed=1), "fraction"),
        (lambda: Telegraph.random(SHAPE, fraction=0.1, amplitude=(2, 1), seed=1), "amplitude"),
    ],
)
def test_impossible_values_are_refused(make, name):
    with pytest.raises(ParameterError, match=name):
        make()


def test_temperatures_come_in_kelvin_or_with_a_unit():
    assert kelvin(-20 * u.deg_C) == pytest.approx(253.15)
    assert kelvin(250) == 250
    with pytest.raises(NotEnoughFrames):
        DarkCurrent.fit([250, 250], [1.0, 1.0])


# --- glow and read-out


def test_glow_sits_in_the_read_out_corners():
    detector = with_amplifiers_of(Detector.preset("lsst-itl"), (60, 40))
    glow = Glow.at_amplifiers(detector, rate=2.0, radius=5.0)
    for amplifier in detector.amplifiers:
        right, top = amplifier.read_out_corner
        box = amplifier.box
        corner = glow.rate[box.y1 - 1 if top else box.y0, box.x1 - 1 if right else box.x0]
        assert corner >= 2.0
        assert corner == pytest.approx(2.0, abs=0.01) or corner < 4.1  # neighbors may share a corner


@given(st.floats(0, 0.01), st.integers(0, 50))
def test_read_out_sums_what_lies_below(row_time, seed):
    rate = np.random.default_rng(seed).uniform(0, 100, SHAPE).astype(np.float32)
    expected = ReadOutDark(rate, row_time).expected(DETECTOR, layout="assembled")
    for y in (0, 1, 40, 79):
        np.testing.assert_allclose(
            expected[y], row_time * rate[:y].sum(axis=0, dtype=float), rtol=1e-5, atol=1e-9
        )


def test_a_hot_pixel_leaves_a_trail_into_the_overscan():
    detector = Detector.single((30, 20), overscan=4, prescan=2, parallel=5)
    rate = np.zeros((30, 20), np.float32)
    rate[10, 7] = 1e5
    effect = ReadOutDark(rate, 0.01)
    signal = Signal(np.zeros((30, 20), np.float32), detector, 0.0, 0.0)
    effect.simulate(signal, noise=Noise(2))
    # The pixel stands in column 2 + 7; 1000 electrons, 6 sigma.
    assert (np.abs(signal.image[11:, 9] - 1000) < 6 * np.sqrt(1000)).all()
    assert signal.image[11:, 9].size == 24
    assert not np.delete(signal.image, 9, axis=1).any()
    assert not signal.image[:11].any()


# --- telegraph pixels


def test_levels_come_and_go_with_their_times():
    effect = Telegraph(np.argwhere(np.ones((60, 60))), 5.0, 300.0, 100.0)
    detector = Detector.single((60, 60))
    for seconds in (1.0, 200.0, 1e5):
        signal = Signal(np.zeros((60, 60), np.float32), detector, 0.0, seconds)
        effect.simulate(signal, noise=Noise(3))
        high = signal.truth["telegraph"]
        assert (high >= 0).all()
        assert (high <= seconds * (1 + 1e-9)).all()
        # Three quarters of the time; 5 standard errors of the mean over the pixels.
        assert high.mean() == pytest.approx(0.75 * seconds, abs=5 * high.std() / 60 + 1e-3 * seconds)
    assert signal.image.mean() == pytest.approx(5 * high.mean(), rel=0.01)


def test_levels_last_from_exposure_to_exposure():
    effect = Telegraph(np.argwhere(np.ones((30, 30))), 1000.0, 1e5, 1e5)
    chain = SignalChain([effect], detector=Detector.single((30, 30)))
    frames = [e.frame.data for e in chain.expose_sequence([(None, 10.0)] * 20, seed=2)]
    levels = np.array(frames) > 5000
    # A level lasts 1e4 exposures: of 900 pixels 1.7 jump in 19 intervals, 12 at most with 7 sigma.
    assert (np.diff(levels, axis=0) != 0).sum() <= 12
    # Half of the pixels in either level: 5 standard errors.
    assert abs(levels[0].mean() - 0.5) < 5 * 0.5 / 30


def test_jumping_pixels_are_found_and_quiet_ones_are_not():
    shape = (100, 120)
    detector = Detector.single(shape)
    true = Telegraph.random(shape, fraction=2e-3, amplitude=(2.0, 6.0), seed=5, time_high=1e5, time_low=1e5)
    read = [Gain(1.5), Bias(1000.0), ReadNoise(6.0), ShotNoise(), Dark(0.2)]
    chain = SignalChain([true, *read])
    darks = [chain.expose(None, 100.0, detector=detector, noise=Noise(8, i)).frame for i in range(16)]
    found = Telegraph.measure(FrameSet(darks), known=SignalChain(read))
    wanted = {tuple(p) for p in true.pixels}
    seen = {tuple(p) for p in found.pixels}
    # One that was in one level in all exposures but one looks like a cosmic ray.
    assert len(wanted & seen) >= 0.9 * len(wanted)
    assert len(seen - wanted) <= 1
    for pixel, amplitude in zip(found.pixels, found.amplitude, strict=True):
        if tuple(pixel) in wanted:
            match = true.amplitude[(true.pixels == pixel).all(axis=1)][0]
            assert amplitude == pytest.approx(match, abs=0.4 + 0.1 * match)
    flagged = SignalChain([found, *read]).correct(darks[0])
    assert {tuple(p) for p in np.argwhere(flagged.flags & Flags.HOT)} == seen


def test_telegraph_pixels_need_enough_darks():
    frame = Frame(np.zeros(SHAPE, np.float32), detector=DETECTOR, exposure_time=1.0)
    with pytest.raises(NotEnoughFrames, match="8 darks"):
        Telegraph.measure(FrameSet([frame] * 3))
    with pytest.raises(ChainError, match="electrons"):
        Telegraph.measure(FrameSet([frame] * 8))
    with pytest.raises(ChainError, match="outside"):
        Telegraph([[500, 1]], 1.0).correct(frame)


def test_levels_fade_while_the_detector_idles():
    effect = Telegraph(np.argwhere(np.ones((30, 30))), 1000.0, 1e5, 1e5)
    chain = SignalChain([effect], detector=Detector.single((30, 30)))
    first, second = (e.frame.data > 5000 for e in chain.expose_sequence([(None, 10.0)] * 2, seed=2, idle=1e6))
    # Nothing is left of the level before: half of the pixels changed, 5 standard errors.
    assert abs((first != second).mean() - 0.5) < 5 * 0.5 / 30
