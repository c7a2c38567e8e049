"""Features in a signal chain: each acts where it belongs."""

from __future__ import annotations

import numpy as np
import pytest

from fullwell import Detector, Gain, Noise, SignalChain, gain_from_pair
from fullwell.detector.shrinking import with_amplifiers_of
from fullwell.effects import Bias, ReadNoise, ShotNoise
from fullwell.errors import ParameterError
from fullwell.features import (
    AmplifierGainSteps,
    EdgeRollOff,
    MidlineBreak,
    QuantumEfficiencySteps,
    Satellite,
    Tearing,
    TreeRings,
    Vignetting,
    as_effects,
    gain_with,
    pixel_area_of,
    response_of,
)

DETECTOR = with_amplifiers_of(Detector.preset("lsst-e2v"), (100, 100))
NAMED = {"flat": Vignetting(), "pixel_area": TreeRings(1e-3), "gain": AmplifierGainSteps(0.02)}


def test_each_becomes_the_effect_of_what_it_acts_on():
    made = {effect.name: effect for effect in as_effects(NAMED.values(), DETECTOR, gain=1.5, filter="r")}
    assert set(made) == set(NAMED)
    np.testing.assert_array_equal(made["flat"].response, response_of([NAMED["flat"]], DETECTOR).response)
    np.testing.assert_allclose(
        made["pixel_area"].boundaries.area, NAMED["pixel_area"].render(DETECTOR), atol=1e-6
    )
    assert made["gain"].values == pytest.approx([1.5 / (1 + 0.02 * (i % 2)) for i in range(16)])
    assert made["flat"].filter == "r"
    for name in ("flat", "pixel_area"):
        assert [effect.name for effect in as_effects([NAMED[name]], DETECTOR)] == [name]


def test_without_features_nothing_is_made():
    assert as_effects([], DETECTOR) == []
    gain = Gain(2.0)
    assert as_effects([], DETECTOR, gain=gain) == [gain]
    assert pixel_area_of([Vignetting()], DETECTOR) is None
    assert gain_with([Vignetting()], gain, DETECTOR) is gain


def test_steps_of_the_electronics_want_a_gain():
    with pytest.raises(ParameterError, match="gain"):
        as_effects([AmplifierGainSteps()], DETECTOR)


@pytest.mark.parametrize("cls", [AmplifierGainSteps, QuantumEfficiencySteps])
def test_steps_of_gain_and_of_light_look_alike_and_are_told_apart_by_photon_transfer(cls):
    """The electrons of a step of the gain are as many; its ADU scatter more, as K falls by the step.

    Gains from a pair of 10 000 pixels have errors of 1.4 %; means over 8 amplifiers 0.5 %: steps of 10 % are
    told apart at 14 sigma.
    """
    step, gain, level = 0.1, 2.0, 20_000.0
    effects = as_effects([cls(step)], DETECTOR, wavelength=675.0, gain=gain)
    chain = SignalChain([*effects, ShotNoise(), ReadNoise(20.0), Bias(1000.0)], detector=DETECTOR)
    light = np.full(DETECTOR.shape, level, np.float32)
    flats = [chain.expose(light, 1.0, noise=Noise(1, k), stages=True) for k in range(2)]
    biases = [chain.expose(None, 0.0, noise=Noise(1, 10 + k)) for k in range(2)]
    stepped = np.arange(16) % 2 == 1

    def ratio(values):
        values = np.array(values)
        return values[stepped].mean() / values[~stepped].mean()

    boxes = [a.data.slices for a in DETECTOR.amplifiers]
    adu = ratio([flats[0].frame.data[box].mean() - 1000 for box in boxes])
    assert adu == pytest.approx(1 + step, rel=1e-3)  # whatever it is, the flat shows it
    electronic = cls is AmplifierGainSteps
    electrons = flats[0].stages["read_noise"].data
    assert ratio([electrons[box].mean() for box in boxes]) == pytest.approx(
        1.0 if electronic else 1 + step, rel=1e-3
    )
    noise = ratio([np.std((biases[0].frame.data - biases[1].frame.data)[box]) for box in boxes])
    assert noise == pytest.approx(1 + step if electronic else 1.0, rel=0.02)
    frames = [DETECTOR.assemble(exposure.frame.data) for exposure in (*flats, *biases)]
    found = ratio(
        [gain_from_pair(*(frame[a.box.slices] for frame in frames)).gain for a in DETECTOR.amplifiers]
    )
    assert found == pytest.approx(1 / (1 + step) if electronic else 1.0, rel=0.025)


def test_tearing_is_another_in_each_exposure():
    effects = as_effects([Tearing(0.1), MidlineBreak(0.01)], DETECTOR)
    (area,) = effects
    chain = SignalChain(effects, detector=DETECTOR)
    light = np.full(DETECTOR.shape, 1000, np.float32)
    first, again, second = (chain.expose(light, 1.0, noise=Noise(1, k)).frame.data for k in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (first != second).any()
    assert area.changing == (Tearing(0.1),)
    expected = 1000 * (Tearing(0.1, exposure=3).render(DETECTOR) + MidlineBreak(0.01).render(DETECTOR) - 1)
    np.testing.assert_allclose(DETECTOR.assemble(first), expected, rtol=1e-5)


def test_a_satellite_is_light_of_one_exposure():
    with pytest.raises(ParameterError, match="every exposure"):
        as_effects([Satellite()], DETECTOR)
    light = np.full(DETECTOR.shape, 100.0)
    trail = light * Satellite(brightness=0.5).render(DETECTOR)
    chain = SignalChain([Gain(1.0)], detector=DETECTOR)
    with_it, without = (e.frame.data for e in chain.expose_sequence([(trail, 1.0), (light, 1.0)], seed=1))
    assert with_it.max() == pytest.approx(150.0, abs=1.0)
    assert without.max() == 100.0


def test_features_that_want_more_than_a_pixel_has_are_refused():
    with pytest.raises(ParameterError, match="must not cross"):
        as_effects([EdgeRollOff(0.7), EdgeRollOff(0.7)], DETECTOR)


@pytest.mark.parametrize("use", [as_effects, response_of, pixel_area_of])
def test_only_features(use):
    with pytest.raises(ParameterError, match="features"):
        use([3], Detector.single((20, 30)))
