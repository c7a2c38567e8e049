"""Numbers that users give, with a unit or in the one that is stated: checked, and refused by name."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.errors import ParameterError

__all__ = [
    "Limits",
    "checked_shape",
    "choice",
    "choices",
    "dimensions",
    "in_unit",
    "number",
    "numbers",
    "pair",
    "pairs",
    "quantities",
    "quantity",
    "seed",
    "seeds",
    "several",
    "switch",
    "switches",
]

#: What a finite number may be at most: its square is still one of float64, itself one of float32.
LARGEST = 1e30
_LARGEST_SHAPE = 100_000
_LARGEST_SEED = 2**64 - 1


@attrs.frozen
class Limits:
    """What a number may be.

    Parameters
    ----------
    unit : astropy unit or None
        In which plain numbers are.
    least, most : float or None
        Lowest and highest value that is allowed.
    above, below : float or None
        The same, but the value itself is not allowed.
    whole : bool
        Whether it has to be a whole number.
    infinite : bool
        Whether infinity is allowed.
    """

    unit: u.UnitBase | None = None
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    whole: bool = False
    infinite: bool = False

    def hold(self, value: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Return which values are allowed."""
        good = ~np.isnan(value) if self.infinite else np.abs(value) < LARGEST
        for limit, inside in (
            (self.least, np.greater_equal),
            (self.most, np.less_equal),
            (self.above, np.greater),
            (self.below, np.less),
        ):
            if limit is not None:
                good &= inside(value, limit)
        if self.whole:
            good &= np.floor(value) == value
        return good

    def __str__(self) -> str:
        words = "a whole number" if self.whole else "a number" if self.infinite else "a finite number"
        unit = "" if self.unit is None else _name_of(self.unit)
        parts = [f"{words}{f' in {unit}' if unit else ''}"]
        if self.least is not None and self.most is not None:
            parts.append(f"{self.least:g} to {self.most:g}")
        else:
            parts += [f"{self.least:g} or more"] if self.least is not None else []
            parts += [f"at most {self.most:g}"] if self.most is not None else []
        parts += [f"above {self.above:g}"] if self.above is not None else []
        parts += [f"below {self.below:g}"] if self.below is not None else []
        return ", ".join(parts)

    def refused(self, name: str, value: Any) -> ParameterError:
        """Return the error that says what would be allowed."""
        allowed = str(self)
        large = isinstance(value, float) and math.isfinite(value) and abs(value) >= LARGEST
        return ParameterError(name, value, f"{allowed}, smaller than {LARGEST:g}" if large else allowed)


def _name_of(unit: u.UnitBase) -> str:
    # astropy writes the factor of 1/s too.
    return str(unit).removeprefix("1.0 ").replace("electron", "e-").replace(" / ", "/")


def in_unit(value: Any, unit: u.UnitBase | None, *, name: str = "quantity") -> Any:
    """Strip a Quantity to `unit`; anything else is taken to be in `unit` already.

    Raises
    ------
    ParameterError
        If the Quantity is of another kind.
    """
    if not isinstance(value, u.Quantity):
        return value
    unit = u.dimensionless_unscaled if unit is None else unit
    try:
        return value.to_value(unit)
    except (u.UnitConversionError, TypeError) as error:
        raise ParameterError(name, value, f"something in {_name_of(unit) or 'no unit'}") from error


def dimensions(value: Any) -> int:
    """How many dimensions a value has as an array; -1 for a list of lists of different lengths."""
    try:
        return int(np.ndim(value))
    except ValueError:
        return -1


def number(
    value: Any, name: str, of: Limits | u.UnitBase | None = None, /, *, optional: bool = False, **bounds: Any
) -> Any:
    """Return a plain number, if it is one and allowed.

    Parameters
    ----------
    value : float or Quantity
    name : str
        Of the parameter, for the message.
    of : Limits or astropy unit, optional
        What is allowed, or the unit in which plain numbers are.
    optional : bool
        Whether None is allowed.
    **bounds
        Further parameters of `Limits`.

    Returns
    -------
    float
        Or int, where only whole numbers are allowed.

    Raises
    ------
    ParameterError
        If it is a truth value, a word, complex, several numbers, of another unit, or not within the limits.
    """
    if value is None and optional:
        return None
    limits = of if isinstance(of, Limits) else Limits(of, **bounds)
    plain = in_unit(value, limits.unit, name=name)
    if isinstance(plain, np.ndarray) and plain.ndim == 0:
        plain = plain[()]
    if isinstance(plain, bool | np.bool_) or not isinstance(plain, Real):
        raise limits.refused(name, value)
    try:
        result = float(plain)
    except OverflowError:
        result = math.inf
    if not limits.hold(np.array(result)):
        raise limits.refused(name, value)
    return int(result) if limits.whole and math.isfinite(result) else result


def numbers(
    value: Any, name: str, of: Limits | u.UnitBase | None = None, /, **bounds: Any
) -> npt.NDArray[np.float64]:
    """Return one number or several as an array of one dimension; see `number`.

    Raises
    ------
    ParameterError
        If there is none, or one of them is not allowed.
    """
    limits = of if isinstance(of, Limits) else Limits(of, **bounds)
    if isinstance(value, list | tuple):
        value = [in_unit(part, limits.unit, name=name) for part in value]
    try:
        array = np.atleast_1d(np.asarray(in_unit(value, limits.unit, name=name)))
    except ValueError as error:
        if isinstance(error, ParameterError):
            raise
        raise ParameterError(name, value, f"{limits}; one, or a sequence of them") from error
    if array.ndim != 1 or not array.size or array.dtype.kind not in "iuf":
        raise ParameterError(name, value, f"{limits}; one, or a sequence of them")
    array = array.astype(np.float64)
    bad = ~limits.hold(array)
    if bad.any():
        raise limits.refused(name, float(array[bad][0]))
    return array


def several(
    value: Any,
    name: str,
    of: Limits | u.UnitBase | None = None,
    /,
    *,
    size: int | None = None,
    optional: bool = False,
    **bounds: Any,
) -> Any:
    """Return one number or several as a tuple; see `numbers`.

    Parameters
    ----------
    value, name, of, **bounds
        As for `number`.
    size : int, optional
        How many there have to be.
    optional : bool
        Whether None is allowed.
    """
    if value is None and optional:
        return None
    limits = of if isinstance(of, Limits) else Limits(of, **bounds)
    found = numbers(value, name, limits)
    if size is not None and found.size != size:
        raise ParameterError(name, value, f"{size} numbers, each {limits}")
    return tuple(found.tolist())


def pair(
    value: Any, name: str, of: Limits | u.UnitBase | None = None, /, **bounds: Any
) -> tuple[float, float]:
    """Return two numbers, the smaller one first; see `number`.

    Raises
    ------
    ParameterError
        If there are not two, or the first is larger.
    """
    limits = of if isinstance(of, Limits) else Limits(of, **bounds)
    found = numbers(value, name, limits)
    if found.size != 2 or found[0] > found[1]:
        raise ParameterError(name, value, f"two numbers, the smaller one first, each {limits}")
    return float(found[0]), float(found[1])


def seed(value: Any, name: str = "seed", *, optional: bool = False) -> Any:
    """Return the seed of random numbers, 0 to 2**64 - 1.

    Raises
    ------
    ParameterError
        If it is none.
    """
    if value is None and optional:
        return None
    allowed = "a whole number, 0 to 2**64 - 1"
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise ParameterError(name, value, allowed)
    if not 0 <= value <= _LARGEST_SEED:
        raise ParameterError(name, value, allowed)
    return int(value)


def checked_shape(value: Any, name: str = "shape") -> tuple[int, int]:
    """Return rows and columns.

    Raises
    ------
    ParameterError
        If they are not two whole numbers, 1 to 100 000.
    """
    limits = Limits(least=1, most=_LARGEST_SHAPE, whole=True)
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise ParameterError(name, value, f"rows and columns, each {limits}")
    return number(value[0], name, limits), number(value[1], name, limits)


def switch(value: Any, name: str) -> bool:
    """Return True or False, and refuse everything else.

    Raises
    ------
    ParameterError
    """
    if not isinstance(value, bool | np.bool_):
        raise ParameterError(name, value, "True or False")
    return bool(value)


def choice(value: Any, name: str, *words: str) -> Any:
    """Return one of these words, and refuse everything else.

    Raises
    ------
    ParameterError
    """
    if not isinstance(value, str) or value not in words:
        quoted = [repr(word) for word in words]
        raise ParameterError(name, value, f"{', '.join(quoted[:-1])} or {quoted[-1]}")
    return value


def quantity(
    of: Limits | u.UnitBase | None = None, /, *, optional: bool = False, **bounds: Any
) -> dict[str, Any]:
    """Return what makes an attrs field one number: a converter that knows the name of the field.

    Parameters
    ----------
    of, optional, **bounds
        As for `number`.
    """
    limits = of if isinstance(of, Limits) else Limits(of, **bounds)
    return _field(lambda value, name: number(value, name, limits, optional=optional))


def quantities(
    of: Limits | u.UnitBase | None = None, /, *, size: int | None = None, **bounds: Any
) -> dict[str, Any]:
    """Return what makes an attrs field several numbers; see `several`."""
    limits = of if isinstance(of, Limits) else Limits(of, **bounds)
    return _field(lambda value, name: several(value, name, limits, size=size))


def pairs(of: Limits | u.UnitBase | None = None, /, **bounds: Any) -> dict[str, Any]:
    """Return what makes an attrs field two numbers, the smaller one first; see `pair`."""
    limits = of if isinstance(of, Limits) else Limits(of, **bounds)
    return _field(lambda value, name: pair(value, name, limits))


def seeds(*, optional: bool = False) -> dict[str, Any]:
    """Return what makes an attrs field a seed; see `seed`."""
    return _field(lambda value, name: seed(value, name, optional=optional))


def switches() -> dict[str, Any]:
    """Return what makes an attrs field True or False; see `switch`."""
    return _field(switch)


def choices(*words: str) -> dict[str, Any]:
    """Return what makes an attrs field one of these words; see `choice`."""
    return _field(lambda value, name: choice(value, name, *words))


def _field(convert: Callable[[Any, str], Any]) -> dict[str, Any]:
    def converter(value: Any, field: Any) -> Any:
        return convert(value, field.alias or field.name)

    return {"converter": attrs.Converter(converter, takes_field=True)}
