"""Calibrated minus truth is zero within its error, and as noisy as the variance plane says.

Simulated nights go through `SignalChain.expose`, `Bias.measure`, `Dark.measure`, `Flat.measure` and
`SignalChain.correct`. What counts as right, and how often right code would fail, stands in
`statistical_criteria`; the scenario in `statistical_nights`. Seeds are fixed.

A night of one number of calibration frames makes 2 filters x 3 dark factors x 2 ways to scale the dark = 12
settings, each of 2 or 3 frames of 6 regions with 2 checks: with 2 frames 288 checks, one of which would fail
in one of 55 fresh seeds; for the 4 nights of the full grid with 3 frames in one of 9. (Regions and settings
share pixels and raw frames, so the true rates are lower.)
"""

from __future__ import annotations

import itertools

import attrs
import numpy as np
import pytest
from statistical_criteria import Pool, common_errors, examine, regions
from statistical_nights import GAINS, LONG, READ_NOISES, SKIES, Masters, Night, four_amplifiers

from fullwell.chain import SignalChain
from fullwell.effects import Bias, Dark, Flat, Gain, Overscan

SCALES = (1.0, 0.5, 0.25)


@attrs.frozen(eq=False)
class Verdict:
    checks: list
    pool: Pool

    @property
    def complaints(self):
        return [complaint for check in self.checks for complaint in check.complaints] + self.pool.complaints

    @property
    def scores(self):
        return np.array([check.scores for check in self.checks])


def science_frames(night, *, count, scales=SCALES, filters=tuple(SKIES)):
    """`count` frames with skies of their own for each filter and dark factor."""
    frames, number = {}, itertools.count()
    for filter, scale in itertools.product(filters, scales):
        frames[filter, scale] = [night.science(filter, LONG * scale, next(number)) for _ in range(count)]
    return frames


def judge(masters, filter, science, change=lambda frame: frame):
    """Correct the frames of one setting and hold them against the truth; `change` spoils them on the way."""
    night, checks, pool = masters.night, [], Pool()
    response = night.response[filter]
    for one in science:
        frame, truth = masters.correct(one, filter), masters.truth(one, filter)
        common = common_errors(
            frame,
            masters.bias,
            masters.dark,
            masters.flats[filter],
            detector=night.detector,
            response=response,
        )
        frame = change(frame)
        checks += examine(frame, truth, regions(frame, one.stars, one.sky), common)
        pool.add(frame, truth)
    return Verdict(checks, pool)


def judge_night(seed, count, *, frames):
    """Verdicts on all settings of a night with `count` calibration frames of each kind."""
    night = Night(seed)
    science = science_frames(night, count=frames)
    verdicts = {}
    for lengths in ("one", "two"):
        masters = Masters.make(night, count, lengths=lengths)
        for (filter, scale), raw in science.items():
            verdicts[lengths, filter, scale] = judge(masters, filter, raw)
    return verdicts


def complaints(verdicts):
    return [f"{setting}: {text}" for setting, verdict in verdicts.items() for text in verdict.complaints]


@pytest.fixture(scope="module")
def night():
    """Three calibration frames of each kind: here the noise of the masters weighs most."""
    return Night(seed=1)


@pytest.fixture(scope="module")
def science(night):
    return science_frames(night, count=2)


@pytest.fixture(scope="module")
def masters(night):
    return {lengths: Masters.make(night, 3, lengths=lengths) for lengths in ("one", "two")}


def without(key):
    """Leave the noise of one master out of the variance."""
    return lambda frame: frame.with_(shared={k: share for k, share in frame.shared.items() if k != key})


class TestThreeFrames:
    @pytest.mark.parametrize("lengths", ["one", "two"])
    @pytest.mark.parametrize("filter", list(SKIES))
    def test_residuals_are_noise_of_the_predicted_size(self, masters, science, lengths, filter):
        verdicts = {scale: judge(masters[lengths], filter, science[filter, scale]) for scale in SCALES}
        assert complaints(verdicts) == []

    def test_the_scenario_bites(self, night, masters):
        assert all(SKIES["narrow"] < noise**2 for noise in READ_NOISES)
        for filter, sky in SKIES.items():
            flat = masters["two"].flats[filter]
            level = flat.counts * np.mean(GAINS)
            assert level > 20_000
            assert filter == "narrow" or sky > 0.3 * level
        dark = masters["two"].dark
        offset = np.median(dark.offset * night.detector.spread(GAINS))
        # Its error is 0.02 e-; the noise of a pixel of the narrow sky is 10 e-.
        assert offset == pytest.approx(4.5, abs=0.1)
        assert dark.statistics["hot_pixels"] > 100

    @pytest.mark.parametrize("scale", [0.5, 0.25])
    def test_without_the_noise_of_the_bias_it_fails(self, masters, science, scale):
        # (1 - s)^2 V_bias
        verdict = judge(masters["one"], "narrow", science["narrow", scale], without(masters["one"].bias.id))
        assert verdict.pool.ratio > 1.04
        assert {"sky", "amplifier A", "amplifier D"} <= {c.region for c in verdict.checks if c.complaints}

    @pytest.mark.parametrize("lengths", ["one", "two"])
    def test_without_the_noise_of_the_dark_it_fails(self, masters, science, lengths):
        # s^2 V_dark
        verdict = judge(
            masters[lengths], "narrow", science["narrow", 1.0], without(masters[lengths].dark.levels[-1].id)
        )
        assert verdict.pool.ratio > 1.1

    @pytest.mark.parametrize("scale", SCALES)
    def test_without_the_noise_of_the_flat_it_fails(self, masters, science, scale):
        # r^2 V_flatmean / f^2
        verdict = judge(
            masters["two"], "broad", science["broad", scale], without(masters["two"].flats["broad"].id)
        )
        assert verdict.pool.ratio > 1.05
        assert {"sky", "amplifier A", "amplifier D"} <= {c.region for c in verdict.checks if c.complaints}

    @pytest.mark.parametrize("scale", [0.5, 0.25])
    def test_without_the_offset_it_fails(self, masters, science, scale):
        # Scaling the longest level alone takes the offset for dark current: (1 - s) of it stays.
        right = masters["two"]
        levels = right.dark.levels[-1:]
        wrong = attrs.evolve(right, dark=attrs.evolve(right.dark, levels=levels))
        verdict = judge(wrong, "narrow", science["narrow", scale])
        assert verdict.pool.mean > 0.15
        assert all(abs(check.scores[0]) > 4 for check in verdict.checks if check.region != "wings")


class TestSharedNoise:
    def test_the_coefficients_are_those_of_the_formula(self, masters, science):
        """1 - s - r (1 - s_F) for the bias, s - r s_F for the dark, times -g/f, and -y/f for the flat."""
        one, raw = masters["one"], science["broad", 0.5][0]
        frame = one.correct(raw, "broad")
        flat, detector = one.flats["broad"], one.night.detector
        # The flats were scaled to one level, and so were the masters within them.
        levels = np.array(flat.statistics["levels"])
        r = frame.data / (flat.counts * np.mean(GAINS)) * levels.mean() * (1 / levels).mean()
        factor = detector.spread(GAINS) / flat.response
        s, s_flat = ((t - 0.04) / (LONG - 0.04) for t in (150.0, 5.0))
        good = ~frame.mask
        for key, own, within in ((one.bias.id, 1 - s, 1 - s_flat), (one.dark.levels[0].id, s, s_flat)):
            expected = -(own - r * within) * factor
            np.testing.assert_allclose(
                frame.shared[key].coefficient[good], expected[good], rtol=1e-4, atol=1e-5
            )
        np.testing.assert_allclose(
            frame.shared[flat.id].coefficient[good], -(frame.data / flat.response)[good], rtol=1e-5
        )

    def test_masters_within_the_flat_count_with_their_sign(self):
        """Faint flats, so that the bias in the flat and the bias in the frame matter: they cancel in part.

        Here (1 - s - r (1 - s_F))^2 V_bias is far less than independent masters would give. The flat's own
        error, 3 %, is not small enough for the second order of the mean, so only variances are looked at.
        Each of the 10 checks fails one fresh seed in 15 800.
        """
        night = Night(seed=11, flat_level=500.0, skies={"narrow": 30.0, "broad": 250.0})
        masters = Masters.make(night, 3, lengths="one", filters=("broad",))
        science = science_frames(night, count=2, scales=(0.25,), filters=("broad",))["broad", 0.25]
        verdict = judge(masters, "broad", science)
        uniform = [check for check in verdict.checks if check.region != "wings"]
        assert [check for check in uniform if not abs(check.scores[1]) < 4] == []
        assert abs(verdict.pool.ratio - 1) < 0.01

        def independent(frame):
            flat, bias = masters.flats["broad"], masters.bias
            shared = dict(frame.shared)
            together = shared[bias.id]
            own = -0.75 * night.detector.spread(GAINS) / flat.response
            both = np.sqrt(own**2 + (together.coefficient - own) ** 2)
            shared[bias.id] = attrs.evolve(together, coefficient=both)
            return frame.with_(shared=shared)

        wrong = judge(masters, "broad", science, independent)
        assert wrong.pool.ratio < 0.97
        assert all(check.scores[1] < -4 for check in wrong.checks if check.region != "wings")


def test_products_in_electrons_are_products_in_adu():
    """With the Gain among the known effects the dark is the same in electrons, and the flat is the same."""
    night = Night(seed=5, detector=four_amplifiers(128))
    overscan, gain = Overscan(), Gain(GAINS)
    image = gain.image(night.detector)
    bias = Bias.measure(night.biases(4, 0.0), known=SignalChain([overscan]))
    frames = night.darks(4, 60.0) + night.darks(4, LONG)
    adu = Dark.measure(frames, known=SignalChain([overscan, bias]), gain=GAINS)
    electrons = Dark.measure(frames, known=SignalChain([overscan, bias, gain]))
    good = adu.flags == 0
    for one, other in zip(adu.levels, electrons.levels, strict=True):
        # Where a value was rejected, the levels of the frames count, which are means over amplifiers.
        np.testing.assert_allclose((one.level * image)[good], other.level[good], atol=0.02)
        np.testing.assert_allclose((one.variance * image**2)[good], other.variance[good], rtol=2e-3)
    flats = night.flats(4, "broad")
    one = Flat.measure(flats, known=SignalChain([overscan, bias, adu]), gain=GAINS)
    other = Flat.measure(flats, known=SignalChain([overscan, bias, electrons, gain]))
    good = (one.flags == 0) & (other.flags == 0)
    np.testing.assert_allclose(one.response[good], other.response[good], rtol=2e-5)
    np.testing.assert_allclose(one.variance[good], other.variance[good], rtol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("count", [3, 5, 10, 20])
def test_full_grid(count):
    verdicts = judge_night(seed=100 + count, count=count, frames=3)
    for setting, verdict in verdicts.items():
        mean, ratio = np.abs(verdict.scores).max(axis=0)
        print(
            f"{count:3d} frames, {setting[0]} length, {setting[1]:6s} s = {setting[2]:4}: pooled mean "
            f"{verdict.pool.mean:+.4f} sigma, ratio {verdict.pool.ratio:.4f}; "
            f"worst {mean:.1f} and {ratio:.1f} errors"
        )
    assert complaints(verdicts) == []
    # Predicted errors that were far too large would pass everything. Scores share raw frames and masters, so
    # some 50 of the 432 are independent: their spread is 1 within 0.1, and 0.4 is 4 of that.
    spread = np.sqrt(np.mean(np.square(np.concatenate([v.scores for v in verdicts.values()])), axis=0))
    assert np.all((spread > 0.6) & (spread < 1.4)), spread


@pytest.mark.slow
def test_two_frames_of_a_length():
    """The dark follows a line then, and of two values that differ by a cosmic ray the higher is rejected.

    3 dark factors, 2 frames, 6 regions with 2 checks: one in 220 fresh seeds fails.
    """
    night, overscan = Night(seed=4), Overscan()
    bias = Bias.measure(night.biases(3, 0.0), known=SignalChain([overscan]))
    known = SignalChain([overscan, bias])
    dark = Dark.measure(night.darks(2, 60.0) + night.darks(2, LONG), known=known, gain=GAINS)
    flat = Flat.measure(night.flats(3, "narrow"), known=known.with_(dark), gain=GAINS)
    masters = Masters(night, 3, bias, dark, {"narrow": flat})
    science = science_frames(night, count=2, filters=("narrow",))
    assert complaints({key: judge(masters, "narrow", raw) for key, raw in science.items()}) == []
