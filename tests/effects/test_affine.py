"""Composed against one after the other."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fullwell.effects import Affine, MasterTerm
from fullwell.frame import Frame, Shared

SHAPE = (2, 3)
numbers = st.floats(-10, 10).map(lambda x: round(x, 3))
positive = st.floats(0.1, 10).map(lambda x: round(x, 3))


def scalar_or_image(values):
    return st.one_of(values, arrays(np.float64, SHAPE, elements=values))


terms = st.builds(
    MasterTerm, scalar_or_image(numbers), st.one_of(st.just(0.0), scalar_or_image(numbers)), st.just(2.0)
)
steps = st.builds(
    Affine,
    scale=scalar_or_image(numbers),
    offset=scalar_or_image(numbers),
    variance=st.one_of(st.just(0.0), scalar_or_image(positive)),
    masters=st.dictionaries(st.sampled_from("abc"), terms, max_size=3),
    flags=st.one_of(st.none(), arrays(np.uint16, SHAPE, elements=st.integers(0, 7))),
    unit=st.sampled_from([None, u.adu, u.electron]),
)
frames = st.builds(
    lambda data, variance, flags, shared: Frame(data, variance=variance, flags=flags, shared=shared),
    arrays(np.float64, SHAPE, elements=numbers),
    st.one_of(st.none(), arrays(np.float64, SHAPE, elements=positive)),
    arrays(np.uint16, SHAPE, elements=st.integers(0, 7)),
    st.dictionaries(
        st.sampled_from("abc"), st.builds(Shared, scalar_or_image(numbers), st.just(2.0)), max_size=2
    ),
)


@settings(max_examples=150)
@given(frames, steps, steps, steps)
def test_composed_is_sequential(frame, a, b, c):
    together = (c @ b @ a).apply(frame)
    apart = c.apply(b.apply(a.apply(frame)))

    near = {"rtol": 1e-9, "atol": 1e-7}
    np.testing.assert_allclose(together.data, apart.data, **near)
    nothing = np.zeros(SHAPE)
    np.testing.assert_allclose(
        nothing if together.variance is None else together.variance,
        nothing if apart.variance is None else apart.variance,
        **near,
    )
    np.testing.assert_array_equal(together.flags, apart.flags)
    assert together.unit == apart.unit
    assert set(together.shared) == set(apart.shared)
    for key in together.shared:
        first, second = together.shared[key], apart.shared[key]
        np.testing.assert_allclose(
            np.broadcast_to(first.coefficient, SHAPE), np.broadcast_to(second.coefficient, SHAPE), **near
        )
        assert first.variance == second.variance


@settings(max_examples=60)
@given(steps, steps, steps)
def test_composition_does_not_care_for_brackets(a, b, c):
    left, right = (c @ b) @ a, c @ (b @ a)

    np.testing.assert_allclose(left.scale, right.scale, rtol=1e-9, atol=1e-7)
    np.testing.assert_allclose(left.offset, right.offset, rtol=1e-9, atol=1e-7)


def test_one_master_twice_is_added_before_it_is_squared():
    subtract = Affine(offset=-1.0, masters={"bias": MasterTerm(-1.0, 0.0, 4.0)})
    give_back = Affine(offset=0.5, masters={"bias": MasterTerm(0.5, 0.0, 4.0)})

    frame = (give_back @ subtract).apply(Frame(np.zeros(SHAPE)))

    assert frame.shared["bias"].contribution == pytest.approx(0.25 * 4.0)


def test_dividing_by_a_noisy_flat_is_noise_in_proportion():
    # y = x / F: dy = -y/F dF.
    flat = Affine(scale=1 / 0.5, masters={"flat": MasterTerm(0.0, -1 / 0.5, 0.01)})

    frame = flat.apply(Frame(np.full(SHAPE, 100.0))).settled()

    assert (frame.data == 200).all()
    np.testing.assert_allclose(frame.variance, (200 / 0.5) ** 2 * 0.01)


def test_the_plane_of_variances_wins_over_the_number():
    plane = np.full(SHAPE, 3.0)
    for first, second in ((plane, 1.0), (1.0, plane)):
        assert (MasterTerm(1.0, 0.0, first) + MasterTerm(1.0, 0.0, second)).variance is plane


@pytest.mark.parametrize(
    ("given", "result"), [(np.float32, np.float32), (np.float64, np.float64), (np.uint16, np.float32)]
)
def test_types_stay_and_integers_do_not_wrap(given, result):
    frame = Affine(scale=np.float32(0.5), offset=-10.0).apply(Frame(np.ones(SHAPE, given)))

    assert frame.data.dtype == result
    assert (frame.data == -9.5).all()


def test_the_input_is_left_alone():
    frame = Frame(np.ones(SHAPE, np.float32), variance=np.ones(SHAPE, np.float32))

    changed = Affine(2.0, 1.0, 1.0, flags=np.ones(SHAPE, np.uint16)).apply(frame)

    assert (frame.data == 1).all()
    assert (frame.variance == 1).all()
    assert not frame.flags.any()
    assert not np.shares_memory(changed.flags, frame.flags)


def test_a_coefficient_of_all_pixels_stays_one_number():
    offset = np.array([[1.0, np.nan]])
    term = MasterTerm(-1.0, 0.0, 4.0).after(2.0, offset)
    assert (term.constant, term.proportional) == (-2.0, 0.0)
    assert np.shape(MasterTerm(-1.0, 0.5, 4.0).after(2.0, offset).constant) == (1, 2)
