"""Blooming onset, full well and bleeding: put in, measured, flagged."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from astropy import units as u
from simulated_frames import signal

from fullwell import ADC, Bias, Detector, FullWell, Gain, Noise, ReadNoise, ShotNoise, SignalChain
from fullwell.detector.shrinking import with_amplifiers_of
from fullwell.effects.parts import put_together, take_apart
from fullwell.errors import ChainError, FrameError, ParameterError
from fullwell.flags import Flags, mask_of
from fullwell.frame import Frame

ITL = with_amplifiers_of(Detector.preset("lsst-itl"), (40, 6))
E2V = with_amplifiers_of(Detector.preset("lsst-e2v"), (40, 6))


def exposed(effect, image, detector):
    made = signal(image, detector=detector)
    effect.simulate(made, noise=Noise(1))
    return made.image, made.truth["full_well"]


# --- simulate


def test_presets_state_both_levels_and_the_stop():
    itl, e2v = FullWell.of(ITL), FullWell.of(E2V)

    assert (itl.capacity, itl.onset, itl.midline_stop) == ((178_000.0,), (129_000.0,), False)
    assert (e2v.capacity, e2v.onset, e2v.midline_stop) == ((136_000.0,), (103_000.0,), True)
    with pytest.raises(ParameterError, match="detector"):
        FullWell.of(Detector.single((4, 4)))


def test_bleeding_crosses_the_midline_of_one_vendor_and_stops_in_the_other():
    for detector, crosses in ((ITL, True), (E2V, False)):
        image = np.zeros(detector.shape)
        image[35, 10] = 6e6  # much more than its half can hold above it
        after, truth = exposed(FullWell.of(detector), image, detector)

        assert bool(after[40:, 10].any()) is crosses
        assert after.max() == FullWell.of(detector).capacity[0]
        assert after.sum(dtype=np.float64) + truth["lost"] == image.sum(dtype=np.float64)
        assert not np.delete(after, 10, axis=1).any()


def test_each_half_loses_charge_at_its_own_register():
    full = FullWell(100.0, midline_stop=True)
    for row, other in ((5, slice(40, 80)), (75, slice(0, 40))):
        image = np.zeros(E2V.shape)
        image[row, 3] = 1e5
        after, truth = exposed(full, image, E2V)
        own = slice(0, 40) if row < 40 else slice(40, 80)
        np.testing.assert_array_equal(after[own, 3], 100.0)
        assert not after[other].any()
        assert truth["lost"] == 1e5 - 40 * 100


def test_amplifiers_may_differ():
    capacity = np.linspace(100.0, 250.0, 16)
    after, _ = exposed(FullWell(tuple(capacity)), np.full(ITL.shape, 1000.0), ITL)

    for amplifier, level in zip(ITL.amplifiers, capacity, strict=True):
        assert (after[amplifier.box.slices] == np.float32(level)).all()


def test_flats_keep_their_mean_lose_variance_and_end_at_full_well():
    # 9e4 pixels: a variance is known to 0.5 %, asked for to 2 % (4 sigma, 6e-5 each).
    detector = Detector.single((300, 300))
    full = FullWell(178_000.0, 129_000.0)
    seen = {}
    for i, mean in enumerate((100e3, 150e3, 160e3)):
        counted = Noise(7, i).stream("light").poisson(np.full(detector.shape, mean, np.float32))
        after, _ = exposed(full, counted, detector)
        assert after.sum(dtype=np.float64) == counted.sum(dtype=np.float64)
        k = 0.25 * max(min((mean - 129e3) / 64.5e3, 1.0), 0.0)
        seen[mean] = after.var(dtype=np.float64) / (mean * (1 - 4 * k + 6 * k * k))
    after, truth = exposed(full, np.full(detector.shape, 200e3), detector)

    # Where the sharing grows with the signal it acts a little on top of k (the slope of k with the signal).
    assert seen[100e3] == pytest.approx(1.0, abs=0.02)
    assert seen[150e3] == pytest.approx(1.0, abs=0.02)
    assert seen[160e3] == pytest.approx(1.0, abs=0.02)
    assert (after == 178e3).all()
    assert truth["lost"] == 300 * 300 * 22e3


def test_a_drain_takes_its_part_first():
    image = np.zeros(ITL.shape)
    image[20, 5] = 10_000.0
    _, truth = exposed(FullWell(1000.0, anti_blooming=1.0), image, ITL)
    after, half = exposed(FullWell(1000.0, anti_blooming=0.5), image, ITL)

    assert (truth["drained"], truth["bleed"].size) == (9000.0, 0)
    assert half["drained"] == 4500.0
    assert after.sum() == 5500.0


def test_a_raw_layout_and_levels_in_adu_are_refused():
    made = signal(0.0, detector=ITL)
    made.to_raw()
    with pytest.raises(ChainError, match="raw layout"):
        FullWell(1000.0).simulate(made, noise=Noise(1))
    with pytest.raises(ChainError, match="ADU"):
        exposed(FullWell(1000.0, unit=u.adu), np.zeros(ITL.shape), ITL)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"capacity": -1.0}, "capacity"),
        ({"capacity": 0.0}, "capacity"),
        ({"capacity": np.nan}, "capacity"),
        ({"capacity": 100.0, "onset": 120.0}, "onset"),
        ({"capacity": (100.0, 90.0), "onset": (95.0, 95.0)}, "onset"),
        ({"capacity": (100.0, 90.0), "onset": (50.0, 50.0, 50.0)}, "onset"),
        ({"capacity": 100.0, "onset": -3.0}, "onset"),
        ({"capacity": 100.0, "sharing": 0.3}, "sharing"),
        ({"capacity": 100.0, "anti_blooming": 1.1}, "anti_blooming"),
        ({"capacity": 100.0, "ramp": 0.0}, "ramp"),
        ({"capacity": 100.0, "saturation": 0.0}, "saturation"),
        ({"capacity": 100.0, "saturation": 50.0, "suspect": 60.0}, "suspect"),
        ({"capacity": 100.0, "trail": 0}, "trail"),
    ],
)
def test_impossible_values_are_refused_by_name(arguments, name):
    with pytest.raises(ParameterError, match=f"^{name} = "):
        FullWell(**arguments)


def test_values_must_fit_the_amplifiers():
    with pytest.raises(ParameterError, match="16 amplifiers"):
        exposed(FullWell((100.0, 200.0)), np.zeros(ITL.shape), ITL)


def test_quantities_and_round_trip():
    effect = FullWell(178_000 * u.electron, 129_000 * u.electron)
    tree, arrays = take_apart(attrs.evolve(effect, statistics={"pairs": 3}))
    back = put_together(tree, arrays)
    assert attrs.asdict(back) == attrs.asdict(attrs.evolve(effect, statistics={"pairs": 3}))
    with pytest.raises(ParameterError):
        FullWell(3 * u.s)


# --- flag


def test_levels_in_adu_follow_gain_and_bias():
    levels = FullWell((1000.0, 2000.0), (600.0, 1500.0)).in_adu(gain=2.0, bias=(100.0, 200.0), margin=0.1)

    assert levels.saturation == (100 + 450.0, 200 + 900.0)
    assert levels.suspect == (100 + 300.0, 200 + 750.0)
    with pytest.raises(ParameterError, match="margin"):
        levels.in_adu(gain=2.0, bias=0.0, margin=1.0)


def test_without_levels_nothing_is_flagged():
    assert FullWell(1000.0).flag(Frame(np.full((3, 3), 1e6, np.float32))) is None


def test_raw_values_are_flagged_by_their_levels():
    data = np.full((12, 3), 10.0, np.float32)
    data[4:8, 1] = 100.0  # a trail of four
    data[2, 0] = 100.0
    data[9, 2] = 60.0
    flags = FullWell(1000.0, saturation=100.0, suspect=50.0, trail=4).flag(Frame(data))

    saturated, bleed = (mask_of(flags, bad=plane) for plane in (Flags.SATURATED, Flags.BLEED))
    np.testing.assert_array_equal(saturated, data == 100)
    assert np.argwhere(bleed).tolist() == sorted([[1, 0], [3, 0], *([r, 1] for r in range(3, 9))])
    assert np.argwhere(mask_of(flags, bad=Flags.SUSPECT)).tolist() == [[9, 2]]


def test_whatever_was_full_or_reached_is_flagged_in_the_raw_frame():
    detector = E2V
    chain = SignalChain(
        [FullWell.of(detector).in_adu(gain=1.5, bias=1000.0), ShotNoise(), ReadNoise(5.0), Gain(1.5),
         Bias(1000.0), ADC(18)]
    )  # fmt: skip
    scene = np.full(detector.shape, 500.0, np.float32)
    rng = np.random.default_rng(4)
    for row, column in rng.integers(5, 45, (12, 2)):
        scene[row, column] = 10 ** rng.uniform(5.5, 6.3)
    made = chain.expose(scene, 1.0, detector=detector, noise=Noise(5))
    found = chain.correct(made.frame).mask
    truth = np.zeros(detector.shape, bool)
    truth.ravel()[made.truth["full_well"]["saturated"]] = True
    truth.ravel()[made.truth["full_well"]["bleed"]] = True

    assert truth.sum() > 50
    assert found[truth].all()  # completeness
    # Purity: at most one pixel more at each end of each run.
    columns = int(truth.any(axis=0).sum())
    assert (found & ~truth).sum() <= 4 * columns


# --- measure


def ramp_frames(effect, levels, detector, *, gain=1.5, seed=1):
    chain = SignalChain([effect, ShotNoise(), ReadNoise(5.0), Gain(gain), Bias(1000.0), ADC(18)])
    flat = np.ones(detector.shape, np.float32)
    frames = []
    for i, level in enumerate(levels):
        for k in range(2):
            noise = Noise(seed, 2 * i + k)
            frames.append(chain.expose(flat * 1000.0, level / 1000.0, detector=detector, noise=noise).frame)
    return frames


@pytest.fixture(scope="module")
def measured():
    detector = with_amplifiers_of(Detector.preset("lsst-itl"), (200, 20))
    levels = np.concatenate([np.linspace(5e3, 95e3, 12), np.arange(100e3, 193e3, 3e3)])
    frames = ramp_frames(FullWell.of(detector), levels, detector)
    return FullWell.measure(frames, known=SignalChain([Bias(1000.0), Gain(1.5)])), frames


def test_both_turnoffs_come_back(measured):
    full, _ = measured

    assert full.unit == u.electron
    np.testing.assert_allclose(full.capacity, 178_000, rtol=0.002)  # the plateau is sharp
    # 4000 pixels: the variances scatter by 2.2 %.
    assert np.median(full.onset) == pytest.approx(129_000, rel=0.03)
    assert np.mean(np.abs(np.array(full.onset) / 129_000 - 1) < 0.06) > 0.8
    assert len(full.capacity_error) == len(full.onset_error) == 16
    assert (np.array(full.onset_error) > 500).all()


def test_a_ramp_without_gain_gives_levels_in_adu(measured):
    full = FullWell.measure(measured[1], known=SignalChain([Bias(1000.0)]))

    assert full.unit == u.adu
    np.testing.assert_allclose(full.capacity, 178_000 / 1.5, rtol=0.002)
    levels = full.in_adu(gain=None, bias=1000.0)
    np.testing.assert_allclose(levels.saturation, 1000 + 0.99 * 178_000 / 1.5, rtol=0.003)


def test_ramps_that_cannot_say_are_refused(measured):
    frames = measured[1]
    known = SignalChain([Bias(1000.0), Gain(1.5)])
    with pytest.raises(FrameError, match=r"amplifier C10.*turnoff"):
        FullWell.measure(frames[:40], known=known)
    with pytest.raises(FrameError, match="pairs"):
        FullWell.measure(frames[::2], known=known)
    with pytest.raises(ParameterError, match="light"):
        FullWell.measure(frames, known=known, light=[1.0])
