"""What is read for each true signal: put in, measured, taken out."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from simulated_frames import electrons, signal, two_amplifiers

from fullwell import (
    ADC,
    Bias,
    Dark,
    Detector,
    FullWell,
    Gain,
    Noise,
    NonLinearity,
    ReadNoise,
    ShotNoise,
    SignalChain,
)
from fullwell.effects.curves import Polynomial, Spline, Table
from fullwell.effects.nonlinearity_fit import fit_ramp
from fullwell.effects.parts import put_together, take_apart
from fullwell.effects.ramp import Ramp
from fullwell.errors import ChainError, NotEnoughFrames, ParameterError
from fullwell.flags import Flags, mask_of
from fullwell.frame import Shared

LEFT = Polynomial((-1.5e-7, 2e-13), limit=2e5)
RIGHT = Spline(np.linspace(0, 2e5, 6), [0, 0, 300, -200, 400, 1500])
TWO = NonLinearity((LEFT, RIGHT))


# --- simulate and correct


def test_each_amplifier_has_its_curve():
    made = signal(1e5, detector=two_amplifiers())
    made.to_raw()
    TWO.simulate(made, noise=Noise(1))
    image = made.detector.assemble(made.image)

    np.testing.assert_allclose(image[:, :60], LEFT(1e5), rtol=1e-7)
    np.testing.assert_allclose(image[:, 60:], RIGHT(1e5), rtol=1e-7)
    assert (made.image[:, 60:76] == 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_was_bent_comes_back(dtype):
    detector = two_amplifiers(overscan=0)
    true = np.random.default_rng(1).uniform(-50, 1.99e5, detector.shape)
    bent = np.concatenate([LEFT(true[:, :60]), RIGHT(true[:, 60:])], axis=1)
    frame = electrons(0.0).with_(data=bent.astype(dtype), detector=detector.without_scans())
    after = TWO.correct(frame)

    assert after.data.dtype == dtype
    tolerance = 1.5e-6 if dtype == np.float64 else 2.5e-6
    np.testing.assert_allclose(after.data, true, rtol=tolerance, atol=1e-4 if dtype == np.float64 else 0.02)
    assert not after.flags.any()
    assert frame.data is not after.data


def test_noise_goes_with_the_slope():
    # 1e5 trials: a variance is known to 0.45 %, asked for to 2 % (4 sigma: 6e-5).
    shape = (250, 400)
    curve = Polynomial((-1e-6,), limit=2e5)
    noise = np.random.default_rng(2).normal(0, 30.0, shape)
    frame = electrons(0.0, shape=shape).with_(
        data=curve(1.2e5) + noise,
        variance=np.full(shape, 900.0),
        shared={"bias": Shared(np.full(shape, -2.0), 3.0)},
    )
    after = NonLinearity(curve).correct(frame)

    slope = 1 / (1 - 2e-6 * 1.2e5)
    assert after.variance.mean() == pytest.approx(after.data.var(), rel=0.02)
    assert after.variance.mean() == pytest.approx(900 * slope**2, rel=1e-3)
    np.testing.assert_allclose(after.shared["bias"].coefficient, -2 * slope, rtol=2e-3)
    assert after.data.mean() == pytest.approx(1.2e5, abs=1.0)


def test_the_end_of_the_range_is_clean():
    curve = Polynomial((-1e-7,), limit=1e5)
    end = float(curve(1e5))
    frame = electrons(0.0, shape=(1, 5)).with_(data=np.array([[end - 10, end, end + 5e4, np.nan, -3.0]]))
    after = NonLinearity(curve).correct(frame)

    np.testing.assert_allclose(after.data[0, 1:3], 1e5)
    assert np.isnan(after.data[0, 3])
    assert after.data[0, 4] == -3.0
    for plane in (Flags.SATURATED, Flags.SUSPECT):
        assert mask_of(after.flags, bad=plane).tolist() == [[False, True, True, False, False]]


def test_what_is_full_where_a_table_ends_is_flagged_noise_and_all():
    """Read noise scatters a plateau about the end of the table, and half of it looks like any other pixel."""
    detector = Detector.single((100, 100))
    light = np.full(detector.shape, 2e5)
    light[:, 50:] = 9e4
    table = Table([0.0, 5e4, 1e5], [0.0, 4.9e4, 9.7e4])
    full = FullWell(1e5).in_adu(gain=1.5, bias=1000.0, margin=0.04)  # 3 % of it are the table's
    chain = SignalChain(
        [full, NonLinearity(table), ReadNoise(5.0), Gain(1.5), Bias(1000.0), ADC(18)], detector=detector
    )
    after = chain.correct(chain.expose(light, 1.0, noise=Noise(3)).frame)

    saturated = mask_of(after.flags, bad=Flags.SATURATED)
    assert saturated[:, :50].all()
    assert not saturated[:, 50:].any()
    # 5000 pixels, half of them noise below the end: 5 e- as read are 5.2; the mean to 5 standard errors.
    assert after.data[:, :50].max() == pytest.approx(1e5)
    assert 1e5 - 30 < after.data[:, :50].min() < 1e5 - 5
    assert after.data[:, 50:].mean() == pytest.approx(9e4, abs=5 * 5.3 / np.sqrt(5000))
    # Without noise and levels the table alone flags what lies at its end and behind it.
    bare = SignalChain([NonLinearity(table)], detector=detector)
    made = bare.expose(light, 1.0, noise=Noise(3)).frame
    assert made.data[:, :50].max() == np.float32(9.7e4)
    again = bare.correct(made.with_(unit=u.electron))
    np.testing.assert_array_equal(mask_of(again.flags, bad=Flags.SATURATED), light > 1e5)


def test_the_whole_way_through_a_chain():
    detector = two_amplifiers()
    chain = SignalChain([ShotNoise(), TWO, ReadNoise(5.0), Gain((1.5, 1.4)), Bias(1000.0), ADC(18)])
    raw = chain.expose(np.full(detector.shape, 1.2e5), 1.0, detector=detector, noise=Noise(3)).frame
    after = chain.correct(raw)

    # 6000 pixels an amplifier: the mean is known to 4.5 e-, the variance to 1.8 %.
    for part in (np.s_[:, :60], np.s_[:, 60:]):
        assert after.data[part].mean() == pytest.approx(1.2e5, abs=20)
        assert after.data[part].var() == pytest.approx(after.variance[part].mean(), rel=0.08)


def test_frames_that_are_not_ready_are_refused():
    with pytest.raises(ChainError, match="add a Gain"):
        SignalChain([TWO]).correct(electrons(1.0).with_(unit=u.adu))
    dark = Dark.measure([electrons(1.0).with_(unit=u.adu, exposure_time=10.0, dark_time=10.0)] * 3)
    assert dark.bias_included
    with pytest.raises(ChainError, match="the bias comes off with the dark"):
        SignalChain([dark, NonLinearity(LEFT), Gain(1.0)]).correct(
            electrons(1.0).with_(unit=u.adu, exposure_time=10.0, dark_time=10.0)
        )
    with pytest.raises(ParameterError, match="curves"):
        NonLinearity((LEFT, LEFT, LEFT)).correct(electrons(1.0))
    with pytest.raises(ParameterError, match="curves"):
        NonLinearity(())


def test_the_lookup_is_the_inverse():
    detector = two_amplifiers()
    knots, values = TWO.lookup(detector)

    assert knots.shape == values.shape
    assert knots.shape[0] == 2
    np.testing.assert_allclose(np.diff(knots), np.diff(knots)[:, :1] * np.ones((1, knots.shape[1] - 1)))
    true = np.linspace(10.0, 1.9e5, 5000)
    for row, curve in enumerate((LEFT, RIGHT)):
        found = np.interp(curve(true), knots[row], values[row])
        assert (np.abs(found - true) <= np.maximum(1.1e-6 * true, 2e-4)).all()


def test_the_round_trip_is_exact():
    effect = NonLinearity((LEFT, RIGHT), errors=((1e-9, 2e-15), (1.0,) * 6), statistics={"chi2": 3.5})
    effect.lookup(two_amplifiers())
    back = put_together(*take_apart(effect))

    assert take_apart(back)[0] == take_apart(effect)[0]
    assert back.curves[0].coefficients == LEFT.coefficients


# --- measure

AMPLIFIERS = 4


def numbers(curve, *, seed, lamp=0.0, pixels=1e4, offset=0.0, full=1e9):
    """A ramp as numbers, on the noise that frames of so many pixels would have."""
    rng = np.random.default_rng(seed)
    light = np.repeat(np.concatenate([np.linspace(1, 90, 20), np.linspace(95, 200, 25)]), 2)
    true = 1000 * (light + offset) * (1 + lamp * rng.standard_normal(light.size))
    read = curve(np.minimum(true, full))[:, None] * np.ones(AMPLIFIERS)
    means = read + rng.standard_normal(read.shape) * np.sqrt((read + 25) / pixels)
    detector = Detector.preset("lsst-itl")
    detector = type(detector)("four", (4, 4), (4, 4), [
        type(detector.amplifiers[0])(str(i), box=b, data=b, raw=b) for i, b in enumerate(_boxes())
    ])  # fmt: skip
    nothing = np.empty((0, AMPLIFIERS))
    return Ramp(
        light,
        means,
        np.full(means.shape, pixels),
        np.empty(0),
        nothing,
        nothing,
        nothing,
        detector,
        u.electron,
    )


def _boxes():
    from fullwell.detector import Box

    return [Box(i, i + 1, 0, 4) for i in range(AMPLIFIERS)]


def fitted(ramp, **options):
    options = {
        "form": "polynomial",
        "size": 2,
        "maximum": None,
        "time_offset": False,
        "lamp_scatter": None,
    } | options
    return fit_ramp(ramp, read_noise=5.0, **options)


@pytest.mark.parametrize("lamp", [0.0, 1e-3])
@pytest.mark.parametrize("offset", [0.0, 0.05])
def test_coefficients_come_back_with_the_right_errors(lamp, offset):
    # 130 trials of 4 amplifiers. Without a lamp that scatters all are independent: the width is known to 3 %;
    # with it they share the lamp: 6 %, asked for to 20 % (3 sigma of two numbers: 1 %).
    pulls, offsets, chi2 = [], [], []
    for seed in range(130):
        ramp = numbers(LEFT, seed=seed, lamp=lamp, offset=offset)
        fits, common = fitted(ramp, time_offset=offset > 0, lamp_scatter=lamp)
        pulls += [(np.array(f.curve.coefficients) - LEFT.coefficients) / f.errors for f in fits]
        chi2.append(common["chi2"] / common["degrees"])
        if offset:
            offsets.append((common["time_offset"] - offset) / common["time_offset_error"])
    pulls = np.array(pulls)
    np.testing.assert_allclose(pulls.std(axis=0), 1.0, atol=0.2 if lamp else 0.1)
    assert np.abs(pulls.mean(axis=0)).max() < (0.35 if lamp else 0.18)
    assert np.mean(chi2) == pytest.approx(1.0, abs=0.03)
    if offset:
        assert np.std(offsets) == pytest.approx(1.0, abs=0.2)


def test_the_scatter_of_the_lamp_is_found():
    found = [fitted(numbers(LEFT, seed=seed, lamp=2e-3))[1]["lamp_scatter"] for seed in range(10)]
    # 90 frames each: known to 7.5 % each, 2.4 % the mean.
    assert np.mean(found) == pytest.approx(2e-3, rel=0.1)
    assert fitted(numbers(LEFT, seed=1, lamp=0.0))[1]["lamp_scatter"] < 1e-4


def test_points_beyond_the_turnoff_are_left_out():
    ramp = numbers(LEFT, seed=3, full=150e3)
    fits, _ = fitted(ramp)

    assert fits[0].summary["points"] < 70
    assert ramp.light[: fits[0].summary["points"]].max() <= 150
    assert fits[0].curve.limit <= 150e3
    pull = (np.array(fits[0].curve.coefficients) - LEFT.coefficients) / fits[0].errors
    assert np.abs(pull).max() < 4
    chosen, _ = fitted(ramp, maximum=50e3)
    assert chosen[0].curve.limit < 55e3


def test_a_spline_follows_what_no_polynomial_does():
    fits, common = fitted(numbers(RIGHT, seed=4, pixels=1e5), form="spline", size=10)
    x = np.linspace(0, 0.999 * fits[0].curve.limit, 500)

    # The light is known but for its scale, which the spline sets by its first interval, as the truth does
    # (both offsets are 0 at the second knot).
    scale = fits[0].summary["slope"] / 1000.0
    assert np.abs(fits[0].curve(x * scale) - RIGHT(x)).max() < 60
    worst = fitted(numbers(RIGHT, seed=4, pixels=1e5), size=2, lamp_scatter=0.0)[1]
    assert common["chi2"] / common["degrees"] < 0.2 * worst["chi2"] / worst["degrees"]
    assert len(fits[0].errors) == 11
    assert fits[0].errors[:2] == (0.0, 0.0)


def test_frames_give_the_curve_of_each_amplifier():
    detector = two_amplifiers(overscan=0)
    truth = NonLinearity((LEFT, Polynomial((2e-7,), limit=2e5)))
    camera = SignalChain([ShotNoise(), truth, ReadNoise(5.0), Gain(1.5), Bias(1000.0), ADC(18)])
    levels = np.repeat(np.linspace(2e3, 1.6e5, 24), 2)
    flat = np.full(detector.shape, 1e4, np.float32)
    frames = [
        camera.expose(flat, level / 1e4, detector=detector, noise=Noise(6, i)).frame
        for i, level in enumerate(levels)
    ]
    known = SignalChain([ReadNoise(5.0), Gain(1.5), Bias(1000.0)])
    found = NonLinearity.measure(frames, known=known, lamp_scatter=0.0)

    for curve, errors, true in zip(found.curves, found.errors, ((-1.5e-7, 2e-13), (2e-7, 0.0)), strict=True):
        assert np.abs((np.array(curve.coefficients) - true) / errors).max() < 4
    assert found.statistics["amplifiers"]["L"]["slope"] == pytest.approx(1e4, rel=1e-3)
    # Calibrated with what was measured, a flat is linear.
    after = SignalChain([found, *known]).correct(frames[-9])  # noise at the very end of the range is cut
    for part in (np.s_[:, :60], np.s_[:, 60:]):
        assert after.data[part].mean() == pytest.approx(levels[-9], rel=5e-4)
    with pytest.raises(ChainError, match="leave it out"):
        NonLinearity.measure(frames, known=SignalChain([found, *known]))
    with pytest.raises(ChainError, match="add a Gain"):
        NonLinearity.measure(frames, known=SignalChain([Bias(1000.0)]))
    with pytest.raises(NotEnoughFrames, match="amplifier L"):
        NonLinearity.measure(frames[:3], known=known)
    for option in ({"form": "cubic"}, {"size": 0}, {"form": "spline", "size": 2}):
        with pytest.raises(ParameterError, match=r"form|size"):
            NonLinearity.measure(frames[:8], known=known, **option)
