"""The joined pass and NumPy step by step are the same to the last bit, whatever is joined."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullwell.kernels.simulate import Op, Rows, Step, run, run_plain

ARITHMETIC = (Op.ADD, Op.MULTIPLY, Op.DIVIDE)


def assert_same(image: np.ndarray, steps: list[Step], **options: int) -> None:
    np.testing.assert_array_equal(run(image, steps, **options), run_plain(image, steps), strict=True)


@st.composite
def programs(draw: st.DrawFn) -> tuple[np.ndarray, list[Step]]:
    rows, columns = draw(st.integers(1, 45)), draw(st.integers(1, 70))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    level = draw(st.sampled_from([0.0, 0.3, 8.0, 29.0, 31.0, 1e3, 1e6]))

    def operand(scale: float) -> float | np.ndarray | Rows:
        kind = draw(st.sampled_from(["number", "image", "read-only", "rows"]))
        if kind == "number":
            return float(random.uniform(0.5, 1.5) * scale)
        if kind == "rows":
            bands = (random.uniform(0.5, 1.5, (3, columns)) * scale).astype(np.float32)
            return Rows(bands, random.integers(0, 3, rows))
        image = (random.uniform(0.5, 1.5, (rows, columns)) * scale).astype(np.float32)
        image.flags.writeable = kind == "image"
        return image

    steps = []
    for op in draw(st.lists(st.sampled_from([op for op in Op if op is not Op.DIGITIZE]), max_size=6)):
        stream = tuple(int(word) for word in random.integers(0, 2**32, 4, dtype=np.uint64))
        if op in ARITHMETIC:
            steps.append(Step(op, operand(1.0)))
        elif op is Op.CLEAR:
            steps.append(Step(op, random.random((rows, columns)) < 0.2))
        elif op is Op.ADD_COUNT:
            scale, shift = draw(st.sampled_from([(1.0, 0.0), (2.5, 3.0)]))
            steps.append(Step(op, operand(level), scale=scale, shift=shift, stream=stream))
        else:
            steps.append(Step(op, operand(7.0), stream=stream))
    bits, worth = draw(st.sampled_from([(16, 1), (12, 16), (18, 1), (24, 8), (8, 1)]))
    if draw(st.booleans()) or not steps:
        steps.append(Step(Op.DIGITIZE, code=(2**bits - 1, worth)))
    return (random.uniform(0, 2, (rows, columns)) * level).astype(np.float32), steps


@settings(max_examples=150, deadline=None)
@given(programs())
def test_one_pass_is_step_by_step_bit_for_bit(made):
    assert_same(*made)


def whole_chain(shape: tuple[int, int]) -> list[Step]:
    random = np.random.default_rng(3)
    return [
        Step(Op.MULTIPLY, random.normal(1, 0.02, shape).astype(np.float32)),
        Step(Op.COUNT, stream=(1, 2, 3, 0)),
        Step(Op.ADD_COUNT, 5.0, stream=(1, 2, 4, 0)),
        Step(Op.ADD_NORMAL, 7.0, stream=(1, 2, 5, 0)),
        Step(Op.DIVIDE, 1.5),
        Step(Op.ADD, 1000.0),
        Step(Op.DIGITIZE, code=(65535, 1)),
    ]


def test_threads_do_not_change_the_bits():
    shape = (311, 1300)  # four blocks, the last one short
    image = np.random.default_rng(1).uniform(0, 200, shape).astype(np.float32)
    steps = whole_chain(shape)
    one = run(image, steps, workers=1)
    for workers in (2, 3, 5):
        np.testing.assert_array_equal(run(image, steps, workers=workers), one)
    np.testing.assert_array_equal(one, run_plain(image, steps))


def test_the_image_is_left_as_it_is():
    image = np.full((20, 30), 50, np.float32)
    image.flags.writeable = False
    assert run(image, whole_chain(image.shape)).dtype == np.uint16
    assert (image == 50).all()


def test_what_is_no_number_or_too_much():
    image = np.array([[np.nan, np.inf, -np.inf, -3.0, 1e30, 0.5, 0.49, 65535.4]], np.float32)
    digitize = [Step(Op.DIGITIZE, code=(65535, 1))]
    assert run(image, digitize)[0].tolist() == [0, 65535, 0, 0, 65535, 1, 0, 65535]
    assert_same(image, digitize)
    assert_same(image, [Step(Op.COUNT, stream=(1, 1, 1, 0))])
    assert_same(np.zeros_like(image), [Step(Op.ADD_COUNT, np.abs(image), stream=(1, 1, 1, 0))])
    for level in (0.0, -1.0, np.inf):
        assert_same(np.zeros_like(image), [Step(Op.ADD_COUNT, level, stream=(1, 1, 1, 0))])


def test_arrays_in_any_order_of_memory():
    image = np.random.default_rng(1).uniform(0, 200, (60, 40)).astype(np.float32)
    steps = [Step(Op.ADD, np.arange(2400, dtype=np.float64).reshape(40, 60).T)]
    assert_same(image[::2, ::-1], [Step(Op.COUNT, stream=(1, 1, 1, 0))])
    assert_same(image, steps)


def test_mean_and_variance_in_closed_form():
    """(100 + 5 + 49)/1.5^2 + 1/12; 4e6 pixels, 5 sigma: false alarm 1e-6."""
    shape = (2000, 2000)
    steps = [step if step.op is not Op.MULTIPLY else Step(Op.MULTIPLY, 1.0) for step in whole_chain(shape)]
    data = run(np.full(shape, 100, np.float32), steps).astype(np.float64)
    mean, variance = 1000 + 105 / 1.5, (105 + 49) / 1.5**2 + 1 / 12
    assert data.mean() == pytest.approx(mean, abs=5 * np.sqrt(variance / data.size))
    assert data.var() == pytest.approx(variance, rel=5 * np.sqrt(2 / data.size))
