"""The simulator follows closed forms. Statistical limits are 5 sigma: one false alarm in 2 million."""

from __future__ import annotations

import numpy as np
import pytest

from fullwell.effects.brighter_fatter import BrighterFatter
from fullwell.errors import ParameterError
from fullwell.simulation.playground import Playground
from fullwell.simulation.playground_controls import SLIDERS, SWITCHES, Settings, describe
from fullwell.simulation.playground_effects import EFFECT_OF, make_effect
from fullwell.simulation.playground_histogram import Expected, Histogram

#: Nothing but sky, dark current, bias and noise.
PLAIN = {"stars": 0, "hot_pixels": 0}
SCENE = {"sky_gradient", "moonlight", "galaxies", "spots", "dark_spread"}


@pytest.fixture(scope="module")
def playground():
    return Playground()


@pytest.fixture(scope="module")
def take(playground):
    return lambda **values: playground.take(Settings.of(values))


@pytest.fixture(scope="module")
def first(take):
    return take()


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"bias": 3210},
        {"read_noise": 42.5},
        {"gain": 2.35},
        {"gain": 0.25, "read_noise": 3},
        {"dark_current": 20},
        {"exposure_time": 300},
        {"exposure_time": 0},
        {"sky": 300},
        {"sky": 0, "dark_current": 0},
    ],
)
def test_sliders_follow_their_closed_form(take, values):
    play = take(**PLAIN, **values)
    settings = {name: each.value for name, each in SLIDERS.items()} | values
    electrons = (settings["dark_current"] + settings["sky"]) * settings["exposure_time"]
    mean = settings["bias"] + electrons / settings["gain"]
    variance = (settings["read_noise"] ** 2 + electrons) / settings["gain"] ** 2 + 1 / 12
    number = play.frame.size
    assert play.frame.mean() == pytest.approx(mean, abs=5 * np.sqrt(variance / number))
    assert play.frame.var() == pytest.approx(variance, rel=5 * np.sqrt(3 / number))
    assert (play.expected.mean, play.expected.sigma) == pytest.approx((mean, np.sqrt(variance)))
    assert play.histogram.robust_sigma == pytest.approx(np.sqrt(variance), rel=0.02)


def test_hot_pixels(take):
    quiet = {**PLAIN, "sky": 0, "dark_current": 0, "read_noise": 0, "bias": 0}
    frame = take(**quiet | {"hot_pixels": 1.0}, exposure_time=30).frame
    hot = frame > 0
    assert hot.mean() == pytest.approx(0.01, abs=5 * np.sqrt(0.01 / frame.size))
    # Spread evenly in the logarithm from 300 to 30000 electrons, so that half of them is below 3000.
    assert (frame[hot] < 3000).mean() == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(hot.sum()))
    assert (take(**quiet, exposure_time=30).frame == 0).all()


def test_stars(take):
    dark = {"sky": 0, "dark_current": 0, "read_noise": 0, "bias": 0, "hot_pixels": 0}
    one = take(**dark, stars=1, brightness=1000, exposure_time=30, fwhm=4).frame.astype(float)
    # One star, well inside: all of its light, and the height of a Gaussian.
    assert one.sum() == pytest.approx(30_000, abs=5 * np.sqrt(30_000 + 500))
    assert one.max() == pytest.approx(30_000 * 4 * np.log(2) / np.pi / 16, rel=0.1)
    many = take(**dark, stars=200, brightness=1000, exposure_time=30, fwhm=4).frame
    assert (many > 50).sum() > 5 * (one > 50).sum()
    assert (take(**dark, stars=1, brightness=0).frame == 0).all()


def test_every_switch_has_a_place():
    assert set(EFFECT_OF) == set(SWITCHES) - SCENE
    assert not set(SLIDERS) & set(SWITCHES)


@pytest.mark.parametrize("name", SWITCHES)
def test_every_switch_changes_the_frame(take, first, name):
    switch = SWITCHES[name]
    strongest = switch.minimum if name == "full_well" else switch.maximum
    for strength in (switch.value, strongest):
        play = take(**{name: strength})
        assert play.frame.shape == (500, 500)
        assert play.frame.dtype == np.uint16
        assert (play.frame != first.frame).any()
        assert play.expected == first.expected
    np.testing.assert_array_equal(take().frame, first.frame)


@pytest.mark.parametrize(
    "name", [n for n, each in SWITCHES.items() if each.minimum == 0 and n != "stuck_bit"]
)
def test_no_strength_is_off(take, first, name):
    np.testing.assert_array_equal(take(**{name: 0}).frame, first.frame)


def test_all_at_once(take):
    values = {name: each.value for name, each in SWITCHES.items()}
    for name in ("exposure_time", "sky", "gain"):
        slider = SLIDERS[name]
        for end in (slider.minimum, slider.maximum):
            assert take(**values, **{name: end}).frame.shape == (500, 500)


def test_areas_that_want_more_than_a_pixel_has_give_way(take):
    names = ("tree_rings", "edge_roll_off", "picture_frame", "midline", "tearing", "vampires")
    strongest = {name: SWITCHES[name].maximum for name in names}
    frame = take(**PLAIN, sky=300, **strongest).frame
    assert frame.min() > 1000
    assert frame.std() > 100


def test_steps_of_the_gain_are_in_the_noise(take):
    """And the bias stays; a quarter of 62 500 pixels knows its spread to 0.3 %."""
    dark = {**PLAIN, "sky": 0, "dark_current": 0, "read_noise": 50}
    even, stepped = take(**dark).frame, take(**dark, gain_steps=0.2).frame
    quarters = [(slice(0, 250), slice(0, 250)), (slice(0, 250), slice(250, 500))]
    for box, step in zip(quarters, (0.2, 0.0), strict=True):
        assert stepped[box].std() == pytest.approx((1 + step) * even[box].std(), rel=0.02)
        assert stepped[box].mean() == pytest.approx(even[box].mean(), abs=1)


def test_the_same_settings_give_the_same_frame_whatever_was_before(take, first):
    take(vignetting=0.5, sky=40)
    fresh = Playground()
    for values in (
        {},
        {"fringes": 0.3, "sky": 50},
        {"fringes": 0.3, "sky": 10},
        {"xrays": 50, "exposure_time": 5},
    ):
        np.testing.assert_array_equal(take(**values).frame, fresh.take(Settings.of(values)).frame)
    np.testing.assert_array_equal(take().frame, first.frame)


def test_new_noise_keeps_the_field_and_a_new_seed_does_not(take):
    quiet = {"sky": 0, "read_noise": 0, "dark_current": 0}
    one, other, elsewhere = (take(**quiet, **which).frame > 1500 for which in ({}, {"noise": 1}, {"seed": 1}))
    assert (take().frame != take(noise=1).frame).mean() > 0.9
    assert (one & other).sum() > 0.8 * one.sum()
    assert (one & elsewhere).sum() < 0.2 * one.sum()


def test_what_is_kept_has_an_end(playground, take):
    for k in range(80):
        take(vignetting=0.001 * (k + 1))
    assert len(playground._kept) <= 64


def test_some_switches_by_number(take):
    flat = {**PLAIN, "sky": 300, "read_noise": 1}
    level = 1100 + 300.1 * 30
    assert take(**flat, vignetting=0.5).frame[:3, :3].mean() == pytest.approx(1103 + 0.5 * 9000, rel=0.02)
    assert (take(**flat, dead_columns=7).frame.mean(axis=0) < 1110).sum() == 7
    assert (take(**flat, dead_pixels=2).frame < 1110).mean() == pytest.approx(
        0.02, abs=5 * np.sqrt(0.02 / 250_000)
    )
    assert take(**flat, coarse_adc=4).frame.max() % 16 == 0
    assert (take(**flat, stuck_bit=3).frame & 8).all()
    rows = take(**flat, row_noise=40).frame.mean(axis=1)
    assert rows.std() == pytest.approx(40, rel=0.25)  # half of it in common, 500 rows
    bent = take(**flat, nonlinearity=0.3).frame.mean()
    assert bent == pytest.approx(level - 0.3 * 9003**2 / 1e5, rel=0.003)
    full = take(**flat | {"sky": 1500}, full_well=20).frame
    assert full.mean() == pytest.approx(21_100, rel=0.01)
    trail = take(**PLAIN, spots=1e4, exposure_time=5, crosstalk=20)
    assert trail.histogram.maximum > 40_000


def test_brighter_fatter_in_few_steps_is_near_the_one_in_twenty(take, playground):
    """Pairs of flats: the variance that is missing agrees within 10 %, at 45 000 electrons."""
    flat = {**PLAIN, "sky": 1500, "read_noise": 0, "dark_current": 0, "bias": 0}
    frames = [take(**flat, brighter_fatter=3, noise=n).frame.astype(float) for n in (1, 2)]
    missing = 1 - np.var(frames[1] - frames[0]) / 2 / np.mean(frames)
    effect = make_effect("brighter_fatter", {"brighter_fatter": 3.0}, None)
    whole = BrighterFatter(effect.a)
    from fullwell.chain import SignalChain
    from fullwell.noise import Noise

    light = np.full((500, 500), 45_000.0)
    chain = SignalChain([whole], detector=playground.detector)
    exact = [chain.expose(light, 1.0, noise=Noise(5, n)).frame.data.astype(float) for n in (1, 2)]
    truth = 1 - np.var(exact[1] - exact[0]) / 2 / np.mean(exact)
    assert truth > 0.1
    # The spread of a variance of 250 000 differences is 0.0028; of the difference of two, 0.004.
    assert missing == pytest.approx(truth, abs=5 * 0.004)


def test_histogram():
    frame = np.array([[100, 101, 101], [102, 65535, 0]], np.uint16)
    histogram = Histogram.of(frame, around=Expected(101.0, 1.0))
    assert (histogram.minimum, histogram.maximum, histogram.saturated) == (0, 65535, 1)
    assert sum(histogram.counts) + histogram.below + histogram.above == 6
    assert histogram.mean == frame.mean()
    assert histogram.sigma == frame.std()
    assert len(histogram.counts) <= 200
    even = Histogram.of(np.full((500, 500), 7, np.uint16), around=Expected(7.0, 0.3))
    assert even.counts[7 - even.start] == 250_000
    assert (even.below, even.above, even.width) == (0, 0, 1)
    assert even.limits[0] < even.limits[1]


def test_histogram_of_a_frame_counts_all_of_it(first):
    histogram = first.histogram
    assert sum(histogram.counts) + histogram.below + histogram.above == 250_000
    edges = histogram.start + histogram.width * np.arange(len(histogram.counts) + 1)
    counted, _ = np.histogram(first.frame, bins=edges - 0.5)
    assert counted.tolist() == histogram.counts
    assert histogram.median == np.median(first.frame)
    assert histogram.width == 1 or edges[-1] - edges[0] >= 200


@pytest.mark.parametrize(
    "values",
    [
        {"bias": -1},
        {"bias": "1100"},
        {"bias": True},
        {"bias": float("nan")},
        {"sky": 1e9},
        {"vignetting": None},
        {"vignetting": [0.1]},
        {"nothing": 1},
        {"seed": -1},
        {"seed": 1.5},
        {"noise": 2**32},
        {"noise": True},
    ],
)
def test_what_is_impossible_is_said(values):
    with pytest.raises(ParameterError, match="is not possible"):
        Settings.of(values)


def test_description_is_plain_data():
    import json

    described = json.loads(json.dumps(describe()))
    names = [each["name"] for kind in ("sliders", "switches") for each in described[kind]]
    assert names == [*SLIDERS, *SWITCHES]
    assert all(each["minimum"] <= each["value"] <= each["maximum"] for each in described["sliders"])
    assert all(each["stage"] and each["help"].endswith(".") for each in described["switches"])
