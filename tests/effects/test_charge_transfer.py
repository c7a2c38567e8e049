"""Charge that stays behind: closed forms, the inverse, the edge response."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import nbinom

from fullwell import Bias, FrameSet, Gain, ReadNoise, ShotNoise, SignalChain
from fullwell.detector import Detector
from fullwell.detector.shrinking import with_amplifiers_of
from fullwell.effects import Signal
from fullwell.effects.charge_trails import Trap, trail
from fullwell.effects.charge_transfer import ChargeTransfer
from fullwell.errors import FrameError, NotEnoughFrames, ParameterError
from fullwell.frame import Frame
from fullwell.noise import Noise

ITL = with_amplifiers_of(Detector.preset("lsst-itl"), (60, 50))


@given(st.integers(1, 60), st.floats(1e-7, 5e-3))
def test_late_charge_follows_the_negative_binomial(position, fraction):
    charge = np.zeros((1, 80))
    charge[0, position - 1] = 1.0
    arrived = trail(charge, fraction)[0]
    expected = nbinom.pmf(np.arange(80 - position + 1), position, 1 - fraction)
    np.testing.assert_allclose(arrived[position - 1 :], expected, rtol=1e-7, atol=1e-11)
    assert not arrived[: position - 1].any()


def test_shifting_pixel_by_pixel_gives_the_same():
    random = np.random.default_rng(1)
    charge, fraction = random.uniform(0, 100, 30), 3e-3
    register = np.concatenate([charge, np.zeros(10)])
    arrived = []
    for _ in range(40):
        moved = register * (1 - fraction)
        arrived.append(moved[0])
        register = register - moved
        register[:-1] += moved[1:]
    result = trail(np.concatenate([charge, np.zeros(10)])[None], fraction)[0]
    np.testing.assert_allclose(result, arrived, rtol=1e-9, atol=1e-9)


@given(st.floats(0, 200), st.floats(0, 0.5), st.floats(0.5, 10), st.integers(0, 30))
def test_a_trap_gives_back_what_it_took(size, fill, release, pixel):
    charge = np.zeros((3, 300))
    charge[:, 10:40] = np.random.default_rng(2).uniform(0, 5000, (3, 30))
    arrived = trail(charge, 0.0, traps=[Trap(pixel, size, fill, release)])
    np.testing.assert_allclose(arrived.sum(axis=1), charge.sum(axis=1), rtol=1e-8)
    np.testing.assert_array_equal(arrived[:, :pixel], charge[:, :pixel])


def test_a_trap_makes_an_exponential_trail():
    charge = np.zeros((1, 40))
    charge[0, 10] = 1000
    arrived = trail(charge, 0.0, traps=[Trap(5, 8.0, 1.0, 4.0)])[0]
    assert arrived[10] == pytest.approx(992)
    np.testing.assert_allclose(arrived[12:20] / arrived[11:19], np.exp(-0.25))


@given(st.floats(0, 1e-4), st.floats(0, 1e-4), st.integers(0, 50))
def test_correct_puts_everything_back(serial, parallel, seed):
    image = np.random.default_rng(seed).uniform(0, 50_000, ITL.shape).astype(np.float32)
    signal = Signal(image.copy(), ITL, 1.0, 1.0)
    effect = ChargeTransfer(serial, parallel)
    effect.simulate(signal, noise=Noise(1))
    assert signal.raw
    frame = Frame(ITL.assemble(signal.image), unit=u.electron, detector=ITL.without_scans())
    left = effect.correct(frame).data - image
    # Single precision, and what is late for the last pixels, which the overscan had.
    assert np.abs(left).max() < 0.05 + 50_000 * (60 * max(serial, parallel)) ** 2


@pytest.mark.parametrize("prescan", [0, 10, 50])
def test_transfers_through_the_prescan_count(prescan):
    detector = Detector.single((100, 200), prescan=prescan, overscan=40)
    image = np.full(detector.shape, 10, np.float32)
    image[:, 20] = 1e5
    signal = Signal(image.copy(), detector, 1.0, 1.0)
    effect = ChargeTransfer(1e-4, traps=[Trap(prescan + 10, 200.0, 0.01)])
    effect.simulate(signal, noise=Noise(1))
    seen = detector.assemble(signal.image)
    assert (image - seen)[:, 20].min() > 1e5 * 1e-4 * (prescan + 20)
    frame = Frame(seen, unit=u.electron, detector=detector.without_scans())
    np.testing.assert_allclose(effect.correct(frame).data, image, atol=0.1)


def test_charge_goes_into_the_overscan_and_none_is_lost():
    image = np.full(ITL.shape, 10_000, np.float32)
    signal = Signal(image, ITL, 1.0, 1.0)
    ChargeTransfer(1e-5, 2e-5).simulate(signal, noise=Noise(1))
    assert signal.image.sum(dtype=float) == pytest.approx(image.sum(dtype=float), rel=1e-7)
    for a in ITL.amplifiers:
        # The last column needs 50 + 3 transfers, the last row 60.
        assert signal.image[a.overscan.slices].sum(dtype=float) == pytest.approx(
            60 * 10_000 * 53e-5, rel=2e-3
        )
        assert signal.image[a.parallel.slices].sum(dtype=float) == pytest.approx(
            50 * 10_000 * 120e-5, rel=2e-3
        )


def flats(effect, level, *, count=10, detector=ITL, seed=3):
    n = len(detector.amplifiers)
    chain = SignalChain([effect, ShotNoise(), ReadNoise([6.0] * n), Gain([1.7] * n), Bias(1000.0)])
    light = np.full(detector.shape, level, np.float32)
    return FrameSet(
        [chain.expose(light, 1.0, detector=detector, noise=Noise(seed, i)).frame for i in range(count)]
    )


def test_the_local_offset_is_told_from_late_charge():
    true = ChargeTransfer(2e-5, 1e-5, offset=4e-4, offset_decay=6.0)
    found = ChargeTransfer.measure(flats(true, 50_000))
    assert found.offset_decay == pytest.approx(6.0, rel=0.15)
    for name, value in (("serial", 2e-5), ("parallel", 1e-5), ("offset", 4e-4)):
        values, errors = (np.asarray(getattr(found, key)) for key in (name, f"{name}_error"))
        mean, error = values.mean(), np.sqrt((errors**2).sum()) / 16
        # The fitted decay is common to all amplifiers and is not in their errors.
        assert abs(mean - value) < 5 * error + 0.03 * value, name
    assert (np.asarray(found.serial_error) < 1e-5).all()
    back = found.correct(flats(true, 50_000, count=1)[0])
    a = ITL.amplifiers[0]
    base = back.data[a.overscan.slices][:, 20:].mean()
    first = back.data[a.overscan.slices][:, 0 if not a.raw_corner[0] else -1].mean()
    assert abs(first - base) < 5 * 6.0 / 1.7 / np.sqrt(60) + 1


@pytest.mark.parametrize(("serial", "offset"), [(5e-5, 0.0), (1e-4, 0.0), (5e-4, 2e-3)])
def test_charge_that_comes_late_twice_is_no_local_offset(serial, offset):
    detector = Detector.single((200, 300), overscan=60)
    true = ChargeTransfer(serial, offset=offset)
    found = ChargeTransfer.measure(flats(true, 50_000, count=4, detector=detector))
    assert found.serial[0] == pytest.approx(serial, rel=5e-3)
    # The offset of an offset is a part in a thousand of it.
    assert found.offset[0] == pytest.approx(offset, abs=5 * found.offset_error[0] + 0.02 * offset)


def test_what_is_not_seen_has_a_limit():
    found = ChargeTransfer.measure(flats(ChargeTransfer(1e-9, 1e-9), 2000, count=2))
    limits = found.limits["serial"]
    seen = [limit for limit in limits if limit is None]
    # 2 sigma upward: 2 % each.
    assert len(seen) <= 4
    assert all(limit > 0 for limit in limits if limit is not None)
    assert ChargeTransfer(1e-6).limits == {}


def test_missing_pixels_leave_their_neighbors_alone():
    effect = ChargeTransfer(1e-5, 1e-5)
    data = np.full(ITL.shape, 20_000, np.float32)
    data[7, 9] = data[0, 0] = np.nan
    data[30] = np.nan
    back = effect.correct(Frame(data, unit=u.electron, detector=ITL.without_scans())).data
    np.testing.assert_array_equal(np.isnan(back), np.isnan(data))
    assert np.nanmax(np.abs(back - 20_000)) < 100


def test_what_cannot_be_is_refused():
    with pytest.raises(ParameterError, match="transfers empty"):
        ChargeTransfer(9.9e-3).simulate(
            Signal(np.ones((4, 900), np.float32), Detector.single((4, 900)), 1.0, 1.0), noise=Noise(1)
        )
    with pytest.raises(ParameterError, match="one for each"):
        ChargeTransfer([1e-6, 2e-6]).simulate(
            Signal(np.ones(ITL.shape, np.float32), ITL, 1.0, 1.0), noise=Noise(1)
        )
    with pytest.raises(NotEnoughFrames):
        ChargeTransfer.measure(FrameSet([]))
    trimmed = Frame(np.ones(ITL.shape, np.float32), detector=ITL.without_scans())
    with pytest.raises(FrameError, match="trimmed"):
        ChargeTransfer.measure(FrameSet([trimmed]))
    plain = Frame(np.ones((40, 60), np.float32), detector=Detector.single((40, 50), overscan=10))
    with pytest.raises(FrameError, match="no overscan of"):
        ChargeTransfer.measure(FrameSet([plain]))


@pytest.mark.parametrize(
    ("values", "name"),
    [((-1, 5), "pixel"), ((1, -5), "size"), ((1, 5, 2.0), "fill"), ((1, 5, 0.1, 0.0), "release")],
)
def test_impossible_traps_are_refused(values, name):
    with pytest.raises(ParameterError, match=name):
        Trap(*values)
