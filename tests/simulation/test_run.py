from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from astropy.io import fits

from fullwell.errors import AlreadyExists, ConfigError, FileError, FrameError, ParameterError, UnreadableFile
from fullwell.simulation import Scenario, Truth, preset_scenarios, preview, simulate

SMALL = {
    "name": "small",
    "seed": 3,
    "detector": {
        "name": "tiny",
        "shape": [200, 300],
        "overscan": 16,
        "gain": 1.6,
        "read_noise": 6.0,
        "pixel_size": 20.0,
    },
    "bias": {
        "level": 800.0,
        "drift": 1.0,
        "gradient": [8.0, 0.0],
        "bad_columns": 1,
        "bad_column_height": 50.0,
    },
    "dark": {"rate": 0.5, "offset": 3.0, "hot_fraction": 0.001, "hot_rate": [20.0, 200.0]},
    "flat": {"V": {"vignetting": 0.2, "dust": 2, "pixel_response": 0.01}},
    "sky": {"V": {"level": 20.0, "gradient": [0.2, 0.0]}},
    "stars": {"number": 5, "flux": [500, 5000], "fwhm": 3.0},
    "cosmic_rays": {"rate": 20.0},
    "sequence": [
        {"type": "bias", "count": 3},
        {"type": "dark", "count": 2, "exposure_time": 100.0},
        {"type": "flat", "count": 2, "exposure_time": 4.0, "filter": "V", "lamp": 5000.0},
        {"type": "light", "count": 2, "exposure_time": 50.0, "filter": "V", "dither": 6.0},
    ],
}


def scenario(**changes):
    return Scenario.from_dict(SMALL | changes)


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    simulate(scenario(), folder)
    return folder


def pixels(folder, name):
    return fits.getdata(folder / name).astype(float)[:, :300]


def test_what_is_written(folder):
    names = [f"bias_{i:03d}.fits" for i in (1, 2, 3)] + [f"dark_{i:03d}.fits" for i in (1, 2)]
    names += [f"flat_{i:03d}.fits" for i in (1, 2)] + [f"light_{i:03d}.fits" for i in (1, 2)]
    assert sorted(path.name for path in folder.iterdir()) == sorted([*names, "truth.fits", "truth.json"])


def test_frames_are_valid_fits_with_the_usual_cards(folder):
    with fits.open(folder / "light_001.fits") as hdus:
        hdus.verify("exception")
        header = hdus[0].header
    assert (header["IMAGETYP"], header["FILTER"], header["EXPTIME"]) == ("Light Frame", "V", 50.0)
    assert (header["GAIN"], header["RDNOISE"], header["CCD-TEMP"]) == (1.6, 6.0, -10.0)
    assert header["BIASSEC"] == "[301:316,1:200]"
    assert header["TRIMSEC"] == header["DATASEC"] == "[1:300,1:200]"
    assert header["INSTRUME"] == "tiny"
    assert "FILTER" not in fits.getheader(folder / "bias_001.fits")
    data = fits.getdata(folder / "light_001.fits")
    assert data.dtype == np.uint16
    assert data.shape == (200, 316)


def test_dates_follow_each_other(folder):
    truth = Truth.load(folder)
    dates = [fits.getheader(folder / name)["DATE-OBS"] for name in truth.frames]
    assert dates == sorted(dates)
    assert dates[3:5] == ["2024-03-09T19:30:30.000", "2024-03-09T19:32:20.000"]


def test_the_same_bytes_for_any_number_of_workers(folder, tmp_path):
    simulate(scenario(), tmp_path, workers=3)
    assert digests(tmp_path) == digests(folder)


def test_another_seed_is_another_night(folder, tmp_path):
    simulate(scenario(), tmp_path, seed=4)
    ours, theirs = digests(folder), digests(tmp_path)
    assert all(ours[name] != theirs[name] for name in ours)
    assert Truth.load(tmp_path).seed == 4


def test_switching_cosmic_rays_off_leaves_all_other_pixels(folder, tmp_path):
    simulate(scenario(cosmic_rays=None), tmp_path)
    truth = Truth.load(folder)
    hit = truth.cosmic_rays("dark_001.fits")
    assert hit.any()
    difference = pixels(folder, "dark_001.fits") != pixels(tmp_path, "dark_001.fits")
    np.testing.assert_array_equal(difference & ~hit, False)
    assert difference[hit].mean() > 0.5
    assert not Truth.load(tmp_path).cosmic_rays("dark_001.fits").any()


def good(truth, *names):
    mask = truth.dark_rate < 1
    for name in names:
        mask &= ~truth.cosmic_rays(name)
    return mask


def test_the_truth_of_a_bias(folder):
    truth = Truth.load(folder)
    for name in ("bias_001.fits", "bias_002.fits"):
        frame = truth.frames[name]
        expected = truth.bias + frame["bias_offset"]  # the offset of the dark comes with exposures only
        residual = (pixels(folder, name) - expected)[good(truth)]
        variance = 6.0**2 / 1.6**2 + 1 / 12
        n = residual.size
        assert abs(residual.mean()) < 5 * np.sqrt(variance / n)  # 5 sigma
        assert residual.var() == pytest.approx(variance, rel=5 * np.sqrt(2 / n))
    offsets = [frame["bias_offset"] for frame in truth.frames.values()]
    assert np.std(offsets) > 0.2
    assert (np.ptp(truth.bias, axis=1) > 7).all()


@pytest.mark.parametrize("name", ["light_001.fits", "light_002.fits", "dark_002.fits"])
def test_the_truth_of_a_frame(folder, name):
    """Residuals over their own predicted noise have mean 0 and variance 1, stars included; 5 sigma each."""
    truth = Truth.load(folder)
    light = truth.expected(name) if name.startswith("light") else 0
    electrons = light + truth.expected_dark(name)
    expected = electrons / 1.6 + truth.bias + truth.frames[name]["bias_offset"]
    sigma = np.sqrt((electrons + 36) / 1.6**2 + 1 / 12)
    z = ((pixels(folder, name) - expected) / sigma)[good(truth, name)]
    assert abs(z.mean()) < 5 / np.sqrt(z.size)
    assert (z**2).mean() == pytest.approx(1, abs=5 * np.sqrt(2 / z.size))


def test_the_truth_of_a_flat(folder):
    truth = Truth.load(folder)
    flat = truth.flats["V"]
    assert np.median(flat) == pytest.approx(1, abs=1e-6)
    electrons = 20000 * flat
    adu = pixels(folder, "flat_001.fits") - truth.bias - truth.frames["flat_001.fits"]["bias_offset"]
    z = ((adu * 1.6 - electrons - truth.expected_dark("flat_001.fits")) / np.sqrt(electrons + 41))[
        good(truth)
    ]
    assert abs(z.mean()) < 5 / np.sqrt(z.size)
    assert z.var() == pytest.approx(1, abs=0.05)


def test_stars_move_with_the_dither(folder):
    truth = Truth.load(folder)
    a, b = truth.frames["light_001.fits"]["dither"], truth.frames["light_002.fits"]["dither"]
    assert a != b
    assert max(map(abs, a + b)) <= 6


def test_truth_refuses_what_it_does_not_know(folder, tmp_path):
    truth = Truth.load(folder)
    with pytest.raises(FrameError, match="not among"):
        truth.expected("light_009.fits")
    with pytest.raises(FrameError, match="did not see the sky"):
        truth.expected("bias_001.fits")
    with pytest.raises(UnreadableFile, match="no truth"):
        Truth.load(tmp_path)


def test_the_scenario_survives_in_the_truth(folder):
    assert Truth.load(folder).scenario == scenario()


def test_nothing_is_overwritten(folder, tmp_path):
    before = digests(folder)
    with pytest.raises(AlreadyExists, match="more files"):
        simulate(scenario(seed=9), folder)
    assert digests(folder) == before
    simulate(scenario(), tmp_path)
    simulate(scenario(), tmp_path, overwrite=True)
    assert digests(tmp_path) == before


def test_preview_writes_nothing(tmp_path):
    plan = preview(scenario(), tmp_path / "new")
    assert len(plan.shots) == 9
    assert plan.existing == []
    assert plan.size == 9 * (2880 + 44 * 2880)
    assert list(tmp_path.iterdir()) == []


def test_progress(tmp_path):
    seen = []
    simulate(scenario(), tmp_path, on_progress=lambda done, total, file: seen.append((done, total, file)))
    assert [done for done, _, _ in seen] == list(range(1, 10))
    assert {total for _, total, _ in seen} == {9}


def test_a_file_in_place_of_the_folder(tmp_path):
    (tmp_path / "taken").write_text("x")
    with pytest.raises(FileError):
        simulate(scenario(), tmp_path / "taken")


def test_int32_above_16_bits(tmp_path):
    table = SMALL["detector"] | {"adc_bits": 18}
    simulate(scenario(detector=table), tmp_path)
    assert fits.getheader(tmp_path / "flat_001.fits")["BITPIX"] == 32
    assert fits.getdata(tmp_path / "flat_001.fits").dtype.newbyteorder("=") == np.int32


def test_a_detector_of_many_amplifiers(tmp_path):
    table = {"preset": "lsst-itl"}
    entries = [{"type": "bias"}]
    simulate(scenario(detector=table, sequence=entries, cosmic_rays=None), tmp_path)
    assert fits.getdata(tmp_path / "bias_001.fits").dtype.newbyteorder("=") == np.int32


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"detektor": {}}, "did you mean 'detector'"),
        ({"bias": {"levle": 3}}, "did you mean 'level'"),
        ({"sequence": []}, "sequence"),
        ({"sequence": [{"type": "bias"}, {"type": "bias"}]}, "twice"),
        ({"sequence": [{"type": "light", "filter": "B"}]}, "no table"),
        ({"sequence": [{"type": "light", "filter": "V", "lamp": 3}]}, "lamp"),
        ({"sequence": [{"type": "bias", "count": 2, "level_offset": [1.0]}]}, "1 values for 2 frames"),
        ({"sequence": [{"type": "bias", "name": "../{number}"}]}, "without folders"),
        ({"sequence": [{"type": "bias", "name": "{nr}"}]}, "may use"),
        ({"dark": {"rate": -1}}, "greater than or equal to 0"),
        ({"dark": {"hot_fraction": 0.1}}, "hot_rate"),
        ({"dark": {"pixels": [{"x": 1000, "y": 0, "rate": 1}]}}, "outside"),
        ({"detector": {"shape": [3, 3]}}, "give a preset"),
        ({"detector": {"preset": "guide-ccd", "overscan": 3}}, "has its own overscan"),
    ],
)
def test_impossible_scenarios(changes, message, tmp_path):
    with pytest.raises(ConfigError, match=message):
        simulate(scenario(**changes), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_unknown_presets():
    with pytest.raises(ParameterError, match="st402-course"):
        Scenario.preset("nigth")
    with pytest.raises(ParameterError, match="guide-ccd"):
        preview(scenario(detector={"preset": "none"}), ".")


@pytest.mark.parametrize("name", preset_scenarios())
def test_presets_are_valid(name, tmp_path):
    assert preview(Scenario.preset(name), tmp_path).shots


def test_truth_json_is_plain(folder):
    content = json.loads((folder / "truth.json").read_text())
    assert content["seed"] == 3
    assert content["frames"][-1]["sky"] == {"level": 20.0, "gradient": [0.2, 0.0]}


def test_frozen(folder):
    """Ten thousand lines later the same seed gives the same frames."""
    seen = {}
    for name in FROZEN:
        data = fits.getdata(folder / name).astype("<u2")
        seen[name] = hashlib.sha256(data.tobytes()).hexdigest()[:16]
    assert seen == FROZEN


FROZEN = {
    "bias_003.fits": "dd08d4d43f0cca65",
    "dark_002.fits": "2fe352e1f95e966c",
    "flat_001.fits": "85afaa199abc2c6e",
    "light_002.fits": "6a8b60561f3931f8",
}
