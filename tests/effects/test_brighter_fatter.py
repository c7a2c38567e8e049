"""Brighter-fatter against covariances of flats, stars that get their size back, and another simulator."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from astropy import units as u
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from fullwell.chain import SignalChain
from fullwell.detector import Detector
from fullwell.effects.base import Signal
from fullwell.effects.brighter_fatter import BrighterFatter
from fullwell.effects.brighter_fatter_boundaries import Boundaries, model_coefficients, zero_sum
from fullwell.effects.brighter_fatter_correction import put_back, without_bad
from fullwell.effects.shot_noise import ShotNoise
from fullwell.errors import ChainError, FrameError, FullwellWarning, ParameterError
from fullwell.flags import Flags
from fullwell.frame import Frame
from fullwell.kernels.covariances import autocovariance
from fullwell.noise import Noise
from fullwell.photon_transfer.estimates import BrighterFatterMatrices
from fullwell.photon_transfer.lag_matrices import LagMatrices, sum_of_all_lags
from fullwell.photon_transfer.models import naive_gain_ratio

Image = npt.NDArray[np.floating]
E2V = BrighterFatter.preset("e2v")


def collected(effect: BrighterFatter, expected: Image, *, seed: int = 1, exposure: int = 0) -> Image:
    signal = Signal(expected.astype(np.float32), Detector.single(expected.shape), 1.0, 1.0)
    effect.simulate(signal, noise=Noise(seed, exposure))
    return signal.image


def covariances(effect: BrighterFatter, mean: float, *, pairs: int, side: int = 512) -> tuple[Image, Image]:
    """Covariances of single flats over the mean, and their standard errors for white noise."""
    total = np.zeros(effect.a.shape)
    flat = np.full((side, side), mean)
    for pair in range(pairs):
        one, two = (collected(effect, flat, exposure=2 * pair + k) for k in (0, 1))
        found, counts = autocovariance(one - two, lags=len(effect.a))
        total += found / 2 / pairs / mean
    error = 1 / np.sqrt(counts * pairs)
    error[0, 0] *= np.sqrt(2)
    return total, error


def equation_20(a: Image, mean: float) -> Image:
    """Covariances over the mean with b = 0; Astier et al. 2019."""
    lags = LagMatrices(len(a))
    flat = a.ravel()
    square, cube = lags.matrix(flat) @ flat, lags.cube(flat)
    poisson = np.eye(1, flat.size)[0]
    return (poisson + flat * mean + 2 / 3 * square * mean**2 + cube * mean**3 / 3).reshape(a.shape)


# Fixed seeds. 64 pulls: |pull| > 5 has a chance of 4e-5; a mean square above 1.7 one of 1e-3.
@pytest.mark.parametrize("mean", [4_000.0, 9_900.0, 10_100.0])
def test_low_flats_have_covariances_of_a_times_mean_squared(mean: float) -> None:
    found, error = covariances(E2V, mean, pairs=4)
    first = E2V.a * mean
    first[0, 0] += 1
    # What equation 20 adds to a_ij mu^2 at these levels, at most.
    beyond = np.abs(equation_20(E2V.a, mean) - first)
    pull = (found - first) / error
    assert (np.abs(pull) < 5 + beyond / error).all()
    assert (pull**2).mean() < 1.7


def test_bright_flats_follow_equation_20() -> None:
    found, error = covariances(E2V, 50_000.0, pairs=5)
    pull = (found - equation_20(E2V.a, 50_000.0)) / error
    assert np.abs(pull).max() < 5
    assert (pull**2).mean() < 1.7
    # Neither doubled nor 5 % low: the sum of variance lost, to 1 % (its error here is 0.8 %).
    assert found[0, 0] - 1 == pytest.approx(equation_20(E2V.a, 50_000.0)[0, 0] - 1, rel=0.025)


@pytest.mark.parametrize(
    ("mean", "percent", "within"), [(10_000, 3.1, 0.3), (50_000, 16.2, 0.3), (100_000, 34.1, 1.0)]
)
def test_the_naive_gain_is_too_high_as_known(mean: float, percent: float, within: float) -> None:
    found, _ = covariances(E2V, mean, pairs=5)
    assert 100 * (1 / found[0, 0] - 1) == pytest.approx(percent, abs=within)
    assert 100 * (naive_gain_ratio(-3.09e-6, mean) - 1) == pytest.approx(percent, abs=0.06)


def test_electrons_are_counted_once() -> None:
    light = np.full((60, 60), 400.0, np.float32)
    detector = Detector.single(light.shape)
    with_both = SignalChain([E2V, ShotNoise()]).expose(light, 1.0, detector=detector, noise=Noise(3))
    alone = SignalChain([E2V]).expose(light, 1.0, detector=detector, noise=Noise(3))
    np.testing.assert_array_equal(with_both.frame.data, alone.frame.data)
    np.testing.assert_array_equal(with_both.frame.data, np.rint(with_both.frame.data))
    # 3600 pixels: the variance of a Poisson number to 2.4 %, 5 sigma.
    assert with_both.frame.data.var() == pytest.approx(400, rel=0.12)
    assert with_both.truth["brighter_fatter"] == {"increments": 1}


def test_a_single_step_is_as_good_as_many_below_10_000_electrons() -> None:
    """The mean of many stars just below and just above that, which are simulated in either way."""
    sizes = []
    for peak in (9_890.0, 9_990.0):
        stamp = star(24, peak, 1.5) + 5
        image = np.tile(stamp, (20, 20))
        mean = np.mean([cut(collected(E2V, image, exposure=k), 24).mean(axis=0) for k in range(3)], axis=0)
        sizes.append(size(mean - 5) / size(stamp - 5) - 1)
    # 1200 stars of 1.4e5 electrons: the size is known to 1.1e-4, 4 sigma.
    np.testing.assert_allclose(sizes[0], sizes[1], atol=4.5e-4)
    assert (np.array(sizes) > 0.002).all()


def star(side: int, peak: float, sigma: float) -> Image:
    shares = np.diff(ndtr((np.arange(side + 1) - side / 2) / sigma))
    image = np.outer(shares, shares)
    return image / image.max() * peak


def cut(image: Image, side: int) -> Image:
    rows, columns = (length // side for length in image.shape)
    return image.reshape(rows, side, columns, side).transpose(0, 2, 1, 3).reshape(-1, side, side)


def size(image: Image, sigma: float = 3.0) -> Image:
    """Variance along x and y under a Gaussian window, pixels^2."""
    place = np.arange(image.shape[0]) - (image.shape[0] - 1) / 2
    window = np.exp(-0.5 * (place**2 + place[:, None] ** 2) / sigma**2)
    total = (image * window).sum()
    return np.array([(image * window * axis**2).sum() / total for axis in (place, place[:, None])])


def test_stars_grow_and_get_their_size_back() -> None:
    stamp = star(24, 50_000.0, 1.5) + 100
    image = np.tile(stamp, (20, 20))
    measured, corrected, squares = (np.zeros((24, 24)) for _ in range(3))
    for exposure in range(4):
        seen = collected(E2V, image, exposure=exposure)
        frame = Frame(seen, variance=seen.copy(), unit=u.electron)
        clean = E2V.correct(frame)
        assert clean.data.dtype == np.float32
        # Conserved to rounding: 1e-7 of each pixel.
        assert clean.data.sum(dtype=np.float64) == pytest.approx(seen.sum(dtype=np.float64), rel=1e-8)
        measured += cut(seen, 24).mean(axis=0) / 4
        corrected += cut(clean.data, 24).mean(axis=0) / 4
        squares += ((cut(clean.data, 24) - stamp) ** 2).mean(axis=0) / 4
    true, grown, restored = (size(image - 100) for image in (stamp, measured, corrected))
    assert (grown / true - 1 > 0.01).all()
    assert grown[1] > grown[0]  # along columns
    # 1600 stars of 7e5 electrons: 4e-5, 5 sigma.
    np.testing.assert_allclose(restored, true, rtol=2e-4)
    # Each of 576 pixels has the mean of 1600: 5 sigma.
    assert np.abs((corrected - stamp) / np.sqrt(stamp)).max() < 5 / 40
    assert squares[8:16, 8:16].mean() / measured[8:16, 8:16].mean() == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("mean", [5_000.0, 50_000.0])
def test_corrected_flats_are_white_with_the_variance_that_was_counted(mean: float) -> None:
    light = np.full((512, 512), mean)
    clean = np.stack(
        [E2V.correct(Frame(collected(E2V, light, exposure=k), unit=u.electron)).data for k in (0, 1)]
    )
    # Errors of mean 0.0014 sigma and of variance 0.2 %.
    assert abs(clean.mean() - mean) / np.sqrt(mean) < 0.02
    found, _ = autocovariance(clean[0] - clean[1], lags=3)
    assert found[0, 0] / 2 / mean == pytest.approx(1, abs=0.012)
    assert np.abs(found.ravel()[1:] / 2 / mean).max() < 0.01


def test_bad_pixels_keep_their_values_and_spoil_no_others() -> None:
    image = np.tile(star(24, 40_000.0, 1.5) + 100, (4, 4))
    truth = E2V.correct(Frame(image.astype(np.float32), unit=u.electron)).data
    data, flags = image.astype(np.float32), np.zeros(image.shape, np.uint16)
    data[40, 40], data[5, :] = np.nan, 1e6
    flags[5, :] |= np.uint16(Flags.SATURATED)
    flags[60, 62] |= np.uint16(Flags.BAD)
    data[60, 62] = -5e5
    clean = E2V.correct(Frame(data, flags=flags, unit=u.electron))
    assert np.isnan(clean.data[40, 40])
    assert (clean.data[5] == 1e6).all()
    assert clean.data[60, 62] == -5e5
    others = np.isfinite(data) & (flags == 0)
    # Without interpolation a million electrons would move the neighbors by a fifth.
    assert np.abs(clean.data / truth - 1)[others].max() < 0.03
    assert (clean.flags[[4, 6]] & Flags.SUSPECT).all()
    assert not (clean.flags[8:] & Flags.SUSPECT).any()


def test_without_bad_fills_from_the_outside() -> None:
    image = np.full((40, 40), 7.0, np.float32)
    bad = np.zeros(image.shape, bool)
    bad[5:35, 5:35] = True
    image[bad] = np.nan
    np.testing.assert_allclose(without_bad(image, bad), 7.0, rtol=1e-6)
    assert not without_bad(image, np.ones_like(bad)).any()
    one = np.ones_like(bad)
    one[3, 4] = False
    np.testing.assert_array_equal(without_bad(image, one), 7.0)


def test_correction_says_when_it_is_not_done() -> None:
    image = star(24, 200_000.0, 1.5).astype(np.float32)
    with pytest.warns(FullwellWarning, match="raise iterations"):
        BrighterFatter.preset("e2v", iterations=1).correct(Frame(image, unit=u.electron))
    assert put_back(image, E2V.boundaries, threshold=0.05, most=20).iterations < 12


@settings(max_examples=25, deadline=None)
@given(
    a00=st.floats(-1e-5, -1e-8),
    size=st.integers(2, 11),
    anisotropy=st.floats(0.3, 5),
    decay=st.floats(1.5, 4),
)
def test_boundaries_give_the_areas_back(a00: float, size: int, anisotropy: float, decay: float) -> None:
    a = model_coefficients(a00, size=size, anisotropy=anisotropy, decay=decay)
    assert abs(sum_of_all_lags(a)) < 1e-12 * abs(a00) * size**2
    assert a[0, 1] / a[1, 0] == pytest.approx(anisotropy)
    boundaries = Boundaries.of(a)
    np.testing.assert_allclose(boundaries.areas(), a, atol=1e-12 * abs(a00))
    # The pixel that holds charge loses area on all sides.
    assert boundaries.east[0, 0] < 0
    assert boundaries.north[0, 0] < 0
    kernel = boundaries.kernel
    np.testing.assert_allclose(
        np.diff(kernel[size - 1, size - 1 :]), boundaries.east[:, 0], rtol=1e-9, atol=1e-20
    )


def test_zero_sum() -> None:
    a = model_coefficients(-3e-6) * 1.0
    a[3, 4] *= 3
    scaled = zero_sum(a)
    assert scaled[0, 0] == a[0, 0]
    assert abs(sum_of_all_lags(scaled)) < 1e-18
    errors = np.full_like(a, 1e-9)
    errors[0, 0], errors[3, 4] = 1e-13, 1e-7
    balanced = zero_sum(a, errors=errors)
    assert abs(sum_of_all_lags(balanced)) < 1e-18
    # What is known worst gives way, what is known best stays.
    assert balanced[3, 4] == pytest.approx(a[3, 4] / 3, rel=0.02)
    assert balanced[0, 0] == pytest.approx(a[0, 0], rel=1e-7)
    with pytest.raises(ParameterError, match="sign"):
        zero_sum(-np.eye(3) * 1e-6)
    with pytest.raises(ParameterError, match="errors"):
        zero_sum(a, errors=np.zeros_like(a))


def test_the_mean_of_amplifiers_comes_from_a_photon_transfer() -> None:
    truth = model_coefficients(-3e-6, size=5)
    random = np.random.default_rng(4)
    error = np.full((6, 5, 5), 2e-9)
    a = truth + error * random.normal(size=error.shape)
    a[2] = error[2] = np.nan  # could not be fitted

    class Result:
        brighter_fatter = BrighterFatterMatrices(a, error, a, a, a[:, 0, 0], a[:, 0, 0])

    found = BrighterFatter.from_photon_transfer(Result())
    assert found.statistics["amplifiers"] == 5
    assert found.a_error is not None
    np.testing.assert_allclose(found.a_error, 2e-9 / np.sqrt(5))
    assert np.abs((found.a - truth) / found.a_error).max() < 4.5  # 25 pulls
    assert BrighterFatter.from_photon_transfer(Result(), size=3).a.shape == (3, 3)
    with pytest.raises(FrameError, match="model='full'"):
        BrighterFatter.from_photon_transfer(Result(), size=1)


@pytest.mark.slow
def test_measured_from_simulated_flats() -> None:
    detector = Detector.single((256, 256))
    effect = BrighterFatter(model_coefficients(-3e-6, size=5))
    frames = []
    for k, mean in enumerate(np.repeat([200.0, 20e3, 40e3, 60e3, 80e3], 8)):
        data = collected(effect, np.full((256, 256), mean), exposure=k) / np.float32(1.5)
        frames.append(Frame(data, unit=u.adu, exposure_time=mean, detector=detector, applied=("bias",)))
    found = BrighterFatter.measure(frames, lags=5, model="full-no-b")
    assert found.a[0, 0] == pytest.approx(-3e-6, rel=0.1)
    assert found.a_error is not None
    assert np.abs((found.a - effect.a) / found.a_error).max() < 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"a": -E2V.a}, r"a\[0, 0\]"),
        ({"a": E2V.a[:, :4]}, "square"),
        ({"a": E2V.a * np.nan}, "finite"),
        ({"a": E2V.a * 1e4}, "1e-3"),
        ({"a": E2V.a + 1e-9}, "off by 7.28 %"),
        ({"a": E2V.a, "increments": 19}, "increments = 19.*20 to 1000"),
        ({"a": E2V.a, "largest_charge": 0}, "largest_charge"),
        ({"a": E2V.a, "threshold": 0}, "threshold"),
        ({"a": E2V.a, "iterations": 0}, "iterations"),
        ({"a": E2V.a, "a_error": [1.0]}, "a_error"),
    ],
)
def test_impossible_values_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        BrighterFatter(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "arguments", [{"a00": 0.0}, {"a00": 1e-6}, {"size": 1}, {"anisotropy": 0.0}, {"decay": 20.0}]
)
def test_impossible_models_are_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(ParameterError, match=next(iter(arguments))):
        model_coefficients(**({"a00": -1e-6} | arguments))  # type: ignore[arg-type]


def test_presets() -> None:
    assert BrighterFatter.preset("itl").a[0, 0] == -1.70e-6
    assert BrighterFatter.of(Detector.preset("lsst-e2v")).a[0, 0] == -3.49e-6
    with pytest.raises(ParameterError, match="e2v, itl"):
        BrighterFatter.preset("ccd")
    with pytest.raises(ParameterError, match="brighter_fatter"):
        BrighterFatter.of(Detector.single((10, 10)))


def test_what_does_not_fit_the_chain_is_refused() -> None:
    with pytest.raises(ChainError, match="electrons"):
        E2V.correct(Frame(np.ones((20, 20), np.float32)))
    signal = Signal(np.ones((20, 20), np.float32), Detector.single((20, 20)), 1.0, 1.0, counted=True)
    with pytest.raises(ChainError, match="counted before"):
        E2V.simulate(signal, noise=Noise(1))


@pytest.mark.parametrize("name", ["e2v", "itl"])
def test_galsim_agrees_on_sign_size_and_anisotropy(name: str) -> None:
    galsim = pytest.importorskip("galsim", reason="galsim, the independent judge, is not installed")
    sensor = galsim.SiliconSensor(name=f"lsst_{name}_50_32", rng=galsim.BaseDeviate(1))
    areas = []
    for electrons in (0.0, 20_000.0):
        image = galsim.ImageF(21, 21, init_value=0)
        image.setCenter(0, 0)
        image[0, 0] = electrons
        areas.append(sensor.calculate_pixel_areas(image).array.astype(np.float64))
    theirs = ((areas[1] / areas[0] - 1) / 20_000)[10:18, 10:18].T
    ours = BrighterFatter.preset(name).a
    # Their sensors are models of devices before the final ones: the order of magnitude.
    for lag, factor in {(0, 0): 2, (0, 1): 3, (1, 0): 3, (1, 1): 4, (0, 2): 4, (2, 0): 4}.items():
        assert 1 / factor < ours[lag] / theirs[lag] < factor, lag
    for a in (ours, theirs):
        assert a[0, 0] < 0
        assert 1.5 < a[0, 1] / a[1, 0] < 6
    # With their a_ij, our boundaries make a star grow as theirs do: the mean of their areas over a star.
    same = BrighterFatter(zero_sum(theirs * (theirs != 0)))
    light = star(21, 20_000.0, 1.5).astype(np.float32)
    image = galsim.ImageF(light.copy())
    image.setCenter(0, 0)
    full = sensor.calculate_pixel_areas(image).array / areas[0] - 1
    from fullwell.kernels.brighter_fatter import moved_charge

    mine = moved_charge(np.ones_like(light), light, same.boundaries.east, same.boundaries.north)
    bright = light > 1000
    assert np.corrcoef(full[bright], mine[bright])[0, 1] > 0.999
    assert np.polyfit(full[bright], mine[bright], 1)[0] == pytest.approx(1, abs=0.02)
