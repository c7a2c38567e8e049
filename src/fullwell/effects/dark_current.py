"""Dark current and temperature: the law, and maps of a detector at one temperature."""

from __future__ import annotations

from typing import Any, Self

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.effects.converters import electron_rate
from fullwell.effects.dark import Dark
from fullwell.errors import NotEnoughFrames, ParameterError
from fullwell.flags import FLAG_DTYPE, Flags
from fullwell.noise import FIXED_PATTERN, Noise

__all__ = ["DarkCurrent", "band_gap", "kelvin"]

BOLTZMANN = 8.617333262e-5  # eV/K
#: Kelvin at which rates are stated, as data sheets do: 25 degrees Celsius.
REFERENCE = 298.15
COLDEST, HOTTEST = 100.0, 400.0


def kelvin(value: Any) -> float:
    """Return a temperature in kelvin; a Quantity in degrees Celsius is converted.

    Raises
    ------
    ParameterError
        If it is outside of what the law is good for, 100 to 400 K.
    """
    if isinstance(value, u.Quantity):
        value = value.to_value(u.K, equivalencies=u.temperature())
    if not COLDEST <= value <= HOTTEST:
        raise ParameterError(
            "temperature", value, f"{COLDEST:g} to {HOTTEST:g} K (a Quantity may be in deg_C)"
        )
    return float(value)


def band_gap(temperature: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Band gap of silicon in eV at temperatures in kelvin (Varshni 1967, Physica 34, 149)."""
    t = np.asarray(temperature, np.float64)
    return np.asarray(1.1557 - 7.021e-4 * t**2 / (t + 1108))


def _not_negative(_: Any, attribute: Any, value: float) -> None:
    if not (np.isfinite(value) and value >= 0):
        raise ParameterError(attribute.name, value, "finite and 0 or more")


@attrs.frozen
class DarkCurrent:
    """Dark current of a pixel as a function of temperature, and how pixels differ.

    Parameters
    ----------
    depletion : Quantity or float
        e-/s at 25 C, generated in the depleted silicon and its surface: T^1.5 exp(-Eg / 2kT).
    diffusion : Quantity or float
        e-/s at 25 C, diffusing in from below: T^3 exp(-Eg / kT); it halves twice as fast.
    spread : float
        Standard deviation of the natural logarithm of the pixels' depletion currents.
    hot_fraction : float
        Part of the pixels that is hot or warm.
    hot_rate : tuple of float
        Lowest and highest excess of those at 25 C, e-/s; evenly spread in the logarithm.
    hot_energy : tuple of float
        Lowest and highest activation energy of the excess, eV. Each hot pixel has its own: that is why no
        global factor scales a dark with temperature.
    depletion_error, diffusion_error : float
        Standard errors, where the law was fitted.

    Notes
    -----
    Widenhorn et al. 2002 (Proc. SPIE 4669, 193); Janesick 2001, section 7.1.
    """

    depletion: float = attrs.field(default=10.0, converter=electron_rate, validator=_not_negative)
    diffusion: float = attrs.field(default=0.0, converter=electron_rate, validator=_not_negative)
    spread: float = attrs.field(default=0.0, validator=_not_negative)
    hot_fraction: float = 0.0
    hot_rate: tuple[float, float] = (100.0, 10_000.0)
    hot_energy: tuple[float, float] = (0.45, 0.7)
    depletion_error: float = 0.0
    diffusion_error: float = 0.0

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.hot_fraction <= 1:
            raise ParameterError("hot_fraction", self.hot_fraction, "0 to 1")
        for name, least, most in (("hot_rate", 0.0, np.inf), ("hot_energy", 0.0, 2.0)):
            low, high = getattr(self, name)
            if not least < low <= high < most:
                raise ParameterError(
                    name, (low, high), f"two values above {least:g}, below {most:g}, in order"
                )

    def at(self, temperature: Any) -> float:
        """Return the rate of a typical pixel, e-/s, at a temperature in kelvin or a Quantity."""
        t = kelvin(temperature)
        return self.depletion * float(_depletion(t)) + self.diffusion * float(_diffusion(t))

    def doubling(self, temperature: Any) -> float:
        """Return by how many kelvin it must get warmer for twice the dark current, at that slope."""
        t, step = kelvin(temperature), 0.01
        slope = (np.log(self.at(t + step)) - np.log(self.at(t - step))) / (2 * step)
        return float(np.log(2) / slope)

    def rates(self, shape: tuple[int, int], temperature: Any, *, seed: int) -> npt.NDArray[np.float32]:
        """Return a map of the dark current, e-/s; the same seed is the same detector at any temperature.

        Parameters
        ----------
        shape : tuple of int
            Rows and columns.
        temperature : Quantity or float
            Kelvin, or a Quantity.
        seed : int
        """
        t = kelvin(temperature)
        stream = Noise(seed, FIXED_PATTERN).stream("dark_current")
        image = np.full(shape, self.depletion * float(_depletion(t)))
        if self.spread:
            image *= np.exp(self.spread * stream.normal(shape))
        image += self.diffusion * float(_diffusion(t))
        hot = np.flatnonzero(stream.uniform(shape, draw=1) < self.hot_fraction)
        if hot.size:
            low, high = np.log(self.hot_rate)
            excess = np.exp(low + (high - low) * stream.uniform(hot.size, draw=2))
            energy = np.interp(stream.uniform(hot.size, draw=3), (0, 1), self.hot_energy)
            image.reshape(-1)[hot] += excess * np.exp(energy / BOLTZMANN * (1 / REFERENCE - 1 / t))
        return image.astype(np.float32)

    def dark(self, shape: tuple[int, int], temperature: Any, *, seed: int, **more: Any) -> Dark:
        """Return the effect at one temperature; further arguments are those of `Dark`.

        Exposures that are given another temperature get the rates of that one.
        """
        return Dark(rate=self.rates(shape, temperature, seed=seed), law=self, law_seed=seed, **more)

    @classmethod
    def fit(cls, temperatures: Any, rates: npt.ArrayLike, *, errors: npt.ArrayLike | None = None) -> Self:
        """Fit the two terms to mean rates at several temperatures.

        Parameters
        ----------
        temperatures : Quantity or sequence of float
            Two or more different ones, kelvin.
        rates : array of float
            e-/s, of typical pixels: hot ones follow laws of their own.
        errors : array of float, optional
            Standard errors; 1 % of each rate if not given.

        Returns
        -------
        DarkCurrent
            With standard errors. A term that came out negative is set to 0 and the other fitted alone.

        Raises
        ------
        NotEnoughFrames
            With fewer than two temperatures.
        """
        if isinstance(temperatures, u.Quantity):
            temperatures = temperatures.to_value(u.K, equivalencies=u.temperature())
        t = np.array([kelvin(float(value)) for value in np.atleast_1d(temperatures)])
        y = np.atleast_1d(np.asarray(rates, np.float64))
        if np.unique(t).size < 2 or t.shape != y.shape:
            raise NotEnoughFrames(
                f"the law needs rates at two temperatures or more, there are {np.unique(t)}"
            )
        sigma = (
            0.01 * np.abs(y) if errors is None else np.broadcast_to(np.asarray(errors, np.float64), y.shape)
        )
        if not (np.isfinite(y).all() and (sigma > 0).all()):
            raise ParameterError("rates", y, "finite, with errors above 0")
        terms = np.column_stack([_depletion(t), _diffusion(t)]) / sigma[:, None]
        values, covariance = _solve(terms, y / sigma, [0, 1])
        for k in (0, 1):
            if values[k] < 0:
                values, covariance = _solve(terms, y / sigma, [1 - k])
        spread = np.sqrt(np.diag(covariance))
        return cls(
            depletion=max(float(values[0]), 0.0),
            diffusion=max(float(values[1]), 0.0),
            depletion_error=float(spread[0]),
            diffusion_error=float(spread[1]),
        )

    def scaled(self, dark: Dark, *, measured_at: Any, wanted: Any, hot_above: float = 5.0) -> Dark:
        """Scale a rate to another temperature, typical pixels only.

        Parameters
        ----------
        dark : Dark
            With a rate.
        measured_at, wanted : Quantity or float
            Temperatures, kelvin.
        hot_above : float
            Pixels with more than this many times the median rate have activation energies of their own and
            are flagged HOT: no global factor is right for them.

        Returns
        -------
        Dark
            Without the levels it was measured with, which hold for one temperature.

        Raises
        ------
        ParameterError
            If the dark has no rate.
        """
        rate = np.asarray(dark.rate, np.float32)
        middle = float(np.median(rate))
        if not middle > 0:
            raise ParameterError("dark", middle, "a dark with a median rate above 0")
        hot = rate > hot_above * middle
        factor = np.float32(self.at(wanted) / self.at(measured_at))
        flags = np.zeros(rate.shape, FLAG_DTYPE) if dark.flags is None else dark.flags.copy()
        if rate.ndim:
            flags[hot] |= FLAG_DTYPE.type(Flags.HOT)
        return Dark(
            rate=rate * factor if rate.ndim else float(rate * factor),
            offset=dark.offset,
            dead_time=dark.dead_time,
            flags=flags if rate.ndim else None,
        )


def _solve(
    terms: npt.NDArray[np.float64], y: npt.NDArray[np.float64], free: list[int]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Least squares for the terms that are free; the others are 0."""
    values, covariance = np.zeros(2), np.zeros((2, 2))
    used = terms[:, free]
    scale = np.sqrt((used**2).sum(axis=0))
    inverse = np.linalg.inv((used / scale).T @ (used / scale)) / np.outer(scale, scale)
    values[free] = inverse @ (used.T @ y)
    covariance[np.ix_(free, free)] = inverse
    return values, covariance


def _depletion(t: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """T^1.5 exp(-Eg / 2kT), 1 at the reference."""
    t = np.asarray(t, np.float64)
    exponent = band_gap(REFERENCE) / (2 * BOLTZMANN * REFERENCE) - band_gap(t) / (2 * BOLTZMANN * t)
    return np.asarray((t / REFERENCE) ** 1.5 * np.exp(exponent))


def _diffusion(t: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """T^3 exp(-Eg / kT), 1 at the reference."""
    return _depletion(t) ** 2
