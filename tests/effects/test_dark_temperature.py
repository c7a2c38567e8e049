"""Temperature through exposures, measurements and corrections of dark current."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u

from fullwell import Bias, Dark, Frame, Gain, ReadNoise, SignalChain
from fullwell.detector import Box, Detector
from fullwell.effects import DarkCurrent, ReadOutDark, Telegraph
from fullwell.effects.cropping import cropped
from fullwell.effects.dark_law import DarkLaw
from fullwell.effects.dark_temperatures import by_temperature
from fullwell.effects.silicon import activated
from fullwell.effects.storage import load_product, save_product
from fullwell.errors import ChainError, FrameError, ParameterError
from fullwell.flags import Flags
from fullwell.io import read, write

SHAPE = (60, 80)
DETECTOR = Detector.single(SHAPE)
LAW = DarkCurrent(20.0, 4.0, spread=0.2, hot_fraction=0.01, hot_rate=(2000, 50_000))
READ = [ReadNoise(5.0), Gain(1.5), Bias(1000.0)]


def chain_of(dark):
    return SignalChain([dark, *READ], detector=DETECTOR)


def darks_at(dark, kelvins, *, times=(100.0,), each=5, seed=3):
    chain = chain_of(dark)
    return [
        exposure.frame
        for i, t in enumerate(kelvins)
        for exposure in chain.expose_sequence(
            [(None, time) for time in times for _ in range(each)], seed=seed + i, temperature=t
        )
    ]


@pytest.fixture(scope="module")
def measured():
    true = LAW.dark(SHAPE, 273.15, seed=5)
    known = SignalChain(READ)
    return true, Dark.measure(darks_at(true, [263.15, 273.15, 283.15]), known=known)


# --- frames know their temperature


@pytest.mark.parametrize(
    ("card", "value", "kelvin"),
    [("CCD-TEMP", -20.0, 253.15), ("CCDTEMP", -100.0, 173.15), ("DETTEMP", 253.15, 253.15)],
)
def test_a_frame_has_the_temperature_of_its_cards(tmp_path, card, value, kelvin):
    write(Frame(np.zeros(SHAPE, np.uint16)), tmp_path / "a.fits", cards={card: value})
    assert read(tmp_path / "a.fits").temperature == pytest.approx(kelvin)


def test_the_temperature_is_written_where_no_card_says_it(tmp_path):
    frame = Frame(np.zeros(SHAPE, np.uint16), temperature=250.0)
    write(frame, tmp_path / "a.fits")
    back = read(tmp_path / "a.fits")
    assert back.temperature == pytest.approx(250.0)
    assert back.header["CCD-TEMP"] == pytest.approx(-23.15)
    write(back.with_(temperature=260.0), tmp_path / "b.fits")
    assert read(tmp_path / "b.fits").temperature == pytest.approx(260.0)
    with pytest.raises(FrameError, match="above 0"):
        Frame(np.zeros(SHAPE), temperature=-20.0)


def test_an_exposure_has_the_temperature_it_was_made_at_or_that_of_the_dark():
    chain = chain_of(LAW.dark(SHAPE, 0 * u.deg_C, seed=5))
    assert chain.expose(None, 1.0, seed=1, temperature=-20 * u.deg_C).frame.temperature == pytest.approx(
        253.15
    )
    assert chain.expose(None, 1.0, seed=1).frame.temperature == pytest.approx(273.15)
    assert chain_of(Dark(1.0)).expose(None, 1.0, seed=1).frame.temperature is None
    with pytest.raises(ParameterError, match="temperature"):
        chain.expose(None, 1.0, seed=1, temperature=5 * u.m)


# --- the law of every pixel


def test_a_pixel_follows_depletion_diffusion_and_its_own_energy():
    dark = LAW.dark(SHAPE, 273.15, seed=5)
    for t in (250.0, 273.15, 290.0):
        expected = LAW.rates(SHAPE, t, seed=5)
        np.testing.assert_allclose(dark.level_at(10.0, temperature=t), 10 * expected, rtol=2e-4)


@pytest.mark.parametrize("name", ["lsst-itl", "lsst-e2v", "sbig-st402", "sbig-stl1001"])
def test_presets_know_the_law(name):
    dark = SignalChain.preset(name, amplifier=(40, 50)).get("dark")
    warmer = dark.level_at(1.0, temperature=dark.temperature + 10)
    assert np.median(warmer / dark.level_at(1.0)) > 2
    assert SignalChain.preset("guide-ccd", amplifier=(40, 50)).get("dark").law is None


def test_the_preset_falls_by_half_in_five_kelvin_as_measured():
    # 0.347 ADU/s at -5 and 0.173 ADU/s at -10 C.
    dark = SignalChain.preset("sbig-stl1001", amplifier=(100, 100)).get("dark")
    ratio = dark.law.typical.at(-5 * u.deg_C) / dark.law.typical.at(-10 * u.deg_C)
    assert ratio == pytest.approx(0.347 / 0.173, rel=0.01)


def test_the_law_is_measured_from_darks_at_several_temperatures(measured):
    true, found = measured
    assert found.temperature == pytest.approx(263.15)
    assert found.statistics["temperatures"] == pytest.approx([263.15, 273.15, 283.15])
    for name in ("depletion", "diffusion"):
        error = getattr(found.law.typical, f"{name}_error")
        # 5 sigma, and what the median of the skewed distribution of pixels differs by.
        assert abs(getattr(found.law.typical, name) - getattr(LAW, name)) < 5 * error + 0.02 * LAW.depletion
    # Each hot pixel has the energy that was drawn for it.
    places = {tuple(p): k for k, p in enumerate(true.law.pixels)}
    common = [(i, places[tuple(p)]) for i, p in enumerate(found.law.pixels) if tuple(p) in places]
    assert len(common) > 0.9 * len(true.law.pixels)
    assert len(found.law.pixels) - len(common) <= 2
    i, k = np.array(common).T
    pulls = (found.law.energy[i] - true.law.energy[k]) / found.law.energy_error[i]
    # About 45 pixels: the median pull is right within 5 standard errors, few beyond 4 sigma (scatter of the
    # pixel's own depletion current counts as excess).
    assert abs(np.median(pulls)) < 5 * 1.25 / np.sqrt(len(pulls))
    assert np.abs(found.law.energy[i] - true.law.energy[k]).max() < 0.1


@pytest.mark.parametrize("kelvin", [263.15, 268.0, 283.15])
def test_a_dark_is_scaled_by_time_and_temperature(measured, kelvin):
    true, found = measured
    frames = darks_at(true, [kelvin], times=(60.0,), each=3, seed=90)
    chain = SignalChain([found, *READ])
    typical = np.ones(SHAPE, bool)
    typical[tuple(true.law.pixels.T)] = False
    for frame in frames:
        clean = chain.correct(frame)
        pull = clean.data / np.sqrt(clean.variance)
        # 4750 pixels: 5 standard errors, and 1 % of the dark current for the law.
        slack = 0.01 * 60 * LAW.at(kelvin) / np.sqrt(np.median(clean.variance))
        assert abs(pull[typical].mean()) < 5 / np.sqrt(typical.sum()) + slack
        assert pull[typical].var() == pytest.approx(1, abs=0.15)
        # The hot ones too: their own law, within 15 % of what they hold.
        left = clean.data[~typical] / (60 * LAW.rates(SHAPE, kelvin, seed=5)[~typical])
        assert np.abs(np.median(left)) < 0.03
        assert np.abs(left).max() < 0.2


def test_one_chain_serves_frames_of_many_temperatures(measured):
    true, found = measured
    frames = [darks_at(true, [t], each=1, seed=40)[0] for t in (263.0, 283.0)]
    chain = SignalChain([found, *READ])
    both = [chain.correct(frame).data for frame in frames]
    for frame, data in zip(frames, both, strict=True):
        np.testing.assert_array_equal(SignalChain([found, *READ]).correct(frame).data, data)


def test_nothing_is_guessed_where_no_law_is_known():
    dark = Dark(2.0, temperature=273.15)
    frame = Frame(np.zeros(SHAPE, np.float32), unit=u.electron, exposure_time=5.0, temperature=275.0)
    with pytest.raises(ChainError, match=r"273\.1 K.*275\.0 K.*not known"):
        SignalChain([dark]).correct(frame)
    with pytest.raises(ChainError, match="not known"):
        chain_of(dark).expose(None, 1.0, seed=1, temperature=260)
    for near in (None, 273.9):
        np.testing.assert_array_equal(SignalChain([dark]).correct(frame.with_(temperature=near)).data, -10)


def test_darks_of_unknown_temperature_do_not_mix_with_others():
    frames = [Frame(np.zeros((2, 2)), temperature=t) for t in (260.0, 260.4, 275.0)]
    assert [len(group) for _, group in by_temperature(frames)] == [2, 1]
    assert by_temperature([frames[0], Frame(np.zeros((2, 2)))])[0][0] == 260.0
    with pytest.raises(FrameError, match="2 temperatures"):
        by_temperature([*frames, Frame(np.zeros((2, 2)))])


def test_darks_with_the_bias_in_have_no_rate_to_scale():
    darks = darks_at(LAW.dark(SHAPE, 273.15, seed=5), [263.15, 283.15])
    with pytest.raises(FrameError, match="one length and hold the bias"):
        Dark.measure(darks, gain=1.5)
    two = darks_at(LAW.dark(SHAPE, 273.15, seed=5), [263.15, 283.15], times=(10.0, 100.0), each=3)
    found = Dark.measure(two, gain=1.5)
    frame = darks_at(LAW.dark(SHAPE, 273.15, seed=5), [275.0], each=1, seed=8)[0]
    clean = SignalChain([found, Gain(1.5)]).correct(frame)
    assert np.median(clean.data) == pytest.approx(0, abs=0.05 * 100 * LAW.at(275.0))


def test_the_law_survives_the_file_and_the_window(measured, tmp_path):
    _, found = measured
    save_product(found, tmp_path / "dark.fits")
    back = load_product(tmp_path / "dark.fits")
    assert back.temperature == found.temperature
    assert back.law.typical == found.law.typical
    for name in ("pixels", "excess", "energy", "energy_error"):
        np.testing.assert_array_equal(getattr(back.law, name), getattr(found.law, name))
    part = cropped(found, Box(10, 50, 20, 60))
    whole = found.level_at(50.0, temperature=280.0)
    np.testing.assert_allclose(part.level_at(50.0, temperature=280.0), whole[20:60, 10:50], rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: DarkLaw(LAW, 20.0), "temperature"),
        (lambda: DarkLaw(LAW, 270, [[1, 2]]), "excess"),
        (lambda: DarkLaw(LAW, 270, [[1, 2]], [1.0], [np.nan]), "energy"),
        (lambda: DarkLaw(LAW, 270, [[-1, 2]], [1.0], [0.5]), "pixels"),
        (lambda: Dark(1.0, law=DarkLaw(LAW, 270, [[1, 2]], [1.0], [0.5])), "law"),
        (lambda: Dark(np.ones((2, 2)), law=DarkLaw(LAW, 270, [[1, 2]], [1.0], [0.5])), "law"),
        (lambda: Dark(1.0, temperature=260, law=DarkLaw(LAW, 270)), "temperature"),
        (lambda: Telegraph([[1, 2]], energy=0.5), "temperature"),
        (lambda: Telegraph([[1, 2]], energy=-0.5, temperature=270), "energy"),
        (lambda: Telegraph([[1, 2]], energy=[0.5, 0.6], temperature=270), "energy"),
        (lambda: ReadOutDark.of(Dark(1.0), row_time=1e-3), "dark"),
    ],
)
def test_impossible_values_are_refused(make, name):
    with pytest.raises(ParameterError, match=name):
        make()


# --- what belongs to the dark


def test_the_dark_of_the_read_out_follows_the_law():
    dark = LAW.dark(SHAPE, 273.15, seed=5)
    effect = ReadOutDark.of(dark, row_time=0.01)
    for t in (273.15, 283.15):
        rates = LAW.rates(SHAPE, t, seed=5)
        expected = effect.expected(DETECTOR, layout="assembled", temperature=t)
        np.testing.assert_allclose(expected[-1], 0.01 * rates[:-1].sum(axis=0), rtol=1e-3)
        chain = SignalChain([effect], detector=DETECTOR)
        frame = chain.expose(None, 0.0, seed=2, temperature=t).frame
        # Poisson: 6 sigma for each of 4800 pixels.
        assert (np.abs(frame.data - expected) < 6 * np.sqrt(expected) + 6).all()
        clean = chain.correct(frame.with_(unit=u.electron))
        np.testing.assert_allclose(clean.data, frame.data - expected, atol=1e-3)
    plain = ReadOutDark(dark.rate, temperature=273.15)
    with pytest.raises(ChainError, match="read_out_dark"):
        plain.expected(DETECTOR, layout="raw", temperature=283.15)


def test_levels_of_telegraph_pixels_have_energies_of_their_own():
    pixels = np.argwhere(np.ones((20, 20)))
    energy = np.linspace(0.4, 0.8, 400)
    effect = Telegraph(pixels, 100.0, 1e9, 1.0, temperature=273.15, energy=energy)
    chain = SignalChain([effect], detector=Detector.single((20, 20)))
    frame = chain.expose(None, 100.0, seed=1, temperature=283.15).frame
    expected = 1e4 * activated(energy, 283.15, since=273.15).reshape(20, 20)
    # All but a few are in the upper level all the time; Poisson, 6 sigma.
    assert np.mean(np.abs(frame.data - expected) < 6 * np.sqrt(expected)) > 0.98
    with pytest.raises(ChainError, match="activation energies"):
        Telegraph(pixels, 100.0, temperature=273.15).amplitude_at(283.15)
    assert Telegraph(pixels, 100.0, temperature=273.15).amplitude_at(273.9) == 100.0


def test_a_measured_telegraph_knows_its_temperature():
    frames = [
        Frame(
            np.zeros(SHAPE, np.float32), np.ones(SHAPE), unit=u.electron, exposure_time=1.0, temperature=260.0
        )
    ] * 8
    assert Telegraph.measure(frames).temperature == 260.0
    assert not Flags.HOT & SignalChain([Telegraph.measure(frames)]).correct(frames[0]).flags.max()
