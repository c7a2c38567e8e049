"""Whole detectors: everything in, and everything out again."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u

from fullwell import Overscan, Scene, SignalChain, Sky, Stars
from fullwell.detector.presets import preset_names
from fullwell.errors import ParameterError
from fullwell.testing import residual_of

SMALL = {"lsst-itl": (100, 60), "lsst-e2v": (100, 60)}
LSST = {
    "flat", "brighter_fatter", "shot_noise", "dark", "cosmic_rays", "full_well", "cti", "nonlinearity",
    "read_noise", "correlated_noise", "crosstalk", "gain", "bias", "adc",
}  # fmt: skip


def scene(shape):
    return Scene([Sky(20.0), Stars.random(20, shape=shape, flux=(100, 5e4), seed=3)])


@pytest.mark.parametrize("name", preset_names())
def test_what_goes_in_comes_out(name):
    chain = SignalChain.preset(name, amplifier=SMALL.get(name, (300, 350)), seed=4)
    exposure = chain.expose(scene(chain.detector.shape), 30 * u.s, seed=1)
    assert exposure.frame.shape == chain.detector.raw_shape
    overscan = [Overscan()] if name.startswith("lsst") else []
    # The level goes with the overscan, and not once more with the bias.
    clean = chain.with_(*overscan).correct(exposure.frame)
    left = residual_of(clean, exposure.light)
    assert left.pixels > 0.99 * exposure.light.size
    # The level drifts by 1 ADU, which only the overscan sees; 5 standard errors else.
    assert abs(left.mean) < 0.03
    assert left.variance_ratio == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("name", ["lsst-itl", "lsst-e2v"])
def test_survey_detectors_have_everything(name):
    chain = SignalChain.preset(name, amplifier=(40, 30))
    assert {effect.name for effect in chain} == LSST
    exposure = chain.expose(scene(chain.detector.shape), 30 * u.s, seed=1, stages=True)
    assert list(exposure.stages) == [effect.name for effect in chain]
    assert exposure.frame.data.dtype == np.int32
    assert len(exposure.frame.detector.amplifiers) == 16


def test_the_seed_draws_the_maps():
    one, same, other = (SignalChain.preset("sbig-st402", seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.get("flat").response, same.get("flat").response)
    assert (one.get("dark").rate != other.get("dark").rate).any()
    with pytest.raises(ParameterError, match="detector"):
        SignalChain.preset("no-such-camera")
