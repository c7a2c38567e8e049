"""The contract must be able to fail: effects that break one promise each."""

from __future__ import annotations

import attrs
import numpy as np
import pytest

from fullwell import Bias, Gain, ReadNoise
from fullwell.detector import Detector
from fullwell.detector.shrinking import with_amplifiers_of
from fullwell.effects import Affine, Kind
from fullwell.frame import Frame
from fullwell.noise import Noise
from fullwell.testing import EffectContract, check_pulls, residual_of

DETECTOR = with_amplifiers_of(Detector.preset("lsst-itl"), (82, 82))


@attrs.frozen(eq=False)
class ForgetsVariance(ReadNoise):
    def affine(self, frame, *, unit, chain=None):
        return Affine()


@attrs.frozen(eq=False)
class OneSigmaHigh(Bias):
    def simulate(self, signal, *, noise):
        super().simulate(signal, noise=noise)
        signal.image = signal.image + np.float32(0.6)


@attrs.frozen(eq=False)
class TakesAnything(Gain):
    values: tuple[float, ...] = attrs.field(default=(1.0,), converter=lambda _: (1.0,))


@attrs.frozen(eq=False)
class DrawsAnew(ReadNoise):
    def simulate(self, signal, *, noise):
        signal.image = signal.image + np.random.default_rng().normal(0, 5, signal.image.shape).astype("f4")


@attrs.frozen(eq=False)
class SpreadsMissing(Bias):
    def correct(self, frame, *, chain=None):
        data = frame.data.copy()
        data[~np.isfinite(data).all(axis=1)] = np.nan
        return frame.with_(data=data - np.float32(1000), applied=frame.applied)

    def affine(self, frame, *, unit, chain=None):
        return None


def contract(cls, value, **attributes):
    body = {"effect": cls, "make": lambda self, detector, random: cls(value), **attributes}
    return type("Case", (EffectContract,), body)()


@pytest.mark.parametrize(
    ("cls", "value", "test"),
    [
        (ForgetsVariance, 20.0, "what_is_left_is_noise_of_the_predicted_size"),
        (OneSigmaHigh, 1000.0, "what_is_left_is_noise_of_the_predicted_size"),
        (DrawsAnew, 5.0, "same_seed_same_bits"),
        (SpreadsMissing, 1000.0, "masked_and_missing_pixels_survive"),
    ],
)
def test_a_broken_promise_is_noticed(cls, value, test):
    case = contract(cls, value)
    with pytest.raises(AssertionError):
        getattr(case, f"test_contract_{test}")(cls(value), DETECTOR)


def test_a_constructor_that_takes_anything_is_noticed():
    case = contract(TakesAnything, 1.0, impossible=(({"values": -1.0}, "values"),))
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        case.test_contract_impossible_values_are_refused()


def test_charge_that_gets_lost_is_noticed():
    case = contract(Bias, 5.0, conserves_charge=True)
    with pytest.raises(AssertionError, match="electrons became"):
        case.test_contract_charge_is_conserved(Bias(5.0), DETECTOR)


def test_errors_that_are_too_small_are_noticed():
    def measure(self, effect, detector, *, noise):
        return Bias(1000.0 + 2.0 * float(noise.stream("x").normal(1)[0]))

    def observables(self, effect, detector):
        return {"level": (effect.level[0], 1.0)}

    case = contract(Bias, 1000.0, measurable=True, measure=measure, observables=observables)
    with pytest.raises(AssertionError, match="pull width"):
        case.test_contract_measure_scatters_as_it_says(DETECTOR)


def test_tests_that_do_not_apply_are_left_out():
    case = contract(Bias, 5.0)
    assert case.test_contract_measure_finds_the_truth is None
    assert case.test_contract_flags_are_complete_and_pure is None
    assert case.effect.kind is Kind.POINTWISE


def test_residuals_say_what_is_left():
    noise = Noise(5).stream("test")
    frame = Frame(10 + 3 * noise.normal((400, 500)), variance=np.full((400, 500), 9, np.float32))
    left = residual_of(frame, 10.0)
    # Standard errors: 1/447 and sqrt(2/2e5); 5 sigma each.
    assert abs(left.mean) < 0.011
    assert abs(left.variance_ratio - 1) < 0.016
    assert max(map(abs, left.covariances)) < 0.012
    # What is too bright all over is told by the mean alone.
    brighter = residual_of(frame.with_(data=frame.data + 1), 10.0)
    assert brighter.covariances == pytest.approx(left.covariances, abs=1e-4)
    assert brighter.mean == pytest.approx(left.mean + 1 / 3, abs=1e-4)
    smooth = frame.with_(data=10 + (frame.data - 10 + np.roll(frame.data - 10, 1, axis=1)))
    assert residual_of(smooth, 10.0).covariances[0] == pytest.approx(0.5, abs=0.01)


def test_a_frame_without_variance_or_pixels_is_refused():
    with pytest.raises(ValueError, match="variance"):
        residual_of(Frame(np.zeros((3, 3))), 0.0)
    all_bad = Frame(np.zeros((3, 3)), variance=np.ones((3, 3)), flags=np.ones((3, 3), np.uint16))
    with pytest.raises(ValueError, match="good pixels"):
        residual_of(all_bad, 0.0)


@pytest.mark.parametrize("size", [100, 1000])
def test_pulls_that_fit_pass_and_others_do_not(size):
    pulls = np.asarray(Noise(3).stream("pulls").normal(size), float)
    check_pulls("fits", pulls)
    with pytest.raises(AssertionError, match="bad"):
        check_pulls("bad", 3 * pulls + 4)
    with pytest.raises(AssertionError, match="not finite"):
        check_pulls("bad", np.append(pulls, np.nan))
