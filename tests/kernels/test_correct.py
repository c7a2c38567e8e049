"""The compiled pass against the plain form, and the plain form against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullwell.flags import Flags
from fullwell.kernels.correct import Amplified, Images, Outputs, Ramp, correct_plane
from fullwell.kernels.planes import Plane

BITS = (int(Flags.SATURATED), int(Flags.NO_DATA))
NAMES = ("first", "scale", "offset", "constant", "linear", "square")


def amplified(shape, **changes):
    rows, columns = shape
    zero_rows, zero_columns = np.zeros(rows, np.float32), np.zeros(columns, np.float32)
    options = {
        "rows": (0, rows), "columns": (0, columns), "raw": (0, 0), "flip_y": False, "flip_x": False,
        "factor": 1.5, "variance": 25.0, "limit": 60000.0,
        "level_rows": zero_rows, "level_columns": zero_columns,
        "noise_rows": zero_rows, "noise_columns": zero_columns,
    }  # fmt: skip
    return Amplified(**(options | changes))


def even(columns, **values):
    numbers = {
        "first": 0.0,
        "scale": 1.0,
        "offset": 0.0,
        "constant": 0.0,
        "linear": 0.0,
        "square": 0.0,
    } | values
    images = {name: np.full((1, columns), numbers[name], np.float32) for name in NAMES}
    return Images(**images, flags=np.zeros((1, columns), np.uint16))


def corrected(raw, amplifiers, images, shape, *, flags=None, compiled=False):
    into = Outputs.empty(shape, quiet=images.quiet)
    for plane in (into.data, into.variance):
        plane.fill(-7)
    floored = correct_plane(raw, flags, amplifiers, images, into, bits=BITS, workers=1, compiled=compiled)
    return into, floored


def test_one_pixel_in_closed_form():
    images = even(1, first=-100.0, scale=0.5, offset=-3.0, constant=2.0, linear=0.1, square=0.01)
    level = {"level_rows": np.float32([10]), "noise_rows": np.float32([4])}
    into, floored = corrected(Plane(np.uint16([[1010]])), [amplified((1, 1), **level)], images, (1, 1))

    electrons = 1.5 * (1010 - 10) - 100
    value = 0.5 * electrons - 3
    assert into.data[0, 0] == pytest.approx(value)
    expected = 0.25 * (25 + 4 + electrons) + 2 + 0.1 * value + 0.01 * value**2
    assert into.variance[0, 0] == pytest.approx(expected, rel=1e-6)
    assert floored == 0


def test_the_floor_is_a_tenth_of_what_is_there_without_signal():
    into, floored = corrected(Plane(np.uint16([[0, 100]])), [amplified((1, 2))], even(2, first=-75.0), (1, 2))

    np.testing.assert_allclose(into.variance, [[2.5, 25 + 75]], rtol=1e-6)
    assert floored == 1


def test_a_table_multiplies_noise_by_its_slope():
    ramp = Ramp(0.0, 100.0, np.float32([0, 100, 300, 600]))
    one = amplified((1, 4), factor=1.0, ramp=ramp)
    into, _ = corrected(Plane(np.float32([[-50, 50, 150, 1000]])), [one], even(4), (1, 4))

    # Beyond both ends the last piece goes on.
    np.testing.assert_allclose(into.data, [[-50, 50, 200, 2700]])
    np.testing.assert_allclose(into.variance, [[2.5, 75, 4 * 25 + 200, 9 * 25 + 2700]], rtol=1e-6)


@pytest.mark.parametrize("compiled", [False, True])
def test_a_table_may_end(compiled):
    ramp = Ramp(0.0, 100.0, np.array([0.0, 200.0, 300.0]), below=1.0, beyond=int(Flags.SUSPECT))
    one = amplified((1, 6), factor=1.0, ramp=ramp)
    raw = Plane(np.float32([[-50, 50, 199.9, 200, 1000, np.nan]]))
    into, _ = corrected(raw, [one], even(6), (1, 6), compiled=compiled)

    np.testing.assert_allclose(into.data, [[-50, 100, 299.9, 300, 300, np.nan]])
    np.testing.assert_allclose(into.variance[0, :5], [2.5, 200, 324.9, 325, 325], rtol=1e-6)
    ends = [0, 0, 0, Flags.SUSPECT, Flags.SUSPECT, Flags.NO_DATA]
    assert into.flags[0].tolist() == [int(flag) for flag in ends]


@given(end=st.floats(1.0, 1e6))
def test_the_end_of_a_table_is_the_same_in_single_precision(end):
    ramp = Ramp(0.0, end, np.array([0.0, 1.0]), beyond=1)
    near = np.nextafter(np.float32(end), np.float32([0, np.inf]))
    x = np.array([near[0], np.float32(end), near[1]])
    assert x.dtype == np.float32
    np.testing.assert_array_equal(ramp.at(x)[2], x.astype(np.float64) >= end)


def test_what_masters_bring_before_a_table_is_multiplied_as_well():
    ramp = Ramp(0.0, 100.0, np.float32([0, 200, 400]))
    plain = even(1, constant=3.0)
    before = tuple(np.full((1, 1), value, np.float32) for value in (5.0, 7.0, 0.1))
    images = Images(*(getattr(plain, name) for name in NAMES), plain.flags, before=before)
    into, _ = corrected(Plane(np.float32([[50]])), [amplified((1, 1), factor=1.0, ramp=ramp)], images, (1, 1))

    assert into.variance[0, 0] == pytest.approx(4 * 25 + 100 + 3 + 4 * 5 + 2 * 7 + 100 * 2 * 0.1, rel=1e-6)


def test_flags_of_raw_values_of_the_file_and_of_masters_come_together():
    raw = Plane(np.float32([[1, np.nan, 60000, -np.inf]]))
    images = even(4)
    images.flags[0, 0] = Flags.HOT
    there = np.uint16([[0, 0, Flags.MASKED, 0]])
    for compiled in (False, True):
        into, _ = corrected(raw, [amplified((1, 4))], images, (1, 4), flags=there, compiled=compiled)
        expected = [Flags.HOT, Flags.NO_DATA, Flags.SATURATED | Flags.MASKED, Flags.NO_DATA]
        assert into.flags[0].tolist() == [int(flag) for flag in expected]


def raw_planes(random, shape):
    values = random.integers(0, 2**16, shape).astype(np.uint16)
    floats = random.normal(1000, 500, shape).astype(np.float32)
    floats[random.random(shape) < 0.05] = np.nan
    floats[random.random(shape) < 0.02] = np.inf
    turned = (values ^ 0x8000).view(np.int16)
    return [
        Plane(values), Plane(values.astype(">u2")), Plane(turned), Plane(turned.astype(">i2"), unsigned=True),
        Plane(floats), Plane(floats.astype(">f4")),
    ]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    kind=st.integers(0, 5),
    size=st.tuples(st.integers(1, 6), st.sampled_from([1, 2, 7, 64, 2047, 2048, 2050])),
    amplifiers=st.integers(1, 3),
    flips=st.tuples(st.booleans(), st.booleans()),
    full=st.lists(st.booleans(), min_size=7, max_size=7),
    switches=st.tuples(st.booleans(), st.booleans(), st.booleans(), st.booleans()),
    ends=st.sampled_from([(None, None), (1.0, None), (0.5, int(Flags.SUSPECT))]),
)
def test_compiled_and_plain_are_one(seed, kind, size, amplifiers, flips, full, switches, ends):
    counted, looked_up, flagged, quiet = switches
    random = np.random.default_rng(seed)
    rows, width = size
    margin, shape = 2, (rows, width * amplifiers)
    raw_shape = (rows + margin, (width + margin) * amplifiers)

    def image(wanted, mean, spread):
        made = random.normal(mean, spread, shape if wanted else (1, shape[1])).astype(np.float32)
        return made * np.float32(spread > 0)

    means, spreads = (-50, 1, -5, 9, 0.1, 1e-4), (9, 0.5, 2, 1, 0.1, 1e-5)
    images = Images(
        *(image(*how) for how in zip(full, means, spreads, strict=False)),
        random.integers(0, 2**13, shape if full[6] else (1, shape[1])).astype(np.uint16),
        before=tuple(image(full[k], 1, 0.5) for k in range(3)) if looked_up else (),
        counted=counted,
        quiet=quiet,
    )  # fmt: skip
    table = Ramp(0.0, 20000.0, np.cumsum(random.uniform(1e4, 3e4, 5)), *ends)
    parts = [
        amplified(
            (rows, width),
            columns=(a * width, (a + 1) * width),
            raw=(margin, a * (width + margin) + margin),
            flip_y=flips[0], flip_x=flips[1], factor=1.0 + a,
            level_rows=random.normal(100, 5, rows).astype(np.float32),
            level_columns=random.normal(0, 1, width).astype(np.float32),
            noise_rows=random.uniform(0, 1, rows).astype(np.float32),
            noise_columns=random.uniform(0, 1, width).astype(np.float32),
            ramp=table if looked_up else None,
        )
        for a in range(amplifiers)
    ]  # fmt: skip
    plane = raw_planes(random, raw_shape)[kind]
    flags = random.integers(0, 2**13, raw_shape).astype(np.uint16) if flagged else None

    plain, low = corrected(plane, parts, images, shape, flags=flags)
    fast, found = corrected(plane, parts, images, shape, flags=flags, compiled=True)

    np.testing.assert_array_equal(fast.flags, plain.flags)
    np.testing.assert_allclose(fast.data, plain.data, rtol=3e-6, atol=1e-2)
    if not quiet:
        scale = np.nanmax(np.where(np.isfinite(plain.variance), abs(plain.variance), 0))
        np.testing.assert_allclose(fast.variance, plain.variance, rtol=1e-4, atol=1e-6 * scale + 1e-3)
        assert abs(found - low) <= 0.01 * plain.data.size


def test_threads_do_not_change_a_bit():
    random = np.random.default_rng(4)
    shape = (40, 600)
    raw, images = (
        Plane(random.integers(0, 2**16, shape).astype(np.uint16)),
        even(600, first=-900.0, linear=0.1),
    )
    results = []
    for workers in (1, 3):
        into = Outputs.empty(shape)
        correct_plane(raw, None, [amplified(shape)], images, into, bits=BITS, workers=workers, compiled=True)
        results.append(into)
    np.testing.assert_array_equal(results[0].data, results[1].data)
    np.testing.assert_array_equal(results[0].variance, results[1].variance)
