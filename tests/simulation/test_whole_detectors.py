"""Frames with everything in them, and their truth."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from astropy.io import fits

from fullwell.errors import ConfigError
from fullwell.io import read
from fullwell.noise import Noise
from fullwell.simulation import Scenario, Truth, simulate
from fullwell.simulation.instrument import Instrument, detector_of
from fullwell.simulation.schedule import schedule

AMPLIFIER = (20, 16)
FLAT = {"type": "flat", "filter": "y", "lamp": 4e4}
EVERYTHING = {
    "name": "all",
    "seed": 5,
    "temperature": -100.0,
    "detector": {"preset": "lsst-itl", "amplifier": list(AMPLIFIER)},
    "sky": {"y": {"level": 100.0}},
    "stars": {"number": 5, "flux": [50.0, 500.0]},
    "galaxies": {"number": 3, "flux": [50.0, 500.0], "radius": [1.0, 2.0]},
    "effects": {
        "detector": True,
        "shutter": {"kind": "curtain", "skew": 0.2},
        "fringes": {"y": {"variation": 0.5}},
        "illumination": {"gradient": [0.1, 0.0]},
        "telegraph": {"fraction": 0.01, "amplitude": [1.0, 5.0]},
        "glow": {"rate": 1.0, "radius": 5.0},
        "persistence": {"fraction": 0.01, "threshold": 1000.0, "time_constant": 30.0},
        "xrays": {"rate": 2.0},
        "defects": {"dead_fraction": 0.01},
        "read_out_dark": {"row_time": 0.01},
        "bias_wander": {"ramp": 2.0, "jump": 3.0, "jump_rate": 2.0, "drift": 5.0},
        "code_errors": {"scatter": 0.02},
    },
    "sequence": [
        {"type": "bias", "count": 2},
        FLAT | {"count": 2, "exposure_time": [0.5, 2.0]},
        {"type": "dark", "count": 2, "exposure_time": 20.0},
        {"type": "fe55", "exposure_time": 20.0},
        {"type": "light", "filter": "y", "count": 2, "exposure_time": 10.0},
    ],
}


def scenario(**changes):
    return Scenario.from_dict(EVERYTHING | changes)


def effects(*without, **changes):
    kept = {name: table for name, table in EVERYTHING["effects"].items() if name not in without}
    return scenario(effects=kept | changes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("all")
    simulate(scenario(), folder)
    return folder


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_the_same_bytes_for_any_number_of_workers(folder, tmp_path):
    simulate(scenario(), tmp_path, workers=3)
    assert digests(tmp_path) == digests(folder)


def test_an_extension_for_each_amplifier(folder):
    with fits.open(folder / "bias_001.fits") as hdus:
        hdus.verify("exception")
        assert [hdu.name for hdu in hdus[1:]] == [a.name for a in scenario_detector().amplifiers]
        header = hdus["C17"].header
    assert header["DETSEC"] == "[128:113,1:20]"
    assert (header["GAIN"], header["RDNOISE"]) == (1.68, 6.21)
    full = 25500.0 + 0.99 * 178000 / 1.68
    assert header["SATURATE"] == pytest.approx(full, abs=0.1)
    lowest = 23250.0 + 0.99 * 178000 / 1.68
    assert fits.getheader(folder / "bias_001.fits")["SATURATE"] == pytest.approx(lowest, abs=0.1)
    frame, detector = read(folder / "bias_001.fits"), scenario_detector()
    assert frame.detector.shape == detector.shape == (40, 128)
    for theirs, ours in zip(frame.detector.amplifiers, detector.amplifiers, strict=True):
        for part in ("box", "data", "raw", "prescan", "overscan", "parallel", "flip_x", "flip_y"):
            assert getattr(theirs, part) == getattr(ours, part)


def test_headers_of_sbig_are_for_one_amplifier(tmp_path):
    with pytest.raises(ConfigError, match="one amplifier"):
        simulate(scenario(header_style="sbig"), tmp_path)
    assert not list(tmp_path.iterdir())


def scenario_detector():
    return detector_of(scenario().detector)


def test_the_truth_makes_the_frames_again(folder):
    """Effects read from truth.fits expose what lies in the files, to the last bit."""
    truth = Truth.load(folder)
    assert truth.scenario == scenario()
    instrument = Instrument.build(truth.scenario, seed=truth.seed)
    memory = None
    for shot in schedule(truth.scenario, seed=truth.seed):
        exposure = truth.chain(shot.file).expose(
            instrument.scene(shot),
            shot.exposure_time,
            noise=Noise(truth.seed, shot.exposure),
            state=instrument.state(shot),
            memory=memory,
        )
        memory = exposure.memory
        np.testing.assert_array_equal(read(folder / shot.file).data, exposure.frame.data)


def test_what_was_realized(folder):
    truth = Truth.load(folder)
    amplitudes = [truth.realized(f"light_{i:03d}.fits")["fringe_amplitude"] for i in (1, 2)]
    assert amplitudes[0] != amplitudes[1]
    hits = truth.realized("fe55_001.fits")["xrays"]
    assert hits.shape[1] == 3
    assert 15 < len(hits) < 70  # 40 expected; outside by chance less than once in 1e4
    assert "xrays" not in truth.realized("dark_001.fits")
    assert len(truth.realized("bias_001.fits")["bias_wander"]) == 16
    assert (truth.realized("dark_001.fits")["persistence"] > 0).any()
    assert not truth.realized("bias_002.fits")["persistence"].any()
    assert truth.cosmic_rays("dark_001.fits").shape == (40, 128)


def test_json_names_the_images(folder):
    content = json.loads((folder / "truth.json").read_text())
    by_class = {effect["class"]: effect for effect in content["effects"]}
    assert by_class["ChargeTransfer"]["serial"] == [1.5e-6]
    with fits.open(folder / "truth.fits") as hdus:
        delay = hdus[by_class["Shutter"]["delay"]["image"]].data
        assert np.ptp(delay) == pytest.approx(0.2 * 39 / 40)
        own = {effect["class"]: effect for effect in content["frames"][2]["effects"]}
        assert own["Dark"]["rate"]["image"] == "DARKRATE"
        assert own["Flat"]["response"]["image"] == "FLAT_1"
        assert by_class["ReadOutDark"]["rate"]["image"] == "DARKRATE"
        assert {"STARS", "GALAXIES"} < {hdu.name for hdu in hdus}
    dark = next(frame for frame in content["frames"] if frame["file"] == "dark_001.fits")
    assert dark["realized"]["persistence"]["shape"] == [40, 128]


def test_persistence_comes_from_the_frames_before(folder, tmp_path):
    """The flat of 80 ke- leaves 1 % of what is above 1 ke- behind, which comes out with the time constant."""
    shots = schedule(scenario(), seed=5)
    assert [shot.idle for shot in shots[:5]] == [0.0, 10.0, 10.0, 10.0, 10.0]
    truth = Truth.load(folder)
    first, second = (truth.realized(f"dark_{i:03d}.fits")["persistence"] for i in (1, 2))
    np.testing.assert_allclose(second, first * np.exp(-1), rtol=1e-5)  # a dark of 20 s, and 10 s idle
    middle = np.median(first)
    caught = 0.01 * (2e4 - 1000) * np.exp(-12 / 30) + 0.01 * (8e4 - 1000)
    assert middle == pytest.approx(caught * np.exp(-10 / 30) * -np.expm1(-20 / 30), rel=0.1)
    simulate(effects("persistence", without=["persistence"]), tmp_path)
    assert "persistence" not in Truth.load(tmp_path).realized("dark_001.fits")
    after = read(folder / "dark_001.fits").data.mean() - read(tmp_path / "dark_001.fits").data.mean()
    assert after > 0


def test_expected_light_is_behind_all_that_acts_on_light(folder):
    truth = Truth.load(folder)
    expected = truth.expected("light_001.fits")
    chain = truth.chain("light_001.fits")
    bright = (
        100.0 + 100 * truth.realized("light_001.fits")["fringe_amplitude"] * chain.get("fringes").pattern
    ) * 10
    ratio = expected / (bright * (1 + chain.get("shutter").delay / 10) * chain.get("flat").response)
    ratio /= chain.get("pixel_area").boundaries.area
    assert np.median(ratio) == pytest.approx(1, abs=1e-3)
    # The lamp of flats is not even, the sky is.
    assert chain.get("illumination").pattern[20, 0] == pytest.approx(0.95, abs=0.01)


def test_lamps_see_the_illumination(tmp_path):
    quiet = {
        "sequence": [FLAT | {"exposure_time": 1.0}],
        "detector": {"shape": [20, 30], "gain": 1.0, "read_noise": 1.0},
    }
    quiet |= {
        "effects": {"illumination": {"gradient": [0.4, 0.0]}},
        "sky": {},
        "stars": None,
        "galaxies": None,
    }
    simulate(Scenario.from_dict(quiet), tmp_path)
    columns = read(tmp_path / "flat_001.fits").data.mean(axis=0)
    assert columns[-1] / columns[0] == pytest.approx(1.2 / 0.8, rel=0.05)


def test_a_plain_scenario_has_a_chain_too(tmp_path):
    plain = {"detector": {"shape": [20, 30], "gain": 1.0, "read_noise": 1.0}, "sequence": [{"type": "bias"}]}
    simulate(Scenario.from_dict(plain), tmp_path)
    truth = Truth.load(tmp_path)
    assert truth.chain("bias_001.fits").get("read_noise").values == (1.0,)
    assert truth.realized("bias_001.fits") == {}
    with fits.open(tmp_path / "truth.fits") as hdus:
        assert "PARAMETERS" not in hdus


def test_dark_current_of_each_temperature(tmp_path):
    law = {"depletion": 10.0, "spread": 0.2}
    darks = {"type": "dark", "exposure_time": 10.0, "count": 2, "temperature": [25.0, 0.0]}
    made = {"detector": {"shape": [20, 30], "gain": 1.0, "read_noise": 1.0}, "dark": {"law": law}}
    simulate(Scenario.from_dict(made | {"temperature": 25.0, "sequence": [darks]}), tmp_path)
    truth = Truth.load(tmp_path)
    warm, cold = (truth.expected_dark(f"dark_{i:03d}.fits") for i in (1, 2))
    np.testing.assert_allclose(warm, 10 * truth.dark_rate, rtol=1e-6)
    assert 7 < np.median(warm / cold) < 12
