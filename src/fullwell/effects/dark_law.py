"""How the dark current of every pixel of one detector follows temperature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.detector import Box
from fullwell.effects.converters import places
from fullwell.effects.silicon import activated, depletion_term, kelvin
from fullwell.errors import ChainError, ParameterError
from fullwell.quantities import dimensions, numbers

if TYPE_CHECKING:
    from fullwell.effects.dark_current import DarkCurrent

__all__ = ["DarkLaw", "Scaling", "scaling", "scaling_key"]

#: Kelvin within which temperatures count as the same where no law is known.
SAME_TEMPERATURE = 1.0


def _each(value: Any, name: str, unit: u.UnitBase | None = None) -> npt.NDArray[np.float64]:
    """Numbers, one a pixel; there may be none."""
    if dimensions(value) == 1 and np.size(value) == 0:
        return np.zeros(0)
    return numbers(value, name, unit)


@attrs.frozen
class Scaling:
    """A rate at another temperature: ``slope * rate + shift``.

    Parameters
    ----------
    slope : float
        Of what a pixel collects in its depleted silicon.
    shift : float or ndarray of float32
        Per second; an image where there are hot pixels.
    growth : float
        By what factor the rate of the typical pixel grows.
    """

    slope: float
    shift: Any
    growth: float

    def of(self, rate: Any) -> Any:
        """Return the rate at the other temperature."""
        return np.float32(self.slope) * rate + self.shift


def _excess(value: Any) -> Any:
    return _each(value, "excess")


def _energy(value: Any) -> Any:
    return _each(value, "energy", u.eV)


def _energy_error(value: Any) -> Any:
    return _each(value, "energy_error", u.eV)


@attrs.frozen(eq=False)
class DarkLaw:
    """Typical pixels by the two terms of silicon, hot ones each by its own activation energy.

    Parameters
    ----------
    typical : DarkCurrent
        Of the typical pixel, in the unit of the dark.
    temperature : Quantity or float
        Kelvin (or a Quantity) for which `excess` and the rate of the dark hold.
    pixels : ndarray of int, shape (n, 2)
        Rows and columns of hot and warm pixels.
    excess : ndarray of float, shape (n,)
        What they have more than the typical pixel at `temperature`, per second.
    energy : Quantity or ndarray of float, shape (n,)
        Activation energy of that excess, eV.
    energy_error : ndarray of float, shape (n,)
        Its standard error, where it was measured.

    Raises
    ------
    ParameterError
        If the numbers of pixels, rates and energies differ, or a value is impossible.

    Notes
    -----
    Diffusion current is that of the typical pixel everywhere; in what else they differ, pixels scale with the
    depletion current. No factor is common to all: Widenhorn et al. 2002 (Proc. SPIE 4669, 193).
    """

    typical: DarkCurrent
    temperature: float = attrs.field(converter=kelvin)
    pixels: npt.NDArray[np.int64] = attrs.field(factory=lambda: np.zeros((0, 2)), converter=places)
    excess: npt.NDArray[np.float64] = attrs.field(factory=lambda: np.zeros(0), converter=_excess)
    energy: npt.NDArray[np.float64] = attrs.field(factory=lambda: np.zeros(0), converter=_energy)
    energy_error: npt.NDArray[np.float64] = attrs.field(factory=lambda: np.zeros(0), converter=_energy_error)

    def __attrs_post_init__(self) -> None:
        from fullwell.effects.dark_current import DarkCurrent

        if not isinstance(self.typical, DarkCurrent):
            raise ParameterError("typical", self.typical, "a DarkCurrent")
        number = len(self.pixels)
        for name, allowed in (("excess", (number,)), ("energy", (number,)), ("energy_error", (0, number))):
            if getattr(self, name).size not in allowed:
                raise ParameterError(name, getattr(self, name).size, f"{number} values, one a pixel")

    def check_within(self, shape: tuple[int, ...]) -> None:
        """Check that the pixels lie on an image of a dark.

        Raises
        ------
        ParameterError
            If they do not, or the dark has one rate for all pixels.
        """
        if len(self.pixels) and (len(shape) != 2 or (self.pixels >= shape).any()):
            raise ParameterError("law", f"pixels up to {self.pixels.max(axis=0)}", f"pixels within {shape}")

    def scaling(self, temperature: Any, *, shape: tuple[int, ...]) -> Scaling:
        """Return how a rate of this temperature becomes one of another.

        Parameters
        ----------
        temperature : Quantity or float
            Kelvin, or a Quantity.
        shape : tuple of int
            Rows and columns of the rate.
        """
        t = kelvin(temperature)
        slope = float(depletion_term(t) / depletion_term(self.temperature))
        # Diffusion is the square of the depletion term.
        diffusion = self.typical.diffusion * float(depletion_term(self.temperature)) ** 2
        shift: Any = np.float32(diffusion * (slope**2 - slope))
        before = self.typical.at(self.temperature)
        growth = self.typical.at(t) / before if before > 0 else 1.0
        if len(self.pixels):
            shift = np.full(shape, shift, np.float32)
            grown = activated(self.energy, t, since=self.temperature)
            shift[tuple(self.pixels.T)] += (self.excess * (grown - slope)).astype(np.float32)
        return Scaling(slope, shift, growth)

    def cropped(self, box: Box) -> DarkLaw:
        """Return the law of the pixels in a window."""
        y, x = self.pixels.T
        inside = (y >= box.y0) & (y < box.y1) & (x >= box.x0) & (x < box.x1)
        return attrs.evolve(
            self,
            pixels=self.pixels[inside] - (box.y0, box.x0),
            excess=self.excess[inside],
            energy=self.energy[inside],
            energy_error=self.energy_error[inside] if self.energy_error.size else self.energy_error,
        )


def scaling_key(law: DarkLaw | None, own: float | None, wanted: float | None) -> float | None:
    """Return what a rate depends on when the temperature is `wanted`: a number to 0.01 K, or None.

    Temperatures that are not known are taken to be the same, and so are those within 1 K where there is no
    law.
    """
    own = law.temperature if law is not None else own
    if own is None or wanted is None or (law is None and abs(own - wanted) <= SAME_TEMPERATURE):
        return None
    return round(wanted, 2)


def scaling(
    what: str, law: DarkLaw | None, own: float | None, wanted: float | None, shape: tuple[int, ...]
) -> Scaling | None:
    """Return how a rate is scaled to a temperature; None where it serves as it is.

    Parameters
    ----------
    what : str
        Name of the effect, for the message.
    law : DarkLaw or None
    own, wanted : float or None
        Kelvin.
    shape : tuple of int
        Of the rate.

    Raises
    ------
    ChainError
        If the temperatures differ by more than 1 K and no law is known.
    """
    key = scaling_key(law, own, wanted)
    if key is None:
        return None
    if law is None:
        raise ChainError(
            f"{what}: it holds for {own:.1f} K, the frame has {wanted:.1f} K, and how it follows temperature "
            f"is not known; take darks within {SAME_TEMPERATURE:g} K, or measure them at several "
            "temperatures, which gives the law (a frame whose temperature is None takes it as it is)"
        )
    return law.scaling(key, shape=shape)
