"""Pixels of other areas: a flat shows them, a star keeps its electrons and is moved."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullwell import Detector, Gain, Noise, PixelArea, SignalChain, Stars
from fullwell.effects import Boundaries, Diffusion
from fullwell.effects.base import Signal
from fullwell.errors import ChainError, FullwellError, ParameterError
from fullwell.features import TreeRings

SHAPE = (120, 160)
#: Period of a wave along columns, pixels, and the change of area that it makes.
PERIOD, CHANGE = 40.0, 0.01


def wave() -> PixelArea:
    """Areas 1 + CHANGE cos(k x)."""
    k = 2 * np.pi / PERIOD
    east = CHANGE / k * np.sin(k * (np.arange(SHAPE[1] + 1) - 0.5))
    return PixelArea(
        Boundaries(np.tile(east.astype(np.float32), (SHAPE[0], 1)), np.zeros((SHAPE[0] + 1, SHAPE[1])))
    )


def collected(effect, light):
    signal = Signal(np.array(light, np.float32), Detector.single(light.shape), 1.0, 1.0)
    effect.simulate(signal, noise=Noise(0))
    return signal.image.astype(np.float64)


def star_at(x, fwhm=3.5, flux=1e5):
    return Stars(x=[x], y=[60.0], flux=[flux], fwhm=fwhm).render(SHAPE)


def centroid(image):
    return float((image.sum(0) * np.arange(image.shape[1])).sum() / image.sum())


def test_a_flat_shows_the_areas():
    x = np.arange(SHAPE[1])
    flat = collected(wave(), np.full(SHAPE, 5000.0))[30] / 5000
    # The cosine at the middle of a pixel is its mean over the pixel to 1 part in 1000.
    np.testing.assert_allclose(flat, 1 + CHANGE * np.cos(2 * np.pi * x / PERIOD), atol=1.5e-3 * CHANGE)


@pytest.mark.parametrize("x", [60.0, 70.0, 77.3, 80.0, 90.0])
def test_a_star_keeps_its_electrons_and_is_moved(x):
    """By the field where its charge lies: -(CHANGE / k) sin(k x) exp(-k^2 s^2 / 2), s its width."""
    before, k, width = star_at(x), 2 * np.pi / PERIOD, 3.5 / 2.3548
    after = collected(wave(), before)
    assert after.sum() == pytest.approx(before.sum(dtype=np.float64), rel=1e-6)
    moved = -CHANGE / k * np.sin(k * x) * np.exp(-(k**2) * (width**2 + 1 / 12) / 2)
    assert centroid(after) - centroid(before) == pytest.approx(moved, abs=0.01 * CHANGE / k)


@pytest.mark.parametrize("x", [60.0, 80.0])
def test_dividing_by_the_flat_makes_a_star_wrong_by_the_area(x):
    """Where the area is smallest (x = 60) and largest; a Gaussian sees the wave weakened by its width."""
    area = wave().boundaries.area
    star = collected(wave(), star_at(x))
    divided = (star / area).sum() / star.sum()
    weakened = CHANGE * np.exp(-((2 * np.pi / PERIOD) ** 2) * (3.5 / 2.3548) ** 2 / 2)
    assert divided - 1 == pytest.approx(-np.cos(2 * np.pi * x / PERIOD) * weakened, rel=0.03)


def test_a_star_on_tree_rings_keeps_its_electrons_and_is_moved_along_the_radius():
    rings = TreeRings(amplitude=5e-3, growth=1e7, center=(-60.0, 60.0), seed=3)
    effect = PixelArea(rings.boundaries(Detector.single(SHAPE)))
    x, y = effect.boundaries.displacement
    radius = np.arange(SHAPE[1]) + 60.0
    # The closed form: the integral of r (1 - area) over r.
    fine = np.linspace(0, radius[-1], 50_000)
    integral = np.cumsum(fine * -rings.areas(fine)) * (fine[1] - fine[0])
    np.testing.assert_allclose(x[60], np.interp(radius, fine, integral) / radius, atol=4e-3 * np.abs(x).max())
    assert np.abs(y[60]).max() < 1e-6
    at = int(np.argmax(np.abs(x[60, 30:130]))) + 30
    before = star_at(float(at))
    after = collected(effect, before)
    assert after.sum() == pytest.approx(before.sum(dtype=np.float64), rel=1e-4)
    seen = float((x * before).sum() / before.sum())
    assert centroid(after) - centroid(before) == pytest.approx(seen, rel=0.02)
    assert abs(seen) > 0.5 * np.abs(x).max()


def test_the_width_of_a_star_stays_where_all_of_it_is_moved_alike():
    """To a part in 10 000 of its variance: linear interpolation alone would add 4 % with this shift."""
    even = PixelArea(Boundaries(np.full((120, 161), 0.1, np.float32), np.zeros((121, 160), np.float32)))
    before = star_at(80.0)
    after = collected(even, before)
    assert centroid(after) - centroid(before) == pytest.approx(-0.1, abs=1e-4)

    def variance(image):
        return (image.sum(0) * (np.arange(160) - centroid(image)) ** 2).sum() / image.sum()

    assert variance(after) == pytest.approx(variance(before), rel=1e-2)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(2, 20), st.integers(2, 20))
def test_boundaries_of_any_areas(seed, rows, columns):
    area = np.random.default_rng(seed).uniform(0.95, 1.05, (rows, columns))
    found = Boundaries.from_area(area)
    np.testing.assert_allclose(found.area, area / area.mean(), atol=1e-5)
    assert not found.east[:, [0, -1]].any()
    assert not found.north[[0, -1]].any()


def test_boundaries_of_a_wave_are_those_of_the_wave():
    true = wave().boundaries
    found = Boundaries.from_area(true.area)
    # The wave ends where it likes, these at rest; in between they differ by a straight line.
    difference = (found.east - true.east)[0]
    straight = np.linspace(difference[0], difference[-1], difference.size)
    np.testing.assert_allclose(difference, straight, atol=1e-5)


def test_both_together_have_both_areas():
    one, two = wave().boundaries, Boundaries.from_area(1 + 0.01 * np.eye(*SHAPE))
    np.testing.assert_allclose((one + two).area - 1, one.area + two.area - 2, atol=1e-6)
    assert (Boundaries.unmoved(SHAPE).area == 1).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Boundaries(np.zeros((3, 4)), np.zeros((3, 3))), "north"),
        (lambda: Boundaries(np.full((3, 4), np.nan), np.zeros((4, 3))), "east"),
        (lambda: Boundaries([[0, 0.6, -0.6, 0]], np.zeros((2, 3))), "must not cross"),
        (lambda: Boundaries.from_area([[1.0, 0.0]]), "area"),
        (lambda: Boundaries.unmoved((3, 3)) + Boundaries.unmoved((3, 4)), r"\(3, 4\)"),
    ],
)
def test_impossible_boundaries_are_refused(make, message):
    with pytest.raises(ParameterError, match=message):
        make()
    assert Boundaries.unmoved((2, 2)).__add__(3) is NotImplemented


def test_it_stands_between_response_and_diffusion():
    chain = SignalChain([Diffusion(0.5), Gain(1.0), wave()])
    assert [effect.name for effect in chain] == ["pixel_area", "diffusion", "gain"]
    assert not PixelArea.is_undone()


def test_shapes_and_counted_light_are_refused():
    signal = Signal(np.ones((3, 3), np.float32), Detector.single((3, 3)), 1.0, 1.0)
    with pytest.raises(FullwellError, match="pixel_area has shape"):
        wave().simulate(signal, noise=Noise(0))
    signal.counted = True
    with pytest.raises(ChainError, match="before it is counted"):
        wave().simulate(signal, noise=Noise(0))
