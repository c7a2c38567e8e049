"""Parameters, maps and what was realized, on disk and back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from astropy.io import fits

from fullwell import Bias, CosmicRays, Dark, Flat, Gain, ReadNoise, ShotNoise, SignalChain
from fullwell.chain.truth_file import read_chain_truth, write_chain_truth
from fullwell.detector import Detector
from fullwell.detector.shrinking import with_amplifiers_of
from fullwell.effects.charge_transfer import ChargeTransfer
from fullwell.effects.parts_file import write_parts
from fullwell.errors import AlreadyExists, FrameError
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
