from __future__ import annotations

import itertools

import numpy as np
import pytest
from astropy import units as u
from astropy.nddata import CCDData
from simulated_frames import SHAPE, adu, camera, electrons, expose, two_amplifiers

from fullwell import (
    ADC,
    Bias,
    CosmicRays,
    Dark,
    Defects,
    Detector,
    Flat,
    Gain,
    Noise,
    Overscan,
    ReadNoise,
    ShotNoise,
    SignalChain,
    Sky,
)
from fullwell.effects.bias_wander import BiasWander
from fullwell.effects.diffusion import Diffusion
from fullwell.errors import ChainError, ParameterError
from fullwell.flags import Flags
from fullwell.frame import Frame


def all_effects():
    response = np.random.default_rng(1).normal(1, 0.02, SHAPE).astype(np.float32)
    structure = np.random.default_rng(2).normal(0, 5, SHAPE).astype(np.float32)
    return {
        "flat": Flat(response),
        "shot_noise": ShotNoise(),
        "dark": Dark(0.5, 3.0),
        "cosmic_rays": CosmicRays(rate=1000.0),
        "read_noise": ReadNoise(8.0),
        "gain": Gain(1.6),
        "bias": Bias(1000.0, structure=structure, drift=2.0),
        "adc": ADC(),
    }


def exposed(effects, *, seed=5, exposure=0, light=200.0, detector=None, seconds=30.0):
    detector = detector or two_amplifiers()
    return SignalChain(effects).expose(light, seconds, detector=detector, noise=Noise(seed, exposure))


def test_the_order_given_does_not_matter():
    effects = list(all_effects().values())
    for order in itertools.islice(itertools.permutations(effects), 0, 40_000, 9_000):
        np.testing.assert_array_equal(exposed(order).frame.data, exposed(effects).frame.data)
    assert [effect.name for effect in SignalChain(effects)] == [
        "flat", "shot_noise", "dark", "cosmic_rays", "read_noise", "gain", "bias", "adc"
    ]  # fmt: skip


def test_the_same_seed_is_the_same_frame_and_another_is_not():
    effects = all_effects().values()
    first, again = exposed(effects), exposed(effects)

    np.testing.assert_array_equal(first.frame.data, again.frame.data)
    assert (exposed(effects, seed=6).frame.data != first.frame.data).mean() > 0.9
    assert (exposed(effects, exposure=1).frame.data != first.frame.data).mean() > 0.9


@pytest.mark.parametrize("off", ["dark", "cosmic_rays", "read_noise", "bias"])
def test_switching_one_effect_off_leaves_the_bits_of_the_others(off):
    # Without the converter the effects behind the light add up: only the missing one is missing.
    effects = all_effects()
    del effects["adc"], effects["gain"]
    effects["bias"] = Bias(1000.0, structure=np.round(effects["bias"].structure), drift=0.0)
    effects["read_noise"] = ReadNoise(0.0) if off != "read_noise" else ReadNoise(8.0)

    plain = {"detector": Detector.single(SHAPE)}
    with_it = exposed(effects.values(), **plain).frame.data.astype(np.float64)
    alone = exposed([effects[off]], light=None, **plain).frame.data.astype(np.float64)
    without = exposed([e for name, e in effects.items() if name != off], **plain).frame.data.astype(
        np.float64
    )

    np.testing.assert_allclose(with_it - without, alone, atol=2e-3)


def test_photons_do_not_change_when_effects_before_and_behind_do():
    effects = all_effects()
    plain = {"detector": Detector.single(SHAPE)}
    few = exposed([effects["shot_noise"]], **plain).frame.data
    more = exposed([effects["shot_noise"], Dark(0.0), Bias(500.0)], **plain).frame.data

    np.testing.assert_array_equal(few + 500, more)


def test_forward_mean_and_variance_in_closed_form():
    gain, noise, seconds, light, rate = 1.6, 8.0, 30.0, 200.0, 0.5
    chain = camera(Gain(gain), ShotNoise(), Dark(rate, 3.0), read_noise=noise)
    data = np.array([f.data for f in expose(chain, 10, light=light, seconds=seconds)], np.float64)

    photons, dark = light * seconds, rate * seconds + 3
    mean, variance = 1000 + (photons + dark) / gain, (photons + dark + noise**2) / gain**2 + 1 / 12
    # 1.2e5 values: 4 sigma, false alarm 1e-4 for both.
    assert data.mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / 1.2e5))
    assert data.var() == pytest.approx(variance, rel=4 * np.sqrt(2 / 1.2e5))


def test_overscan_holds_no_charge():
    effects = all_effects()
    frame = exposed([effects["shot_noise"], effects["dark"], effects["gain"], Bias(1000.0)]).frame

    assert (frame.data[:, 60:76] == 1000).all()
    assert frame.data[:, :60].mean() > 4000
    assert frame.layout == "raw"


def test_scenes_are_rendered_and_the_truth_is_kept():
    detector = Detector.single(SHAPE)
    made = SignalChain(all_effects().values()).expose(
        Sky(20.0),
        10 * u.s,
        detector=detector,
        noise=Noise(1),
        dark_time=12.0,
        state={"bias": {"level_offset": 1.0}},
    )

    np.testing.assert_allclose(made.light, 200, rtol=1e-5)
    assert (made.frame.exposure_time, made.frame.dark_time, made.frame.unit) == (10.0, 12.0, u.adu)
    assert made.frame.data.dtype == np.uint16
    assert made.truth["cosmic_rays"].any()
    for seconds in (-1.0, np.nan):
        with pytest.raises(ParameterError):
            SignalChain([]).expose(None, seconds, detector=detector, noise=Noise(1))


@pytest.mark.parametrize("with_overscan", [False, True])
@pytest.mark.parametrize("light", [2.0, 200.0])
def test_backward_what_is_left_is_noise_of_the_predicted_size(light, with_overscan):
    effects = all_effects() | {"bias": Bias(1000.0, structure=all_effects()["bias"].structure)}
    del effects["cosmic_rays"]
    known = dict(effects)
    if with_overscan:
        known |= {"overscan": Overscan(), "bias": Bias(0.0, structure=effects["bias"].structure)}
    else:
        known["bias"] = effects["bias"]

    residual, variance = [], []
    for i in range(5):
        made = exposed(effects.values(), exposure=i, light=light)
        clean = SignalChain(known.values()).correct(made.frame)
        residual.append(clean.data.astype(np.float64) - made.light)
        variance.append(clean.variance.astype(np.float64))
        assert clean.unit == u.electron
        assert clean.layout == "assembled"
        assert clean.applied[-1] == "flat"
    sigma2 = np.mean(variance)
    # 60000 pixels; the overscan adds noise in common, 0.02 ADU an amplifier and frame.
    assert abs(np.mean(residual)) < 4 * np.sqrt(sigma2 / 60_000 + (0.03 * 1.6) ** 2 / 10)
    assert np.mean(np.square(residual)) / sigma2 == pytest.approx(1, abs=4 * np.sqrt(2 / 60_000))


def test_applied_twice_is_refused():
    chain = SignalChain([Bias(1000.0), Gain(1.6)])
    once = chain.correct(adu(1100.0))

    assert once.applied == ("bias", "gain", "shot_noise")
    with pytest.raises(ChainError, match=r"bias, gain was corrected before|gain"):
        chain.correct(once)
    # What was not yet done may still be done.
    assert SignalChain([Flat(np.ones(SHAPE))]).correct(once).applied == (*once.applied, "flat")


def test_arrays_and_ccddata_are_taken_too():
    chain = SignalChain([Bias(1000.0), Gain(2.0)])
    array = np.full(SHAPE, 1010, np.uint16)

    for given in (array, CCDData(array, unit="adu"), adu(1010.0)):
        clean = chain.correct(given)
        assert (clean.data == 20).all()
        assert clean.data.dtype == np.float32
    assert chain.correct(array.astype(">f8")).data.dtype == np.float64
    assert array[0, 0] == 1010


def test_saturation_is_flagged_before_anything_is_subtracted():
    raw = adu(1100.0)
    raw.data[3, 3] = 65535
    raw.data[4, 4] = np.nan
    clean = SignalChain([ADC(), Bias(1000.0), Gain(1.6)]).correct(raw)

    assert clean.flags[3, 3] == int(Flags.SATURATED)
    assert clean.flags[4, 4] == int(Flags.NO_DATA)
    assert clean.mask.sum() == 2
    assert not raw.flags.any()


def test_flags_of_effects_arrive():
    flags = np.zeros(SHAPE, np.uint16)
    flags[1, 1] = int(Flags.HOT)
    clean = SignalChain([Defects(flags), Bias(0.0)]).correct(adu(1.0))

    assert np.argwhere(clean.mask).tolist() == [[1, 1]]


def test_electrons_are_said_in_the_header():
    raw = adu(1100.0)
    raw.header["GAIN"] = 1.6
    clean = SignalChain([Bias(1000.0), Gain(1.6), ReadNoise(8.0)]).correct(raw)

    assert clean.header["GAIN"] == 1
    assert clean.header["RDNOISE"] == pytest.approx(8.0)
    assert raw.header["GAIN"] == 1.6


def test_a_frame_with_overscan_but_no_effect_for_it_is_trimmed():
    frame = exposed([Bias(1000.0), Gain(1.0)], light=None).frame

    assert SignalChain([]).correct(frame).shape == SHAPE
    assert SignalChain([Bias(1000.0)]).correct(frame).shape == SHAPE
    prescan = Detector.single(SHAPE, prescan=8, overscan=16, parallel=4)
    frame = exposed([Bias(1000.0), Gain(1.0)], light=None, detector=prescan).frame
    assert (SignalChain([Overscan(parallel=True)]).correct(frame).data == 0).all()


def test_get_with_and_without():
    chain = SignalChain([Bias(1.0), Gain(2.0)])

    assert chain.get("bias").level == (1.0,)
    assert chain.get("flat") is None
    assert chain.with_(Bias(5.0)).get("bias").level == (5.0,)
    assert len(chain.without("gain")) == 1
    assert repr(chain) == "SignalChain(gain, bias)"
    with pytest.raises(ChainError, match="more than one bias"):
        SignalChain([Bias(1.0), Bias(2.0)])


def test_units_that_do_not_fit_are_refused():
    for effects, words in (
        ([Bias(1.0)], "subtracted in ADU"),
        ([Gain(1.0)], "turns ADU"),
        ([ReadNoise(1.0, unit=u.adu)], "read noise in adu"),
    ):
        with pytest.raises(ChainError, match=words):
            SignalChain(effects).correct(electrons(1.0))
    with pytest.raises(ChainError, match="put a Gain into the chain"):
        SignalChain([Dark(1.0)]).correct(adu(1.0, exposure_time=1.0))


def test_a_chain_that_knows_the_gain_counts_the_noise_of_every_frame():
    told = [Bias(1000.0), Gain(2.0), ReadNoise(6.0, digitized=True)]
    measured = Bias(structure=np.full(SHAPE, 1000.0, np.float32), read_noise=(3.0,), count=5, id="b")
    frame = adu(1010.0)

    for chain in (SignalChain(told), SignalChain([*told, ShotNoise()]), SignalChain([measured, Gain(2.0)])):
        clean = chain.correct(frame)
        np.testing.assert_allclose(clean.variance, 6.0**2 + 20.0)
        assert {"shot_noise", "read_noise"} <= set(clean.applied)
    assert SignalChain([measured]).correct(frame).variance.max() == 0


def test_only_what_is_undone_is_said_to_be():
    """Diffusion and a bias that wanders leave nothing to do: the overscan and a measured bias do that."""
    chain = SignalChain([Diffusion(0.4), BiasWander(ramp=1.0), Gain(1.5), Bias(100.0), ReadNoise(5.0)])
    clean = chain.correct(Frame(np.full((20, 20), 500, np.uint16)))
    assert set(clean.applied) == {"shot_noise", "gain", "bias", "read_noise"}
