"""What is known of an exposure from its header: each value with its raw form and the rule that was used."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

__all__ = ["Metadata", "Value", "iso_time"]

_ABSOLUTE_ZERO = -273.15  # deg C
_MJD_ZERO = datetime(1858, 11, 17, tzinfo=UTC)


@attrs.frozen
class Value:
    """One fact from a header.

    Parameters
    ----------
    value : object
        The normalized value; None where the header says nothing that can be used.
    raw : object
        What stands in the header.
    keyword : str
        Where it stands; several keywords are joined by ``+``.
    rule : str
        How `value` came from `raw`, or why there is none.
    """

    value: Any = None
    raw: Any = None
    keyword: str = ""
    rule: str = "not in the header"

    def __bool__(self) -> bool:
        return self.value is not None


@attrs.frozen
class Metadata:
    """The header of one exposure, translated.

    Parameters
    ----------
    frame_type : Value of str
        ``'bias'``, ``'dark'``, ``'flat'``, ``'science'``, ``'darkflat'``, ``'arc'``, ``'fringe'``,
        ``'standard'``, ``'focus'``, ``'other'`` or ``'unknown'``.
    exposure_time, dark_time : Value of float
        Seconds open to light, and seconds in which dark current collected.
    filter : Value of str
    temperature, set_temperature : Value of float
        Degrees Celsius: measured, and asked for.
    gain : Value of float
        e-/ADU (of the first amplifier where there are several).
    gain_setting, offset_setting : Value of float or str
        What a camera was set to; no physical unit.
    read_noise : Value of float
        Electrons.
    readout_mode : Value of str
    binning : Value of tuple of int
        Along x and along y.
    window : Value of tuple of int
        Column and row of the first pixel on the detector, counted from 0, in binned pixels.
    sections : Value of dict
        Section strings by keyword (DATASEC, BIASSEC, ...), blanks removed.
    saturation : Value of float
        ADU.
    camera : Value of str
        Instrument, with the serial number where there is one.
    target : Value of str
        What the telescope pointed at.
    start_time, mid_time : Value of float
        Start and middle of the exposure, modified Julian date in days, in the time scale of the header
        (UTC nearly always; `rule` names TIMESYS where it is another).
    already_calibrated : Value of tuple of str
        Signs that the frame has been calibrated before; an empty tuple if there are none.
    """

    frame_type: Value = Value()
    exposure_time: Value = Value()
    dark_time: Value = Value()
    filter: Value = Value()
    temperature: Value = Value()
    set_temperature: Value = Value()
    gain: Value = Value()
    gain_setting: Value = Value()
    offset_setting: Value = Value()
    read_noise: Value = Value()
    readout_mode: Value = Value()
    binning: Value = Value()
    window: Value = Value()
    sections: Value = Value()
    saturation: Value = Value()
    camera: Value = Value()
    target: Value = Value()
    start_time: Value = Value()
    mid_time: Value = Value()
    already_calibrated: Value = Value(value=())

    @property
    def kelvin(self) -> float | None:
        """Measured temperature in kelvin."""
        return None if self.temperature.value is None else self.temperature.value - _ABSOLUTE_ZERO

    @property
    def start_iso(self) -> str | None:
        """Start of the exposure as ISO 8601 with milliseconds."""
        return iso_time(self.start_time.value)

    @property
    def mid_iso(self) -> str | None:
        """Middle of the exposure as ISO 8601 with milliseconds."""
        return iso_time(self.mid_time.value)


def iso_time(mjd: float | None) -> str | None:
    """Return a modified Julian date as ISO 8601 with milliseconds; None stays None.

    A date outside of the calendar (years 1 to 9999) gives None too.
    """
    if mjd is None or not math.isfinite(mjd):
        return None
    try:
        moment = _MJD_ZERO + timedelta(milliseconds=round(mjd * 86_400_000))
    except OverflowError:
        return None
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds")
