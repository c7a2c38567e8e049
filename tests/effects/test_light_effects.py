"""Shutter, fringes, illumination, smear: closed forms, measured from simulated frames, taken out again."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st

from fullwell import Bias, Flat, FrameSet, Gain, Overscan, ReadNoise, ShotNoise, SignalChain
from fullwell.detector import Detector
from fullwell.detector.shrinking import with_amplifiers_of
from fullwell.effects import Signal
from fullwell.effects.fringes import Fringes
from fullwell.effects.illumination import Illumination, _smooth
from fullwell.effects.shutter import Shutter
from fullwell.effects.smear import Smear
from fullwell.errors import ChainError, NotEnoughFrames, ParameterError
from fullwell.flags import FLAG_DTYPE, Flags
from fullwell.frame import Frame
from fullwell.noise import Noise
from fullwell.scene import Lamp, Moonlight, Scene, Sky, Stars, Twilight

SHAPE = (120, 160)
DETECTOR = Detector.single(SHAPE)
READ = [Gain(1.5), Bias(1000.0), ReadNoise(5.0), ShotNoise()]


def frame_of(data, seconds=1.0, **more):
    return Frame(
        np.asarray(data, np.float32), unit=u.electron, exposure_time=seconds, detector=DETECTOR, **more
    )


# --- shutter


def test_an_iris_exposes_the_middle_longest():
    shutter = Shutter.iris((101, 101), travel=20 * u.ms, offset=5 * u.ms)
    assert shutter.delay[50, 50] == pytest.approx(0.025)
    np.testing.assert_allclose(shutter.delay[[0, 0, -1, -1], [0, -1, 0, -1]], 0.005, atol=1e-7)


def test_a_curtain_runs_along_its_axis():
    down = Shutter.curtain((100, 50), skew=0.1)
    np.testing.assert_allclose(np.diff(down.delay[:, 7]), 0.001, atol=1e-7)
    assert down.delay.mean() == pytest.approx(0, abs=1e-7)
    across = Shutter.curtain((50, 100), skew=0.1, axis=1)
    np.testing.assert_allclose(across.delay, down.delay.T, atol=1e-8)


@given(st.floats(0.05, 100), st.integers(0, 5))
def test_correct_undoes_simulate(seconds, seed):
    delay = np.random.default_rng(seed).uniform(-0.04, 0.1, SHAPE)
    signal = Signal(np.full(SHAPE, 100, np.float32), DETECTOR, seconds, seconds)
    Shutter(delay).simulate(signal, noise=Noise(1))
    np.testing.assert_allclose(signal.image, 100 * (1 + delay / seconds), rtol=1e-5)
    back = Shutter(delay).correct(frame_of(signal.image, seconds))
    np.testing.assert_allclose(back.data, 100, rtol=1e-5)


def test_pixels_that_were_not_exposed_are_flagged():
    shutter = Shutter(np.where(np.arange(160) < 3, -2.0, 0.0) * np.ones((120, 1)))
    back = shutter.correct(frame_of(np.ones(SHAPE), 1.0))
    assert (back.flags[:, :3] & Flags.NO_DATA).all()
    assert not back.flags[:, 3:].any()
    with pytest.raises(ChainError, match="no pixel is exposed"):
        Shutter(-2.0).correct(frame_of(np.ones(SHAPE), 1.0))
    with pytest.raises(ChainError, match="exposure time"):
        Shutter(0.1).correct(frame_of(np.ones(SHAPE), None))


def test_the_noise_of_a_measured_shutter_reaches_the_variance():
    # 19200 pixels: a variance is known to 1 %, asked for to 5 %: 5 sigma.
    true = Shutter.iris(SHAPE, travel=0.02)
    chain = SignalChain([true, *READ], detector=DETECTOR)
    light = np.full(SHAPE, 2e4, np.float32)
    times = [0.1] * 3 + [1.0] * 2
    flats = [chain.expose(light, t, noise=Noise(21, i)).frame for i, t in enumerate(times)]
    found = Shutter.measure(FrameSet(flats), known=SignalChain(READ))
    for seconds in (0.1, 0.4):
        clean = frame_of(1e4 * (1 + true.delay / seconds), seconds, variance=np.zeros(SHAPE, np.float32))
        after = found.correct(clean)
        assert list(after.shared) == [found.id]
        assert not after.variance.any()
        predicted = after.settled().variance
        assert (after.data - 1e4).var() == pytest.approx(predicted.mean(), rel=0.05)
    # A shutter that is known adds nothing.
    assert true.correct(clean).shared == {}


def test_a_pixel_without_a_delay_has_no_error_of_it():
    delay, variance = np.zeros(SHAPE), np.full(SHAPE, 1e-6, np.float32)
    variance[3, 4] = np.inf
    after = Shutter(delay, variance, id="shutter-1").correct(frame_of(np.ones(SHAPE)))
    assert after.settled().variance[3, 4] == 0
    assert after.settled().variance[3, 5] == pytest.approx(1e-6)


def test_a_shutter_needs_two_exposure_times():
    frames = [frame_of(np.ones(SHAPE), 1.0)] * 3
    with pytest.raises(NotEnoughFrames, match="two exposure times"):
        Shutter.measure(FrameSet(frames))
    with pytest.raises(ParameterError, match="exposure time"):
        Shutter.measure(FrameSet([frame_of(np.ones(SHAPE), 0.0), *frames]))
    with pytest.raises(ParameterError, match="travel"):
        Shutter.iris(SHAPE, travel=-1)
    with pytest.raises(ParameterError, match="axis"):
        Shutter.curtain(SHAPE, skew=1, axis=2)


# --- fringes and illumination, from dithered frames of the sky


def sky_frames(chain, *, level, count=8, seconds=100.0, **state):
    """Frames whose stars stand elsewhere in each."""
    frames = []
    for i in range(count):
        stars = Stars.random(15, shape=SHAPE, flux=(3, 300), seed=i + 1, fwhm=3.0)
        exposure = chain.expose(
            Scene([Sky(level), stars]), seconds, detector=DETECTOR, noise=Noise(5, i), state=state
        )
        frames.append(exposure.frame)
    return FrameSet(frames)


def test_fringes_grow_with_the_sky():
    """Without a level of its own the pattern is a part of the sky that is there, whatever else shines."""
    pattern = Fringes.thin_film(SHAPE, seed=3, visibility=0.05).pattern
    chain = SignalChain([Fringes(pattern)], detector=DETECTOR)
    stars = Stars.random(5, shape=SHAPE, flux=(3, 300), seed=1)
    for level in (5.0, 500.0):
        dark, bright = (
            chain.expose(Scene([Sky(level), *more]), 10.0, seed=1).frame.data
            for more in ((), (Lamp(7.0), stars))
        )
        np.testing.assert_allclose(dark, 10 * level * (1 + pattern), rtol=1e-5)
        assert bright.std() > dark.std() * 0.9
        added = bright - 10 * Scene([Sky(level), Lamp(7.0), stars]).render(SHAPE)
        np.testing.assert_allclose(added, 10 * level * pattern, atol=2e-3 * level)
    image = np.full(SHAPE, 40.0, np.float32)
    np.testing.assert_allclose(chain.expose(image, 10.0, seed=1).frame.data, 400 * (1 + pattern), rtol=1e-5)
    fixed = SignalChain([Fringes(pattern, sky=50.0)], detector=DETECTOR)
    np.testing.assert_allclose(
        fixed.expose(Sky(5.0), 10.0, seed=1).frame.data, np.maximum(50 + 500 * pattern, 0), rtol=1e-5
    )


def test_fringes_are_found_and_their_amplitude_fitted():
    true = Fringes.thin_film(SHAPE, seed=3, visibility=0.05, sky=50.0)
    chain = SignalChain([true, *READ])
    known = chain.without("fringes")
    found = Fringes.measure(sky_frames(chain, level=50.0), known=known)
    # Eight frames of 5000 e-: 0.5 % a pixel. Where all of them had stars there is nothing.
    pulls = (found.pattern - true.pattern)[found.variance > 0] / np.sqrt(found.variance[found.variance > 0])
    assert np.sqrt((pulls**2).mean()) == pytest.approx(1, abs=0.25)
    assert np.corrcoef(found.pattern.ravel(), true.pattern.ravel())[0, 1] > 0.95
    stars = Stars.random(15, shape=SHAPE, flux=(3, 300), seed=99, fwhm=3.0)
    for amplitude in (0.0, 0.5, 2.0):
        exposure = chain.expose(
            Scene([Sky(50.0), stars]), 100.0, detector=DETECTOR, noise=Noise(5, 50),
            state={"fringes": {"amplitude": amplitude}},
        )  # fmt: skip
        clean = known.with_(found).correct(exposure.frame)
        fitted, error = clean.header["FRINGAMP"], clean.header["FRINGERR"]
        assert abs(fitted - amplitude * 5000) < 5 * error
        assert error < 60
        left = (clean.data - exposure.light)[exposure.light < 5050]
        assert abs((left * true.pattern[exposure.light < 5050]).mean()) < 0.06


def test_fringes_follow_the_film():
    flat = Fringes.thin_film(SHAPE, seed=1, roughness=0.0)
    np.testing.assert_allclose(flat.pattern, 0, atol=1e-6)
    one = Fringes.thin_film(SHAPE, seed=1, lines=[(900.0, 1.0)], visibility=0.03, roughness=3.0)
    # A cosine of a phase that goes round many times.
    assert one.pattern.std() == pytest.approx(0.03 / np.sqrt(2), rel=0.15)
    with pytest.raises(ParameterError, match="lines"):
        Fringes.thin_film(SHAPE, seed=1, lines=[(5.0, 1.0)])
    with pytest.raises(ParameterError, match="roughness"):
        Fringes.thin_film(SHAPE, seed=1, roughness=50.0)


def test_a_pattern_lost_in_noise_is_refused():
    noise = np.random.default_rng(1).normal(0, 0.01, SHAPE)
    lost = Fringes(noise, variance=np.full(SHAPE, 1e-4, np.float32))
    with pytest.raises(ChainError, match="lost in its own noise"):
        lost.estimate(frame_of(np.full(SHAPE, 100.0) + noise))
    with pytest.raises(ChainError, match="shape"):
        Fringes(np.zeros((3, 3))).correct(frame_of(np.ones(SHAPE)))


@pytest.mark.parametrize(
    ("scene", "amplitude"),
    [
        (None, 0.0), (Scene(), 0.0), (np.zeros(SHAPE), 0.0), (Sky(0.0), 0.0),
        (Lamp(300.0), 0.0), (Scene([Twilight(300.0)]), 0.0), (Scene([Lamp(300.0), Moonlight(2.0)]), 0.0),
        (Sky(300.0), 1.0), (Scene([Lamp(10.0), Sky(300.0)]), 1.0), (np.full(SHAPE, 300.0), 1.0), (300.0, 1.0),
    ],
)  # fmt: skip
def test_fringes_are_of_the_night_sky_alone(scene, amplitude):
    fringes = Fringes.thin_film(SHAPE, seed=3, visibility=0.05, sky=300.0)
    made = SignalChain([fringes], detector=DETECTOR).expose(scene, 10.0, seed=1)
    expected = made.light + np.float32(amplitude * 3000) * fringes.pattern
    np.testing.assert_allclose(made.frame.data, expected, rtol=1e-6, atol=1e-3)
    assert made.truth["fringe_amplitude"] == amplitude
    assert made.frame.data.mean(dtype=float) == pytest.approx(made.light.mean(dtype=float), abs=1e-3)


def test_a_dark_has_no_fringes_before_and_after_its_correction():
    chain = SignalChain.preset("lsst-e2v", amplifier=(40, 40), wavelength=950.0, seed=1)
    assert chain.get("fringes").sky > 0
    plain = chain.without("fringes")
    frame = chain.expose(None, 30.0, seed=1).frame
    np.testing.assert_array_equal(frame.data, plain.expose(None, 30.0, seed=1).frame.data)
    # Bias wander, which no correction takes out whole, would leave an e- or so. Fitted and subtracted the
    # pattern is all the same, of a frame without light too; 40 x 40 x 16 pixels of 6 e-, 5 standard errors.
    steady = chain.without("bias_wander")
    for seconds in (30.0, 0.0):
        clean = steady.correct(steady.expose(None, seconds, seed=1).frame)
        assert abs(clean.data.mean(dtype=float)) < 5 * 6.0 / np.sqrt(clean.data.size)
        assert abs(clean.header["FRINGAMP"]) < 5 * clean.header["FRINGERR"]


def test_a_pattern_that_adds_light_is_refused():
    pattern = Fringes.thin_film(SHAPE, seed=3).pattern
    with pytest.raises(ParameterError, match="mean of the pattern"):
        Fringes(1 + pattern)
    with pytest.raises(ParameterError, match="mean of the pattern"):
        Fringes(np.maximum(pattern, 0))
    chain = SignalChain([Fringes(pattern, sky=5.0)], detector=DETECTOR)
    with pytest.raises(ParameterError, match="amplitude"):
        chain.expose(Sky(5.0), 1.0, seed=1, state={"fringes": {"amplitude": -1.0}})


def test_illumination_is_found_in_the_sky_that_a_lamp_flat_divided():
    y, x = np.linspace(-1, 1, 120)[:, None], np.linspace(-1, 1, 160)
    true = Illumination(1 + 0.05 * x - 0.03 * y + 0.02 * x * y)
    response = Flat(1 + 0.01 * np.random.default_rng(2).normal(size=SHAPE))
    chain = SignalChain([response, true, *READ])
    lamp = [
        chain.expose(
            np.full(SHAPE, 300.0), 100.0, detector=DETECTOR, noise=Noise(6, i),
            state={"illumination": {"source": "lamp"}},
        ).frame
        for i in range(10)
    ]  # fmt: skip
    known = SignalChain(READ)
    flat = Flat.measure(FrameSet(lamp), known=known)
    found = Illumination.measure(sky_frames(chain, level=50.0), known=known.with_(flat), order=2)
    ratio = found.pattern / true.pattern
    assert ratio.std() < 1e-3
    error = np.sqrt(found.variance)
    # 9 terms: typical deviations are a few errors at most.
    assert np.sqrt((((ratio - np.median(ratio)) / error) ** 2).mean()) < 3
    assert error.max() < 2e-3


def test_the_noise_of_a_measured_illumination_reaches_the_variance():
    # 400 surfaces of 9 numbers each, all pixels of one share them: the mean square of 3600 is known to 2.4 %,
    # asked for to 10 %: 4 sigma.
    random, shape = np.random.default_rng(22), (20, 30)
    ratios = []
    for k in range(400):
        sky = 1000 + random.normal(0, 30.0, shape)
        surface, spread = _smooth(sky, np.full(shape, 900.0), np.ones(shape, bool), 2)
        found = Illumination(1000 / surface, spread * 1000**2 / surface**4, 2, id=f"illumination-{k}")
        frame = Frame(np.full(shape, 500, np.float32), variance=np.zeros(shape, np.float32))
        after = found.correct(frame).settled()
        ratios.append(((after.data - 500) ** 2 / after.variance).mean())
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.1)


def test_only_lamps_are_lit_unevenly():
    effect = Illumination(np.full(SHAPE, 1.1))
    for source, expected in (("sky", 10), ("lamp", 11)):
        signal = Signal(
            np.full(SHAPE, 10, np.float32), DETECTOR, 1.0, 1.0, state={"illumination": {"source": source}}
        )
        effect.simulate(signal, noise=Noise(1))
        np.testing.assert_allclose(signal.image, expected)
    moonlit = Signal(
        np.ones(SHAPE, np.float32), DETECTOR, 1.0, 1.0, state={"illumination": {"source": "moon"}}
    )
    with pytest.raises(ParameterError, match="lamp"):
        effect.simulate(moonlit, noise=Noise(1))
    with pytest.raises(NotEnoughFrames, match="3 frames"):
        Illumination.measure(FrameSet([frame_of(np.ones(SHAPE))] * 2))


# --- smear


@pytest.mark.parametrize("transfer", ["frame", "read-out"])
@given(row_time=st.floats(0, 0.004), seed=st.integers(0, 100))
def test_smear_is_undone_exactly(transfer, row_time, seed):
    detector = with_amplifiers_of(Detector.preset("lsst-e2v"), (40, 6))
    image = np.random.default_rng(seed).uniform(0, 1000, detector.shape).astype(np.float32)
    signal = Signal(image.copy(), detector, 1.0, 1.0)
    effect = Smear(row_time, transfer=transfer)
    effect.simulate(signal, noise=Noise(1))
    frame = Frame(signal.image, unit=u.electron, exposure_time=1.0, detector=detector.without_scans())
    np.testing.assert_allclose(effect.correct(frame).data, image, rtol=2e-4, atol=2e-3)


SCANNED = Detector.single((40, 30), overscan=8, prescan=2, parallel=10)


@pytest.mark.parametrize("transfer", ["frame", "read-out"])
def test_parallel_overscan_holds_the_smear_of_its_column(transfer):
    light = np.random.default_rng(1).uniform(0, 2e4, SCANNED.shape)
    chain = SignalChain([Smear(0.01, transfer)], detector=SCANNED)
    raw = chain.expose(light, 2.0, seed=1).frame.data
    behind = raw[SCANNED.amplifiers[0].parallel.slices]
    expected = 0.01 * light.sum(axis=0)
    # Poisson: 6 sigma for each of 300 pixels.
    assert (np.abs(behind - expected) < 6 * np.sqrt(expected)).all()
    outside = raw.copy()
    outside[SCANNED.amplifiers[0].parallel.slices] = 0
    outside[SCANNED.amplifiers[0].data.slices] = 0
    assert not outside.any()


def test_overscan_follows_each_corner_that_is_read():
    detector = with_amplifiers_of(Detector.preset("lsst-e2v"), (40, 6))
    light = np.zeros(detector.shape, np.float32)
    where = []
    for amplifier in detector.amplifiers:
        y, x = amplifier.box.y0 + 7, amplifier.box.x0 + 1
        light[y, x] = 1e6
        where.append((y, x))
    chain = SignalChain([Smear(0.01)], detector=detector)
    raw = chain.expose(light, 1.0, seed=1).frame.data
    # The rows behind lie on the same columns as the streak through the data.
    for amplifier in detector.amplifiers:
        streak = np.flatnonzero(raw[amplifier.data.slices].sum(axis=0))
        np.testing.assert_array_equal(np.flatnonzero(raw[amplifier.parallel.slices].sum(axis=0)), streak)


@pytest.mark.parametrize("transfer", ["frame", "read-out"])
def test_an_exposure_of_no_seconds_has_smear_only(transfer):
    light = np.full(SCANNED.shape, 1000.0)
    chain = SignalChain([Flat(np.full(SCANNED.shape, 0.5)), Smear(0.01, transfer)], detector=SCANNED)
    exposure = chain.expose(light, 0.0, seed=1)
    assert not exposure.light.any()
    data = SCANNED.assemble(exposure.frame.data)
    rows = np.full(40, 39.0) if transfer == "frame" else np.arange(40.0)
    np.testing.assert_allclose(data, np.broadcast_to(5.0 * rows[:, None], data.shape), rtol=1e-5)
    assert exposure.frame.data[SCANNED.amplifiers[0].parallel.slices].mean() == pytest.approx(200, rel=0.05)
    assert not chain.expose(light, 0.0, seed=1).light.any()
    assert not SignalChain([Smear(0.0)], detector=SCANNED).expose(light, 0.0, seed=1).frame.data.any()


@pytest.mark.parametrize("transfer", ["frame", "read-out"])
def test_the_row_time_is_measured_from_the_overscan(transfer):
    detector = Detector.single((100, 120), overscan=16, parallel=20)
    chain = SignalChain([Smear(2e-4, transfer), Gain(1.5), Bias(1000.0), ReadNoise(5.0), ShotNoise()])
    light = np.full(detector.shape, 1000.0)
    light[40:60, 30:50] = 2e4
    frames = [
        chain.expose(light, t, detector=detector, noise=Noise(2, i)).frame for i, t in enumerate((1, 2, 3))
    ]
    found = Smear.measure(frames, transfer=transfer)
    assert found.transfer == transfer
    assert found.error < 0.02 * 2e-4
    assert found.row_time == pytest.approx(2e-4, abs=5 * found.error)
    # In fringe of the streak, 20 rows of 20 columns: what is left is noise, 5 standard errors.
    clean = chain.with_(found, Overscan()).without("bias").correct(frames[0])
    above = clean.data[70:90, 30:50]
    assert above.mean() == pytest.approx(1000, abs=5 * np.sqrt(1000 / above.size) + 4)


def test_smear_that_cannot_be_measured_is_refused():
    frame = Frame(np.zeros(SCANNED.raw_shape, np.float32), exposure_time=1.0, detector=SCANNED)
    with pytest.raises(ChainError, match="no light"):
        Smear.measure([frame])
    with pytest.raises(ChainError, match="above 0 s"):
        Smear.measure([frame.with_(exposure_time=0.0)])
    with pytest.raises(ChainError, match="raw"):
        Smear.measure([frame_of(np.ones(SHAPE))])
    with pytest.raises(NotEnoughFrames, match="parallel"):
        Smear.measure([])
    bare = Detector.single((40, 30), parallel=10)
    with pytest.raises(ChainError, match="no serial overscan"):
        Smear.measure([Frame(np.ones(bare.raw_shape), exposure_time=1.0, detector=bare)])


def test_a_bias_goes_through_a_chain_with_smear():
    chain = SignalChain([Smear(1e-3), *READ], detector=DETECTOR)
    frame = chain.expose(None, 0.0, seed=1).frame
    np.testing.assert_array_equal(frame.data, chain.without("smear").expose(None, 0.0, seed=1).frame.data)
    assert abs(chain.correct(frame).data.mean()) < 5 * 5.0 / np.sqrt(frame.data.size)


def test_smear_of_one_row():
    signal = Signal(np.zeros(SHAPE, np.float32), DETECTOR, 2.0, 2.0)
    signal.image[30] = 1000
    Smear(0.002, transfer="read-out").simulate(signal, noise=Noise(1))
    # Rows above pass it on their way down; k = 1e-3.
    assert (signal.image[:30] == 0).all()
    np.testing.assert_allclose(signal.image[31:], 1.0)
    signal.image[:] = 0
    signal.image[30] = 1000
    Smear(0.002).simulate(signal, noise=Noise(1))
    np.testing.assert_allclose(np.delete(signal.image, 30, axis=0), 1.0)
    assert (signal.image[30] == 1000).all()


def test_missing_pixels_do_not_spoil_their_column():
    image = np.full(SHAPE, 500.0, np.float32)
    signal = Signal(image.copy(), DETECTOR, 1.0, 1.0)
    effect = Smear(1e-3, transfer="read-out")
    effect.simulate(signal, noise=Noise(1))
    flags = np.zeros(SHAPE, FLAG_DTYPE)
    signal.image[50, 20], flags[50, 20] = np.nan, Flags.NO_DATA
    back = effect.correct(frame_of(signal.image, flags=flags))
    assert np.isnan(back.data[50, 20])
    np.testing.assert_allclose(np.delete(back.data, 20, axis=1), 500, rtol=1e-4)
    np.testing.assert_allclose(back.data[51:, 20], 500, rtol=1e-3)


def test_smear_that_cannot_be_undone_is_refused():
    with pytest.raises(ChainError, match="drowns"):
        Smear(1.0).correct(frame_of(np.ones(SHAPE), 0.5))
    bias = frame_of(np.ones(SHAPE), 0.0)
    assert Smear(1.0).correct(bias) is bias
    with pytest.raises(ChainError, match="exposure time"):
        Smear(1.0).correct(frame_of(np.ones(SHAPE), None))
