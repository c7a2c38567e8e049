from __future__ import annotations

import attrs
import numpy as np
import pytest

from fullwell.effects import Stage
from fullwell.noise import Noise
from fullwell.simulation import Scenario
from fullwell.simulation.instrument import Instrument
from fullwell.simulation.schedule import schedule


def expose(name, kind):
    scenario = Scenario.preset(name)
    instrument = Instrument.build(scenario, seed=scenario.seed)
    shot = next(s for s in schedule(scenario, seed=scenario.seed) if s.entry.type == kind)
    frame = instrument.chain(shot).expose(
        instrument.scene(shot),
        shot.entry.exposure_time,
        detector=instrument.detector,
        noise=Noise(scenario.seed, shot.exposure),
    )
    return instrument, frame


def test_guide_numbers():
    """Bias 1100, dark 10, sky 20; spread sqrt(25 + 10 + 20): the guide's image of 100 s."""
    instrument, exposure = expose("guide", "light")
    data = exposure.frame.data.astype(float)
    assert data.shape == (2000, 2000)
    assert np.median(data[900:1100, :500]) == pytest.approx(1130, abs=1)
    quantiles = np.quantile(data, [0.1587, 0.8413])
    assert (quantiles[1] - quantiles[0]) / 2 == pytest.approx(np.sqrt(25 + 10 + 20), rel=0.07)  # whole ADU
    low = data[instrument.dark < 1].clip(1090, 1170)
    assert low.std() == pytest.approx(np.sqrt(55), rel=0.08)
    assert (instrument.dark > 1).sum() == 400  # 0.01 %
    assert (np.median(instrument.bias, axis=0) > 20).sum() == 5
    assert instrument.stars.flux.size == 50
    peaks = exposure.light.max()
    assert 1000 < peaks < 2200


def test_night_bites():
    scenario = Scenario.preset("night")
    detector, exposures = scenario.detector, scenario.sequence
    lights = {name: [s for s in exposures if s.type == "light" and s.filter == name] for name in ("Ha", "R")}
    flats = {s.filter: s.lamp * s.exposure_time for s in exposures if s.type == "flat"}
    assert min(flats.values()) >= 20000
    assert all(scenario.sky["Ha"].level * s.exposure_time < detector.read_noise**2 for s in lights["Ha"])
    assert max(scenario.sky["R"].level * s.exposure_time / flats["R"] for s in lights["R"]) >= 0.3
    assert scenario.dark.offset >= 0.2 * detector.read_noise
    darks = sorted({s.exposure_time for s in exposures if s.type == "dark"})
    assert len(darks) == 2
    times = [s.exposure_time for entries in lights.values() for s in entries]
    assert all(darks[0] <= time <= darks[1] for time in times)
    assert any(darks[0] < time < darks[1] for time in times)
    assert sum(s.count for entries in lights.values() for s in entries) == 10


def test_night_flats_differ_by_filter():
    instrument, _ = expose("night", "flat")
    ratio = instrument.flats["Ha"] / instrument.flats["R"]
    assert ratio.std() > 0.01
    assert attrs.asdict(instrument.detector)["raw_shape"] == (1024, 1056)


def test_a_bright_sky_shows_the_flat():
    """Under 2000 e- of sky, the pixel response of 1 % adds 20 to a shot noise of 45."""
    instrument, exposure = expose("guide-bright-sky", "light")
    data = exposure.frame.data.astype(float)[900:1100, 900:1100]
    assert np.median(data) == pytest.approx(3110, abs=15)
    flat = instrument.flats["V"][900:1100, 900:1100].ravel()
    typical = np.abs(data.ravel() - np.median(data)) < 300
    slope = np.polyfit(flat[typical], data.ravel()[typical], 1)[0]
    assert slope == pytest.approx(2000, rel=0.1)  # 45 / 0.01 / 200 = 23 a pixel: 5 sigma and more
    guide = Scenario.preset("guide")
    bright = Scenario.preset("guide-bright-sky")
    assert bright.sky["V"].level == 100 * guide.sky["V"].level
    assert bright.model_dump(exclude={"name", "sky"}) == guide.model_dump(exclude={"name", "sky"})


def test_everything_is_everything():
    """But for smear: this camera has a shutter."""
    scenario = Scenario.preset("lsst-itl-everything")
    tables = scenario.effects
    missing = {name for name in type(tables).model_fields if not getattr(tables, name)}
    assert missing == {"smear", "without"}
    kinds = {entry.type for entry in scenario.sequence}
    assert kinds == {"bias", "dark", "flat", "twilight", "light", "spots", "fe55"}
    small = scenario.detector.model_copy(update={"amplifier": (24, 20)})
    scenario = scenario.model_copy(update={"detector": small})
    instrument = Instrument.build(scenario, seed=1)
    names = {effect.name for shot in schedule(scenario, seed=1) for effect in instrument.chain(shot)}
    nature = {stage.name.lower() for stage in Stage} - {
        "last",
        "overscan",
        "smear",
        "transfer",
        "cosmic_rays",
    }
    assert names == nature | {"cti", "cosmic_rays", "xrays"}
