"""X-rays of an iron-55 source: known charges, which show gain and diffusion."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np
from astropy import units as u

from fullwell.effects.base import Effect, Kind, Signal, Stage
from fullwell.noise import Noise
from fullwell.quantities import quantity

__all__ = ["XRays", "add_cloud"]

#: Electrons of the lines K-alpha and K-beta of manganese (5.9 and 6.5 keV at 3.65 eV an electron), and the
#: part of the hits that are K-alpha.
LINES = (1620.0, 1778.0)
ALPHA_PART = 0.88
#: Pixels; a cloud that is smaller than this is a point.
_POINT = 1e-3
#: Variance of the charge over its mean in silicon (Fano factor).
FANO = 0.12


@attrs.frozen(eq=False)
class XRays(Effect):
    """Hits of an Fe55 source on the whole detector, without shutter: they come in the dark time.

    Parameters
    ----------
    rate : Quantity or float
        Hits per second on the whole detector, 0 to 1e6.
    sigma : Quantity or float
        Diffusion: standard deviation of the charge cloud, pixels, 0 to 20; 0 puts all charge into one pixel.

    Raises
    ------
    ParameterError
        If a value is impossible.

    Notes
    -----
    Janesick, *Scientific Charge-Coupled Devices* (2001), chapter 2: 1620 electrons with a scatter of
    sqrt(0.12 x 1620) = 14. Electrons of a cloud fall into pixels as expected, rounded so that none gets lost.
    """

    name: ClassVar[str] = "xrays"
    stage: ClassVar[Stage] = Stage.COSMIC_RAYS
    kind: ClassVar[Kind] = Kind.NOISE_ONLY
    rate: float = attrs.field(**quantity(1 / u.s, least=0, most=1e6))
    sigma: float = attrs.field(default=0.3, **quantity(u.pix, least=0, most=20))

    def simulate(self, signal: Signal, *, noise: Noise) -> None:
        """Add the hits; ``signal.truth['xrays']`` has their x, y and electrons, shape (hits, 3)."""
        stream = noise.stream(self.name)
        rows, columns = signal.image.shape
        count = int(stream.poisson(np.array([self.rate * signal.dark_time]))[0])
        x, y, line = (stream.uniform(count, draw=draw) for draw in (1, 2, 3))
        mean = np.where(line < ALPHA_PART, *LINES)
        charge = np.rint(mean + np.sqrt(FANO * mean) * stream.normal(count, draw=4))
        hits = np.column_stack([x * columns - 0.5, y * rows - 0.5, charge])
        image = signal.image.astype(np.float32, copy=True)
        for hit in hits:
            add_cloud(image, *hit, sigma=self.sigma)
        signal.image = image
        signal.truth[self.name] = hits


def add_cloud(image: Any, x: float, y: float, charge: float, *, sigma: float) -> None:
    """Add `charge` whole electrons around column `x` and row `y`, spread by a Gaussian of `sigma` pixels.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Changed in place; what falls outside is lost.
    """
    from scipy.special import ndtr

    reach = int(np.ceil(5 * sigma)) + 1
    column, row = int(np.floor(x + 0.5)), int(np.floor(y + 0.5))

    def shares(center: float, middle: int) -> Any:
        edges = np.arange(middle - reach, middle + reach + 2) - 0.5
        if sigma < _POINT:
            return np.diff((edges > center).astype(float))
        return np.diff(ndtr((edges - center) / sigma))

    # Round running sums: whole electrons, and their number is kept.
    expected = np.cumsum(charge * np.outer(shares(y, row), shares(x, column)).ravel())
    expected[-1] = charge
    cloud = np.diff(np.rint(expected), prepend=0.0).reshape(2 * reach + 1, 2 * reach + 1)
    rows = slice(max(row - reach, 0), min(row + reach + 1, image.shape[0]))
    columns = slice(max(column - reach, 0), min(column + reach + 1, image.shape[1]))
    image[rows, columns] += cloud[
        rows.start - row + reach : rows.stop - row + reach,
        columns.start - column + reach : columns.stop - column + reach,
    ]
