"""Features of a flat: what they look like, what they act on, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st

from fullwell.detector import Detector
from fullwell.detector.shrinking import with_amplifiers_of
from fullwell.errors import ParameterError
from fullwell.features import (
    ActsOn,
    AmplifierGainSteps,
    Annealing,
    AreaFeature,
    CoffeeStains,
    Color,
    Donuts,
    EdgeRollOff,
    MidlineBreak,
    PictureFrame,
    PixelResponse,
    QuantumEfficiencySteps,
    Satellite,
    Specks,
    Tearing,
    TreeRings,
    Vampires,
    Vignetting,
    response_of,
)

DETECTOR = with_amplifiers_of(Detector.preset("lsst-e2v"), (150, 40))
ALL = [
    AmplifierGainSteps(), Annealing(), CoffeeStains(), Donuts(distance=2.0), EdgeRollOff(), MidlineBreak(),
    PictureFrame(), PixelResponse(), QuantumEfficiencySteps(), Satellite(), Specks(), Tearing(), TreeRings(),
    Vampires(), Vignetting(),
]  # fmt: skip


@pytest.mark.parametrize("feature", ALL, ids=lambda feature: feature.name)
def test_each_is_a_finite_factor_that_changes_something(feature):
    image = feature.render(DETECTOR, wavelength=400.0)
    assert image.shape == DETECTOR.shape
    assert np.isfinite(image).all()
    assert (image >= 0).all()
    assert (image != 1).any()
    np.testing.assert_array_equal(image, feature.render(DETECTOR, wavelength=400.0))


@pytest.mark.parametrize(
    "feature", [Annealing(), CoffeeStains(size=20.0, seed=3)], ids=lambda feature: feature.name
)
def test_shallow_features_are_blue(feature):
    blue, red = (np.abs(feature.render(DETECTOR, wavelength=w) - 1).max() for w in (380.0, 800.0))
    assert blue > 2 * red


@pytest.mark.parametrize(
    "feature", [feature for feature in ALL if feature.color is Color.NONE], ids=lambda f: f.name
)
def test_others_have_no_color(feature):
    blue, red = (feature.render(DETECTOR, wavelength=w) for w in (380.0, 800.0))
    np.testing.assert_array_equal(blue, red)


def test_every_color_is_one_of_a_feature():
    assert {feature.color for feature in ALL} == set(Color)
    blue = {feature.name for feature in ALL if feature.color is Color.BLUE}
    assert blue == {"annealing", "coffee_stains"}


def test_steps_of_efficiency_are_largest_at_the_ends_of_the_spectrum():
    def step(nanometers, **more):
        image = QuantumEfficiencySteps(0.01, **more).render(DETECTOR, wavelength=nanometers)
        return image.max() - 1

    assert step(675.0) == pytest.approx(0.01)
    assert step(350.0) == step(1000.0) == pytest.approx(0.05)
    assert step(550.0) < 0.012 < step(400.0) < step(365.0)
    assert step(970.0) > 2 * step(800.0)
    assert step(350.0, at_ends=1.0) == step(1000.0, at_ends=1.0) == pytest.approx(0.01)
    with pytest.raises(ParameterError, match="in all light"):
        QuantumEfficiencySteps(-0.5, at_ends=3.0).render(DETECTOR, wavelength=1000.0)


@given(st.integers(0, 10_000), st.floats(0.2, 15), st.floats(3, 12))
def test_vampires_take_from_their_neighbors_what_they_have(seed, excess, radius):
    change = Vampires(number=1, excess=excess, radius=radius, seed=seed).render(DETECTOR) - 1
    ((row, column),) = np.argwhere(change > 0.5 * excess)
    assert change[row, column] == pytest.approx(excess, rel=1e-5)
    assert change.min() > -1
    around = change[max(row - 60, 0) : row + 61, max(column - 60, 0) : column + 61]
    if around.shape == (121, 121):  # not at the edge
        assert abs(around.sum()) < 1e-4 * excess


def test_a_small_ring_cannot_feed_a_strong_core():
    with pytest.raises(ParameterError, match=r"excess = 15.*at most 10\.\d+ with a radius of 2"):
        Vampires(excess=15.0, radius=2.0)


def test_midline_and_tearing_move_charge_and_make_none():
    for feature in (MidlineBreak(0.03), Tearing(0.01)):
        change = feature.render(DETECTOR) - 1
        assert abs(change.sum()) < 1e-9
    middle = DETECTOR.shape[0] // 2
    rows = MidlineBreak(0.03).render(DETECTOR)[[middle - 1, middle], 7]
    np.testing.assert_allclose(rows, [1.03, 0.97], rtol=1e-6)


def test_tearing_stands_at_the_borders_of_amplifiers_and_changes():
    first, second = (Tearing(0.01, exposure=k).render(DETECTOR) for k in (1, 2))
    assert (first != second).any()
    columns = np.flatnonzero(np.abs(first - 1).max(axis=0) > 1e-4)
    borders = {a.box.x0 for a in DETECTOR.amplifiers} - {0}
    assert {min(abs(c + 0.5 - b) for b in borders) for c in columns} <= {0.5, 1.5}


def test_donuts_have_the_size_that_defocus_gives():
    donuts = Donuts(
        number=1, distance=1.44 * u.mm, f_ratio=8.0, pixel_size=9 * u.um, obstruction=0.4, depth=0.1
    )
    assert donuts.diameter == pytest.approx(20.0)
    image = donuts.render(Detector.single((400, 400)))
    shadow = np.argwhere(image < 1 - 0.4 * (1 - image.min()))
    extent = shadow.max(0) - shadow.min(0) + 1
    np.testing.assert_allclose(extent, 20, atol=1.5)
    # The middle is bright.
    row, column = np.rint(shadow.mean(0)).astype(int)
    assert image[row, column] > 1 - 0.05 * (1 - image.min())


def test_vignetting_reaches_its_depth_in_the_corners():
    image = Vignetting(0.06).render(Detector.single((301, 201)))
    assert image[150, 100] == pytest.approx(1.0, abs=1e-5)
    assert image[0, 0] == pytest.approx(0.94, abs=1e-3)
    shifted = Vignetting(0.06, center=(1.0, 0.5)).render(Detector.single((301, 201)))
    assert shifted[150, 200] > shifted[150, 0]


def test_rings_have_their_center_and_amplitude():
    rings = TreeRings(amplitude=1e-3, growth=1e7, center=(150.0, 150.0), seed=5)
    image = rings.render(Detector.single((301, 301)))
    rows, columns = np.indices(image.shape)
    r = np.hypot(rows - 150, columns - 150)
    np.testing.assert_allclose(image[150, 250], image[50, 150], atol=1e-9)
    for radius in (40, 100):
        ring = image[np.abs(r - radius) < 0.3]
        assert ring.std() < 0.2e-3
    # 20 waves of random phase add up to this within a factor.
    assert 0.4e-3 < (image[r < 150] - 1).std() < 2e-3


def test_pixel_response_has_its_scatter():
    image = PixelResponse(0.01, seed=2).render(Detector.single((500, 400)))
    # 5 standard errors.
    assert image.std() == pytest.approx(0.01, rel=5 / np.sqrt(2 * image.size))


def test_edges_and_frames_stay_at_the_edges():
    roll_off = EdgeRollOff(0.1, 2.0, sides="left")
    edge = roll_off.render(DETECTOR)
    # Charge goes outward, by all that the pixels farther in lack.
    x, y = roll_off.boundaries(DETECTOR).displacement
    assert x[7, 0] == pytest.approx(-0.1 * (np.exp(-np.arange(1, 80) / 2.0).sum() + 0.5), rel=1e-4)
    assert not y.any()
    corner = EdgeRollOff(0.4, 3.0).render(DETECTOR)
    np.testing.assert_allclose(corner[:9, :9], np.outer(corner[:9, 160], corner[75, :9]), rtol=1e-5)
    assert edge[0, 0] == pytest.approx(0.9)
    assert (edge[:, 100:] > 1 - 1e-9).all()
    frame = PictureFrame(0.02, 5).render(DETECTOR)
    np.testing.assert_allclose(frame[5:-5, 5:-5], 1, atol=1e-6)
    for part in (frame[:5], frame[-5:], frame[:, :5], frame[:, -5:]):
        np.testing.assert_allclose(part, 0.98, atol=1e-6)
    np.testing.assert_allclose(PictureFrame(0.02, 1000).render(DETECTOR), 0.98, atol=1e-6)


def test_steps_follow_the_amplifiers():
    steps = np.linspace(-0.02, 0.02, 16)
    for cls, acts in ((AmplifierGainSteps, ActsOn.ELECTRONICS), (QuantumEfficiencySteps, ActsOn.PHOTONS)):
        image = cls(steps).render(DETECTOR, wavelength=675.0)
        for amplifier, step in zip(DETECTOR.amplifiers, steps, strict=True):
            np.testing.assert_allclose(image[amplifier.box.slices], 1 + step)
        assert cls.acts_on is acts
    with pytest.raises(ParameterError, match="steps"):
        AmplifierGainSteps([0.1, 0.2]).render(DETECTOR)


def test_only_what_acts_on_photons_may_be_divided_out():
    assert {f.name for f in ALL if f.may_divide} == {
        "annealing", "coffee_stains", "donuts", "pixel_response", "quantum_efficiency_steps", "specks",
        "vignetting",
    }  # fmt: skip
    photons = response_of(ALL, DETECTOR, wavelength=0.4 * u.um, acts_on=ActsOn.PHOTONS, filter="g")
    kept = response_of([f for f in ALL if f.may_divide], DETECTOR, wavelength=400.0)
    np.testing.assert_array_equal(photons.response, kept.response)
    assert photons.filter == "g"
    assert np.median(photons.response) == pytest.approx(1, abs=1e-6)
    assert {f.name for f in ALL if isinstance(f, AreaFeature)} == {
        f.name for f in ALL if ActsOn.AREA in f.acts_on
    }
    assert {f.name for f in ALL if f.changes} == {"satellite", "tearing"}
    whole = response_of(ALL, DETECTOR, wavelength=400.0).response
    assert whole.dtype == np.float32
    assert (whole != photons.response).any()


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: Vignetting(1.2), "corner"),
        (lambda: Donuts(f_ratio=0), "f_ratio"),
        (lambda: Donuts(depth=-0.1), "depth"),
        (lambda: Specks(depth=(0.5, 0.2)), "depth"),
        (lambda: Specks(radius=(0, 1)), "radius"),
        (lambda: PixelResponse(-0.1), "scatter"),
        (lambda: TreeRings(amplitude=float("nan")), "amplitude"),
        (lambda: Annealing(pitch=0), "pitch"),
        (lambda: CoffeeStains(depth=2), "depth"),
        (lambda: Vampires(radius=0), "radius"),
        (lambda: EdgeRollOff(sides="middle"), "sides"),
        (lambda: PictureFrame(depth=3), "depth"),
        (lambda: MidlineBreak(5), "amplitude"),
        (lambda: Tearing(-1), "amplitude"),
        (lambda: Satellite(width=0), "width"),
        (lambda: response_of([], DETECTOR, wavelength=5000), "wavelength"),
    ],
)
def test_impossible_values_are_refused(make, name):
    with pytest.raises(ParameterError, match=name):
        make()
