"""Which masters are made and which of them a frame gets, seen in whole reductions."""

from __future__ import annotations

import numpy as np
import pytest


def test_a_complete_night(whole):
    assert whole.code == 0
    assert [one["kind"] for one in whole.data["masters"]] == ["bias", "dark", "flat", "defects"]
    assert whole.aside == {}
    one = whole.science("field_1.fits")
    assert one["dark_rule"] == "same length"
    assert one["unit"] == "electron"
    # 3072 pixels of 300 e- of sky: the mean is known to 0.5 e-, with the masters to about 1.
    assert one["after"]["background"] == pytest.approx(300, abs=5)


def test_dark_of_the_same_length_wins_over_one_nearer_in_time(night, out, run):
    night.biases()
    night.darks(60.0)
    night.science(1, seconds=60.0)
    night._hours = 48.0
    night.biases(stem="late-bias")
    night.darks(240.0, stem="late-dark")
    night.science(1, stem="late", seconds=60.0)
    late = run(night.folder, out).science("late_1.fits")
    assert late["dark_rule"] == "same length"
    assert "2024-03-09" in late["dark"]
    assert "of those of the same length" in late["why"]["dark"]


def test_the_nearest_in_time_wins_among_nights(night, out, run):
    for stem, start in (("a", 0.0), ("b", 48.0)):
        night._hours = start
        night.biases(3, stem=f"{stem}-bias")
        night.darks(60.0, 3, stem=f"{stem}-dark")
    night._hours = 44.0
    night.science(1)
    one = run(night.folder, out).science("field_1.fits")
    assert "2024-03-11" in one["dark"]
    assert "nearest in time of 2" in one["why"]["dark"]
    # The bias goes with the dark that was measured behind it.
    assert "2024-03-11" in one["bias"]


@pytest.mark.parametrize("lengths", [(240.0,), (60.0, 240.0)])
def test_scaled_down_with_the_bias(night, out, run, lengths):
    night.biases()
    for seconds in lengths:
        night.darks(seconds)
    night.science(1, seconds=120.0)
    ran = run(night.folder, out)
    one = ran.science("field_1.fits")
    assert one["dark_rule"] == ("scaled down" if len(lengths) == 1 else "line")
    weights, times = np.array(one["dark_weights"]), np.array(lengths)
    if len(lengths) == 1:
        assert weights == pytest.approx([0.5])
        assert any("offset" in text for text in ran.master("dark")["remarks"])
    else:
        assert (weights.sum(), weights @ times) == (pytest.approx(1), pytest.approx(120))
    assert not any("scaled up" in text for text in ran.warnings)


def test_scaling_up_is_said(night, out, run):
    night.biases()
    night.darks(30.0)
    night.flats(seconds=90.0)
    night.science(1, seconds=60.0)
    ran = run(night.folder, out)
    assert ran.code == 1
    assert ran.science("field_1.fits")["dark_rule"] == "scaled up"
    assert "warning: field_1.fits: the dark was scaled up, from 30 s at most to 60 s" in ran.warnings
    assert any(text.endswith("the dark was scaled up, from 30 s at most to 90 s") for text in ran.warnings)
    assert ran.master("flat")["dark_rules"] == ["scaled up"]


def test_without_biases_same_length_darks_serve_alone(night, out, run):
    night.darks(60.0)
    night.science(1, seconds=60.0)
    night.science(1, stem="other", seconds=90.0)
    ran = run(night.folder, out)
    one = ran.science("field_1.fits")
    assert (one["bias"], one["dark_rule"]) == (None, "same length")
    assert "hold the bias and serve their own length only" in ran.aside["other_1.fits"]
    assert "there is no bias" in ran.aside["other_1.fits"]
    assert ran.master("dark")["bias_included"]
    light = ran.image(one["path"])
    assert np.median(light) == pytest.approx(300, abs=6)
    # Twice the read noise and dark (frame and a fifth for the mean of five), and the light.
    variance = (6.0**2 + 29.0) * (1 + 1 / 5) + 300
    assert one["variance_median"] == pytest.approx(variance, rel=0.05)


def test_two_lengths_need_no_bias(night, out, run):
    night.darks(60.0)
    night.darks(120.0)
    night.science(1, seconds=90.0)
    one = run(night.folder, out).science("field_1.fits")
    assert (one["bias"], one["dark_rule"]) == (None, "line")
    assert one["after"]["background"] == pytest.approx(300, abs=6)


def test_flats_without_a_dark_or_bias_of_their_own_are_set_aside(night, out, run):
    night.darks(60.0)
    night.flats(seconds=4.0)
    night.science(1)
    ran = run(night.folder, out)
    assert "flat without a bias or a dark of its own" in ran.aside["flat_1.fits"]
    assert ran.science("field_1.fits")["flat"] is None
    assert any("not flat-fielded" in text for text in ran.warnings)


def test_too_few_frames(night, out, run):
    night.biases(3)
    night.darks(60.0, 2)
    night.darks(120.0, 2)
    night.flats(2)
    night.science(1)
    ran = run(night.folder, out)
    assert "2 flat frames of this kind" in ran.aside["flat_1.fits"]
    assert "a master needs 3" in ran.aside["flat_1.fits"]
    remarks = [text for text in ran.warnings if text.startswith("note")]
    assert any("bias" in text and "3 frames only" in text for text in remarks)
    # Four darks of two lengths are one master of four frames.
    assert any("dark" in text and "4 frames only" in text for text in remarks)
    assert ran.master("dark")["count"] == 4


def test_temperature_within_one_kelvin(night, out, run):
    night.biases(3)
    night.darks(60.0, 3, CCD_TEMP=-10.0)
    night.darks(60.0, 3, stem="cold", CCD_TEMP=-15.0, SET_TEMP=-15.0)
    night.science(1, CCD_TEMP=-9.4)
    night.science(1, stem="warm", CCD_TEMP=-5.0, SET_TEMP=-5.0)
    ran = run(night.folder, out)
    assert ran.science("field_1.fits")["dark"] == "dark-1x1-m10C"
    warm = ran.aside.get("warm_1.fits", "") + ran.data["calibrated"][-1]["why"].get("dark", "")
    assert "5.0 K away" in warm


def test_gain_from_configuration_then_header_then_pairs(night, out, run, tmp_path):
    night.biases()
    night.flats(10, EGAIN=None)
    night.darks(60.0, EGAIN=None)
    night.science(1, EGAIN=None)
    for path in night.folder.glob("bias*"):
        path.unlink()
    night.biases(EGAIN=None)
    pairs = run(night.folder, out)
    one = pairs.science("field_1.fits")
    assert one["gain_source"] == "pairs of flats"
    # 5 pairs of 3072 pixels: 2.5 sigma are 2.5 * sqrt(2/3072)/sqrt(5) = 2.9 %.
    assert one["gain"][0] == pytest.approx(1.5, rel=0.03)
    told = run(night.folder, tmp_path / "told", detector={"gain": 2.0})
    one = told.science("field_1.fits")
    assert (one["gain_source"], one["gain"]) == ("configuration", [2.0])
    assert any("the flats say a gain of 1." in text for text in told.warnings)


@pytest.mark.parametrize(
    ("flat_gain", "source"), [(1.5, "header of the other frames"), (None, "pairs of flats")]
)
def test_a_frame_without_a_gain_gets_that_of_its_camera(night, out, run, flat_gain, source):
    night.biases(EGAIN=None)
    night.darks(60.0, EGAIN=None)
    night.flats(10, EGAIN=flat_gain, GAIN=120)
    night.science(1, EGAIN=None)
    one = run(night.folder, out).science("field_1.fits")
    assert one["gain_source"] == source
    assert one["gain"][0] == pytest.approx(1.5, rel=0.03)  # as above


def test_one_frame_without_overscan_leaves_it_to_the_others(night, out, run):
    sections = {"DATASEC": "[1:56,1:48]", "BIASSEC": "[57:64,1:48]"}
    night.biases(**sections)
    night.darks(60.0, **sections)
    night.science(2, **sections)
    night.add("field_2.fits", "science", seconds=60.0, light=300.0)
    ran = run(night.folder, out, overscan={"method": "mean"})
    assert [row["used"] for row in ran.data["overscan"]] == [True]
    assert ran.science("field_1.fits")["status"] != "failed"
    assert ran.science("field_2.fits")["status"] == "failed"
    assert "overscan" in ran.science("field_2.fits")["reason"]


def test_gain_of_the_header(whole):
    assert whole.science("field_1.fits")["gain_source"] == "header, EGAIN"
    assert whole.header("calibrated/field_1.fits")["FWGAIN"] == 1.5


def test_unknown_gain_stays_in_adu_with_an_empirical_variance(night, out, run):
    night.biases(EGAIN=None)
    night.darks(60.0, EGAIN=None)
    night.science(1, EGAIN=None)
    ran = run(night.folder, out)
    one = ran.science("field_1.fits")
    header = ran.header(one["path"])
    assert (one["unit"], one["gain"], header["VARMODEL"]) == ("adu", None, "empirical")
    assert header["BUNIT"].lower() == "adu"
    assert any("the gain is not known" in text for text in ran.warnings)
    residual = ran.image(one["path"]) - 300 / 1.5 * night.response
    clipped = residual[np.abs(residual) < 5 * residual.std()]
    # Mean square of 3072 values: sqrt(2/3072) = 2.6 %, and 2.6 % for the estimate; 4 sigma.
    assert (clipped**2).mean() == pytest.approx(one["variance_median"], rel=0.15)


def test_a_gain_that_flats_cannot_tell_stops_nothing(night, out, run):
    # Flats without noise: their difference shows none, the gain stays unknown.
    for maker in (night.biases, night.darks):
        maker(*((60.0,) if maker == night.darks else ()), EGAIN=None)
    flat = (night.level + night.structure + 12000 * night.response).astype(np.uint16)
    rng = np.random.default_rng(5)
    for i in range(1, 6):
        data = flat + rng.integers(0, 2, flat.shape).astype(np.uint16)
        night.add(f"flat_{i}.fits", "flat", seconds=4.0, data=data, EGAIN=None)
    night.science(1, EGAIN=None)
    ran = run(night.folder, out)
    assert ran.science("field_1.fits")["unit"] == "adu"
    assert any("the gain could not be measured" in text for text in ran.warnings)


def test_no_bias_and_no_dark_that_fits_says_why(night, out, run):
    night.biases()
    night.science(1, data=np.full((20, 30), 700, np.uint16), seconds=60.0, light=0)
    reason = run(night.folder, out).aside["field_1.fits"]
    assert "size 64x48 instead of 30x20" in reason
