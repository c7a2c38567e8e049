"""How dark current follows temperature in silicon, and temperatures in kelvin."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.errors import ParameterError
from fullwell.quantities import number

__all__ = ["REFERENCE", "activated", "band_gap", "depletion_term", "diffusion_term", "in_kelvin", "kelvin"]

BOLTZMANN = 8.617333262e-5  # eV/K
#: Kelvin at which rates are stated, as data sheets do: 25 degrees Celsius.
REFERENCE = 298.15
COLDEST, HOTTEST = 100.0, 400.0


def kelvin(value: Any) -> float:
    """Return a temperature in kelvin; a Quantity in degrees Celsius is converted.

    Raises
    ------
    ParameterError
        If it is outside of what the laws are good for, 100 to 400 K.
    """
    return in_kelvin(value, least=COLDEST, most=HOTTEST)


def in_kelvin(value: Any, *, least: float, most: float) -> float:
    """Return a temperature in kelvin between two limits; a Quantity in degrees Celsius is converted.

    Raises
    ------
    ParameterError
        If it is no temperature, or not within them.
    """
    allowed = f"{least:g} to {most:g} K (a Quantity may be in deg_C)"
    plain = value
    if isinstance(value, u.Quantity):
        try:
            plain = value.to_value(u.K, equivalencies=u.temperature())
        except u.UnitConversionError as error:
            raise ParameterError("temperature", value, allowed) from error
    try:
        return float(number(plain, "temperature", least=least, most=most))
    except ParameterError as error:
        raise ParameterError("temperature", value, allowed) from error


def band_gap(temperature: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Band gap of silicon in eV at temperatures in kelvin (Varshni 1967, Physica 34, 149)."""
    t = np.asarray(temperature, np.float64)
    return np.asarray(1.1557 - 7.021e-4 * t**2 / (t + 1108))


def depletion_term(t: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """T^1.5 exp(-Eg / 2kT), 1 at the reference."""
    t = np.asarray(t, np.float64)
    exponent = band_gap(REFERENCE) / (2 * BOLTZMANN * REFERENCE) - band_gap(t) / (2 * BOLTZMANN * t)
    return np.asarray((t / REFERENCE) ** 1.5 * np.exp(exponent))


def diffusion_term(t: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """T^3 exp(-Eg / kT), 1 at the reference."""
    return depletion_term(t) ** 2


def activated(energy: npt.ArrayLike, temperature: npt.ArrayLike, *, since: float) -> npt.NDArray[np.float64]:
    """By what factor something grows from temperature `since` on: exp(E/k (1/since - 1/T)), E in eV."""
    inverse = 1 / since - 1 / np.asarray(temperature, np.float64)
    return np.asarray(np.exp(np.asarray(energy, np.float64) / BOLTZMANN * inverse))
