"""One pass over the raw frame against the same effects taken out one after the other."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from astropy import units as u
from hypothesis import given, settings
from hypothesis import strategies as st

from fullwell import (
    ADC,
    Bias,
    Dark,
    Defects,
    Detector,
    Flat,
    Gain,
    NonLinearity,
    Overscan,
    ReadNoise,
    SignalChain,
)
from fullwell.chain import backward, fused
from fullwell.chain.pointwise_run import run_of
from fullwell.detector import Amplifier, Box
from fullwell.effects.affine import Affine, MasterTerm
from fullwell.effects.base import Effect, Kind, Stage
from fullwell.effects.curves import Polynomial, Spline
from fullwell.effects.dark import DarkLevel
from fullwell.effects.pointwise import Lookup, PoissonTerm
from fullwell.errors import ParameterError
from fullwell.flags import Flags
from fullwell.frame import Frame, Shared
from fullwell.kernels import correct

ROWS, COLUMNS, SCAN = 12, 30, 10


def camera(amplifiers):
    """Amplifiers beside each other, every second one read from the right; each with an overscan."""
    width, wide = COLUMNS // amplifiers, COLUMNS // amplifiers + SCAN
    parts = []
    for i in range(amplifiers):
        left, flip = i * wide, bool(i % 2)
        parts.append(
            Amplifier(
                f"A{i}",
                box=Box(i * width, (i + 1) * width, 0, ROWS),
                data=Box(left, left + width, 0, ROWS),
                raw=Box(left, left + wide, 0, ROWS + 4),
                overscan=Box(left + width, left + wide, 0, ROWS),
                parallel=Box(left, left + width, ROWS, ROWS + 4),
                flip_x=flip,
                flip_y=flip,
            )
        )
    return Detector("camera", (ROWS, COLUMNS), (ROWS + 4, wide * amplifiers), parts)


def masters(random, wanted, *, overscan, gains):
    """Effects as they are measured, with their noise and what they share."""
    before = ("overscan",) if overscan else ()

    def image(mean, spread):
        return random.normal(mean, spread, (ROWS, COLUMNS)).astype(np.float32)

    flags = (random.random((ROWS, COLUMNS)) < 0.1).astype(np.uint16)
    effects = {
        "bias": Bias(structure=image(100, 3), variance=abs(image(2, 0.2)), read_noise=(4.0,), count=5, id="b",
                     applied=before),
        "dark": Dark(levels=(DarkLevel(300.0, image(30, 4), abs(image(3, 0.3)), 5, "d"),),
                     shared={"b": Shared(-1.0, 2.0)}, applied=(*before, "bias"), unit=u.adu, flags=flags),
        "flat": Flat(image(1, 0.05), variance=abs(image(1e-4, 1e-5)), id="f", count=5, flags=2 * flags,
                     shared={"b": Shared(-3e-5, 2.0), "d": Shared(-2e-5, 3.0)},
                     applied=(*before, "bias", "dark")),
        "defects": Defects(4 * flags),
    }  # fmt: skip
    effects["flat"].response[0, 0] = 0
    if "bias" not in wanted:
        effects["dark"] = attrs.evolve(effects["dark"], applied=before, shared={})
        effects["flat"] = attrs.evolve(effects["flat"], applied=before, shared={})
    elif "dark" not in wanted:
        effects["flat"] = attrs.evolve(effects["flat"], applied=(*before, "bias"))
    chosen = [effects[name] for name in effects if name in wanted]
    return [*chosen, *([Gain(gains)] if "gain" in wanted else [])]


def both(chain, frame, *, settle):
    """Return what one pass makes and what comes out step by step."""
    made = fused.correct_fused(chain, frame, settle=settle)
    assert made is not None
    fast = chain.correct(frame, settle=settle)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backward, "correct_fused", lambda *_, **__: None)
        return fast, chain.correct(frame, settle=settle)


def alike(fast, slow):
    np.testing.assert_array_equal(fast.flags, slow.flags)
    np.testing.assert_allclose(fast.data, slow.data, rtol=2e-5, atol=2e-3)
    assert (fast.variance is None) == (slow.variance is None)
    if fast.variance is not None:
        np.testing.assert_allclose(fast.variance, slow.variance, rtol=1e-4, atol=1e-4)
    assert (fast.unit, fast.applied, fast.layout) == (slow.unit, slow.applied, slow.layout)
    assert fast.shared.keys() == slow.shared.keys()
    for key, share in slow.shared.items():
        np.testing.assert_allclose(fast.shared[key].contribution, share.contribution, rtol=1e-3, atol=1e-6)
    assert fast.header == slow.header


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    amplifiers=st.sampled_from([1, 2, 3]),
    method=st.sampled_from([None, "mean", "median", "row", "polynomial"]),
    parallel=st.booleans(),
    wanted=st.sets(st.sampled_from(["bias", "dark", "flat", "defects", "gain"])),
    noise=st.sampled_from([None, 0.0, 6.0]),
    floats=st.booleans(),
    settle=st.booleans(),
)
def test_one_pass_is_step_by_step(seed, amplifiers, method, parallel, wanted, noise, floats, settle):
    random = np.random.default_rng(seed)
    detector = camera(amplifiers)
    data = random.normal(1500, 200, detector.raw_shape).astype(np.float32 if floats else np.uint16)
    data[1, 1] = 65535
    if floats:
        data[2, 2:4] = np.nan, np.inf
    flags = (random.random(data.shape) < 0.05).astype(np.uint16) * 64
    frame = Frame(data, flags=flags, detector=detector, exposure_time=120.0)
    gains = tuple(1.0 + 0.2 * i for i in range(amplifiers))
    effects = [ADC(saturation=60000), *masters(random, wanted, overscan=method is not None, gains=gains)]
    effects += [] if method is None else [Overscan(method, skip=(1, 0), parallel=parallel)]
    if noise is not None:
        effects.append(ReadNoise(noise, unit=u.electron if "gain" in wanted else u.adu))

    alike(*both(SignalChain(effects), frame, settle=settle))


def test_what_was_worked_out_holds_for_one_time_and_geometry_only():
    random = np.random.default_rng(1)
    chain = SignalChain([ADC(), *masters(random, {"bias", "dark", "gain"}, overscan=False, gains=(1.5,))])
    data = random.normal(1500, 20, (ROWS, COLUMNS)).astype(np.uint16)
    for seconds in (100.0, 250.0, 100.0):
        alike(*both(chain, Frame(data, exposure_time=seconds), settle=True))


class Warped(Effect):
    """A table that every value goes through."""

    name, stage, kind = "nonlinearity", Stage.NONLINEARITY, Kind.POINTWISE

    def affine(self, frame, *, unit, chain=None):  # noqa: ARG002
        return Lookup(0.0, 500.0, [0, 500, 1010, 1530, 2080, 2700])


@pytest.mark.parametrize("wanted", [{"gain"}, {"bias", "gain"}, {"bias", "dark", "flat", "gain"}])
def test_a_table_within_the_pass(wanted):
    random = np.random.default_rng(2)
    effects = masters(random, wanted, overscan=False, gains=(1.5,))
    data = random.normal(1100, 200, (ROWS, COLUMNS)).astype(np.uint16)
    chain = SignalChain([ADC(), Warped(), ReadNoise(5.0), *effects])

    alike(*both(chain, Frame(data, exposure_time=120.0), settle=True))


@pytest.mark.parametrize("wanted", [{"gain"}, {"bias", "gain"}, {"bias", "dark", "flat", "gain"}])
@pytest.mark.parametrize("raw", [False, True])
def test_non_linearity_within_the_pass(wanted, raw):
    random = np.random.default_rng(3)
    detector = camera(2) if raw else None
    curves = Polynomial((-1e-5,), limit=2000.0), Spline([0, 500, 1000, 2200], [0, 0, 10, 80])
    effects = masters(random, wanted, overscan=raw, gains=(1.5, 1.4) if raw else (1.5,))
    effects += [Overscan("mean")] if raw else []
    data = random.normal(1200, 300, detector.raw_shape if raw else (ROWS, COLUMNS)).astype(np.uint16)
    if raw:
        for amplifier in detector.amplifiers:
            data[amplifier.overscan.slices] = 100
    curved = NonLinearity(curves if raw else curves[0])
    chain = SignalChain([ADC(), curved, ReadNoise(5.0), *effects])

    fast, slow = both(chain, Frame(data, detector=detector, exposure_time=120.0), settle=True)

    alike(fast, slow)
    ends = (fast.flags & int(Flags.SATURATED | Flags.SUSPECT)) == int(Flags.SATURATED | Flags.SUSPECT)
    assert 0.005 < ends.mean() < 0.5
    if wanted == {"gain"} and not raw:
        np.testing.assert_allclose(fast.data[ends], 2000.0, rtol=1e-6)
        true = curves[0](slow.data[~ends])
        np.testing.assert_allclose(true, 1.5 * data[~ends], rtol=3e-6, atol=1e-3)


@pytest.mark.parametrize("compiled", [False, True])
@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    wanted=st.sets(st.sampled_from(["bias", "dark", "flat", "gain"])),
    curve=st.sampled_from([None, Polynomial((-1e-5,), limit=2000.0), Spline([0, 900, 2200], [0, 10, 80])]),
    table=st.booleans(),
    noise=st.sampled_from([None, 0.0, 6.0]),
    raw=st.booleans(),
)
def test_pixels_without_a_value_have_the_same_variance_either_way(
    compiled, seed, wanted, curve, table, noise, raw
):
    random = np.random.default_rng(seed)
    detector = camera(2) if raw else None
    data = random.normal(1500, 200, detector.raw_shape if raw else (ROWS, COLUMNS)).astype(np.float32)
    for _ in range(20):
        place = random.integers(0, data.shape)
        data[tuple(place)] = random.choice([np.nan, np.inf, -np.inf])
    effects = [ADC(), *masters(random, wanted, overscan=raw, gains=(1.5, 1.4) if raw else (1.5,))]
    effects += [Overscan("median")] if raw else []
    if table:
        effects.append(Warped())
    elif curve is not None and "gain" in wanted:
        effects.append(NonLinearity(curve))
    effects += [] if noise is None else [ReadNoise(noise, unit=u.electron if "gain" in wanted else u.adu)]
    frame = Frame(data, detector=detector, exposure_time=120.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(correct, "SMALL", 0 if compiled else data.size + 1)
        alike(*both(SignalChain(effects), frame, settle=True))


def test_tables_and_steps_of_other_numbers_than_amplifiers_are_refused():
    for steps, values in (([1.0, 2.0], [0, 1]), (1.0, [[0, 1]] * 2)):
        with pytest.raises(ParameterError):
            Lookup(0.0, steps, values).ramps(3)
    assert [ramp.step for ramp in Lookup(0.0, [1.0, 2.0], [0, 1]).ramps(2)] == [1.0, 2.0]


def test_steps_that_fit_no_pass_are_refused():
    detector = Detector.single((2, 3))
    image = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert run_of([PoissonTerm(), PoissonTerm()], detector, settle=True) is None
    assert run_of([Affine(scale=image), PoissonTerm()], detector, settle=True) is None
    assert run_of([Lookup(0, 1, [0, 1]), Affine(2.0), PoissonTerm()], detector, settle=True) is None
    assert run_of([PoissonTerm(), Affine(scale=image)], detector, settle=True) is not None


def test_a_master_without_a_finite_noise_leaves_its_pixel_without_one():
    noise = np.float32([[1.0, np.inf, np.nan]])
    steps = [PoissonTerm(), Affine(masters={"f": MasterTerm(-1.0, 0.5, noise)})]
    run = run_of(steps, Detector.single((1, 3)), settle=True)
    assert run is not None
    assert np.isfinite(run.images.constant).tolist() == [[True, False, False]]


@pytest.mark.parametrize("wrong", [(0.0, 0.0, [0, 1]), (0.0, 1.0, [0]), (0.0, 1.0, [0, np.nan])])
def test_tables_that_cannot_be_meant(wrong):
    with pytest.raises(ParameterError):
        Lookup(*wrong)
