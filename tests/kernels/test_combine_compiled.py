"""The compiled loops against the plain form: the same values, the same decisions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullwell.flags import BAD_FOR_SCIENCE, Flags, mask_of
from fullwell.kernels.combine import Rule, combine_block
from fullwell.kernels.combine_columns_compiled import list_marked
from fullwell.kernels.combine_compiled import PlaneRule, PlaneStack, PlaneTotals, combine_planes
from fullwell.kernels.planes import Plane

FLOOR = 0.1  # of the variance without signal
HOT, SUSPECT = int(Flags.HOT), int(Flags.SUSPECT)


def totals(n, pixels, *, propagated):
    def array(dtype, size=pixels):
        return np.full(size, 7, dtype)

    return PlaneTotals(
        array(np.float32),
        array(np.float32),
        array(np.float32, pixels if propagated else 0),
        array(np.uint16),
        array(np.uint16),
        array(np.uint16),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
    )


def plane_rule(n, **changes):
    options = {
        "method": "mean",
        "clip": 3.0,
        "spread": "std",
        "extrema": (0, 0),
        "weights": np.ones(n),
        "scales": np.ones(n),
        "offsets": np.zeros(n),
        "typical": np.zeros(0),
        "noise": None,
    }
    return PlaneRule(**(options | changes))


def by_plain_form(values, rule, *, flags=None, variances=None):
    """Result of the plain form, validity, and the variances that were expected."""
    n = len(values)
    scale, offset = rule.scales[:, None], rule.offsets[:, None]
    levelled = values.astype(np.float64) * scale + offset
    valid = np.isfinite(levelled)
    if flags is not None:
        valid &= ~mask_of(flags)
    read, slope, pedestal = np.zeros((n, 1)), np.zeros((n, 1)), np.zeros((n, 1))
    if rule.noise is not None:
        read = np.broadcast_to((scale * rule.noise[0]) ** 2, (n, max(1, rule.noise[0].size)))
        slope = np.broadcast_to(scale / rule.noise[1], (n, max(1, rule.noise[1].size)))
        pedestal = scale * rule.noise[2] + offset
    elif variances is not None and rule.spread == "noise":
        own, typical = variances.astype(np.float64) * scale**2, rule.typical[:, None] * scale**2
        relative = np.sort(np.where(valid & np.isfinite(own), own / typical, np.inf), axis=0)
        middle = np.maximum(np.isfinite(relative).sum(axis=0) - 1, 0) // 2
        chosen = np.take_along_axis(relative, middle[None], axis=0)
        read = np.where(np.isfinite(chosen), chosen, 0.0) * typical
    plain = Rule(rule.method, rule.clip, rule.spread, rule.extrema, rule.weights, read, slope, pedestal)
    result = combine_block(levelled, valid, plain)
    if variances is None:
        with np.errstate(invalid="ignore"):
            signal = result.center - pedestal
        variance = np.maximum(read + slope * np.where(np.isfinite(signal), signal, 0), FLOOR * read)
    else:
        variance = variances.astype(np.float64) * scale**2
    share = np.where(result.kept, rule.weights[:, None] if rule.method == "mean" else 1.0, 0.0)
    share[:, result.used == 0] = np.isfinite(levelled[:, result.used == 0])
    with np.errstate(invalid="ignore", divide="ignore"):
        share = share / share.sum(axis=0)
        propagated = np.where(share > 0, share**2 * variance, 0).sum(axis=0)
        propagated[np.isnan(share).any(axis=0)] = np.nan
        empirical = result.scatter * (share**2).sum(axis=0)
    return result, valid, propagated, empirical


def check(values, rule, *, planes=None, flags=None, variances=None, exact=True):
    n, pixels = values.shape
    want = by_plain_form(values, rule, flags=flags, variances=variances)
    result, valid, propagated, empirical = want
    out = totals(n, pixels, propagated=rule.noise is not None or variances is not None)
    stack = PlaneStack(
        planes or [Plane(np.ascontiguousarray(row)).rows(slice(None)) for row in values],
        [None] * n if flags is None else [plane if plane.any() else None for plane in flags],
        None if variances is None else [Plane(np.ascontiguousarray(row)) for row in variances],
    )

    combine_planes(stack, rule, out)

    np.testing.assert_array_equal(out.used, result.used)
    np.testing.assert_array_equal(out.rejected, (valid & ~result.kept).sum(axis=0))
    np.testing.assert_array_equal(out.lost, (result.offered & ~result.kept).sum(axis=1))
    np.testing.assert_array_equal(out.counted, result.offered.sum(axis=1))
    with np.errstate(over="ignore"):
        if exact:
            np.testing.assert_array_equal(out.value, result.value.astype(np.float32))
        np.testing.assert_allclose(out.value, result.value.astype(np.float32), rtol=1e-5)
        np.testing.assert_allclose(out.empirical, empirical.astype(np.float32), rtol=1e-5, atol=1e-12)
        if out.propagated.size:
            np.testing.assert_allclose(out.propagated, propagated.astype(np.float32), rtol=1e-5)
    expected = np.zeros(pixels, np.uint16)
    if flags is not None:
        for bit in (HOT, SUSPECT):
            expected[2 * ((flags & bit) > 0).sum(axis=0) > n] |= bit
    finite = np.isfinite(values).any(axis=0)
    expected[(out.used == 0) & ~mask_of(expected) & finite] |= int(Flags.UNCALIBRATED)
    expected[(out.used == 0) & ~mask_of(expected) & ~finite] |= int(Flags.NO_DATA)
    np.testing.assert_array_equal(out.flags, expected)


rules = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["mean", "median"]),
        "clip": st.sampled_from([None, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0]),
        "spread": st.sampled_from(["noise", "std", "mad"]),
    }
)
# Tiles hold 256 pixels: fewer, whole ones, one and a bit.
shapes = st.tuples(st.integers(1, 23), st.sampled_from([1, 2, 100, 256, 300, 513]))


def integers(random, n, pixels, kind):
    """Small numbers full of ties, narrow noise, the whole range, constants."""
    if kind == "ties":
        return random.integers(0, 5, (n, pixels))
    if kind == "noise":
        values = np.rint(random.normal(1000, 5, (n, pixels)))
        hit = random.random((n, pixels)) < 0.02
        return np.where(hit, random.integers(0, 65536, (n, pixels)), values)
    if kind == "wide":
        return random.integers(0, 65536, (n, pixels))
    return np.full((n, pixels), 65535)


kinds = st.sampled_from(["ties", "noise", "wide", "constant"])
seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=150)
@given(seeds, shapes, kinds, rules, st.sampled_from(["fits", "u2", "i2", ">i2", ">u2"]))
def test_raw_integers_follow_the_rule(seed, shape, kind, options, form):
    values = integers(np.random.default_rng(seed), *shape, kind)
    if options["spread"] == "noise" or seed % 2:
        options = options | {"noise": (np.array([3.0]), np.array([0.5 if seed % 3 else np.inf]), 900.0)}
    rule = plane_rule(shape[0], **options)
    if form == "fits":
        stored = (values.astype(np.int64) - 32768).astype(">i2")
        check(values.astype(np.uint16), rule, planes=[Plane(row, unsigned=True) for row in stored])
    elif form.endswith("i2"):
        check((values - 32768).astype(form), rule)
    else:
        check(values.astype(form), rule)


@pytest.mark.parametrize("n", [32, 33, 48, 49, 64, 65, 100, 200, 333])
@pytest.mark.parametrize("spread", ["noise", "std", "mad"])
def test_many_frames(n, spread):
    random = np.random.default_rng(n)
    noise = (np.array([5.0]), np.array([np.inf]), 0.0)
    rule = plane_rule(n, spread=spread, noise=noise)

    check(integers(random, n, 300, "noise").astype(np.uint16), rule)
    check(random.normal(1000, 5, (n, 300)).astype(np.float32), rule)


# Tiles of up to 32 frames are loaded eight at a time.
@pytest.mark.parametrize("n", [3, 32, 33])
@pytest.mark.parametrize("pixels", [8 * 256, 16 * 256 + 1, 27 * 256 + 100])
def test_tiles_that_are_loaded_together(n, pixels):
    values = integers(np.random.default_rng(n), n, pixels, "noise")
    check(values.astype(np.uint16), plane_rule(n, spread="std", clip=2.5))


def test_pixels_that_are_marked_are_listed():
    random = np.random.default_rng(6)
    place = np.empty(256, np.int64)
    for kind in (np.uint8, np.uint16):
        for share in (0.0, 0.05, 1.0):
            bad = (random.random(256) < share).astype(kind)
            for count in (1, 31, 32, 33, 200, 256):
                found = list_marked(bad, count, place)
                np.testing.assert_array_equal(place[:found], np.flatnonzero(bad[:count]))


@pytest.mark.parametrize("spread", ["noise", "std", "mad"])
@pytest.mark.parametrize("clip", [1.0, 2.5])
def test_pixels_that_lose_values_are_clipped_together_wherever_they_lie(spread, clip):
    # More than wait for each other at once, in more than one group of tiles; some far below, some far above.
    random = np.random.default_rng(3)
    values = integers(random, 20, 9000, "noise")
    values[:, 5000:5040] = random.integers(0, 65536, (20, 40))
    rule = plane_rule(20, spread=spread, clip=clip, noise=(np.array([5.0]), np.array([np.inf]), 0.0))

    check(values.astype(np.uint16), rule)
    values = values.astype(np.float32)
    values[random.random(values.shape) < 0.01] = np.nan
    flags = random.choice(np.array([0, HOT], np.uint16), values.shape, p=[0.99, 0.01])
    check(values, rule, flags=flags)


@settings(max_examples=300)
@given(
    seeds,
    shapes,
    st.sampled_from(["f4", ">f4", "f8", ">f8", "u2", ">i2", "i4", "u1"]),
    rules,
    st.sampled_from([(0, 0), (0, 0), (1, 0), (0, 2), (1, 1), (3, 3)]),
    st.fixed_dictionaries(
        {name: st.booleans() for name in ("missing", "masked", "weights", "levels", "own", "model", "maps")}
    ),
)
def test_everything_else_follows_the_rule(seed, shape, dtype, options, extrema, has):
    random = np.random.default_rng(seed)
    n, pixels = shape
    kind = ["ties", "noise", "wide"][seed % 3]
    values = integers(random, n, pixels, kind) % (256 if dtype == "u1" else 32768)
    if dtype[-2] == "f":
        values = values + (kind != "ties") * random.normal(0, 1, (n, pixels))
    values = values.astype(dtype)
    if has["missing"] and dtype[-2] == "f":
        values[random.random((n, pixels)) < 0.1] = np.nan
        values[random.random((n, pixels)) < 0.03] = np.inf
        values[:, random.random(pixels) < 0.03] = np.nan
    flags = None
    if has["masked"]:
        flags = random.choice(np.array([0, 0, 0, HOT, SUSPECT, HOT | SUSPECT], np.uint16), (n, pixels))
        flags[:, random.random(pixels) < 0.1] = HOT
    variances = None
    if has["own"]:
        variances = random.choice(np.array([1, 25, 100], np.float32), (n, pixels))
        variances[random.random((n, pixels)) < 0.02] = np.nan
        options = options | {"typical": random.choice([1.0, 25.0], n)}
    if has["model"] or (options["spread"] == "noise" and not has["own"]):
        size = pixels if has["maps"] else 1
        maps = random.uniform(2, 6, size), random.uniform(0.5, 2, size)
        options = options | {"noise": (maps[0], maps[1], 20.0)}
    if has["weights"]:
        options = options | {"weights": random.choice([0.5, 1.0, 3.0], n)}
    if has["levels"]:
        options = options | {"scales": random.uniform(0.5, 2, n), "offsets": random.normal(0, 3, n)}
    if sum(extrema) < n:
        options = options | {"extrema": extrema}

    check(values, plane_rule(n, **options), flags=flags, variances=variances, exact=dtype[-2] == "f")


def test_only_flags_that_spoil_a_pixel_take_it_out():
    values = np.full((3, 300), 5.0, np.float32)
    for flag in Flags:
        flags = np.zeros((3, 300), np.uint16)
        flags[0] = int(flag)
        out = totals(3, 300, propagated=False)
        combine_planes(PlaneStack([Plane(row) for row in values], list(flags)), plane_rule(3), out)

        assert (out.used == (2 if flag & BAD_FOR_SCIENCE else 3)).all()


def test_a_value_on_the_limit_is_decided_as_the_plain_form_does():
    # sqrt of the mean square of (0, 0, 0, 0, 1 .. ) times k meets the distance exactly for many small
    # integers.
    random = np.random.default_rng(1)
    for n in (2, 3, 4, 5, 8, 9, 10):
        for clip in (1.0, 1.5, 2.0, 3.0, np.sqrt(n), np.sqrt(n - 1), n / np.sqrt(max(n - 1, 1))):
            check(random.integers(0, 3, (n, 1024)).astype(np.uint16), plane_rule(n, clip=float(clip)))
            check(random.integers(0, 3, (n, 1024)).astype(np.float32), plane_rule(n, clip=float(clip)))


# Integers with a sign count from 32768 below 0, which must not cost the pedestal digits.
@pytest.mark.parametrize(
    ("kind", "pedestal", "read_noise", "level"),
    [("i2", 1000.3013, 0.5, 1001), ("i2", 1000.0005, 1.5, 1001), ("u2", 40000.0013, 0.5, 40000)],
)
@pytest.mark.parametrize("n", [11, 60])
def test_a_pedestal_of_many_digits_next_to_the_limit(kind, pedestal, read_noise, level, n):
    values = np.full((n, 300), level)
    values[1::3] += 1
    values[2::3] -= 1
    values[0] += 20
    expected = np.sqrt(read_noise**2 + max(level - pedestal, 0.0) / 1.5)
    noise = (np.array([read_noise]), np.array([1.5]), pedestal)
    for beyond in (-2e-4, -5e-5, -2e-5, 2e-5, 5e-5, 2e-4):
        rule = plane_rule(n, spread="noise", clip=float(20 / expected * (1 - beyond)), noise=noise)
        check(values.astype(kind), rule)


@pytest.mark.parametrize("pedestal", [1000.3013, 1003.9999, 999.0001])
def test_the_variance_of_a_signal_of_less_than_one_unit(pedestal):
    values = np.random.default_rng(5).integers(998, 1006, (8, 300)).astype(np.int16)
    noise = (np.array([0.1]), np.array([1.0]), pedestal)

    check(values, plane_rule(8, clip=None, noise=noise))
    check(values, plane_rule(8, spread="std", noise=noise))
