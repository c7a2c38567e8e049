"""Known answers on real frames, measured before with independent scripts (their README)."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

from fullwell.effects.storage import load_product

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def stl1001(data_folder, tmp_path_factory, run):
    return run(
        data_folder / "stl1001-lab",
        tmp_path_factory.mktemp("stl1001") / "out",
        workers=2,
        frames={"flat": "flat-*"},
    )


def named(ran, name):
    return next(one for one in ran.data["masters"] if one["name"] == name)


def test_stl1001_has_masters_and_no_failures(stl1001):
    assert stl1001.code in (0, 1)
    assert stl1001.aside == {}
    kinds = [one["kind"] for one in stl1001.data["masters"]]
    assert sorted(kinds) == ["bias", "bias", "dark", "dark", "defects", "defects", "flat"]
    assert {one["status"] for one in stl1001.data["masters"]} == {"done"}


@pytest.mark.parametrize(("label", "noise"), [("1x1-m5C", 6.70), ("1x1-m10C", 6.55)])
def test_stl1001_read_noise(stl1001, label, noise):
    assert named(stl1001, f"bias-{label}")["read_noise"] == pytest.approx([noise], rel=0.02)


@pytest.mark.parametrize(
    ("label", "rate", "offset", "frames"), [("1x1-m5C", 0.347, 1.74, 16), ("1x1-m10C", 0.173, 1.09, 6)]
)
def test_stl1001_darks_are_a_line(stl1001, label, rate, offset, frames):
    dark = named(stl1001, f"dark-{label}")
    assert dark["count"] == frames
    assert dark["line_rate"] == pytest.approx(rate, rel=0.03)
    # The bias level of single frames drifts by some tenths of an ADU.
    assert dark["line_offset"] == pytest.approx(offset, abs=0.35)
    assert dark["rate_median"] == pytest.approx(rate, rel=0.03)


def test_stl1001_cosmic_rays_are_rejected(stl1001, data_folder):
    """A hit that stayed in would lift the mean of eleven frames by an eleventh of its height."""
    dark = load_product(stl1001.out / "masters" / "dark-1x1-m5C.fits")
    bias = load_product(stl1001.out / "masters" / "bias-1x1-m5C.fits")
    level = next(one for one in dark.levels if one.time == 60.0)
    paths = sorted((data_folder / "stl1001-lab").rglob("*"))
    frames = []
    for path in paths:
        if path.suffix.lower() in (".fit", ".fits"):
            header = fits.getheader(path)
            if "ark" in header["IMAGETYP"] and (header["EXPTIME"], round(header["CCD-TEMP"])) == (60, -5):
                frames.append(fits.getdata(path).astype(np.float32) - bias.structure)
    assert len(frames) == level.count == 11
    stack = np.stack(frames)
    middle = np.median(stack, axis=0)
    sigma = np.sqrt(6.7**2 + np.maximum(middle, 0) / 2.06)
    hits = [(frame - middle > 12 * sigma, frame - middle) for frame in stack]
    total = sum(int(hit.sum()) for hit, _ in hits)
    rejected = sum(
        int(((level.level - middle)[hit] < 0.5 * height[hit] / len(frames)).sum()) for hit, height in hits
    )
    assert total > 200
    assert rejected > 0.8 * total


@pytest.fixture(scope="module")
def st402(data_folder, tmp_path_factory, run):
    return run(
        data_folder / "st402-spectra",
        tmp_path_factory.mktemp("st402") / "out",
        workers=2,
        frames={"flat": "L2-flat-*", "arc": "L2-arc-*", "star": "L2-star-*"},
    )


def test_st402_science_gets_darks_of_its_own_length_and_no_bias(st402):
    assert st402.code == 1
    assert {one["exposure_time"] for one in st402.data["calibrated"]} == {240.0, 1200.0}
    for one in st402.data["calibrated"]:
        assert (one["status"], one["bias"], one["dark_rule"]) == ("done", None, "same length")
    assert len(st402.data["calibrated"]) == 10


def test_st402_frames_that_were_dark_subtracted_are_set_aside(st402):
    reasons = {name: why for name, why in st402.aside.items() if "flat-red" in name}
    assert len(reasons) == 5
    by_card = [why for why in reasons.values() if "Auto-Dark Subtraction" in why]
    by_level = [why for why in reasons.values() if "calibrated before: its faintest pixels" in why]
    assert (len(by_card), len(by_level)) == (1, 4)
    # The flats that are left are of the other lamp.
    assert len(next(one for one in st402.data["masters"] if one["kind"] == "flat")["inputs"]) == 4
