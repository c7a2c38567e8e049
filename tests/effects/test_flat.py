from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from simulated_frames import SHAPE, adu, camera, electrons, expose, signal, two_amplifiers

from fullwell import ADC, Bias, Dark, Flat, Gain, Noise, ReadNoise, ShotNoise, SignalChain
from fullwell.errors import ChainError, FrameError, NotEnoughFrames, ParameterError
from fullwell.flags import Flags

GAIN, NOISE, LIGHT = 1.6, 8.0, 30_000.0


def response(seed=3):
    image = np.random.default_rng(seed).normal(1, 0.02, SHAPE) * np.linspace(0.9, 1.1, SHAPE[1])
    return (image / np.median(image)).astype(np.float32)


def truth(*effects):
    return camera(Gain(GAIN), Flat(response()), ShotNoise(), *effects, read_noise=NOISE)


def flats(n, *, levels=None, seed=11):
    levels = levels or [LIGHT] * n
    return [expose(truth(), i + 1, light=level, seconds=1.0, seed=seed)[i] for i, level in enumerate(levels)]


def biases(n=10):
    return Bias.measure(expose(truth(), n, seed=12))


def test_light_is_multiplied():
    made = signal(100.0)
    Flat(response()).simulate(made, noise=Noise(1))

    np.testing.assert_array_equal(made.image, 100 * response())


@pytest.mark.parametrize("electrons_known", [False, True])
@pytest.mark.parametrize("gain_known", [False, True])
def test_measured_it_is_the_truth_within_its_errors(electrons_known, gain_known):
    bias = biases()
    known = SignalChain([bias, Gain(GAIN)] if electrons_known else [bias])

    flat = Flat.measure(
        flats(6, levels=[30_000, 31_000, 28_000, 25_000, 33_000, 30_000]),
        known=known,
        gain=GAIN if gain_known else None,
        filter="V",
    )

    assert np.median(flat.response) == pytest.approx(1, abs=1e-6)
    error = flat.variance.astype(np.float64)
    for share in flat.shared.values():
        error = error + share.contribution
    pull = (flat.response - response()) / np.sqrt(error)
    # 12000 pulls 0.65 %, and the noise is that of the typical pixel where no gain is known.
    assert pull.std() == pytest.approx(1, abs=0.04)
    # The norm hangs on the 300 pixels whose noise reaches the median: 0.06 sigma; 4 of that.
    assert abs(pull.mean()) < 0.24
    assert error.mean() == pytest.approx(1 / (29_500 * 6), rel=0.05)
    assert (flat.filter, flat.count) == ("V", 6)
    assert flat.counts == pytest.approx(29_500 / (1 if electrons_known else GAIN), rel=0.01)
    assert flat.statistics["empirical_to_predicted"] == pytest.approx(1, abs=0.06)


def test_frames_are_brought_to_one_level_before_they_are_clipped():
    frames = flats(4, levels=[30_000, 20_000, 10_000, 30_000])
    frames[1].data[30, 40:44] += 8000

    flat = Flat.measure(frames, known=SignalChain([biases()]), gain=GAIN)

    assert max(flat.statistics["rejected_fraction"]) < 0.001
    assert flat.response[30, 40:44] == pytest.approx(response()[30, 40:44], rel=0.03)
    assert flat.statistics["spread"] == "noise"


def test_corrected_frames_are_noise_of_the_predicted_size():
    bias = biases()
    known = SignalChain([bias, Gain(GAIN)])
    flat = Flat.measure(flats(5), known=known)
    noise = ReadNoise(np.array(bias.read_noise) * GAIN, digitized=True)
    chain = SignalChain([bias, flat, Gain(GAIN), noise, ShotNoise()])

    residual, variance = [], []
    for raw in flats(4, seed=44):
        clean = chain.correct(raw)
        residual.append(clean.data.astype(np.float64) - LIGHT)
        variance.append(clean.variance.astype(np.float64))

    # The level of the flat is normalized to its median: 1.25 sigma/sqrt(12000), twice (truth as well) 2e-5.
    assert np.mean(residual) == pytest.approx(0, abs=4 * 250 / np.sqrt(12_000) + 3)
    assert np.mean(np.square(residual)) / np.mean(variance) == pytest.approx(1, abs=0.03)
    # Shot noise / response on average, plus a fifth for the flat.
    assert np.mean(variance) == pytest.approx(1.2 * LIGHT, rel=0.03)


def test_bias_and_dark_in_the_flat_are_squared_together_with_those_in_the_frame():
    """The case of the design: leaving out (1 - s)^2, r or a term of the flat shows.

    Read noise alone, so that all is known in closed form: science at twice the level of the flat (r = 2) and
    half the length of the dark (s = 1/2), the flat a tenth of it.
    """
    n, sigma, shape = 3, 10.0, (200, 250)
    from fullwell import Detector

    detector = Detector.single(shape)
    camera_ = SignalChain([ReadNoise(sigma), Gain(1.0), Bias(1000.0)])
    options = {"detector": detector}
    bias = Bias.measure(expose(camera_, n, seed=1, **options))
    dark = Dark.measure(expose(camera_, n, seconds=100.0, seed=2, **options), known=SignalChain([bias]))
    flat = Flat.measure(
        expose(camera_, n, light=400.0 / 10, seconds=10.0, seed=3, **options), known=SignalChain([bias, dark])
    )
    chain = SignalChain([bias, dark, flat, ReadNoise(bias.read_noise, unit=u.adu, digitized=True)])

    frames = expose(camera_, 4, light=800.0 / 50, seconds=50.0, seed=4, **options)
    clean = [chain.correct(frame) for frame in frames]
    residual = np.array([frame.data.astype(np.float64) - 800 for frame in clean])
    predicted = np.mean([frame.variance.astype(np.float64) for frame in clean])

    v, s, s_flat, r = sigma**2 / n, 0.5, 0.1, 2.0
    formula = sigma**2 + (1 - s - r * (1 - s_flat)) ** 2 * v + (s - r * s_flat) ** 2 * v + r**2 * v
    assert formula == pytest.approx(292.7, abs=0.1)
    assert predicted == pytest.approx(formula, rel=0.02)
    # 50000 pixels whose master noise is in common: relative error 0.7 %; 4 sigma.
    assert (residual**2).mean() == pytest.approx(predicted, rel=0.028)
    independent = sigma**2 + v + s**2 * 2 * v + r**2 * (v + v + s_flat**2 * 2 * v)
    without_r = sigma**2 + (1 - s) ** 2 * v + s**2 * v + r**2 * v
    without_s = sigma**2 + (1 - r) ** 2 * v + r**2 * v
    for wrong in (independent, without_r, without_s):
        assert abs(wrong / formula - 1) > 0.08


def test_amplifiers_of_different_gain_share_one_response():
    detector = two_amplifiers(overscan=0)
    chain = SignalChain(
        [ReadNoise(NOISE), Gain([1.0, 2.0]), Bias(500.0), ADC(), Flat(response()), ShotNoise()]
    )
    frames = expose(chain, 4, light=40_000.0, seconds=1.0, detector=detector)
    bias = Bias.measure(expose(chain, 4, detector=detector, seed=2))

    for known, gain in (([bias, Gain([1.0, 2.0])], None), ([bias], (1.0, 2.0))):
        flat = Flat.measure(frames, known=SignalChain(known), gain=gain)
        assert np.median(flat.response[:, :60] / response()[:, :60]) == pytest.approx(1, abs=0.001)
        assert np.median(flat.response[:, 60:] / response()[:, 60:]) == pytest.approx(1, abs=0.001)


def test_dead_pixels_are_flagged_and_not_divided_by():
    image = response()
    image[10, 10], image[20, 20] = 0.0, 0.3
    chain = camera(Gain(GAIN), Flat(image), ShotNoise(), read_noise=NOISE)
    frames = expose(chain, 4, light=LIGHT, seconds=1.0)

    flat = Flat.measure(frames, known=SignalChain([biases()]), gain=GAIN)
    clean = flat.correct(adu(100.0))

    assert np.argwhere(flat.flags & int(Flags.DEAD)).tolist() == [[10, 10], [20, 20]]
    assert np.isfinite(clean.data).all()
    negative = Flat(np.array([[1.0, 0.0, -0.1, np.nan]]), count=3)
    clean = negative.correct(adu(100.0, shape=(1, 4)))
    assert clean.data.tolist() == [[100, 0, 0, 0]]
    assert clean.mask.tolist() == [[False, True, True, True]]


def test_a_flat_that_was_not_measured_has_no_noise():
    clean = Flat(np.full(SHAPE, 0.5)).correct(electrons(10.0, variance=np.ones(SHAPE, np.float32)))

    assert (clean.data == 20).all()
    assert (clean.variance == 4).all()
    assert clean.shared == {}


def test_one_flat_with_a_gain_will_do():
    flat = Flat.measure(flats(1), known=SignalChain([biases()]), gain=GAIN)

    assert flat.variance.mean() == pytest.approx(1 / LIGHT, rel=0.05)


def test_what_does_not_fit_is_refused():
    with pytest.raises(NotEnoughFrames):
        Flat.measure([])
    with pytest.raises(NotEnoughFrames, match="needs a gain"):
        Flat.measure(flats(1))
    with pytest.raises(FrameError, match="no light"):
        Flat.measure([adu(0.0), adu(0.0)])
    with pytest.raises(ChainError, match="crop"):
        Flat(response()).correct(adu(1.0, shape=(3, 3)))
    with pytest.raises(ParameterError):
        Flat(np.ones(5))
