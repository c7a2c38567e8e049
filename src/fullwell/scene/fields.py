"""Star fields from a luminosity function, or from a catalog and a WCS."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from fullwell.errors import ParameterError
from fullwell.noise import FIXED_PATTERN, Noise
from fullwell.scene.stars import Stars

__all__ = ["stars_of_catalog", "stars_of_luminosity"]


def stars_of_luminosity(
    number: int,
    *,
    shape: tuple[int, int],
    magnitudes: tuple[float, float],
    zero_point: float,
    seed: int,
    slope: float = 0.4,
    **seeing: Any,
) -> Stars:
    """Scatter stars evenly, the number brighter than m growing as 10^(slope m).

    Parameters
    ----------
    number : int
        How many between the two magnitudes.
    shape : tuple of int
        Rows and columns of the frame.
    magnitudes : tuple of float
        Brightest and faintest.
    zero_point : float
        Magnitude of a star of 1 e-/s.
    seed : int
        The same seed gives the same field.
    slope : float
        0.6 for stars of one kind evenly in space, about 0.3 to 0.4 toward the poles of the Galaxy.
    **seeing
        `fwhm`, `profile` and `beta` of `Stars`.

    Raises
    ------
    ParameterError
        If a value is impossible.
    """
    bright, faint = (float(magnitude) for magnitude in magnitudes)
    if number < 0:
        raise ParameterError("number", number, "0 stars or more")
    if not (math.isfinite(bright) and math.isfinite(faint) and bright <= faint):
        raise ParameterError("magnitudes", magnitudes, "two numbers, the brightest (lowest) first")
    if not (math.isfinite(slope) and slope > 0):
        raise ParameterError("slope", slope, "above 0")
    stream = Noise(seed, FIXED_PATTERN).stream("stars")
    column, row, rank = (stream.uniform(number, draw=draw) for draw in range(3))
    # The inverse of the cumulated numbers; written so that a field of one magnitude works too.
    brightest = 10 ** (slope * (bright - faint))
    magnitude = faint + np.log10(brightest + rank * (1 - brightest)) / slope
    return Stars(
        x=column * shape[1] - 0.5,
        y=row * shape[0] - 0.5,
        flux=_flux(magnitude, zero_point),
        **seeing,
    )


def stars_of_catalog(
    catalog: Any,
    *,
    wcs: Any,
    zero_point: float,
    columns: Mapping[str, str] | None = None,
    **seeing: Any,
) -> Stars:
    """Put the stars of a catalog where a WCS says.

    Parameters
    ----------
    catalog : astropy Table, or mapping of names to columns
        Right ascension and declination in degrees (or columns with an angular unit), magnitudes.
    wcs : astropy.wcs.WCS
        From sky to pixels that are counted from 0.
    zero_point : float
        Magnitude of a star of 1 e-/s.
    columns : mapping, optional
        Names of the columns that are not called ``ra``, ``dec`` and ``mag``.
    **seeing
        `fwhm`, `profile` and `beta` of `Stars`.

    Returns
    -------
    Stars
        Those outside the frame too, whose wings may reach in; stars without a finite magnitude or position
        (on the other side of the sky) are left out.

    Raises
    ------
    ParameterError
        If a column is missing.
    """
    names = {"ra": "ra", "dec": "dec", "mag": "mag"} | dict(columns or {})
    known = list(catalog.keys())
    missing = [name for name in names.values() if name not in known]
    if missing:
        raise ParameterError("columns", missing, f"columns of the catalog: {', '.join(map(str, known))}")
    ra, dec = (_degrees(catalog[names[key]]) for key in ("ra", "dec"))
    magnitude = np.ma.filled(np.ma.asarray(catalog[names["mag"]], dtype=np.float64), np.nan)
    x, y = wcs.all_world2pix(ra, dec, 0, quiet=True)
    good = np.isfinite(x) & np.isfinite(y) & np.isfinite(magnitude)
    return Stars(x=x[good], y=y[good], flux=_flux(magnitude[good], zero_point), **seeing)


def _degrees(column: Any) -> Any:
    unit = getattr(column, "unit", None)
    values = np.ma.filled(np.ma.asarray(column, dtype=np.float64), np.nan)
    return values if unit is None else np.asarray((values * unit).to_value("deg"))


def _flux(magnitude: Any, zero_point: float) -> Any:
    if not math.isfinite(zero_point):
        raise ParameterError("zero_point", zero_point, "a finite magnitude")
    return 10 ** (-0.4 * (magnitude - zero_point))
