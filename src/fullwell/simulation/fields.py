"""The stars and galaxies of a scenario, before dithering."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.table import Table
from astropy.wcs import WCS

from fullwell.errors import ConfigError, UnreadableFile
from fullwell.noise import FIXED_PATTERN, Noise
from fullwell.scene import Galaxies, Stars, stars_of_catalog, stars_of_luminosity
from fullwell.simulation.scene_tables import GalaxiesTable, StarsTable, WCSTable

__all__ = ["galaxies_of", "stars_of", "wcs_of"]


def stars_of(table: StarsTable, shape: tuple[int, int], *, seed: int, margin: float) -> Stars:
    """Return the stars of a table, `margin` pixels around the frame included.

    Raises
    ------
    UnreadableFile, ConfigError
        If there is no such catalog, or it is no table with these columns.
    ParameterError
        If a value is impossible.
    """
    seeing: dict[str, Any] = {"fwhm": table.fwhm, "profile": table.profile, "beta": table.beta}
    if table.catalog is not None:
        assert table.wcs is not None
        assert table.zero_point is not None
        catalog, columns = _read(Path(table.catalog)), {str(k): v for k, v in table.columns.items()}
        wcs = wcs_of(table.wcs, shape)
        return stars_of_catalog(catalog, wcs=wcs, zero_point=table.zero_point, columns=columns, **seeing)
    number = table.number or 0
    if table.flux is not None:
        return Stars.random(number, shape=shape, flux=table.flux, seed=seed, margin=margin, **seeing)
    assert table.magnitudes is not None
    assert table.zero_point is not None
    wide = math.ceil(margin)
    stars = stars_of_luminosity(
        number,
        shape=(shape[0] + 2 * wide, shape[1] + 2 * wide),
        magnitudes=table.magnitudes,
        zero_point=table.zero_point,
        slope=table.slope,
        seed=seed,
        **seeing,
    )
    return stars.shifted(-wide, -wide)


def galaxies_of(table: GalaxiesTable, shape: tuple[int, int], *, seed: int, margin: float) -> Galaxies:
    """Scatter galaxies evenly; the number above a flux falls as 1/flux, radii and indices are log-even.

    Raises
    ------
    ParameterError
        If a value is impossible.
    """
    stream = Noise(seed, FIXED_PATTERN).stream("galaxies")
    column, row, rank, radius, index, ratio, angle = (
        stream.uniform(table.number, draw=draw).astype(np.float64) for draw in range(7)
    )
    faint, bright = table.flux
    return Galaxies(
        x=column * (shape[1] + 2 * margin) - margin - 0.5,
        y=row * (shape[0] + 2 * margin) - margin - 0.5,
        flux=faint / (1 - rank * (1 - faint / bright)),
        radius=_log_even(radius, table.radius),
        index=_log_even(index, table.index),
        axis_ratio=np.interp(ratio, (0, 1), table.axis_ratio),
        angle=np.pi * angle,
        fwhm=table.fwhm,
    )


def wcs_of(table: WCSTable, shape: tuple[int, int]) -> WCS:
    """Return a tangential projection about the middle of the frame."""
    wcs = WCS(naxis=2)
    scale, angle = table.pixel_scale / 3600, math.radians(table.rotation)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [table.ra, table.dec]
    wcs.wcs.crpix = [(shape[1] + 1) / 2, (shape[0] + 1) / 2]
    wcs.wcs.cdelt = [-scale, scale]
    wcs.wcs.pc = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    wcs.wcs.set()
    return wcs


def _log_even(rank: npt.NDArray[np.float64], limits: tuple[float, float]) -> npt.NDArray[np.float64]:
    return np.asarray(np.exp(np.interp(rank, (0, 1), np.log(limits))))


def _read(path: Path) -> Table:
    if not path.is_file():
        raise UnreadableFile(
            path, "no catalog of stars here (stars.catalog is looked for beside the scenario)"
        )
    options = {"format": "ascii.csv"} if path.suffix.lower() == ".csv" else {}
    try:
        return Table.read(path, **options)
    except Exception as error:  # readers of tables raise whatever they like
        raise ConfigError(f"stars.catalog: {path} cannot be read as a table ({error})") from error
