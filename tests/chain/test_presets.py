"""Whole detectors: everything in, and everything out again."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u

from fullwell import Bias, Detector, Noise, Scene, SignalChain, Sky, Stars
from fullwell.detector.presets import preset_names
from fullwell.effects.base import Signal
from fullwell.errors import ParameterError
from fullwell.testing import residual_of

SMALL = {"lsst-itl": (100, 60), "lsst-e2v": (100, 60)}
LEAN = {
    "flat", "pixel_area", "brighter_fatter", "shot_noise", "dark", "cosmic_rays", "full_well", "cti",
    "nonlinearity", "read_noise", "correlated_noise", "crosstalk", "gain", "bias", "adc",
}  # fmt: skip
LSST = LEAN | {
    "shutter", "diffusion", "telegraph", "glow", "persistence", "defects", "read_out_dark", "bias_wander",
    "overscan", "code_errors",
}  # fmt: skip


def scene(shape):
    return Scene([Sky(20.0), Stars.random(20, shape=shape, flux=(100, 5e4), seed=3)])


@pytest.mark.parametrize("name", preset_names())
def test_what_goes_in_comes_out(name):
    chain = SignalChain.preset(name, amplifier=SMALL.get(name, (300, 350)), seed=4)
    exposure = chain.expose(scene(chain.detector.shape), 30 * u.s, seed=1)
    assert exposure.frame.shape == chain.detector.raw_shape
    # The bias that wanders along a row, the same in each, goes with a bias that was measured.
    ramp = chain.get("bias_wander") is not None
    clean = (measured_bias(chain) if ramp else chain).correct(exposure.frame)
    left = residual_of(clean, light_behind(chain, exposure))
    assert left.pixels > 0.99 * exposure.light.size
    # Drift and steps of the level go with the overscan; 5 standard errors else.
    assert abs(left.mean) < 0.03
    assert left.variance_ratio == pytest.approx(1, abs=0.03)


def measured_bias(chain):
    overscan = SignalChain([chain.get("overscan")])
    biases = [chain.expose(None, 0.0, noise=Noise(1, 100 + number)).frame for number in range(12)]
    return chain.without("bias_wander", "read_out_dark").with_(Bias.measure(biases, known=overscan))


def light_behind(chain, exposure):
    """What moves charge of light is stated, not corrected."""
    signal = Signal(exposure.light.copy(), chain.detector, 30.0, 30.0)
    for name in ("pixel_area", "diffusion"):
        effect = chain.get(name)
        if effect is not None:
            effect.simulate(signal, noise=exposure.take.noise)
    return signal.image


@pytest.mark.parametrize("name", ["lsst-itl", "lsst-e2v"])
def test_survey_detectors_have_everything(name):
    chain = SignalChain.preset(name, amplifier=(40, 30), wavelength=970 * u.nm)
    assert {effect.name for effect in chain} == LSST | {"fringes"}
    assert chain.get("cti").traps
    assert chain.get("bias").structure.std() > 0.5
    exposure = chain.expose(scene(chain.detector.shape), 30 * u.s, seed=1, stages=True)
    assert list(exposure.stages) == [effect.name for effect in chain]
    assert exposure.frame.data.dtype == np.int32
    assert len(exposure.frame.detector.amplifiers) == 16


def test_fringes_are_of_light_that_gets_through():
    shortest = Detector.preset("lsst-itl").defaults["fringes"]["shortest"]
    for nanometers in (shortest - 1, shortest):
        chain = SignalChain.preset("lsst-itl", amplifier=(20, 20), wavelength=nanometers)
        assert (chain.get("fringes") is not None) == (nanometers >= shortest)


def test_part_of_a_detector():
    whole = SignalChain.preset("lsst-itl", amplifier=(20, 20))
    lean = SignalChain.preset("lsst-itl", amplifier=(20, 20), only=sorted(LEAN))
    assert {effect.name for effect in lean} == LEAN
    others = SignalChain.preset("lsst-itl", amplifier=(20, 20), without=sorted(LEAN))
    assert {effect.name for effect in others} == LSST - LEAN
    np.testing.assert_array_equal(lean.get("dark").rate, whole.get("dark").rate)
    np.testing.assert_array_equal(others.get("read_out_dark").rate, whole.get("dark").rate)


@pytest.mark.parametrize("which", ["only", "without"])
def test_names_of_effects_are_checked(which):
    with pytest.raises(ParameterError, match=rf"{which}.*did you mean 'crosstalk'"):
        SignalChain.preset("lsst-itl", **{which: ["crostalk"]})
    with pytest.raises(ParameterError, match=rf"{which}.*a list of names"):
        SignalChain.preset("lsst-itl", **{which: "crosstalk"})
    with pytest.raises(ParameterError, match="effects that sbig-st402 states"):
        SignalChain.preset("sbig-st402", **{which: ["crosstalk"]})


def test_the_seed_draws_the_maps():
    one, same, other = (SignalChain.preset("sbig-st402", seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.get("flat").response, same.get("flat").response)
    assert (one.get("dark").rate != other.get("dark").rate).any()
    with pytest.raises(ParameterError, match="detector"):
        SignalChain.preset("no-such-camera")
