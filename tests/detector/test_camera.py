from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u

from fullwell.detector import Camera, Detector
from fullwell.detector.shrinking import with_amplifiers_of
from fullwell.effects.camera_crosstalk import (
    add_crosstalk_between,
    measure_crosstalk_between,
    remove_crosstalk_between,
)
from fullwell.effects.parts import put_together, take_apart
from fullwell.errors import ChainError, FrameError, NotEnoughFrames, ParameterError
from fullwell.frame import Frame

ITL = with_amplifiers_of(Detector.preset("lsst-itl"), (70, 6))
ONE = Detector.single((70, 6))
MATRIX = np.zeros((16, 1))
MATRIX[3, 0] = 2e-4
CAMERA = Camera("pair", {"S00": ITL, "S01": ONE}, {"S00": (0.0, 0.0)}, {("S00", "S01"): MATRIX})


def frames(layout="assembled"):
    rng = np.random.default_rng(1)
    shapes = {name: d.shape if layout == "assembled" else d.raw_shape for name, d in CAMERA.detectors.items()}
    return {
        name: Frame(rng.uniform(0, 1e5, shape), unit=u.electron, detector=CAMERA.detectors[name])
        for name, shape in shapes.items()
    }


def test_what_leaks_is_the_signal_of_the_same_tick():
    images = {"S00": np.zeros(ITL.shape), "S01": np.zeros(ONE.shape)}
    images["S01"][66, 1] = 1e5  # row 66, column 1 from its corner
    added = CAMERA.leakage(images, layout="assembled")
    box = ITL.amplifiers[3].box  # read from its lower right corner
    assert np.argwhere(added["S00"]).tolist() == [[66, box.x1 - 2]]
    assert added["S00"].max() == pytest.approx(20.0)
    assert not added["S01"].any()


@pytest.mark.parametrize("layout", ["assembled", "raw"])
def test_what_was_added_is_taken_out(layout):
    before = frames(layout)
    bent = add_crosstalk_between(CAMERA, before)
    after = remove_crosstalk_between(CAMERA, bent)
    assert np.abs(bent["S00"].data - before["S00"].data).max() > 10
    for name in before:
        np.testing.assert_allclose(after[name].data, before[name].data, atol=1e-2)


def test_a_quadratic_term_leaks_and_is_taken_out():
    camera = Camera("pair", CAMERA.detectors, {}, CAMERA.crosstalk, {("S00", "S01"): -MATRIX * 1e-5})
    before = frames()
    bent = add_crosstalk_between(camera, before)
    linear = add_crosstalk_between(CAMERA, before)
    assert np.abs(bent["S00"].data - linear["S00"].data).max() > 10
    after = remove_crosstalk_between(camera, bent)
    np.testing.assert_allclose(after["S00"].data, before["S00"].data, atol=1e-2)


def test_the_variance_holds_later_noise_and_the_errors():
    error = np.full((16, 1), 1e-5)
    camera = Camera("pair", CAMERA.detectors, {}, CAMERA.crosstalk, errors={("S00", "S01"): error})
    pair = {
        "S00": Frame(np.zeros(ITL.shape, np.float32), unit=u.electron, detector=ITL),
        "S01": Frame(np.full(ONE.shape, 5e4, np.float32), unit=u.electron, detector=ONE),
    }
    assert remove_crosstalk_between(camera, pair)["S00"].variance is None
    pair = {name: frame.with_(variance=np.full(frame.shape, 1e4, np.float32)) for name, frame in pair.items()}
    after = remove_crosstalk_between(camera, pair)
    boxes = [ITL.amplifiers[k].box.slices for k in (3, 4)]
    leaking, silent = (after["S00"].variance[box].mean() for box in boxes)
    # Both have the error of their coefficient, (1e-5 x 50 000)^2; one the noise that leaks, (2e-4 x 100)^2.
    assert silent == pytest.approx(1e4 + 0.25, abs=0.01)
    assert leaking == pytest.approx(1e4 + 0.25 + 4e-4, abs=0.01)
    np.testing.assert_array_equal(after["S01"].variance, pair["S01"].variance)


def spots(camera, seed):
    """One exposure: a spot on one amplifier of one detector; noise of 5 electrons everywhere."""
    random = np.random.default_rng(seed)
    exposure = {}
    for name, detector in camera.detectors.items():
        image = 100 + 5 * random.standard_normal(detector.shape)
        exposure[name] = Frame(image.astype(np.float32), unit=u.electron, detector=detector)
    name = list(camera.detectors)[seed % 2]
    detector = camera.detectors[name]
    box = detector.amplifiers[seed // 2 % len(detector.amplifiers)].box
    data = exposure[name].data.copy()
    data[box.y0 + 20 : box.y0 + 40, box.x0 + 2 : box.x0 + 12] += random.uniform(2e4, 9e4, (20, 10))
    exposure[name] = exposure[name].with_(data=data)
    return add_crosstalk_between(camera, exposure)


@pytest.mark.parametrize("quadratic", [False, True])
def test_what_leaks_between_detectors_is_measured(quadratic):
    two = with_amplifiers_of(Detector.preset("lsst-itl"), (60, 16))
    random = np.random.default_rng(4)
    pairs = [("a", "b"), ("b", "a")]
    squares = {pair: 1e-9 * random.standard_normal((16, 16)) for pair in pairs} if quadratic else {}
    true = Camera(
        "two",
        {"a": two, "b": two},
        {},
        {pair: 1e-4 * random.standard_normal((16, 16)) for pair in pairs},
        squares,
    )
    plain = Camera("two", {"a": two, "b": two})
    found = measure_crosstalk_between(
        plain, (spots(true, seed) for seed in range(64)), bright=1e4, quadratic=quadratic
    )
    pulls = np.array([(found.crosstalk[p] - true.crosstalk[p]) / found.errors[p] for p in pairs])
    # 512 coefficients: the width is known to 3.1 %.
    assert np.std(pulls) == pytest.approx(1, abs=0.12)
    assert np.abs(pulls).max() < 5
    assert max(found.errors[p].max() for p in pairs) < (2e-4 if quadratic else 1e-5)
    if quadratic:
        pulls = np.array([(found.quadratic[p] - squares[p]) / found.quadratic_errors[p] for p in pairs])
        assert np.std(pulls) == pytest.approx(1, abs=0.12)
    else:
        assert found.quadratic == {}


def test_exposures_that_cannot_say_are_refused():
    both = frames()
    dark = {name: frame.with_(data=np.zeros(frame.shape, np.float32)) for name, frame in both.items()}
    with pytest.raises(NotEnoughFrames, match="no exposure"):
        measure_crosstalk_between(CAMERA, [])
    with pytest.raises(FrameError, match="no pixel of 1 exposures is above 10000"):
        measure_crosstalk_between(CAMERA, [dark])
    with pytest.raises(FrameError, match="lacks detector S01"):
        measure_crosstalk_between(CAMERA, [{"S00": both["S00"]}])
    for options in ({"bright": -1.0}, {"clip": 1.0}, {"margin": 0}):
        with pytest.raises(ParameterError, match=next(iter(options))):
            measure_crosstalk_between(CAMERA, [both], **options)


def test_absent_detectors_leak_nothing():
    alone = add_crosstalk_between(CAMERA, {"S00": frames()["S00"]})
    np.testing.assert_array_equal(alone["S00"].data, frames()["S00"].data)


def test_what_does_not_fit_is_refused():
    both = frames()
    with pytest.raises(ChainError, match="electrons"):
        add_crosstalk_between(CAMERA, {"S00": both["S00"].with_(unit=u.adu)})
    with pytest.raises(FrameError, match="no detector X"):
        add_crosstalk_between(CAMERA, {"X": both["S00"]})
    with pytest.raises(FrameError, match="no detector X"):
        CAMERA.leakage({"X": both["S00"].data}, layout="raw")
    wrong = Camera("same", {"a": ITL, "b": ITL})
    raw = Frame(np.zeros(ITL.raw_shape, np.float32), unit=u.electron)
    with pytest.raises(FrameError, match="raw, others"):
        remove_crosstalk_between(wrong, {"a": both["S00"], "b": raw})


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (({},), "detectors"),
        (({"a": ONE}, {"b": (0, 0)}), "places"),
        (({"a": ONE, "b": ITL}, {}, {("a", "b"): np.zeros((16, 1))}), "crosstalk of"),
        (({"a": ONE, "b": ITL}, {}, {("a", "c"): np.zeros((1, 1))}), "crosstalk of"),
        (({"a": ONE, "b": ITL}, {}, {("a", "a"): np.zeros((1, 1))}), "crosstalk of"),
        (({"a": ONE, "b": ONE}, {}, {("a", "b"): np.ones((1, 1))}), "crosstalk of"),
        (({"a": ONE, "b": ONE}, {}, {("a", "b"): np.full((1, 1), np.nan)}), "crosstalk of"),
    ],
)
def test_impossible_cameras_are_refused(arguments, name):
    with pytest.raises(ParameterError, match=name):
        Camera("x", *arguments)


def test_round_trip():
    back = put_together(*take_apart(CAMERA))
    np.testing.assert_array_equal(back.crosstalk["S00", "S01"], MATRIX)
    assert back.quadratic == {}
    assert back.detectors["S00"].amplifiers == ITL.amplifiers


def test_the_noise_of_an_aggressor_leaks_with_the_slope_at_its_signal():
    c, q, signal, variance = 1e-3, 1e-8, 1e5, 25.0
    ones = np.ones((16, 1))
    camera = Camera("pair", CAMERA.detectors, {}, {("S00", "S01"): c * ones}, {("S00", "S01"): q * ones})
    pair = {
        name: Frame(np.full(detector.shape, level, np.float32), unit=u.electron, detector=detector)
        for name, detector, level in (("S00", ITL, 0.0), ("S01", ONE, signal))
    }
    pair["S00"] = pair["S00"].with_(variance=np.zeros(ITL.shape, np.float32))
    pair["S01"] = pair["S01"].with_(variance=np.full(ONE.shape, variance, np.float32))
    found = remove_crosstalk_between(camera, pair)["S00"].variance.max()
    assert found == pytest.approx((c + 2 * q * signal) ** 2 * variance, rel=1e-4)


def test_it_is_taken_out_once():
    after = remove_crosstalk_between(CAMERA, frames())
    with pytest.raises(ChainError, match="already"):
        remove_crosstalk_between(CAMERA, after)
