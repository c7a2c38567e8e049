"""Ghosts of bright pixels on other amplifiers: put in, measured, taken out."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from simulated_frames import electrons, signal, two_amplifiers

from fullwell import (
    ADC,
    Bias,
    Crosstalk,
    Detector,
    Gain,
    Noise,
    NonLinearity,
    Overscan,
    ReadNoise,
    ShotNoise,
    SignalChain,
)
from fullwell.detector.shrinking import with_amplifiers_of
from fullwell.effects.curves import Polynomial
from fullwell.effects.parts import put_together, take_apart
from fullwell.errors import ChainError, FrameError, NotEnoughFrames, ParameterError
from fullwell.flags import Flags, mask_of
from fullwell.frame import Shared

PAIR = np.array([[0.0, 3e-4], [-2e-4, 0.0]])


def matrix(n, *, seed=1, size=3e-4):
    values = np.random.default_rng(seed).normal(0, size, (n, n))
    np.fill_diagonal(values, 0)
    return values


# --- simulate


def test_a_spot_leaves_its_ghost_where_the_other_amplifier_reads_at_that_time():
    detector = two_amplifiers(overscan=4, parallel=3)  # the second is read from the right
    made = signal(0.0, detector=detector)
    made.image[10, 7] = 1e5
    made.image[20, 119] = 5e4  # the pixel that the second reads first in its row
    made.to_raw()
    Crosstalk(PAIR).simulate(made, noise=Noise(1))
    image = detector.assemble(made.image)

    np.testing.assert_allclose(image[10, 119 - 7], -20.0, rtol=1e-6)  # c_10: victim 1, aggressor 0
    np.testing.assert_allclose(image[20, 0], 15.0, rtol=1e-6)
    assert np.count_nonzero(image) == 4
    assert np.count_nonzero(made.image) == 4


def test_quadratic_terms_and_overscan_leak_too():
    detector = two_amplifiers(overscan=4)
    made = signal(0.0, detector=detector)
    made.to_raw()
    made.image[5, 62] = 1e4  # in the overscan of the first
    Crosstalk(PAIR, quadratic=np.array([[0.0, 0.0], [1e-9, 0.0]])).simulate(made, noise=Noise(1))

    assert made.image[5, 64 + 62] == pytest.approx(-2e-4 * 1e4 + 1e-9 * 1e8, rel=1e-5)


@pytest.mark.parametrize("quadratic", [None, 1e-9 * (1 - np.eye(16))])
def test_all_amplifiers_at_once_against_the_sum(quadratic):
    detector = with_amplifiers_of(Detector.preset("lsst-e2v"), (70, 9))
    image = np.random.default_rng(2).uniform(0, 1e5, detector.raw_shape).astype(np.float32)
    made = signal(0.0, detector=detector)
    made.to_raw()
    made.image = image.copy()
    c = matrix(16)
    Crosstalk(c, quadratic=quadratic).simulate(made, noise=Noise(1))

    planes = np.stack([image[a.raw.slices] for a in detector.amplifiers]).astype(np.float64)
    ghosts = np.einsum("ij,jyx->iyx", c, planes)
    if quadratic is not None:
        ghosts += np.einsum("ij,jyx->iyx", quadratic, planes**2)
    for i, amplifier in enumerate(detector.amplifiers):
        np.testing.assert_allclose(made.image[amplifier.raw.slices], planes[i] + ghosts[i], atol=0.05)


# --- correct


@pytest.mark.parametrize("quadratic", [False, True])
@pytest.mark.parametrize("name", ["lsst-itl", "lsst-e2v"])
def test_raw_simulation_and_assembled_correction_meet(name, quadratic):
    detector = with_amplifiers_of(Detector.preset(name), (70, 9))
    effect = Crosstalk(matrix(16, size=1e-3), quadratic=2e-9 * (1 - np.eye(16)) if quadratic else None)
    true = np.random.default_rng(3).uniform(0, 1e5, detector.shape).astype(np.float32)
    made = signal(true, detector=detector)
    made.to_raw()
    effect.simulate(made, noise=Noise(1))
    bent = detector.assemble(made.image)
    frame = electrons(0.0).with_(data=bent, flags=None, detector=detector.without_scans())
    after = effect.correct(frame)

    assert np.abs(bent - true).max() > 100
    # What is left is the size of the coefficients to the fourth, and float32.
    np.testing.assert_allclose(after.data, true, atol=0.05)
    assert (frame.data == bent).all()


def test_bright_aggressors_flag_their_victims():
    detector = two_amplifiers(overscan=0).without_scans()
    data = np.zeros(detector.shape, np.float32)
    data[10, 7], data[20, 119], data[30, 5] = 6e4, 6e4, 4e4
    one_way = Crosstalk(np.array([[0.0, 0.0], [1e-4, 0.0]]))
    after = one_way.correct(electrons(0.0).with_(data=data, flags=None, detector=detector))

    assert np.argwhere(mask_of(after.flags, bad=Flags.CROSSTALK)).tolist() == [[10, 112]]
    assert not after.mask.any()


def test_variance_of_what_came_after_the_crosstalk_is_added():
    detector = two_amplifiers(overscan=0).without_scans()
    variance = np.full(detector.shape, 4.0, np.float32)
    variance[:, :60] = 100.0
    frame = electrons(1000.0).with_(variance=variance, detector=detector, shared={"bias": Shared(1.0, 300.0)})
    big = np.array([[0.0, 0.3], [-0.2, 0.0]])
    after = Crosstalk(big).correct(frame)

    np.testing.assert_allclose(after.variance[:, :60], 100 + 0.09 * 304, rtol=1e-6)
    np.testing.assert_allclose(after.variance[:, 60:], 4 + 0.04 * 400, rtol=1e-6)
    measured = Crosstalk(PAIR, errors=np.array([[0.0, 1e-3], [np.inf, 0.0]])).correct(frame)
    np.testing.assert_allclose(measured.variance[:, :60], 100 + (1e-3 * 1000) ** 2, rtol=2e-3)
    np.testing.assert_allclose(measured.variance[:, 60:], 4, rtol=1e-4)
    assert Crosstalk(PAIR).correct(electrons(1.0).with_(detector=detector)).variance is None


def test_the_noise_of_the_aggressor_is_subtracted_with_it():
    # 6000 pixels an amplifier: a variance is known to 1.8 %, asked for to 7 % (4 sigma).
    detector = two_amplifiers()
    effect = Crosstalk(np.array([[0.0, 0.05], [0.0, 0.0]]))
    rest = [ShotNoise(), ReadNoise(5.0), Gain(1.5), Bias(1000.0), ADC(18)]
    scene = np.full(detector.shape, 100.0)
    scene[:, 60:] = 1e5  # its shot noise leaks: 0.05 * 316 = 16 e-
    raw = SignalChain([effect, *rest]).expose(scene, 1.0, detector=detector, noise=Noise(4)).frame
    after = SignalChain([effect, *rest]).correct(raw)
    left = SignalChain(rest).correct(raw)

    victim = np.s_[:, :60]
    assert left.data[victim].var() > 250
    assert after.data[victim].var() == pytest.approx(after.variance[victim].mean(), rel=0.07)
    assert after.data[victim].mean() == pytest.approx(100.0, abs=0.6)


def test_pixels_without_value_stay_alone():
    detector = two_amplifiers(overscan=0).without_scans()
    data = np.full(detector.shape, 100.0, np.float32)
    data[4, 4] = np.nan
    after = Crosstalk(PAIR).correct(electrons(0.0).with_(data=data, detector=detector))
    assert np.argwhere(np.isnan(after.data)).tolist() == [[4, 4]]


def test_what_does_not_fit_is_refused():
    detector = two_amplifiers(overscan=0).without_scans()
    with pytest.raises(ChainError, match="add a Gain"):
        Crosstalk(PAIR).correct(electrons(1.0).with_(unit=u.adu, detector=detector))
    with pytest.raises(ChainError, match="of 3 amplifiers"):
        Crosstalk(np.zeros((3, 3))).correct(electrons(1.0).with_(detector=detector))
    with pytest.raises(ChainError, match="of 3 amplifiers"):
        Crosstalk(np.zeros((3, 3))).simulate(signal(0.0), noise=Noise(1))


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"coefficients": np.zeros((2, 3))}, "coefficients"),
        ({"coefficients": np.zeros(4)}, "coefficients"),
        ({"coefficients": np.eye(2)}, "diagonal of coefficients"),
        ({"coefficients": [[0, 1.0], [0, 0]]}, "coefficients"),
        ({"coefficients": [[0, np.nan], [0, 0]]}, "coefficients"),
        ({"coefficients": PAIR, "quadratic": np.zeros((3, 3))}, "quadratic"),
        ({"coefficients": PAIR, "quadratic": 1e-9 * np.eye(2)}, "diagonal of quadratic"),
        ({"coefficients": PAIR, "threshold": 0.0}, "threshold"),
        ({"coefficients": PAIR, "errors": -np.ones((2, 2))}, "errors"),
    ],
)
def test_impossible_values_are_refused_by_name(arguments, name):
    with pytest.raises(ParameterError, match=f"^{name} = "):
        Crosstalk(**arguments)


def test_the_round_trip_is_exact():
    effect = Crosstalk(PAIR, errors=np.array([[0.0, np.inf], [1e-7, 0.0]]), statistics={"frames": 3})
    tree, arrays = take_apart(effect)
    back = put_together(tree, arrays)
    np.testing.assert_array_equal(back.coefficients, effect.coefficients)
    np.testing.assert_array_equal(back.errors, effect.errors)
    assert (back.quadratic, back.threshold, back.statistics) == (None, effect.threshold, effect.statistics)


# --- measure

ITL = with_amplifiers_of(Detector.preset("lsst-itl"), (60, 50))
KNOWN = [Overscan(), Bias(0.0), Gain(1.7), ReadNoise(6.0)]


def spot_frames(effect, detector, aggressors, *, seed, per=1, level=1e5, sky=100.0):
    camera = SignalChain([effect, ShotNoise(), ReadNoise(6.0), Gain(1.7), Bias(25_000.0), ADC(18)])
    y, x = np.indices(detector.shape)
    frames = []
    for number, groups in enumerate([a for a in aggressors for _ in range(per)]):
        scene = np.full(detector.shape, sky, np.float32)
        for a in np.atleast_1d(groups):
            box = detector.amplifiers[a].box
            cx, cy = 0.5 * (box.x0 + box.x1) + 3 * (a % 4), 0.5 * (box.y0 + box.y1) - 2 * (a % 5)
            scene += level * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * 6.0**2))
        frames.append(camera.expose(scene, 1.0, detector=detector, noise=Noise(seed, number)).frame)
    return frames


def test_each_coefficient_comes_back_with_the_right_error():
    truth = matrix(16)
    pulls, errors = [], []
    for seed in range(3):
        found = Crosstalk.measure(
            spot_frames(Crosstalk(truth), ITL, range(16), seed=seed), known=SignalChain(KNOWN), bright=5000.0
        )
        off = ~np.eye(16, dtype=bool)
        pulls.append(((found.coefficients - truth)[off] / found.errors[off]).ravel())
        errors.append(np.median(found.errors[off]))
    pulls = np.concatenate(pulls)
    # 720 coefficients, each with pixels of its own: the width is known to 2.6 %, asked for to 10 %.
    assert pulls.std() == pytest.approx(1.0, abs=0.1)
    assert abs(pulls.mean()) < 0.15
    assert np.abs(pulls).max() < 5
    assert np.median(errors) < 2e-5
    assert found.statistics["never_bright"] == []
    assert max(found.statistics["clipped_fraction"]) < 0.01
    assert (np.diag(found.coefficients) == 0).all()


def test_spots_on_several_amplifiers_at_once_do_no_harm():
    truth = matrix(16, seed=5)
    groups = [(0, 3, 9), (1, 4, 10), (2, 5, 11), (0, 6, 12), (3, 7, 13), (8, 14, 15), (9, 2, 1)]
    found = Crosstalk.measure(
        spot_frames(Crosstalk(truth), ITL, groups, seed=7), known=SignalChain(KNOWN), bright=5000.0
    )
    known = np.isfinite(found.errors) & ~np.eye(16, dtype=bool)
    pulls = (found.coefficients - truth)[known] / found.errors[known]
    assert known.sum() > 200
    # The width is known to 5 %, asked for to 20 %.
    assert pulls.std() == pytest.approx(1.0, abs=0.2)


def test_quadratic_terms_are_found():
    detector = two_amplifiers(overscan=16)
    truth = Crosstalk(PAIR, quadratic=np.array([[0.0, 4e-9], [-3e-9, 0.0]]))
    frames = spot_frames(truth, detector, [0, 1], per=6, seed=8, level=1.5e5)
    found = Crosstalk.measure(frames, known=SignalChain(KNOWN), quadratic=True)

    off = ~np.eye(2, dtype=bool)
    for name, error in (("coefficients", "errors"), ("quadratic", "quadratic_errors")):
        pull = (getattr(found, name) - getattr(truth, name))[off] / getattr(found, error)[off]
        assert np.abs(pull).max() < 4
    assert found.quadratic_errors[0, 1] < 2e-9


def test_amplifiers_that_were_never_bright_say_so():
    found = Crosstalk.measure(
        spot_frames(Crosstalk(matrix(16)), ITL, [2], seed=9), known=SignalChain(KNOWN), bright=5000.0
    )
    assert len(found.statistics["never_bright"]) == 15
    assert np.isinf(found.errors[0, 3])
    assert np.isfinite(np.delete(found.errors[:, 2], 2)).all()
    assert (found.coefficients[:, [j for j in range(16) if j != 2]] == 0).all()
    # A stored product and a correction bear that.
    assert put_together(*take_apart(found)).errors[0, 3] == np.inf


def test_what_cannot_be_measured_is_refused():
    frames = spot_frames(Crosstalk(matrix(16)), ITL, [2], seed=9)
    known = SignalChain(KNOWN)
    with pytest.raises(FrameError, match="no pixel of 1 frames is above"):
        Crosstalk.measure(frames, known=known, bright=1e7)
    with pytest.raises(NotEnoughFrames):
        Crosstalk.measure([], known=known)
    with pytest.raises(ChainError, match="add a Gain"):
        Crosstalk.measure(frames, known=SignalChain([Overscan()]))
    with pytest.raises(ChainError, match="leave the non-linearity out"):
        Crosstalk.measure(frames, known=known.with_(NonLinearity(Polynomial((-1e-7,), limit=2e5))))
    for option in ({"clip": 2.0}, {"bright": 0.0}, {"margin": 0}):
        with pytest.raises(ParameterError, match=next(iter(option))):
            Crosstalk.measure(frames, known=known, **option)
