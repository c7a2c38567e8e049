"""Diffusion: its width, what it keeps, and the hits of X-rays that show it."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt
import pytest
from astropy import units as u
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from fullwell import Bias, CosmicRays, Gain, ReadNoise
from fullwell.chain import SignalChain
from fullwell.detector import Detector
from fullwell.effects.base import Signal
from fullwell.effects.diffusion import Diffusion
from fullwell.effects.shot_noise import ShotNoise
from fullwell.effects.track_widths import find_tracks
from fullwell.effects.xray_clusters import find_clusters
from fullwell.errors import ChainError, NotEnoughFrames, ParameterError
from fullwell.flags import Flags
from fullwell.frame import Frame
from fullwell.noise import Noise

Image = npt.NDArray[np.floating]


def spread(effect: Diffusion, image: Image) -> Image:
    signal = Signal(image.astype(np.float32), Detector.single(image.shape), 1.0, 1.0)
    effect.simulate(signal, noise=Noise(1))
    return signal.image


def point(side: int = 61) -> Image:
    image = np.zeros((side, side))
    image[side // 2, side // 2] = 1e4
    return image


def variances(image: Image) -> Image:
    place = np.arange(image.shape[0]) - image.shape[0] // 2
    total = image.sum(dtype=np.float64)
    return np.array([(image * axis**2).sum(dtype=np.float64) / total for axis in (place, place[:, None])])


@settings(max_examples=25, deadline=None)
@given(sigma=st.floats(0.02, 4), absorption=st.sampled_from([0.0, 0.05, 0.3, 1.0, 50.0]))
def test_the_width_is_what_was_asked_for(sigma: float, absorption: float) -> None:
    effect = Diffusion(sigma, absorption=absorption)
    image = spread(effect, point())
    assert image.sum(dtype=np.float64) == pytest.approx(1e4, rel=1e-6)
    assert (image >= 0).all()
    # Drift from depth z leaves sigma^2 (1 - z); z is exponential within the thickness.
    mean_depth = 0.0 if absorption == 0 else absorption - 1 / np.expm1(1 / absorption)
    assert effect.mean_variance == pytest.approx(sigma**2 * (1 - mean_depth), rel=2e-3)
    np.testing.assert_allclose(variances(image), effect.mean_variance, rtol=1e-3)


@settings(max_examples=20, deadline=None)
@given(sigma=st.floats(0, 5), seed=st.integers(0, 1000))
def test_no_charge_is_lost_at_edges(sigma: float, seed: int) -> None:
    image = np.random.default_rng(seed).uniform(0, 1000, (17, 23))
    assert spread(Diffusion(sigma), image).sum(dtype=np.float64) == pytest.approx(image.sum(), rel=1e-6)
    np.testing.assert_allclose(spread(Diffusion(sigma), np.full((9, 12), 500.0)), 500.0, rtol=1e-6)


def test_a_star_grows_as_squares_add() -> None:
    """A star that pixels integrated, spread, is a wider one; where in a pixel light fell is lost."""

    def star(sigma: float) -> Image:
        shares = np.diff(ndtr((np.arange(42) - 20.5) / sigma))
        return 1e5 * np.outer(shares, shares)

    found = spread(Diffusion(0.4), star(1.2))
    np.testing.assert_allclose(found, star(np.hypot(1.2, 0.4)), atol=0.015 * star(1.2).max())
    np.testing.assert_allclose(variances(found) - variances(star(1.2)), 0.16, rtol=1e-4)


def test_two_in_a_row_are_one() -> None:
    twice = spread(Diffusion(0.4), spread(Diffusion(0.3), point()))
    np.testing.assert_allclose(twice, spread(Diffusion(0.5), point()), atol=1e-2)


def test_what_is_counted_afterwards_is_poisson() -> None:
    light = np.full((200, 200), 300.0)
    frame = (
        SignalChain([Diffusion(1.0), ShotNoise()])
        .expose(light, 1.0, detector=Detector.single(light.shape), noise=Noise(2))
        .frame
    )
    # 40 000 pixels: variance to 0.7 %, covariance to 0.5 %; 5 sigma.
    left = frame.data - 300
    assert left.var() / 300 == pytest.approx(1, abs=0.036)
    assert abs((left[:, 1:] * left[:, :-1]).mean()) / 300 < 0.025


def test_width_in_silicon() -> None:
    """kT/q is 25.85 mV at 300 K; Holland et al. measure 7 to 8 um for 280 um at -130 C and 60 V or so."""
    effect = Diffusion.in_silicon(
        thickness=100 * u.um, voltage=51.7 * u.V, temperature=300 * u.K, pixel_size=10 * u.um
    )
    assert effect.sigma == pytest.approx(100 * np.sqrt(2 * 25.852e-3 / 51.7) / 10, rel=1e-4)
    celsius = Diffusion.in_silicon(
        thickness=100, voltage=50, temperature=-100 * u.deg_C, pixel_size=10, absorption_length=0.029 * u.mm
    )
    assert celsius.absorption == pytest.approx(0.29)
    assert celsius.sigma == pytest.approx(0.2443, rel=1e-3)


def hits(sigma: float, *, count: int, seed: int, side: int = 500, depth: float = 0.0) -> Frame:
    """Clouds of electrons that diffuse one by one."""
    random = np.random.default_rng(seed)
    image = random.normal(0, 5.0, (side, side))
    for _ in range(count):
        electrons = int(random.normal(1620, 14) if random.random() < 0.88 else random.normal(1778, 15))
        width = sigma
        if depth:
            z = -depth * np.log1p(random.random() * np.expm1(-1 / depth))
            width *= np.sqrt(1 - z)
        place = np.rint(random.normal(0, width, (2, electrons)) + random.uniform(10, side - 10, (2, 1)))
        np.add.at(image, tuple(np.clip(place, 0, side - 1).astype(int)), 1)
    return Frame(image.astype(np.float32), unit=u.electron)


# Fixed seeds; a pull beyond 4 has a chance of 6e-5.
@pytest.mark.parametrize("sigma", [0.2, 0.35, 0.5, 0.8])
def test_measured_from_xrays(sigma: float) -> None:
    found = Diffusion.measure([hits(sigma, count=250, seed=seed) for seed in (1, 2)])
    assert found.statistics["clusters"] > 300
    assert 0 < found.sigma_error < 0.02 * sigma
    assert abs(found.sigma - sigma) / found.sigma_error < 4


@pytest.mark.slow
def test_measured_widths_scatter_as_they_say() -> None:
    found = [Diffusion.measure([hits(0.4, count=60, side=300, seed=seed)]) for seed in range(500)]
    pulls = np.array([(one.sigma - 0.4) / one.sigma_error for one in found])
    # Errors: 0.045 of the mean, 0.032 of the width.
    assert abs(pulls.mean()) < 0.25
    assert 0.9 < pulls.std() < 1.1


def test_hits_at_many_depths_give_the_whole_way_within_4_percent() -> None:
    found = Diffusion.measure(
        [hits(0.5, count=250, seed=seed, depth=0.29) for seed in (3, 4)], absorption=0.29
    )
    assert found.statistics["sigma_of_clouds"] < 0.44
    assert found.sigma == pytest.approx(0.5, rel=0.05)


def test_clusters_that_are_spoiled_are_left_out() -> None:
    frame = Frame(np.zeros((60, 60), np.float32), unit=u.electron)
    for y, x in ((10, 10), (10, 28), (10, 46), (30, 30), (33, 36), (50, 15), (50, 50)):
        frame.data[y, x] = 1600
    frame.data[50, 50] = 3200  # two at once
    frame.flags[51, 16] = Flags.BAD
    assert len(find_clusters(frame, radius=3).stamps) == 3
    frame.data[51, 16] = np.nan
    assert len(find_clusters(frame, radius=3).stamps) == 3
    frame.flags[:] = Flags.BAD
    assert not len(find_clusters(frame, radius=3).stamps)


def test_what_cannot_be_measured_is_refused() -> None:
    empty = Frame(np.random.default_rng(1).normal(0, 5, (80, 80)).astype(np.float32), unit=u.electron)
    with pytest.raises(NotEnoughFrames, match="20 are the least"):
        Diffusion.measure([empty])
    with pytest.raises(NotEnoughFrames, match="0 clusters"):
        Diffusion.measure([])
    with pytest.raises(ChainError, match="electrons"):
        Diffusion.measure([Frame(empty.data)])
    with pytest.raises(ParameterError, match="radius"):
        Diffusion.measure([empty], radius=1)
    with pytest.raises(NotEnoughFrames, match="10 are the least"):
        Diffusion.from_cosmic_rays([empty])
    with pytest.raises(ChainError, match="electrons"):
        Diffusion.from_cosmic_rays([Frame(empty.data)])
    for name, value in (("radius", 2), ("shortest", 5.0), ("shortest", float("nan"))):
        with pytest.raises(ParameterError, match=name):
            Diffusion.from_cosmic_rays([empty], **{name: value})


def crossings(sigma: float, *, count: int, seed: int, thickness: float = 10.0, side: int = 600) -> Frame:
    """Muons that cross the silicon, electron by electron; thickness in pixels."""
    random = np.random.default_rng(seed)
    image = random.normal(0, 5.0, (side, side))
    for _ in range(count):
        reach = thickness * random.uniform(1.1, 3.0)
        angle, first = random.uniform(0, 2 * np.pi), random.uniform(60, side - 60, 2)
        # Charge of each tenth of a pixel scatters as Landau's does.
        numbers = random.poisson(np.maximum(76 + 11 * random.normal(size=int(10 * reach)), 0))
        z = (np.repeat(np.arange(numbers.size), numbers) + random.random(numbers.sum())) / numbers.size
        place = first[:, None] + reach * z * np.array([[np.sin(angle)], [np.cos(angle)]])
        place += sigma * np.sqrt(z) * random.normal(size=place.shape)
        np.add.at(image, tuple(np.clip(np.rint(place), 0, side - 1).astype(int)), 1)
    return Frame(image.astype(np.float32), unit=u.electron)


# Fixed seeds; a pull beyond 4 has a chance of 6e-5.
@pytest.mark.parametrize("sigma", [0.2, 0.3, 0.45, 0.7])
def test_measured_from_cosmic_rays(sigma: float) -> None:
    found = Diffusion.from_cosmic_rays([crossings(sigma, count=60, seed=seed) for seed in (1, 2)])
    assert found.statistics["tracks"] > 50
    assert 0 < found.sigma_error < 0.01 * sigma
    assert abs(found.sigma - sigma) / found.sigma_error < 4


@pytest.mark.slow
def test_widths_of_tracks_scatter_as_they_say() -> None:
    found = [Diffusion.from_cosmic_rays([crossings(0.4, count=60, seed=seed)]) for seed in range(500)]
    pulls = np.array([(one.sigma - 0.4) / one.sigma_error for one in found])
    # Errors: 0.045 of the mean, 0.032 of the width.
    assert abs(pulls.mean()) < 0.4  # 0.05 % too narrow is a pull of 0.2
    assert 0.9 < pulls.std() < 1.1


def test_tracks_of_the_chain_have_the_width_of_its_diffusion() -> None:
    detector = attrs.evolve(Detector.single((600, 600)), pixel_size=10.0)
    camera = [ReadNoise(5.0), Gain(1.5), Bias(1000.0)]
    chain = SignalChain([Diffusion(0.5), CosmicRays(rate=80.0, depth=100.0), *camera], detector=detector)
    darks = [exposure.frame for exposure in chain.expose_sequence([(None, 300.0)] * 2, seed=1)]
    found = Diffusion.from_cosmic_rays(darks, known=SignalChain(camera))
    # A pull beyond 4 has a chance of 6e-5.
    assert abs(found.sigma - 0.5) / found.sigma_error < 4
    assert found.sigma_error < 0.005


def test_hits_that_are_no_lonely_straight_tracks_are_left_out() -> None:
    def track(row: int, column: int) -> None:
        frame.data[row, column : column + 20] = 800

    frame = Frame(np.zeros((120, 120), np.float32), unit=u.electron)
    for row, column in ((20, 20), (40, 20), (60, 20), (80, 20), (2, 20), (100, 98)):
        track(row, column)
    frame.data[43, 30] = 500  # another hit
    frame.data[60:68, 30] = 500  # a branch
    frame.data[80:100, 39] = 800  # a corner
    assert len(find_tracks(frame, shortest=10, radius=4)) == 1
    frame.flags[22, 25] = Flags.BAD
    assert not find_tracks(frame, shortest=10, radius=4)
    frame.flags[:] = Flags.BAD
    assert not find_tracks(frame, shortest=10, radius=4)


def test_correction_leaves_the_frame_alone() -> None:
    frame = Frame(np.ones((5, 5), np.float32), unit=u.electron)
    assert Diffusion(0.5).correct(frame) is frame


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sigma": -1.0}, "sigma = -1.0.*0 to 20"),
        ({"sigma": 21.0}, "sigma"),
        ({"sigma": float("nan")}, "sigma"),
        ({"sigma": 0.3, "absorption": -0.1}, "absorption"),
        ({"sigma": 0.3, "sigma_error": -0.1}, "sigma_error"),
    ],
)
def test_impossible_values_are_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Diffusion(**arguments)


@pytest.mark.parametrize(
    ("name", "value"),
    [("thickness", 0), ("voltage", -5), ("temperature", 0), ("pixel_size", 0), ("absorption_length", -1)],
)
def test_impossible_silicon_is_refused(name: str, value: float) -> None:
    good = {"thickness": 100, "voltage": 50, "temperature": 173, "pixel_size": 10, "absorption_length": 5}
    with pytest.raises(ParameterError, match=name):
        Diffusion.in_silicon(**(good | {name: value}))


def test_counted_light_cannot_diffuse_any_more() -> None:
    signal = Signal(np.ones((8, 8), np.float32), Detector.single((8, 8)), 1.0, 1.0, counted=True)
    with pytest.raises(ChainError, match="counted"):
        Diffusion(0.5).simulate(signal, noise=Noise(1))
