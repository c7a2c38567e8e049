from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullwell.effects.curves import Composed, Polynomial, Spline, Table
from fullwell.effects.inverse_curve import inverse_of
from fullwell.errors import ParameterError

KNOTS = np.linspace(0, 2e5, 11)
CURVES = [
    Polynomial((-1e-7,), limit=2e5),
    Polynomial((-3e-7, 5e-13), limit=2e5),
    Spline(KNOTS, 400 * np.sin(KNOTS / 2e4) * KNOTS / 2e5),
    Table(KNOTS, KNOTS - 3000 * (KNOTS / 2e5) ** 2),
    Composed(Polynomial((-1e-7,), limit=2e5), Polynomial((2e-8,), limit=1.9e5)),
]
names = [type(curve).__name__ for curve in CURVES]


def test_closed_forms():
    x = np.array([0.0, 10.0, 1e3, 1e5, 2e5])
    np.testing.assert_allclose(CURVES[0](x), x - 1e-7 * x**2, rtol=1e-14)
    np.testing.assert_allclose(CURVES[1](x), x - 3e-7 * x**2 + 5e-13 * x**3, rtol=1e-14)
    np.testing.assert_allclose(CURVES[2](KNOTS), KNOTS - CURVES[2].offsets, rtol=1e-14)
    np.testing.assert_allclose(CURVES[3](3e4), 3e4 - 0.5 * (3000 * 0.1**2 + 3000 * 0.2**2))
    np.testing.assert_allclose(CURVES[4](x[:4]), CURVES[4].second(CURVES[4].first(x[:4])))


@pytest.mark.parametrize("curve", CURVES[:3], ids=names[:3])
def test_faint_light_is_read_as_it_is(curve):
    assert float(curve(1.0)) == pytest.approx(1.0, abs=2e-6)


@pytest.mark.parametrize("curve", [c for c in CURVES if not isinstance(c, Table)])
def test_beyond_their_range_curves_go_straight_on(curve):
    below = curve([-50.0, -1.0, 0.0])
    np.testing.assert_allclose(below, [-50.0, -1.0, 0.0], atol=1e-9)
    end = curve(curve.limit + np.array([0.0, 100.0, 200.0]))
    assert end[2] - end[1] == pytest.approx(end[1] - end[0], rel=1e-6)
    assert end[1] > end[0]
    assert np.isnan(curve([np.nan]))[0]


@pytest.mark.parametrize(
    "curve", [CURVES[3], Composed(CURVES[0], CURVES[3]), Composed(Table([0, 1e5], [0, 9e4]), CURVES[1])]
)
def test_tables_stay_as_they_end(curve):
    beyond = curve([-50.0, np.nan, curve.limit + 0.1, 1.5 * curve.limit, 1e9])
    assert beyond[0] == -50.0
    assert np.isnan(beyond[1])
    assert (beyond[2:] == curve(curve.limit)).all()


@pytest.mark.parametrize("curve", CURVES, ids=names)
def test_the_inverse_is_right_to_a_millionth(curve):
    true = np.random.default_rng(1).uniform(0, 0.999999 * curve.limit, 50_000)
    back, slope, beyond = inverse_of(curve).at(curve(true))

    # Where the curve is smooth a millionth, or 1e-4 e-; a table has kinks.
    floor = 0.02 if isinstance(curve, Table) else 1e-4
    assert (np.abs(back - true) <= np.maximum(1.01e-6 * true, floor)).all()
    assert not beyond.any()
    step = 20.0
    numeric = 2 * step / (curve(true + step) - curve(true - step))
    inside = (true > 2 * step) & (true < curve.limit - 2 * step)
    np.testing.assert_allclose(slope[inside], numeric[inside], rtol=2e-3)


@settings(deadline=None, max_examples=30)
@given(st.floats(-4e-7, 4e-7), st.floats(-5e-13, 5e-13), st.floats(2e4, 3e5))
def test_any_rising_polynomial_is_inverted(c0, c1, limit):
    x = np.linspace(0, limit, 2000)
    if (np.diff(x + c0 * x**2 + c1 * x**3) <= 1e-3 * x[1]).any():
        return
    curve = Polynomial((c0, c1), limit=limit)
    back, _, _ = inverse_of(curve).at(curve(x[:-1]))
    np.testing.assert_allclose(back, x[:-1], rtol=2e-6, atol=0.03)


def test_the_inverse_ends_cleanly():
    curve = CURVES[0]
    inverse = inverse_of(curve)
    end = float(curve(curve.limit))
    value, slope, beyond = inverse.at([-5.0, end - 1, end, end + 1, 1e7, np.nan])

    assert value[0] == -5.0
    assert slope[0] == 1.0
    assert beyond.tolist() == [False, False, True, True, True, False]
    np.testing.assert_allclose(value[2:5], curve.limit)
    assert (slope[2:5] == slope[2]).all()
    assert np.isnan(value[5])


def test_the_range_of_a_composed_curve_ends_with_the_first_of_both():
    first, second = Polynomial((-1e-7,), limit=2e5), Polynomial((1e-8,), limit=1e5)
    both = Composed(first, second)
    assert float(first(both.limit)) == pytest.approx(1e5, rel=1e-9)
    assert Composed(second, first).limit == 1e5


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: Polynomial((-3e-6,), limit=2e5), "Polynomial"),
        (lambda: Polynomial((), limit=2e5), "coefficients"),
        (lambda: Polynomial((np.nan,), limit=2e5), "coefficients"),
        (lambda: Polynomial((1e-7,), limit=-1.0), "limit"),
        (lambda: Spline([0, 1e4, 2e4], [0, 0, 3e4]), "Spline"),
        (lambda: Spline([0, 1e4], [0, 0]), "knots of Spline"),
        (lambda: Spline([0, 1e4, 1e4], [0, 0, 0]), "knots of Spline"),
        (lambda: Spline([1, 1e4, 2e4], [0, 0, 0]), "knots of Spline"),
        (lambda: Spline([0, 1e4, 2e4], [5.0, 0, 0]), "Spline at 0"),
        (lambda: Table([0, 1e4, 2e4], [0, 2e4, 1e4]), "Table"),
        (lambda: Table([0, 1e4, 2e4], [0, 2e4]), "entries of Table"),
        (lambda: Table([0, 1e4, 2e4], [0, np.inf, 1e4]), "read"),
    ],
)
def test_impossible_curves_are_refused(make, name):
    with pytest.raises(ParameterError, match=f"^{name} = "):
        make()


def test_a_curve_with_a_break_cannot_be_inverted_so_finely():
    with pytest.raises(ParameterError, match="kinks"):
        inverse_of(Table([0, 100.0, 101.0, 2e7], [0, 50.0, 101.0, 2e7]))
