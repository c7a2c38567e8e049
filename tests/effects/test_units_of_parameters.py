"""Parameters with a unit become plain numbers in that of the effect; other units are refused."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u

from fullwell import ADC, Bias, CosmicRays, Dark, Detector, SignalChain, Telegraph, Trap
from fullwell.effects import (
    BiasWander,
    ChargeTransfer,
    CodeErrors,
    CorrelatedNoise,
    Crosstalk,
    DarkCurrent,
    Diffusion,
    Fringes,
    Glow,
    Polynomial,
    XRays,
)
from fullwell.errors import ChainError, ParameterError
from fullwell.features import Donuts, TreeRings
from fullwell.scene import Moonlight, Spots, Stars


@pytest.mark.parametrize(
    ("make", "name", "value", "number"),
    [
        (lambda v: Dark(1.0, dead_time=v), "dead_time", 500 * u.ms, 0.5),
        (lambda v: Bias(1000.0, drift=v), "drift", 3 * u.adu, 3.0),
        (lambda v: Trap(5, v), "size", 2 * u.electron, 2.0),
    ],
)
def test_a_unit_is_taken_or_refused(make, name, value, number):
    assert getattr(make(value), name) == pytest.approx(number)
    assert getattr(make(number), name) == number
    with pytest.raises(ParameterError):
        make(1 * u.m)
    with pytest.raises(ParameterError, match=name):
        make(np.nan)


WITH_UNITS = [
    (lambda v: ADC(bits=8, saturation=v), "saturation", 200 * u.adu, 200.0),
    (lambda v: BiasWander(drift=v), "drift", 120 * u.adu / u.h, 120.0),
    (lambda v: BiasWander(drift=v), "drift", 2 * u.adu / u.min, 120.0),
    (lambda v: BiasWander(ramp_length=v), "ramp_length", 20 * u.pix, 20.0),
    (lambda v: CorrelatedNoise(period=v), "period", 40 * u.pix, 40.0),
    (lambda v: CorrelatedNoise(rows=v), "rows", 4 * u.electron, 4.0),
    (lambda v: CosmicRays(diffusion=v), "diffusion", 0.4 * u.pix, 0.4),
    (lambda v: Crosstalk([[0]], threshold=v), "threshold", 5e4 * u.electron, 5e4),
    (lambda v: ChargeTransfer(1e-6, offset_decay=v), "offset_decay", 3 * u.pix, 3.0),
    (lambda v: Diffusion(v), "sigma", 0.4 * u.pix, 0.4),
    (lambda v: XRays(1 * u.s**-1, sigma=v), "sigma", 0.4 * u.pix, 0.4),
    (lambda v: Polynomial((1e-8,), limit=v), "limit", 1e5 * u.electron, 1e5),
    (lambda v: Moonlight(5.0, distance=v), "distance", 1 * u.rad, np.degrees(1)),
    (lambda v: Moonlight(5.0, direction=v), "direction", 30 * u.deg, 30.0),
    (lambda v: Moonlight(5.0, pixel_scale=v), "pixel_scale", 0.2 * u.arcsec / u.pix, 0.2),
    (lambda v: Moonlight(5.0, pixel_scale=v), "pixel_scale", 200 * u.mas, 0.2),
    (lambda v: Stars(1, 2, 3, fwhm=v), "fwhm", 3 * u.pix, 3.0),
    (lambda v: Spots(1, 2, 3, radius=v), "radius", 8 * u.pix, 8.0),
    (lambda v: TreeRings(growth=v), "growth", 2000 * u.pix, 2000.0),
    (lambda v: Donuts(distance=v), "distance", 1 * u.cm, 10.0),
]


@pytest.mark.parametrize(("make", "name", "value", "number"), WITH_UNITS)
def test_every_constructor_takes_units(make, name, value, number):
    assert getattr(make(value), name) == pytest.approx(number)
    with pytest.raises(ParameterError, match=f"{name} = .* something in"):
        make(1 * u.kg)


def test_pairs_of_numbers_take_units():
    law = DarkCurrent(
        hot_fraction=0.1,
        hot_rate=(6e3, 6e5) * u.electron / u.min,
        hot_energy=(0.5 * u.eV, 1e-19 * u.J),
    )
    assert law.hot_rate == pytest.approx((100.0, 1e4))
    assert law.hot_energy == pytest.approx((0.5, 1e-19 / 1.602176634e-19))
    pixels = Telegraph.random(
        (40, 40),
        fraction=0.1,
        amplitude=(60, 120) * u.electron / u.min,
        seed=1,
        temperature=-10 * u.deg_C,
        energy=(0.4, 0.5) * u.eV,
    )
    assert 1 <= pixels.amplitude.min() <= pixels.amplitude.max() <= 2
    assert Telegraph([(1, 2)], temperature=250.0, energy=0.5 * u.eV).energy == pytest.approx(0.5)
    stars = Stars.random(20, shape=(40, 40), flux=(60, 120) * u.electron / u.min, seed=1)
    assert 1 <= stars.flux.min() <= stars.flux.max() <= 2
    for wrong in ((1, 2) * u.m, (2.0, 1.0), (1.0,)):
        with pytest.raises(ParameterError, match="hot_energy"):
            DarkCurrent(hot_energy=wrong)
        with pytest.raises(ParameterError, match="flux"):
            Stars.random(20, shape=(40, 40), flux=wrong, seed=1)


def test_factories_take_units():
    detector = Detector.single((20, 30))
    one = Glow.at_amplifiers(detector, rate=60 * u.electron / u.min, radius=5 * u.pix)
    np.testing.assert_allclose(one.rate, Glow.at_amplifiers(detector, rate=1.0, radius=5.0).rate)
    film = {"shape": (20, 30), "seed": 1}
    lines = [(925.0, 1.0), (937.0, 0.5)]
    same = Fringes.thin_film(
        **film, thickness=0.05 * u.mm, roughness=500 * u.nm, lines=[(nm * u.nm, w) for nm, w in lines]
    )
    plain = Fringes.thin_film(**film, thickness=50.0, roughness=0.5, lines=lines)
    np.testing.assert_allclose(same.pattern, plain.pattern, atol=1e-6)
    for wrong, name in (
        ({"thickness": 5 * u.s}, "thickness"),
        ({"roughness": 60.0, "thickness": 50.0}, "roughness"),
        ({"lines": []}, "lines"),
        ({"lines": [925.0]}, "lines"),
        ({"lines": [(925 * u.s, 1.0)]}, "wavelength of lines"),
    ):
        with pytest.raises(ParameterError, match=name):
            Fringes.thin_film(**film, **wrong)
    with pytest.raises(ParameterError, match="radius"):
        Glow.at_amplifiers(detector, rate=1.0, radius=5 * u.um)


def test_codes_that_do_not_exist_are_refused():
    with pytest.raises(ParameterError, match=r"saturation = 5000.* at most 1023 ADU"):
        ADC(bits=10, saturation=5000)
    assert ADC(bits=10, shift=4, saturation=5000).limit == 5000
    with pytest.raises(ParameterError, match="widths"):
        CodeErrors([0.0, 0.0, 0.0])
    with pytest.raises(ParameterError, match="rate"):
        XRays(1e9)
    with pytest.raises(ParameterError, match=r"seed = 1\.5"):
        SignalChain([Bias(1000.0)], detector=Detector.single((5, 6))).expose(None, 1.0, seed=1.5)


@pytest.mark.parametrize("depth", [0.0, -1.0, np.nan])
def test_silicon_has_a_depth(depth):
    with pytest.raises(ParameterError, match="depth"):
        CosmicRays(depth=depth)


def test_a_telegraph_pixel_outside_of_the_frame_is_refused():
    chain = SignalChain([Telegraph([(1, 2), (3, 9)])], detector=Detector.single((5, 6)))
    with pytest.raises(ChainError, match=r"\(3, 9\) lies outside"):
        chain.expose(None, 1.0, seed=1)
    with pytest.raises(ParameterError, match="whole rows"):
        Telegraph([(1.5, 2.0)])
