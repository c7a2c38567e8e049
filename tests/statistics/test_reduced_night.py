"""The same criteria end to end: a simulated night on disk, reduced by the command's own function.

Truth comes from the file beside the raw frames. The regions leave out pixels that the truth file knows to be
hit by cosmic rays, since finding those is another question; they count in the pooled criterion. False alarms:
10 frames of 3 regions with 2 checks, one in 260 fresh seeds; seeds are fixed.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from statistical_criteria import Pool, common_errors, examine, regions

from fullwell.chain import SignalChain
from fullwell.effects import ADC, Gain, Overscan, ReadNoise, ShotNoise
from fullwell.effects.storage import load_product
from fullwell.flags import FLAG_DTYPE, Flags, mask_of
from fullwell.io import read
from fullwell.night import ReduceConfig, reduce
from fullwell.simulation import Scenario, Truth, simulate
from fullwell.simulation.instrument import detector_of


@pytest.fixture(scope="module")
def small_night(tmp_path_factory):
    values = Scenario.preset("night").model_dump(mode="json")
    values["detector"]["shape"] = [512, 512]
    values["stars"]["number"] = 55
    return Reduced.make(Scenario.from_dict(values), tmp_path_factory.mktemp("small"))


class Reduced:
    """A reduced night and the truth about it."""

    def __init__(self, folder, result):
        self.folder, self.result, self.truth = folder, result, Truth.load(folder / "raw")
        self.detector = detector_of(self.truth.scenario.detector)
        self.paths = {path.name: path for path in (folder / "out" / "calibrated").iterdir()}
        files = sorted((folder / "out" / "masters").iterdir())
        products = [load_product(path) for path in files if not path.name.startswith("defects")]
        self.bias, self.dark = (next(p for p in products if p.name == name) for name in ("bias", "dark"))
        self.flats = {product.filter: product for product in products if product.name == "flat"}

    @classmethod
    def make(cls, scenario, folder):
        simulate(scenario, folder / "raw", workers=2)
        config = ReduceConfig.model_validate({"report": {"write": False, "pictures": False}})
        return cls(folder, reduce(folder / "raw", folder / "out", config=config, workers=2))

    @property
    def science(self):
        return [name for name, frame in self.truth.frames.items() if frame["type"] == "light"]

    def again(self, name):
        """Correct the raw frame with the masters on disk, their noise kept apart."""
        gain, noise = self.detector.amplifiers[0].gain, self.bias.read_noise[0]
        effects = [
            Overscan(),
            self.bias,
            self.dark,
            self.flats[self.truth.frames[name]["filter"]],
            Gain(gain),
        ]
        effects += [ReadNoise(noise * gain, digitized=True), ShotNoise(), ADC(16)]
        return SignalChain(effects).correct(read(self.folder / "raw" / name), settle=False)

    def light(self, name):
        """True electrons where the flat is 1 as the measured flat has it, and those of the stars alone."""
        filter = self.truth.frames[name]["filter"]
        flat = self.truth.flats[filter]
        light = self.truth.expected(name) / flat * np.median(flat[~mask_of(self.flats[filter].flags)])
        table = self.truth.frames[name]["sky"]
        sky = table["level"] * self.truth.frames[name]["exposure_time"]
        rows, columns = light.shape
        x, y = (np.arange(columns) + 0.5) / columns - 0.5, ((np.arange(rows) + 0.5) / rows - 0.5)[:, None]
        plane = sky * (1 + table["gradient"][0] * x + table["gradient"][1] * y)
        return light, self.truth.expected(name) / flat - plane, sky


def region_complaints(night):
    found = []
    for name in night.science:
        filter = night.truth.frames[name]["filter"]
        kept_apart, (light, stars, sky) = night.again(name), night.light(name)
        common = common_errors(
            kept_apart,
            night.bias,
            night.dark,
            night.flats[filter],
            detector=night.detector,
            response=night.truth.flats[filter],
        )
        frame = read(night.paths[name])
        hit = np.where(night.truth.cosmic_rays(name), FLAG_DTYPE.type(Flags.COSMIC_RAY), FLAG_DTYPE.type(0))
        clean = frame.with_(flags=frame.flags | hit, detector=kept_apart.detector)
        for check in examine(clean, light, regions(clean, stars, sky), common):
            print(f"{name} {check.region}: {check.scores[0]:+.1f} and {check.scores[1]:+.1f} errors")
            found += [f"{name} {complaint}" for complaint in check.complaints]
    return found


def test_every_frame_is_calibrated(small_night):
    assert small_night.result.exit_code == 0
    assert sorted(small_night.paths) == sorted(small_night.science)
    for name in small_night.science:
        frame = read(small_night.paths[name])
        again = small_night.again(name)
        # The command does what the chain does.
        np.testing.assert_array_equal(frame.data, again.data)
        np.testing.assert_allclose(frame.variance, again.settled().variance, rtol=1e-5)


def test_residuals_are_noise_of_the_predicted_size(small_night):
    assert region_complaints(small_night) == []


@pytest.mark.slow
def test_the_night_preset(tmp_path):
    """All of it at full size: regions, and pooled over each filter with the cosmic rays nobody found."""
    night = Reduced.make(Scenario.preset("night"), tmp_path)
    assert region_complaints(night) == []
    pools = defaultdict(Pool)
    for name in night.science:
        key = night.truth.frames[name]["filter"], night.truth.frames[name]["exposure_time"]
        pools[key].add(read(night.paths[name]), night.light(name)[0])
    for key, pool in pools.items():
        print(key, f"{pool.pixels} pixels, mean {pool.mean:+.4f} sigma, ratio {pool.ratio:.4f}")
    assert {key: pool.complaints for key, pool in pools.items() if pool.complaints} == {}
