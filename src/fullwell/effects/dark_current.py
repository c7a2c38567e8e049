"""Dark current and temperature: the law, and maps of a detector at one temperature."""

from __future__ import annotations

from typing import Any, Self

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.effects.dark import Dark
from fullwell.effects.dark_law import DarkLaw
from fullwell.effects.silicon import REFERENCE, activated, depletion_term, diffusion_term, kelvin
from fullwell.errors import NotEnoughFrames, ParameterError
from fullwell.flags import FLAG_DTYPE, Flags
from fullwell.noise import FIXED_PATTERN, Noise
from fullwell.quantities import checked_shape, pairs, quantity

__all__ = ["DarkCurrent"]


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
    hot_rate : tuple of float or Quantity
        Lowest and highest excess of those at 25 C, e-/s; evenly spread in the logarithm.
    hot_energy : tuple of float or Quantity
        Lowest and highest activation energy of the excess, eV. Each hot pixel has its own: that is why no
        global factor scales a dark with temperature.
    depletion_error, diffusion_error : float
        Standard errors, where the law was fitted.

    Notes
    -----
    Widenhorn et al. 2002 (Proc. SPIE 4669, 193); Janesick 2001, section 7.1.
    """

    depletion: float = attrs.field(default=10.0, **quantity(u.electron / u.s, least=0))
    diffusion: float = attrs.field(default=0.0, **quantity(u.electron / u.s, least=0))
    spread: float = attrs.field(default=0.0, **quantity(least=0, most=20))
    hot_fraction: float = attrs.field(default=0.0, **quantity(least=0, most=1))
    hot_rate: tuple[float, float] = attrs.field(default=(100.0, 10_000.0), **pairs(u.electron / u.s, above=0))
    hot_energy: tuple[float, float] = attrs.field(default=(0.45, 0.7), **pairs(u.eV, above=0, below=2))
    depletion_error: float = 0.0
    diffusion_error: float = 0.0

    def at(self, temperature: Any) -> float:
        """Return the rate of a typical pixel, e-/s, at a temperature in kelvin or a Quantity."""
        t = kelvin(temperature)
        return self.depletion * float(depletion_term(t)) + self.diffusion * float(diffusion_term(t))

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
        rate, pixels, excess, energy = self._drawn(shape, seed)
        t = kelvin(temperature)
        image = rate * float(depletion_term(t)) + self.diffusion * float(diffusion_term(t))
        image.reshape(-1)[pixels] += excess * activated(energy, t, since=REFERENCE)
        return np.asarray(image, np.float32)

    def _drawn(self, shape: tuple[int, int], seed: int) -> tuple[Any, Any, Any, Any]:
        """Depletion current at the reference, and places, excess and energies of hot pixels."""
        shape = checked_shape(shape)
        stream = Noise(seed, FIXED_PATTERN).stream("dark_current")
        rate = np.full(shape, self.depletion)
        if self.spread:
            rate *= np.exp(self.spread * stream.normal(shape))
        hot = np.flatnonzero(stream.uniform(shape, draw=1) < self.hot_fraction)
        if not hot.size:
            return rate, hot, np.zeros(0), np.zeros(0)
        low, high = np.log(self.hot_rate)
        excess = np.exp(low + (high - low) * stream.uniform(hot.size, draw=2))
        energy = np.interp(stream.uniform(hot.size, draw=3), (0, 1), self.hot_energy)
        return rate, hot, excess, energy

    def dark(self, shape: tuple[int, int], temperature: Any, *, seed: int, **more: Any) -> Dark:
        """Return the effect at one temperature; further arguments are those of `Dark`.

        It knows its law: exposures and frames of another temperature get the rates of that one.
        """
        t = kelvin(temperature)
        _, pixels, excess, energy = self._drawn(shape, seed)
        law = DarkLaw(
            self,
            t,
            np.column_stack(np.unravel_index(pixels, shape)),
            excess * activated(energy, t, since=REFERENCE),
            energy,
        )
        return Dark(rate=self.rates(shape, t, seed=seed), law=law, temperature=t, **more)

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
        terms = np.column_stack([depletion_term(t), diffusion_term(t)]) / sigma[:, None]
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
