"""Parameters, maps and what was realized, on disk and back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits

from fullwell import (
    Bias,
    CosmicRays,
    Dark,
    Flat,
    Gain,
    Lamp,
    Persistence,
    ReadNoise,
    Scene,
    ShotNoise,
    SignalChain,
)
from fullwell.chain import Take
from fullwell.chain.truth_file import read_chain_truth, write_chain_truth
from fullwell.detector import Detector
from fullwell.detector.shrinking import with_amplifiers_of
from fullwell.effects.charge_transfer import ChargeTransfer
from fullwell.effects.parts_file import write_parts
from fullwell.errors import AlreadyExists, FrameError, ParameterError
from fullwell.noise import Noise

DETECTOR = with_amplifiers_of(Detector.preset("lsst-itl"), (30, 20))


def chain():
    random = np.random.default_rng(1)
    return SignalChain(
        [
            Flat(1 + 0.01 * random.normal(size=DETECTOR.shape)), Dark(random.uniform(0, 1, DETECTOR.shape)),
            CosmicRays(50.0), ChargeTransfer(1e-5, traps=()), ShotNoise(), ReadNoise([5.0] * 16),
            Gain([1.5] * 16), Bias([1000.0] * 16, drift=2.0),
        ],
        detector=DETECTOR,
    )  # fmt: skip


def test_the_truth_makes_the_same_frames_again(tmp_path):
    truth = chain()
    exposures = [truth.expose(np.full(DETECTOR.shape, 50.0), 30.0, noise=Noise(4, i)) for i in range(3)]
    path, text = write_chain_truth(tmp_path / "truth.fits", truth, exposures)
    back = read_chain_truth(path)
    again = back.chain.expose(np.full(DETECTOR.shape, 50.0), 30.0, noise=Noise(4, 2))
    np.testing.assert_array_equal(again.frame.data, exposures[2].frame.data)
    assert len(back.frames) == 3
    for frame, exposure in zip(back.frames, exposures, strict=True):
        assert frame["bias_offset"] == exposure.truth["bias_offset"]
        np.testing.assert_array_equal(frame["cosmic_rays"], exposure.truth["cosmic_rays"])
    readable = json.loads(text.read_text())
    names = [effect["class"] for effect in readable["effects"]]
    assert names == [type(effect).__name__ for effect in truth.effects]
    gain = next(effect for effect in readable["effects"] if effect["class"] == "Gain")
    assert gain["values"] == [1.5] * 16
    image = next(e for e in readable["effects"] if e["class"] == "Flat")["response"]["image"]
    np.testing.assert_array_equal(fits.getdata(path, image), truth.get("flat").response)
    assert readable["frames"][1]["bias_offset"] == exposures[1].truth["bias_offset"]


class Stripes:
    """A scene of somebody else."""

    def render(self, shape):
        return np.broadcast_to(np.arange(shape[1], dtype=np.float32), shape)


def test_scenes_and_times_are_in_it(tmp_path):
    """From the file alone the frames come out again, memory of the detector and all."""
    truth = chain().with_(Persistence(fraction=0.01, time_constant=20.0))
    lamp = Scene([Lamp(200.0)])
    asked = [
        (lamp, 30.0),
        Take(None, 10.0, dark_time=12.0),
        Take(lamp, 5.0, temperature=170.0),
        (Stripes(), 4.0),
    ]
    exposures = list(truth.expose_sequence(asked, noise=Noise(4, 7)))
    path, text = write_chain_truth(tmp_path / "truth.fits", truth, exposures)
    back = read_chain_truth(path)
    assert [take.exposure_time for take in back.takes] == [30.0, 10.0, 5.0, 4.0]
    assert [take.dark_time for take in back.takes] == [30.0, 12.0, 5.0, 4.0]
    assert [take.temperature for take in back.takes] == [None, None, 170.0, None]
    assert back.takes[0].scene is back.takes[2].scene
    again = list(back.chain.expose_sequence(back.takes, seed=0))
    for one, other in zip(exposures, again, strict=True):
        np.testing.assert_array_equal(one.frame.data, other.frame.data)
    readable = json.loads(text.read_text())
    assert readable["scenes"][0]["parts"][0]["level"] == 200.0
    assert [take["scene"] for take in readable["takes"]] == [0, None, 0, 1]
    assert readable["takes"][1]["noise"]["exposure"] == 8


def test_files_without_scenes_are_read(tmp_path):
    content = {"effects": list(chain()), "detector": None, "frames": []}
    write_parts(content, tmp_path / "old.fits")
    assert read_chain_truth(tmp_path / "old.fits").takes == ()
    write_parts(content | {"scenes": [], "takes": [{"scene": 3}]}, tmp_path / "bad.fits")
    with pytest.raises(FrameError, match="exposures"):
        read_chain_truth(tmp_path / "bad.fits")


def test_nothing_is_overwritten_and_other_files_are_refused(tmp_path):
    path, text = write_chain_truth(tmp_path / "truth.fits", chain(), [])
    before = path.read_bytes(), text.read_bytes()
    with pytest.raises(AlreadyExists):
        write_chain_truth(path, chain(), [])
    path.unlink()
    with pytest.raises(AlreadyExists):
        write_chain_truth(path, chain(), [])
    assert not path.exists()
    write_chain_truth(path, chain(), [], overwrite=True)
    assert (path.read_bytes(), text.read_bytes()) == before
    for content in ({"a": 1}, {"effects": [3], "detector": None, "frames": []}):
        write_parts(content, path, overwrite=True)
        with pytest.raises(FrameError, match=r"truth|effects"):
            read_chain_truth(path)


@pytest.mark.parametrize("name", ["truth.json", "truth.JSON"])
def test_the_name_of_the_other_file_is_refused(tmp_path, name):
    with pytest.raises(ParameterError, match="FITS file"):
        write_chain_truth(tmp_path / name, chain(), [])
    assert not list(tmp_path.iterdir())


def test_light_with_a_unit_is_written_in_electrons_per_second(tmp_path):
    truth = chain()
    light = np.full(DETECTOR.shape, 6000.0) * u.electron / u.min
    exposure = truth.expose(light, 30.0, seed=1)
    path, _ = write_chain_truth(tmp_path / "truth.fits", truth, [exposure])
    (again,) = read_chain_truth(path).chain.expose_sequence(read_chain_truth(path).takes, seed=0)
    np.testing.assert_array_equal(again.light, exposure.light)
    np.testing.assert_allclose(again.light, 3000.0, rtol=1e-6)
