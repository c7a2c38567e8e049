"""Numbers and images with units."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u

from fullwell import Bias, Dark, Flat, SignalChain
from fullwell.detector import Detector
from fullwell.effects import Fringes, Glow, Illumination, ReadOutDark
from fullwell.effects.converters import adu, checked_image, electron_rate, electrons, rate_image, seconds
from fullwell.errors import ChainError, FrameError, ParameterError


@pytest.mark.parametrize(
    ("convert", "value", "expected"),
    [
        (seconds, 2 * u.min, 120.0),
        (electrons, 3 * u.electron, 3.0),
        (electron_rate, 60 * u.electron / u.min, 1.0),
        (adu, 7 * u.adu, 7.0),
    ],
)
def test_numbers_come_with_a_unit_or_in_the_one_that_is_stated(convert, value, expected):
    assert convert(value) == pytest.approx(expected)
    assert convert(np.float32(1.5)) == 1.5
    with pytest.raises(ParameterError, match="something in"):
        convert(3 * u.m)


def test_images_too():
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
]


@pytest.mark.parametrize("value", NO_IMAGES)
def test_one_checker_refuses_what_is_no_image(value):
    with pytest.raises(ParameterError, match=r"^pattern = .*two-dimensional image"):
        checked_image("pattern", value)


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
