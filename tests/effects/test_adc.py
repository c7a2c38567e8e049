from __future__ import annotations

import numpy as np
import pytest
from simulated_frames import adu, signal

from fullwell import ADC, Detector, Noise, ReadNoise, SignalChain
from fullwell.errors import ParameterError
from fullwell.flags import Flags
from fullwell.frame import Frame


def digitized(adc, values):
    made = signal(np.asarray(values)[None], detector=Detector.single((1, len(values))))
    adc.simulate(made, noise=Noise(1))
    return made.image


@pytest.mark.parametrize("bits", [8, 12, 14, 16, 18, 24])
def test_codes_end_where_the_bits_do(bits):
    top = 2**bits - 1

    image = digitized(ADC(bits), [-5, 0, 0.49, 0.5, 1.5, top - 0.5, top, top + 1, 1e9])

    assert image.tolist() == [[0, 0, 0, 1, 2, top, top, top, top]] or bits == 24
    assert image.dtype == (np.uint16 if bits <= 16 else np.int32)
    assert image.max() == top


def test_half_codes_are_not_lost_in_float32():
    odd = 2.0**23 + 1
    assert digitized(ADC(24), [odd]).tolist() == [[int(odd)]]


def test_shifted_codes():
    adc = ADC(12, shift=4)

    assert (adc.step, adc.maximum) == (16, 4095 * 16)
    assert digitized(adc, [7.9, 8, 24, 1e6]).tolist() == [[0, 16, 32, 65520]]


@pytest.mark.parametrize(
    ("adc", "limit"),
    [
        (ADC(), 65535),
        (ADC(12), 4095),
        (ADC(12, shift=4), 65520),
        (ADC(18), 262143),
        (ADC(saturation=50_000), 50_000),
    ],
)
@pytest.mark.parametrize("dtype", [np.int32, np.float32, np.float64])
def test_what_is_at_the_limit_is_saturated(adc, limit, dtype):
    flags = adc.flag(Frame(np.array([[limit - 1, limit, limit + 1]], dtype)))

    assert flags.tolist() == [[0, int(Flags.SATURATED), int(Flags.SATURATED)]]


def test_saturation_is_judged_on_raw_values_and_survives_correction():
    frame = SignalChain([ADC(12)]).correct(adu(4095.0))

    assert (frame.flags == int(Flags.SATURATED)).all()


def test_rounding_counts_once():
    # Values spread over many codes: the error of rounding has the variance step^2/12.
    chain = SignalChain(
        [
            ADC(12, shift=4),
            ReadNoise(0.0, unit="adu"),
        ]
    )
    measured = SignalChain([ADC(12, shift=4), ReadNoise(0.0, unit="adu", digitized=True)])
    values = np.random.default_rng(1).uniform(100, 50_000, 100_000)
    error = digitized(ADC(12, shift=4), values)[0] - values

    extra = chain.correct(adu(100.0)).variance

    assert extra == pytest.approx(np.full(extra.shape, 256 / 12))
    # 1e5 uniform numbers: error of the variance 0.28 %; 4 sigma.
    assert error.var() == pytest.approx(256 / 12, rel=0.012)
    assert (measured.correct(adu(100.0)).variance == 0).all()
    assert SignalChain([ADC()]).correct(adu(1.0)).variance is None


def test_what_is_cut_off_below_is_suspect():
    codes = np.array([[0, 1, 4095]], np.uint16)
    assert ADC(12).flag(Frame(codes)).tolist() == [[int(Flags.SUSPECT), 0, int(Flags.SATURATED)]]
    # Numbers that are no codes: levels may be anywhere.
    assert not ADC(12).flag(Frame(codes[:, :2].astype(np.float32))).any()
    assert not ADC(12).flag(Frame(np.array([[-1, 0]], np.int16))).any()


def test_the_lower_end_is_flagged_in_either_way_of_correcting():
    chain = SignalChain([ADC(12), ReadNoise(5.0, unit="adu")])
    codes = np.array([[0, 7], [4095, 1]], np.uint16)
    assert chain.correct(codes).flags.tolist() == [[int(Flags.SUSPECT), 0], [int(Flags.SATURATED), 0]]
    slowly = chain.correct(Frame(codes, variance=np.zeros(codes.shape, np.float32)))
    assert slowly.flags.tolist() == chain.correct(codes).flags.tolist()


def test_dither_is_even_and_counted():
    codes = np.full((200, 500), 1600, np.uint16)
    codes[0, 0] = 1616
    noise = ReadNoise(0.0, unit="adu")
    clean = SignalChain([ADC(12, shift=4, dither=3), noise]).correct(codes)
    added = clean.data - codes
    assert -8 <= added.min() < -7.9
    assert 7.9 < added.max() <= 8
    # 1e5 even numbers of standard deviation 4.62: error of the mean 0.015, of the variance 0.28 %; 4 sigma.
    assert abs(added.mean()) < 0.06
    assert added.var() == pytest.approx(256 / 12, rel=0.012)
    assert clean.variance == pytest.approx(np.full(codes.shape, 2 * 256 / 12))
    measured = ReadNoise(0.0, unit="adu", digitized=True)
    alone = SignalChain([ADC(12, shift=4, dither=3), measured]).correct(codes)
    assert alone.variance == pytest.approx(np.full(codes.shape, 256 / 12))


def test_dither_is_the_same_for_a_frame_and_another_for_the_next():
    codes = np.arange(1000, dtype=np.uint16).reshape(20, 50)
    once, twice = (SignalChain([ADC(dither=1)]).correct(codes).data for _ in range(2))
    np.testing.assert_array_equal(once, twice)
    other = SignalChain([ADC(dither=1)]).correct(codes + 1).data - 1
    assert (other != once).any()
    assert (SignalChain([ADC(dither=2)]).correct(codes).data != once).any()


@pytest.mark.parametrize(
    "options",
    [
        {"dither": -1},
        {"dither": True},
        {"dither": 0.5},
        {"bits": 7},
        {"bits": 25},
        {"shift": -1},
        {"bits": 24, "shift": 8},
        {"saturation": 0},
    ],
)
def test_impossible_converters_are_refused(options):
    with pytest.raises(ParameterError):
        ADC(**options)
