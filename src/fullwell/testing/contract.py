"""What every effect promises, as tests: subclass, say how to make one, and pytest does the rest.

A class that tests an effect of your own looks like this::

    class TestGlow(EffectContract):
        effect = Glow
        impossible = [({"rate": -1.0}, "rate")]

        def make(self, detector, random):
            return Glow(rate=random.uniform(1, 5))
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest

from fullwell.chain import Exposure, SignalChain
from fullwell.detector import Detector
from fullwell.detector.shrinking import with_amplifiers_of
from fullwell.effects import ADC, Bias, Effect, Gain, Kind, ReadNoise, ShotNoise
from fullwell.effects.base import Signal
from fullwell.effects.parts import take_apart
from fullwell.effects.storage import load_product, save_product
from fullwell.errors import FullwellError
from fullwell.flags import FLAG_DTYPE, Flags
from fullwell.frame import Frame
from fullwell.noise import Noise
from fullwell.testing.pulls import ENOUGH, check_pulls, residual_of

__all__ = ["EffectContract"]

#: Pixels of a test frame; mean and variance of its residual then have errors of 0.3 % and 0.4 %.
PIXELS = 105_000

Observables = Mapping[str, tuple[Any, Any]]


class EffectContract:
    """Tests that hold for every effect, by its kind; subclass once for each effect.

    Attributes
    ----------
    effect : type
        The class under test.
    light_level : float
        Photo-electrons in each pixel of a test frame.
    exposure_time : float
        Seconds.
    conserves_charge : bool
        Whether nothing is made and nothing is lost.
    brightest : float
        Electrons in the middle of the spot whose charge is looked after, as many as it takes for the effect
        to show.
    measurable : bool
        Whether `measure` (of this class) says how the effect is measured.
    impossible : sequence of (mapping, str)
        Arguments that must be refused, and the name of the parameter that the message must hold.
    spoiled_by_nan : int
        Number of pixels that one missing pixel may take along.
    completeness, purity : float
        For effects that flag: parts of the true pixels that are found, and of the found ones that are true.
    presets : tuple of str
        The two detectors to test with.
    """

    effect: ClassVar[type[Effect]]
    light_level: ClassVar[float] = 1000.0
    exposure_time: ClassVar[float] = 10.0
    conserves_charge: ClassVar[bool] = False
    brightest: ClassVar[float] = 2e4
    measurable: ClassVar[bool] = False
    impossible: ClassVar[Sequence[tuple[Mapping[str, Any], str]]] = ()
    spoiled_by_nan: ClassVar[int] = 1
    completeness: ClassVar[float] = 0.99
    purity: ClassVar[float] = 0.99
    presets: ClassVar[tuple[str, str]] = ("lsst-itl", "sbig-st402")

    def __init_subclass__(cls) -> None:
        """Leave out the tests that do not apply: what is None is not collected."""
        flags_only = cls.effect.kind is Kind.FLAG_ONLY
        applies = {
            "test_contract_impossible_values_are_refused": bool(cls.impossible),
            "test_contract_charge_is_conserved": cls.conserves_charge,
            "test_contract_what_is_left_is_noise_of_the_predicted_size": not flags_only,
            "test_contract_flags_are_complete_and_pure": flags_only,
            "test_contract_measure_finds_the_truth": cls.measurable,
            "test_contract_measure_scatters_as_it_says": cls.measurable,
        }
        for name, wanted in applies.items():
            if not wanted:
                setattr(cls, name, None)

    # What a subclass says.

    def make(self, detector: Detector, random: np.random.Generator) -> Effect:
        """Return an effect with random parameters of the size that real detectors have."""
        raise NotImplementedError

    def companions(self, effect: Effect, detector: Detector) -> list[Effect]:  # noqa: ARG002
        """Return the other effects of a plain detector."""
        amplifiers = detector.amplifiers
        return [
            ShotNoise(),
            ReadNoise([amplifier.read_noise or 5.0 for amplifier in amplifiers]),
            Gain([amplifier.gain or 1.5 for amplifier in amplifiers]),
            Bias(1000.0),
            ADC(bits=detector.adc_bits),
        ]

    def light(self, detector: Detector) -> npt.NDArray[np.float32]:
        """Return photo-electrons per second and pixel."""
        return np.full(detector.shape, self.light_level / self.exposure_time, np.float32)

    def correcting(self, effect: Effect, detector: Detector) -> SignalChain:
        """Return the chain that takes everything out again."""
        return self.forward(effect, detector)

    def truth(self, effect: Effect, exposure: Exposure) -> npt.NDArray[Any]:  # noqa: ARG002
        """Return what a corrected frame should hold."""
        return exposure.light

    def true_flags(
        self, effect: Effect, exposure: Exposure
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Return the assembled pixels that must be flagged, and all that may be."""
        raise NotImplementedError

    def found_flags(self, effect: Effect, flags: npt.NDArray[np.uint16]) -> npt.NDArray[np.bool_]:  # noqa: ARG002
        """Return the pixels that the effect flagged."""
        return np.asarray(flags != 0)

    def measure(self, effect: Effect, detector: Detector, *, noise: Noise) -> Effect:
        """Simulate calibration frames with `effect` and measure it from them."""
        raise NotImplementedError

    def observables(self, effect: Effect, detector: Detector) -> Observables:
        """Return by name what can be known of an effect: value and standard error, numbers or arrays.

        The error of a true effect is not looked at. Where a measured one has the error NaN nothing is claimed
        and nothing is checked.
        """
        raise NotImplementedError

    # What the tests use.

    @pytest.fixture(params=[0, 1], ids=["first", "second"])
    def detector(self, request: pytest.FixtureRequest) -> Detector:
        """Return a preset with fewer pixels."""
        whole = Detector.preset(self.presets[request.param])
        side = int(np.ceil(np.sqrt(PIXELS / len(whole.amplifiers))))
        return with_amplifiers_of(whole, (side, side))

    @pytest.fixture(params=[1, 2])
    def example(self, request: pytest.FixtureRequest, detector: Detector) -> Effect:
        """Return an effect of random parameters."""
        return self.make(detector, np.random.default_rng(request.param))

    def forward(self, effect: Effect, detector: Detector) -> SignalChain:
        """Return a chain with the effect and its companions."""
        others = (other for other in self.companions(effect, detector) if other.name != effect.name)
        return SignalChain([effect, *others])

    def exposed(self, effect: Effect, detector: Detector, *, seed: int = 7, exposure: int = 0) -> Exposure:
        """Simulate one frame."""
        chain = self.forward(effect, detector)
        return chain.expose(
            self.light(detector), self.exposure_time, detector=detector, noise=Noise(seed, exposure)
        )

    def exposures(
        self, chain: SignalChain, detector: Detector, light: Any, times: Sequence[float], *, noise: Noise
    ) -> list[Frame]:
        """Simulate a frame of the same light for each of `times` (seconds), each with a number of its own."""
        return [
            chain.expose(light, seconds, detector=detector, noise=Noise(noise.seed, noise.exposure + i)).frame
            for i, seconds in enumerate(times)
        ]

    # What is promised.

    def test_contract_same_seed_same_bits(self, example: Effect, detector: Detector) -> None:
        """A frame is a function of its seed and number."""
        first, second = (self.exposed(example, detector).frame.data for _ in range(2))
        np.testing.assert_array_equal(first, second)
        other = self.exposed(example, detector, exposure=1).frame.data
        assert (first != other).any()

    def test_contract_impossible_values_are_refused(self) -> None:
        """With the name of the parameter."""
        for arguments, name in self.impossible:
            with pytest.raises(FullwellError, match=re.escape(name)):
                self.effect(**arguments)

    def test_contract_charge_is_conserved(self, example: Effect, detector: Detector) -> None:
        """Where physics says so, to the precision of single floats."""
        rows, columns = np.indices(detector.shape)
        spot = np.exp(
            -0.5 * ((rows - detector.shape[0] / 2) ** 2 + (columns - detector.shape[1] / 2) ** 2) / 9
        )
        image = (self.brightest * spot).astype(np.float32)
        image[image < 1] = 0
        signal = Signal(image.copy(), detector, self.exposure_time, self.exposure_time)
        example.simulate(signal, noise=Noise(3))
        before, after = float(image.sum(dtype=np.float64)), float(signal.image.sum(dtype=np.float64))
        # Effects that count electrons differ by a Poisson number: 5 sigma.
        counted = np.array_equal(signal.image, np.rint(signal.image))
        allowed = 5 * np.sqrt(before) if counted else 1e-5 * before
        assert abs(after - before) <= allowed, f"{before:.1f} electrons became {after:.1f}"

    def test_contract_what_is_left_is_noise_of_the_predicted_size(
        self, example: Effect, detector: Detector
    ) -> None:
        """Mean within 0.02 sigma of zero, variance within 3 %: 6 and 7 standard errors."""
        exposure = self.exposed(example, detector)
        corrected = self.correcting(example, detector).correct(exposure.frame)
        left = residual_of(corrected, self.truth(example, exposure))
        assert left.pixels >= 0.95 * PIXELS
        assert abs(left.mean) < 0.02, left
        assert abs(left.variance_ratio - 1) < 0.03, left
        if self.effect.kind is Kind.REDISTRIBUTING:
            assert max(abs(c) for c in left.covariances) < 0.02, left

    def test_contract_flags_are_complete_and_pure(self, example: Effect, detector: Detector) -> None:
        """What should be flagged is, and little else."""
        exposure = self.exposed(example, detector)
        corrected = self.correcting(example, detector).correct(exposure.frame)
        found = self.found_flags(example, corrected.flags)
        wanted, allowed = self.true_flags(example, exposure)
        assert wanted.any(), "the test frame has nothing to flag"
        completeness = float((found & wanted).sum() / wanted.sum())
        assert completeness >= self.completeness, f"completeness {completeness:.4f}"
        purity = float((found & allowed).sum() / max(found.sum(), 1))
        assert purity >= self.purity, f"purity {purity:.4f}"

    def test_contract_masked_and_missing_pixels_survive(self, example: Effect, detector: Detector) -> None:
        """A bad pixel stays bad, a missing one is flagged, and neither spoils the others."""
        frame = self.exposed(example, detector).frame
        data, flags = frame.data.astype(np.float32), frame.flags.copy()
        data_box = detector.amplifiers[0].data
        bad, missing = (data_box.y0 + 9, data_box.x0 + 11), (data_box.y0 + 30, data_box.x0 + 17)
        flags[bad] |= FLAG_DTYPE.type(Flags.BAD)
        data[missing] = np.nan
        corrected = self.correcting(example, detector).correct(frame.with_(data=data, flags=flags))
        where = [np.zeros(frame.shape, np.uint8) for _ in range(2)]
        where[0][bad] = where[1][missing] = 1
        if frame.layout == "raw":
            where = [detector.assemble(plane) for plane in where]
        assert (corrected.flags[where[0] != 0] & Flags.BAD).all()
        assert (corrected.flags[where[1] != 0] & Flags.NO_DATA).all()
        spoiled = ~np.isfinite(corrected.data)
        assert not (spoiled & ((corrected.flags & FLAG_DTYPE.type(Flags.NO_DATA)) == 0)).any()
        assert spoiled.sum() <= self.spoiled_by_nan

    def test_contract_files_bring_it_back_exactly(self, example: Effect, tmp_path: Path) -> None:
        """Written and read again, nothing has changed."""
        path = tmp_path / "product.fits"
        save_product(example, path)
        again = load_product(path)
        assert type(again) is type(example)
        (tree, arrays), (new_tree, new_arrays) = take_apart(example), take_apart(again)
        assert new_tree == tree
        for name, array in arrays.items():
            np.testing.assert_array_equal(new_arrays[name], array)

    def test_contract_measure_finds_the_truth(self, detector: Detector) -> None:
        """Within 5 sigma; where one trial gives 500 pixels, with pulls of the right width."""
        self._check_measured(detector, trials=1)

    @pytest.mark.slow
    def test_contract_measure_scatters_as_it_says(self, detector: Detector) -> None:
        """Pull width 0.9 to 1.1 over at least 500 trials or pixels; its own error is 3.2 % then."""
        self._check_measured(detector, trials=ENOUGH)

    def _check_measured(self, detector: Detector, *, trials: int) -> None:
        effect = self.make(detector, np.random.default_rng(1))
        true = self.observables(effect, detector)
        pulls: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in true}
        for trial in range(trials):
            found = self.observables(self.measure(effect, detector, noise=Noise(11, 1000 * trial)), detector)
            for name, (value, error) in found.items():
                claimed = ~np.isnan(error)
                assert claimed.any(), f"{name} was not measured"
                difference = np.asarray(value) - np.asarray(true[name][0])
                pulls[name].append(difference[claimed] / np.asarray(error)[claimed])
            if all(sum(part.size for part in parts) >= ENOUGH for parts in pulls.values()):
                break
        for name, parts in pulls.items():
            check_pulls(f"{self.effect.name}.{name}", np.concatenate(parts))
