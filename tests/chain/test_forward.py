"""Forward: what is joined, kept, carried on, and refused."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

import attrs
import numpy as np
import pytest
from astropy import units as u
from hypothesis import given, settings
from hypothesis import strategies as st

from fullwell import (
    ADC,
    Bias,
    CosmicRays,
    Dark,
    Defects,
    Detector,
    Flat,
    Gain,
    Noise,
    ReadNoise,
    ShotNoise,
    SignalChain,
    Sky,
)
from fullwell.chain import Take
from fullwell.detector.shrinking import with_amplifiers_of
from fullwell.effects import Effect, Kind, Signal, Stage
from fullwell.errors import ParameterError
from fullwell.flags import FLAG_DTYPE, Flags
from fullwell.kernels.simulate import Op, Step, run_plain

DETECTORS = {
    "single": lambda: Detector.single((37, 61)),
    "scans": lambda: Detector.single((37, 61), prescan=5, overscan=9, parallel=3),
    "sixteen": lambda: with_amplifiers_of(Detector.preset("lsst-itl"), (15, 10)),
    "one chunk and more": lambda: Detector.single((3, 1500)),
}


def effects_of(detector: Detector, *, seed: int = 1) -> dict[str, Effect]:
    """All effects whose steps can be joined, and one that splits them; values differ between amplifiers."""
    shape, count, random = detector.shape, len(detector.amplifiers), Noise(seed).stream("parameters")
    dead = np.where(random.uniform(shape) < 0.01, FLAG_DTYPE.type(Flags.DEAD), FLAG_DTYPE.type(0))
    few = random.uniform((3, count), draw=1)
    return {
        "flat": Flat(1 + np.float32(0.02) * random.normal(shape, draw=2)),
        "shot_noise": ShotNoise(),
        "dark": Dark(random.uniform(shape, draw=3).astype(np.float32), 3.0),
        "cosmic_rays": CosmicRays(rate=5000.0),
        "defects": Defects(dead),
        "read_noise": ReadNoise(tuple(4 + 5 * few[0])),
        "gain": Gain(tuple(1.4 + 0.4 * few[1])),
        "bias": Bias(tuple(900 + 200 * few[2]), structure=5 * random.normal(shape, draw=4), drift=2.0),
        "adc": ADC(18),
    }


def by_hand(chain: SignalChain, light: np.ndarray, detector: Detector, noise: Noise) -> np.ndarray:
    """Go through the effects one after the other, in plain NumPy."""
    signal = Signal((light * np.float32(10)).astype(np.float32), detector, 10.0, 10.0)
    for effect in chain:
        if effect.stage >= Stage.TRANSFER:
            signal.to_raw()
        steps = effect.steps(signal, noise=noise)
        if steps is None:
            effect.simulate(signal, noise=noise)
        else:
            signal.image = run_plain(signal.image, steps)
    signal.to_raw()
    return signal.image


@settings(max_examples=60, deadline=None)
@given(
    detector=st.sampled_from(sorted(DETECTORS)),
    left_out=st.sets(st.sampled_from(sorted(effects_of(Detector.single((5, 5)))))),
    level=st.sampled_from([0.0, 0.2, 2.9, 3.1, 2e4]),
    seed=st.integers(0, 2**64 - 1),
    exposure=st.integers(0, 2**32 - 1),
)
def test_joined_is_one_by_one_bit_for_bit(detector, left_out, level, seed, exposure):
    detector, noise = DETECTORS[detector](), Noise(seed, exposure)
    light = np.random.default_rng(2).uniform(0.8, 1.2, detector.shape).astype(np.float32) * np.float32(level)
    chain = SignalChain(e for name, e in effects_of(detector).items() if name not in left_out)
    made = chain.expose(light, 10.0, detector=detector, noise=noise).frame.data
    np.testing.assert_array_equal(made, by_hand(chain, light, detector, noise), strict=True)


def digest(array: np.ndarray) -> str:
    little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"))
    return hashlib.sha256(little.tobytes()).hexdigest()[:16]


@pytest.mark.parametrize("name", ["single", "scans", "sixteen"])
def test_frozen_frames(name):
    """These bits are final as long as no effect models more than before; cosmic rays, last, have widths."""
    detector = DETECTORS[name]()
    chain = SignalChain(effects_of(detector).values())
    made = chain.expose(Sky(2.5, gradient=(0.5, 0.5)), 12.0, detector=detector, noise=Noise(20200116, 3))
    assert digest(made.frame.data) == FROZEN[name]


FROZEN = {"single": "35df6b1eba32af8e", "scans": "489ec62dc542de1e", "sixteen": "c54b85c1e333ae53"}


@pytest.mark.parametrize("name", sorted(DETECTORS))
def test_the_frame_behind_every_effect(name):
    detector = DETECTORS[name]()
    effects = effects_of(detector)
    arguments: dict[str, Any] = {"detector": detector, "seed": 4}
    plain = SignalChain(effects.values()).expose(5.0, 10.0, **arguments)
    made = SignalChain(effects.values()).expose(5.0, 10.0, stages=True, **arguments)

    assert list(made.stages) == list(effects)
    assert plain.stages == {}
    np.testing.assert_array_equal(made.frame.data, plain.frame.data)
    np.testing.assert_array_equal(made.stages["adc"].data, plain.frame.data)
    units = {stage: frame.unit for stage, frame in made.stages.items()}
    assert [name for name, unit in units.items() if unit == u.adu] == ["gain", "bias", "adc"]
    np.testing.assert_array_equal(made.stages["flat"].data, np.float32(50) * effects["flat"].response)
    assert made.stages["dark"].shape == detector.shape
    assert made.stages["read_noise"].shape == detector.raw_shape
    dead = effects["defects"].flags != 0
    assert (made.stages["defects"].data[dead] == 0).all()
    assert made.stages["cosmic_rays"].data[dead].any()
    # A part of the chain has the same frames.
    part = SignalChain([effects["flat"], effects["shot_noise"], effects["dark"]])
    until = part.expose(5.0, 10.0, **arguments).frame.data
    np.testing.assert_array_equal(detector.disassemble(made.stages["dark"].data), until)


@attrs.frozen(eq=False)
class Ghost(Effect):
    """Leaves a tenth of the light for the next exposure, and writes into the image it is given."""

    name: ClassVar[str] = "ghost"
    stage: ClassVar[Stage] = Stage.SMEAR
    kind: ClassVar[Kind] = Kind.REDISTRIBUTING

    def simulate(self, signal: Signal, *, noise: Noise) -> None:  # noqa: ARG002
        left = signal.memory.get(self.name, 0)
        signal.memory[self.name] = signal.image / 10
        signal.image += left
        signal.truth[self.name] = signal.temperature


def test_a_sequence_remembers():
    detector = Detector.single((3, 4))
    seen: list[tuple[int, int]] = []
    takes = [(5.0, 10.0), Take(None, 1.0, temperature=150.0), Take(None, 1.0)]
    frames = SignalChain([Ghost()], detector=detector).expose_sequence(
        takes, seed=1, temperature=-100 * u.deg_C, on_progress=lambda done, of: seen.append((done, of))
    )

    first = next(frames)
    assert seen == [(1, 3)]  # no frame is made before it is asked for
    second, third = frames
    assert [frame.frame.data[0, 0] for frame in (first, second, third)] == [50, 5, 0]
    assert [frame.truth["ghost"] for frame in (first, second, third)] == pytest.approx([173.15, 150, 173.15])
    assert seen[-1] == (3, 3)
    assert (first.light == 50).all()
    assert (second.light == 0).all()


def test_memory_is_handed_on_and_not_written_into():
    chain = SignalChain([Ghost()], detector=Detector.single((3, 4)))
    first = chain.expose(5.0, 10.0, seed=1)
    before = first.memory["ghost"]
    again = [chain.expose(None, 1.0, seed=1, memory=first.memory).frame.data[0, 0] for _ in range(2)]
    assert again == [5, 5]
    assert first.memory["ghost"] is before


def test_exposures_of_a_sequence_are_numbered():
    detector = Detector.single((20, 30))
    chain = SignalChain([ShotNoise(), ReadNoise(5.0)], detector=detector)
    made = list(chain.expose_sequence([(5.0, 10.0)] * 3, noise=Noise(4, 7)))
    for i, exposure in enumerate(made):
        alone = chain.expose(5.0, 10.0, noise=Noise(4, 7 + i))
        np.testing.assert_array_equal(exposure.frame.data, alone.frame.data)


def test_frames_of_stages_are_not_written_into():
    chain = SignalChain([Flat(np.full((3, 4), 2, np.float32)), Ghost()], detector=Detector.single((3, 4)))
    made = chain.expose(5.0, 10.0, seed=1, stages=True, memory={"ghost": 7})
    assert (made.stages["flat"].data == 100).all()
    assert (made.stages["ghost"].data == 107).all()
    assert (made.light == 50).all()


@attrs.frozen(eq=False)
class BrightDark(Dark):
    """Says by a `simulate` of its own what its parent says by steps."""

    def simulate(self, signal: Signal, *, noise: Noise) -> None:  # noqa: ARG002
        signal.image = signal.image + np.float32(1e6)


def test_who_overrides_simulate_is_not_joined():
    made = SignalChain([BrightDark(1.0)], detector=Detector.single((3, 4))).expose(None, 1.0, seed=1)
    assert (made.frame.data == 1e6).all()


def test_a_seed_is_short_for_a_noise():
    chain = SignalChain([ShotNoise()], detector=Detector.single((3, 4)))
    short = chain.expose(5.0, 1.0, seed=3).frame.data
    np.testing.assert_array_equal(short, chain.expose(5.0, 1.0, noise=Noise(3)).frame.data)
    for wrong in ({}, {"seed": 3, "noise": Noise(3)}):
        with pytest.raises(ParameterError, match="exactly one of both"):
            chain.expose(5.0, 1.0, **wrong)


def test_the_detector_of_the_chain():
    chain = SignalChain([ShotNoise(), Gain(1.0)], detector=Detector.single((3, 4)))
    assert chain.expose(5.0, 1.0, seed=3).frame.shape == (3, 4)
    assert chain.without("gain").with_(Bias(3.0)).expose(5.0, 1.0, seed=3).frame.shape == (3, 4)
    assert chain.expose(5.0, 1.0, seed=3, detector=Detector.single((5, 6))).frame.shape == (5, 6)
    with pytest.raises(ParameterError, match="which one is read out"):
        SignalChain([ShotNoise()]).expose(5.0, 1.0, seed=3)


@pytest.mark.parametrize("wrong", [0.0, -3.0, np.nan, -300 * u.deg_C])
def test_impossible_temperatures(wrong):
    with pytest.raises(ParameterError, match="temperature"):
        SignalChain([], detector=Detector.single((3, 4))).expose(5.0, 1.0, seed=3, temperature=wrong)


def test_an_effect_that_only_has_steps_can_be_called():
    signal = Signal(np.full((3, 4), 8, np.float32), Detector.single((3, 4)), 1.0, 1.0)
    Gain(2.0).simulate(signal, noise=Noise(1))
    assert (signal.image == 4).all()
    assert signal.unit == u.adu
    assert [step.op for step in ADC().steps(signal, noise=Noise(1))] == [Op.DIGITIZE]
    assert isinstance(Flat(np.ones((3, 4))).steps(signal, noise=Noise(1))[0], Step)


def test_a_time_of_the_wrong_kind_is_refused():
    chain = SignalChain([Gain(1.0)], detector=Detector.single((4, 5)))
    with pytest.raises(ParameterError, match=r"m\b"):
        chain.expose(None, 1 * u.m, seed=1)


SIXTY = 6000 * u.electron / u.min


@pytest.mark.parametrize(
    "scene",
    [100.0, np.full((3, 4), 100), np.full((3, 4), 1.0) * SIXTY, SIXTY, np.full((3, 4), 1) * SIXTY / u.pix],
)
def test_light_is_in_electrons_per_second(scene):
    made = SignalChain([], detector=Detector.single((3, 4))).expose(scene, 2.0, seed=1)
    np.testing.assert_allclose(made.light, 200.0, rtol=1e-6)


class Wrong:
    """A scene of somebody else."""

    def __init__(self, light):
        self.light = light

    def render(self, shape):  # noqa: ARG002
        return self.light


@pytest.mark.parametrize(
    ("light", "message"),
    [
        (np.ones((3, 4)) * u.m, 'Unit\\("m"\\)'),
        (np.ones((3, 4)) * u.electron, "electron"),
        (np.ones((4, 3)), r"\(4, 3\)"),
        (np.ones(4), r"\(4,\)"),
        (np.ones((1, 3, 4)), r"\(1, 3, 4\)"),
        ("sky", "str"),
        (np.full((3, 4), np.nan), "nan"),
        (np.where(np.eye(3, 4), np.inf, 1.0), "inf"),
        (np.where(np.eye(3, 4), -2.0, 1.0), "-2"),
    ],
)
def test_impossible_light_is_refused(light, message):
    chain = SignalChain([ShotNoise()], detector=Detector.single((3, 4)))
    for scene in (light, Wrong(light)):
        with pytest.raises(ParameterError, match=f"scene.*{message}"):
            chain.expose(scene, 1.0, seed=1)


@pytest.mark.parametrize("take", [5.0, (5.0,), Sky(1.0), (1.0,) * 9])
def test_what_is_no_take_is_refused(take):
    chain = SignalChain([ShotNoise()], detector=Detector.single((4, 5)))
    with pytest.raises(ParameterError, match="take"):
        chain.expose_sequence([take], seed=1)
