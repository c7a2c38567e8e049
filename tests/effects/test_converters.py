"""Numbers and images with units."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u

from fullwell import Bias, Dark, Flat, SignalChain
from fullwell.detector import Detector
from fullwell.effects import Fringes, Glow, Illumination, ReadOutDark
from fullwell.effects.converters import checked_image, matrix_of, number_or_image, places
from fullwell.errors import ChainError, FrameError, ParameterError


def rate_image(value):
    return checked_image("rate", value, u.electron / u.s, least=0.0)


def test_images_have_units():
    image = rate_image(np.ones((2, 3)) * u.electron / u.min)
    assert image.dtype == np.float32
    np.testing.assert_allclose(image, 1 / 60)
    same = np.ones((2, 3), np.float32)
    assert rate_image(same) is same


@pytest.mark.parametrize("value", [3.0, np.ones(4), -np.ones((2, 2)), np.full((2, 2), np.nan)])
def test_what_is_no_image_of_possible_values_is_refused_by_name(value):
    with pytest.raises(ParameterError, match=r"^rate = .*finite and 0 e-/s or more"):
        rate_image(value)


NO_IMAGES = [
    3.0,
    np.ones(4),
    np.ones((2, 2, 2)),
    np.ones((0, 3)),
    np.full((2, 2), np.nan),
    "text",
    [[1.0], [2.0, 3.0]],
    True,
    1j,
    [],
    np.ones((2, 2), complex),
]


@pytest.mark.parametrize("value", NO_IMAGES)
def test_one_checker_refuses_what_is_no_image(value):
    with pytest.raises(ParameterError, match=r"^pattern = .*two-dimensional image"):
        checked_image("pattern", value)


def test_a_number_or_an_image():
    assert number_or_image("delay", 5 * u.ms, u.s) == pytest.approx(0.005)
    assert number_or_image("delay", np.ones((2, 3)), u.s).dtype == np.float32
    for value in (True, "5", np.ones(3), np.ones((2, 2)) * u.m):
        with pytest.raises(ParameterError, match="delay"):
            number_or_image("delay", value, u.s)


def test_places_of_pixels():
    assert places([(1, 2), (3, 4)]).tolist() == [[1, 2], [3, 4]]
    assert places([]).shape == (0, 2)
    for value in (5, [1, 2, 3], [(1.5, 2.0)], [(-1, 2)], [(1,), (2, 3)], "12", [(True, False)]):
        with pytest.raises(ParameterError, match="pixels"):
            places(value)


def test_matrices_hold_numbers():
    own = np.eye(2)
    matrix = matrix_of("coefficients", own)
    matrix[0, 0] = 5
    assert own[0, 0] == 1
    for value in ("5", True, 1j, [[1.0], [2.0, 3.0]], None):
        with pytest.raises(ParameterError, match="coefficients"):
            matrix_of("coefficients", value)


def test_the_message_says_what_was_seen_and_where():
    image = np.ones((3, 4))
    image[2, 1] = image[2, 3] = -5
    with pytest.raises(ParameterError, match=r"rate = -5\.0 .* 0 e-/s or more; 2 pixels .* row 2, column 1"):
        rate_image(image)
    known = np.zeros((3, 4), bool)
    known[2] = True
    checked_image("rate", image, least=0.0, unknown=known)
    with pytest.raises(ParameterError, match="flags"):
        checked_image("rate", image, unknown=known[:2])


BAD = np.ones((2, 3))
BAD[1, 2] = np.nan


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: Bias(structure=BAD), "structure"),
        (lambda: Bias(structure=np.ones(3)), "structure"),
        (lambda: Bias(level=[]), "level"),
        (lambda: Dark(BAD), "rate"),
        (lambda: Dark(np.ones(3)), "rate"),
        (lambda: Dark(np.ones((0, 3))), "rate"),
        (lambda: Dark(-BAD[:1]), "rate"),
        (lambda: Dark(1.0, offset=BAD), "offset"),
        (lambda: Flat(BAD), "response"),
        (lambda: Flat(-np.ones((2, 2))), "response"),
        (lambda: Flat(np.zeros((2, 2))), "response"),
        (lambda: Flat(np.ones(3)), "response"),
        (lambda: Flat(np.ones((0, 2))), "response"),
        (lambda: Glow(BAD), "rate"),
        (lambda: Fringes(BAD), "pattern"),
        (lambda: Illumination(BAD), "pattern"),
        (lambda: ReadOutDark(BAD), "rate"),
    ],
)
def test_images_of_effects_are_checked(make, name):
    with pytest.raises(ParameterError, match=f"^{name} = "):
        make()


@pytest.mark.parametrize(
    "effect",
    [
        Bias(structure=np.ones((2, 3))),
        Dark(np.ones((2, 3))),
        Flat(np.ones((2, 3))),
        Glow(np.ones((2, 3))),
        Fringes(np.zeros((2, 3))),
        Illumination(np.ones((2, 3))),
        ReadOutDark(np.ones((2, 3))),
    ],
    ids=lambda effect: effect.name,
)
def test_images_of_another_shape_than_the_detector_are_refused(effect):
    chain = SignalChain([effect], detector=Detector.single((5, 6)))
    with pytest.raises((ChainError, FrameError), match=r"\(2, 3\)"):
        chain.expose(np.ones((5, 6)), 1.0, seed=1, state={"illumination": {"source": "lamp"}})
