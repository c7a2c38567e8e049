"""Traps in the tails of flats: found with the right errors, limited where they are not seen."""

from __future__ import annotations

import numpy as np
import pytest

from fullwell import Bias, FrameSet, Gain, ReadNoise, ShotNoise, SignalChain
from fullwell.detector import Detector
from fullwell.effects import trap_fit
from fullwell.effects.charge_trails import Trap, trail
from fullwell.effects.charge_transfer import ChargeTransfer
from fullwell.effects.eper import Edge
from fullwell.effects.trap_fit import trap_tails
from fullwell.errors import ChainError, FrameError, NotEnoughFrames, ParameterError
from fullwell.frame import Frame
from fullwell.noise import Noise

LEVELS = (300.0, 1000.0, 3000.0, 8000.0, 20_000.0, 50_000.0)
DETECTOR = Detector.single((120, 150), prescan=5, overscan=50, parallel=50)
KNOWN = SignalChain([Gain(1.7)])


def edges(traps, random, *, cti=1e-5, offset=0.0, error=0.15, levels=LEVELS):
    """Tails with noise, of a register of 300 pixels and an overscan of 60."""
    result = []
    for level in levels:
        row = np.zeros((1, 360))
        row[0, :300] = level
        tail = trail(row, cti, traps=traps)[0][299:]
        tail[1:] += offset * level * np.exp(-np.arange(60) / 6.0)
        late = tail[1:16] - tail[16:].mean() + random.normal(0, error, 15)
        result.append(Edge(float(tail[0]), late, np.full(15, error), 300, 45))
    return result


def fits(amplifiers, *, slow):
    return trap_fit._fit_all(amplifiers, slow=slow)[0]


@pytest.mark.parametrize("slow", [False, True])
def test_size_fill_and_release_come_back_with_the_right_errors(slow):
    # 40 amplifiers: the width of a pull is known to 11 %, asked for to 40 %, its mean to 0.16, asked for to
    # 0.6: false alarms of 8 numbers below 1 %. The decay, common to all, is not in the errors.
    random = np.random.default_rng(1)
    true = Trap(0, 20.0, 0.004, 3.0)
    offset = 2e-4 if slow else 0.0
    found = fits([edges([true], random, offset=offset) for _ in range(40)], slow=slow)
    assert all(fit.trap is not None for fit in found)
    pulls = np.array(
        [
            [
                (getattr(fit.trap, name) - getattr(true, name)) / error
                for name, error in zip(("size", "fill", "release"), fit.errors, strict=True)
            ]
            + [(fit.cti - 1e-5) / fit.cti_error]
            for fit in found
        ]
    )
    np.testing.assert_allclose(pulls.std(axis=0), 1.0, atol=0.4)
    np.testing.assert_allclose(pulls.mean(axis=0), 0.0, atol=0.6)
    assert np.mean([fit.errors[0] for fit in found]) < 2.0


@pytest.mark.parametrize("slow", [False, True])
def test_without_a_trap_none_is_found(slow):
    # Of 1000 tails of noise 8 explained more than 12 of chi^2 by a trap, none more than 16, and 25 is asked
    # for: with e^(-1/2) for each, less than one false alarm in 10^4 tails; 0.4 % for these 40.
    random = np.random.default_rng(2)
    found = fits([edges([], random, offset=3e-4 if slow else 0.0) for _ in range(40)], slow=slow)
    assert [fit.trap for fit in found] == [None] * 40
    limits = np.array([fit.limit for fit in found])
    assert (limits > 0).all()
    assert limits.max() < 3.0
    # Numbers to hold on to where there is nothing.
    assert found[0].summary()["size"] is None
    pulls = [(fit.cti - 1e-5) / fit.cti_error for fit in found]
    assert np.std(pulls) == pytest.approx(1.0, abs=0.4)


@pytest.mark.parametrize(("cti", "offset"), [(1e-4, 0.0), (1e-4, 2e-3), (5e-4, 0.0)])
def test_charge_that_comes_late_twice_is_no_trap(cti, offset):
    # 4 tails each, of which one in 10^4 is taken for a trap by its noise.
    random = np.random.default_rng(6)
    found = fits([edges([], random, cti=cti, offset=offset) for _ in range(4)], slow=True)
    assert [fit.trap for fit in found] == [None] * 4
    assert found[0].cti == pytest.approx(cti, rel=5e-3)


def test_a_limit_holds_for_what_is_too_small_to_be_seen():
    # 40 traps of 0.3 e-; at 2 sigma one in 44 lies above its limit: 5 or more of 40 in 1 case of 500.
    random = np.random.default_rng(3)
    found = fits([edges([Trap(0, 0.3, 0.01, 3.0)], random) for _ in range(40)], slow=False)
    limits = [fit.limit for fit in found if fit.limit is not None]
    assert len(limits) > 30
    assert sum(limit < 0.3 for limit in limits) < 5


def test_a_trap_that_is_full_at_all_levels_has_a_least_fill():
    # Late charge is small: such a trap would catch it again. 5 sigma.
    random = np.random.default_rng(4)
    found = fits([edges([Trap(0, 10.0, 0.5, 3.0)], random, cti=1e-7)], slow=False)[0]
    assert found.trap.size == pytest.approx(10.0, abs=5 * found.errors[0])
    assert found.errors[1] == np.inf
    assert found.trap.fill <= 10.0 / LEVELS[0] * 1.1


def test_a_trap_that_never_fills_up_has_a_least_size():
    random = np.random.default_rng(5)
    found = fits([edges([Trap(0, 1e4, 1e-3, 3.0)], random)], slow=False)[0]
    assert found.errors[0] == np.inf
    assert found.trap.size <= 1.1 * 50.0
    assert found.trap.fill == pytest.approx(1e-3, rel=0.02)


def flats(effect, *, detector=DETECTOR, count=4, seed=1, levels=LEVELS):
    n = len(detector.amplifiers)
    chain = SignalChain([effect, ShotNoise(), ReadNoise([5.0] * n), Gain([1.7] * n), Bias(1000.0)])
    light = np.full(detector.shape, 1000, np.float32)
    return FrameSet(
        [
            chain.expose(light, level / 1000, detector=detector, noise=Noise(seed, 100 * i + k)).frame
            for i, level in enumerate(levels)
            for k in range(count)
        ]
    )


def test_flats_give_the_traps_and_lose_them_again():
    # Nine numbers within 5 sigma.
    true = ChargeTransfer(
        1e-5,
        5e-6,
        traps=[Trap(0, 25.0, 0.005, 4.0)],
        parallel_traps=[Trap(0, 15.0, 0.004, 2.0)],
        offset=3e-4,
        offset_decay=7.0,
    )
    frames = flats(true)
    found = ChargeTransfer.measure(frames, known=KNOWN, traps=True)
    for kind in ("traps", "parallel_traps"):
        (seen,), (want,) = getattr(found, kind), getattr(true, kind)
        numbers = found.statistics[kind][0]
        assert seen.amplifier == 0
        for name in ("size", "fill", "release"):
            error = numbers[f"{name}_error"]
            assert abs(getattr(seen, name) - getattr(want, name)) < 5 * error, (kind, name)
            assert error < 0.3 * getattr(want, name)
    assert found.limits["traps"] == found.limits["parallel_traps"] == (None,)
    for name in ("serial", "parallel", "offset"):
        error = getattr(found, f"{name}_error")[0]
        assert (
            abs(getattr(found, name)[0] - getattr(true, name)[0]) < 5 * error + 0.02 * getattr(true, name)[0]
        )
    # What was put into the overscan, in electrons and of the brightest level, is taken out again.
    left = found.correct(_without_bias(frames[-1])).data
    tail = left[:120, 155:160].mean(axis=0) - left[:120, 175:].mean()
    assert np.abs(tail).max() < 5 * 5.0 / np.sqrt(120) + 1.0


def _without_bias(frame):
    return frame.with_(data=((frame.data - 1000.0) * 1.7).astype(np.float32))


def test_each_amplifier_has_its_own_traps():
    detector = Detector.preset("lsst-itl")
    from fullwell.detector.shrinking import with_amplifiers_of

    small = with_amplifiers_of(detector, (50, 40))
    image = np.full(small.shape, 1e4, np.float32)
    effect = ChargeTransfer(traps=[Trap(0, 50.0, 0.1, 3.0, amplifier=3)])
    moved = effect._shifted(small.disassemble(image), small, layout="raw") - small.disassemble(image)
    touched = [bool(np.any(moved[a.raw.slices])) for a in small.amplifiers]
    assert touched == [k == 3 for k in range(16)]


def test_what_is_needed_is_asked_for():
    frames = flats(ChargeTransfer(1e-5), count=1, levels=(1000.0, 5000.0))
    with pytest.raises(NotEnoughFrames, match="3 exposure times"):
        ChargeTransfer.measure(frames, known=KNOWN, traps=True)
    with pytest.raises(ChainError, match="Gain"):
        ChargeTransfer.measure(frames, traps=True)
    with pytest.raises(ParameterError, match="gain"):
        trap_tails([*frames, *flats(ChargeTransfer(), count=1, levels=(2e4,))], gains=(1.0, 2.0))
    bare = Frame(np.ones(DETECTOR.raw_shape, np.float32), detector=DETECTOR)
    with pytest.raises(FrameError, match="no exposure time"):
        ChargeTransfer.measure([bare], known=KNOWN, traps=True)
    with pytest.raises(ParameterError, match="amplifier"):
        Trap(0, 5.0, amplifier=-1)


def test_no_overscan_on_one_side_leaves_that_direction_open():
    detector = Detector.single((120, 150), overscan=50)
    found = ChargeTransfer.measure(
        flats(ChargeTransfer(1e-5), detector=detector, count=1), known=KNOWN, traps=True
    )
    assert found.limits["parallel_traps"] == (np.inf,)
    assert found.parallel_error == (np.inf,)
