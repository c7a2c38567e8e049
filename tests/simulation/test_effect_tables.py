from __future__ import annotations

import numpy as np
import pytest

from fullwell.chain import SignalChain
from fullwell.detector.presets import preset_names
from fullwell.errors import ConfigError, ParameterError
from fullwell.simulation import Scenario
from fullwell.simulation.effect_tables import EffectsTable
from fullwell.simulation.instrument import Instrument, detector_of
from fullwell.simulation.schedule import schedule

ONE = {"shape": [24, 30], "gain": 1.5, "read_noise": 5.0, "overscan": 4}
LIGHT = {"type": "light", "filter": "V", "exposure_time": 10.0}


def scenario(effects=None, *, sequence=(LIGHT,), detector=ONE, **more):
    tables = {"detector": detector, "sky": {"V": {"level": 20.0}}, "sequence": list(sequence)}
    return Scenario.from_dict(tables | ({} if effects is None else {"effects": effects}) | more)


def chain_of(made, number=0):
    instrument = Instrument.build(made, seed=made.seed)
    return instrument.chain(schedule(made, seed=made.seed)[number])


def names(made, number=0):
    return {effect.name for effect in chain_of(made, number)}


TABLES = {
    "shutter": {"kind": "iris", "travel": 0.1},
    "fringes": {"V": {"visibility": 0.1}},
    "illumination": {"bowl": 0.1},
    "diffusion": {"sigma": 0.5},
    "smear": {"row_time": 1e-4},
    "brighter_fatter": {"a00": -2e-6},
    "telegraph": {"fraction": 0.01, "amplitude": [1.0, 5.0]},
    "glow": {"rate": 1.0},
    "persistence": {"time_constant": 30.0},
    "xrays": {"rate": 2.0},
    "full_well": {"capacity": 5e4},
    "defects": {"dead_columns": 1},
    "read_out_dark": {"row_time": 0.01},
    "cti": {"serial": 1e-5, "parallel": 1e-6, "traps": [{"pixel": 3, "size": 10.0}]},
    "nonlinearity": {"bend": 0.01, "capacity": 5e4},
    "correlated_noise": {"slow": 1.0, "banding": 1.0},
    "crosstalk": {"matrix": [[0.0]]},
    "bias_wander": {"ramp": 2.0},
    "code_errors": {"scatter": 0.05},
}
PLAIN = {"shot_noise", "dark", "read_noise", "gain", "bias", "adc"}


def test_every_table_is_tried_here():
    assert set(TABLES) == set(EffectsTable.model_fields) - {"detector", "without"}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_an_effect(name):
    kind = {"type": "fe55", "exposure_time": 1.0} if name == "xrays" else LIGHT
    assert names(scenario({name: TABLES[name]}, sequence=[kind])) == PLAIN | {name}
    assert names(scenario(sequence=[LIGHT])) == PLAIN


def test_parameters_arrive():
    chain = chain_of(scenario(TABLES, sequence=[LIGHT]))
    assert chain.get("persistence").time_constant == 30.0
    assert chain.get("fringes").sky == 20.0
    assert chain.get("cti").serial == (1e-5,)
    assert chain.get("cti").traps[0].pixel == 3
    assert chain.get("full_well").capacity == (5e4,)
    assert chain.get("full_well").saturation[0] == pytest.approx(0.99 * 5e4 / 1.5)
    assert chain.get("brighter_fatter").a[0, 0] == pytest.approx(-2e-6)
    assert chain.get("defects").counts == {"DEAD": 24}
    np.testing.assert_array_equal(chain.get("read_out_dark").rate, chain.get("dark").rate)
    curve = chain.get("nonlinearity").curves[0]
    assert curve(np.array([5e4]))[0] == pytest.approx(0.99 * 5e4)


@pytest.mark.parametrize("preset", preset_names())
def test_all_that_a_detector_states(preset):
    detector = {"preset": preset, "amplifier": [24, 20]}
    made = scenario({"detector": True}, detector=detector)
    whole = SignalChain.preset(preset, amplifier=(24, 20), seed=made.seed)
    # An overscan does nothing to a frame that is made.
    assert names(made) == {effect.name for effect in whole} - {"overscan"}
    ours = chain_of(made)
    for name in names(made) - {"dark", "flat", "brighter_fatter", "adc"}:
        assert type(ours.get(name)) is type(whole.get(name))
    assert ours.get("bias").level == whole.get("bias").level
    if whole.get("bias").structure is not None:
        np.testing.assert_array_equal(ours.get("bias").structure, whole.get("bias").structure)
    if whole.get("crosstalk") is not None:
        np.testing.assert_array_equal(ours.get("crosstalk").coefficients, whole.get("crosstalk").coefficients)
        np.testing.assert_array_equal(ours.get("brighter_fatter").a, whole.get("brighter_fatter").a)
        assert ours.get("correlated_noise") is not None
        assert ours.get("bias").drift == whole.get("bias").drift
    assert Scenario.from_dict(made.model_dump(mode="json")) == made


def test_what_the_scenario_says_goes_first():
    detector = {"preset": "lsst-e2v", "amplifier": [24, 20]}
    effects = {
        "detector": True,
        "without": [
            *("crosstalk", "full_well", "response", "cosmic_rays", "shutter", "fringes", "diffusion"),
            *("telegraph", "persistence", "defects", "read_out_dark", "bias_wander", "code_errors"),
        ],
        "cti": {"serial": 0.5e-6},
    }
    made = scenario(effects, detector=detector, dark={"rate": 3.0})
    assert made.effects.cti.serial == 0.5e-6
    assert made.effects.cti.parallel == 1.1e-07
    assert made.dark.rate == 3.0
    assert made.bias.level[0] == 25050.0
    assert names(made) == PLAIN | {"brighter_fatter", "cti", "nonlinearity", "correlated_noise", "glow"}
    assert made.effects.nonlinearity.capacity == 136000.0
    assert not made.flat
    assert Scenario.from_dict(made.model_dump(mode="json")) == made


def test_fringes_are_in_filters_of_red_light():
    """As the detector states them, where there is a sky in that filter."""
    lights = [LIGHT | {"filter": name, "name": f"{name}.fits"} for name in ("r", "y")]
    made = scenario(
        {"detector": True, "fringes": {"y": {"visibility": 0.5}}},
        detector={"preset": "lsst-itl", "amplifier": [24, 20]},
        sky={"r": {"level": 20.0}, "y": {"level": 40.0}},
        flat={"r": {"wavelength": 620.0}, "y": {"wavelength": 970.0}},
        sequence=lights,
    )
    assert set(made.effects.fringes) == {"y"}
    assert made.effects.fringes["y"].visibility == 0.5
    assert made.effects.fringes["y"].thickness == 100.0


def test_nonlinearity_takes_the_capacity_of_the_full_well():
    made = scenario({"nonlinearity": {"bend": 0.02}, "full_well": {"capacity": 7e4}})
    assert made.effects.nonlinearity.capacity == 7e4


@pytest.mark.parametrize(
    ("effects", "message"),
    [
        ({"shuter": {}}, "did you mean 'shutter'"),
        ({"shutter": {"kind": "iris", "travl": 1.0}}, "did you mean 'travel'"),
        ({"shutter": {"kind": "iris", "skew": 1.0}}, "belongs to a curtain"),
        ({"shutter": {"kind": "leaf"}}, "'iris' or 'curtain'"),
        ({"fringes": {"V": {"visibilty": 0.1}}}, "did you mean 'visibility'"),
        ({"fringes": {"z": {}}}, r"sky.z"),
        ({"cti": {"serial": 0.0, "parallel": 0.0, "traps": [{"pixl": 1}]}}, "did you mean 'pixel'"),
        ({"without": ["cti"]}, "detector = true"),
        ({"detector": True}, "detector.preset"),
        ({"nonlinearity": {"bend": 0.01}}, "capacity"),
        ({"crosstalk": {}}, "neighbor or matrix"),
        ({"brighter_fatter": {"a00": 1e-6}}, "less than or equal to 0"),
        ({"full_well": 5}, "full_well"),
        (3, "effects"),
    ],
)
def test_what_is_refused(effects, message):
    with pytest.raises(ConfigError, match=message):
        scenario(effects)


def test_only_stated_effects_are_left_out():
    with pytest.raises(ConfigError, match="'crosstalk'"):
        scenario({"detector": True, "without": ["crostalk"]}, detector={"preset": "lsst-itl"})


def test_unknown_detectors_and_wrong_numbers():
    with pytest.raises((ConfigError, ParameterError), match="guide-ccd"):
        scenario({"detector": True}, detector={"preset": "none"})
    with pytest.raises(ParameterError, match="per amplifier"):
        chain_of(scenario(bias={"level": [1.0, 2.0]}))
    with pytest.raises(ConfigError, match="without one give shape"):
        scenario(detector=ONE | {"amplifier": [3, 3]})


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (["TreeRing"], "did you mean 'TreeRings'"),
        ([{"name": "Donuts", "numbr": 3}], "did you mean 'number'"),
        ([{"name": "Donuts", "depth": 3}], "depth"),
        ([{"number": 3}], "no feature None"),
        ([3], "features"),
    ],
)
def test_features_that_are_refused(features, message):
    with pytest.raises(ConfigError, match=message):
        scenario(flat={"V": {"features": features}})


def test_features_of_area_move_charge():
    made = scenario(
        flat={"V": {"features": [{"name": "EdgeRollOff", "depth": 0.3, "width": 2.0}, "TreeRings"]}}
    )
    area = chain_of(made).get("pixel_area").boundaries.area
    assert area[12, 0] == pytest.approx(0.7, abs=0.01)
    assert area[12, 15] == pytest.approx(1, abs=0.01)
    assert (chain_of(made).get("flat").response == 1).all()


def test_features_of_time_are_others_in_each_exposure():
    detector = {"preset": "lsst-itl", "amplifier": [24, 20]}
    tearing = {"name": "Tearing", "amplitude": 0.1}
    made = scenario(detector=detector, flat={"V": {"features": [tearing]}}, sequence=[LIGHT | {"count": 2}])
    (torn,) = chain_of(made).get("pixel_area").changing
    plane = detector_of(made.detector)
    first, second = (torn.boundaries_in(plane, exposure=number).area for number in (1, 2))
    assert (first != second).any()
    brightness = {"name": "Satellite", "brightness": 0.5}
    made = scenario(flat={"V": {"features": [brightness]}})
    assert chain_of(made).get("flat").response.max() > 1.2


def test_steps_of_the_electronics_are_in_the_gain_of_all_exposures():
    detector = {"preset": "lsst-itl", "amplifier": [24, 20], "gain": 2.0}
    steps = {"name": "AmplifierGainSteps", "steps": [0.25]}
    flats = {"V": {"features": [steps]}, "B": {"features": [steps]}}
    made = scenario(detector=detector, flat=flats, sequence=[{"type": "bias"}, LIGHT])
    for number in (0, 1):
        assert chain_of(made, number).get("gain").values == pytest.approx([2.0, 1.6] * 8)
    glitch = LIGHT | {"name": "x.fits", "features": [steps, {"name": "MidlineBreak", "amplitude": 0.2}]}
    made = scenario(detector=detector, flat={"V": {"features": ["TreeRings"]}}, sequence=[LIGHT, glitch])
    quiet, loud = (chain_of(made, number) for number in (0, 1))
    assert quiet.get("gain").values == pytest.approx([2.0] * 16)
    assert loud.get("gain").values == pytest.approx([2.0, 1.6] * 8)
    areas = [chain.get("pixel_area").boundaries.area for chain in (quiet, loud)]
    assert [area[24].mean() for area in areas] == pytest.approx([1.0, 0.8], abs=1e-3)


def test_features_of_a_sequence_are_in_its_exposures_alone():
    trail = {"name": "Satellite", "start": [0.0, 12.0], "angle": 0.0, "brightness": 0.5}
    made = scenario(sequence=[LIGHT, LIGHT | {"name": "x.fits", "features": [trail]}])
    assert chain_of(made, 0).get("flat") is None
    response = chain_of(made, 1).get("flat").response
    assert response[12].mean() == pytest.approx(1.5, abs=0.1)
    assert response[2].mean() == pytest.approx(1, abs=0.01)


def test_dark_current_follows_the_temperature():
    law = {"depletion": 10.0, "diffusion": 0.0}
    shots = {"type": "dark", "exposure_time": 1.0, "count": 2, "temperature": [25.0, 16.6]}
    made = scenario(dark={"rate": 1.0, "law": law}, sequence=[shots])
    warm, cold = (np.median(chain_of(made, number).get("dark").rate) for number in (0, 1))
    assert warm == pytest.approx(11.0)
    assert cold == pytest.approx(6.0, rel=0.02)  # depletion current doubles in 8.4 K
