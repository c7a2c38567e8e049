"""The header cards of raw frames, as cameras write them."""

from __future__ import annotations

from astropy.io.fits import Card

from fullwell.detector import Detector
from fullwell.simulation.scenario import Scenario
from fullwell.simulation.schedule import Shot

__all__ = ["raw_cards"]

_IMAGE_TYPES = {"bias": "Bias Frame", "dark": "Dark Frame", "flat": "Flat Field", "light": "Light Frame"}


def raw_cards(scenario: Scenario, shot: Shot, *, detector: Detector) -> list[Card]:
    """Return all cards of a raw frame but END.

    Parameters
    ----------
    scenario : Scenario
        Its `header_style` chooses, its `header` is appended.
    shot : Shot
    detector : Detector
        For size, gain, noise and sections.
    """
    cards = _sbig(shot, detector) if scenario.header_style == "sbig" else _plain(scenario, shot, detector)
    return cards + [Card(key, value) for key, value in scenario.header.items()]


def _plain(scenario: Scenario, shot: Shot, detector: Detector) -> list[Card]:
    entry, amplifiers = shot.entry, detector.amplifiers
    rows, columns = detector.raw_shape
    unsigned = detector.adc_bits <= 16
    cards = [
        Card("SIMPLE", True, "conforms to FITS standard"),
        Card("BITPIX", 16 if unsigned else 32, "array data type"),
        Card("NAXIS", 2, "number of array dimensions"),
        Card("NAXIS1", columns),
        Card("NAXIS2", rows),
    ]
    if unsigned:
        cards += [Card("BSCALE", 1), Card("BZERO", 32768)]
    cards += [
        Card("OBJECT", entry.object or (scenario.name if entry.type == "light" else entry.type)),
        Card("IMAGETYP", _IMAGE_TYPES[entry.type], "type of image"),
        Card("EXPTIME", float(entry.exposure_time), "[s] exposure time"),
    ]
    if entry.filter is not None:
        cards.append(Card("FILTER", entry.filter, "name of filter"))
    cards += [
        Card("DATE-OBS", shot.start.isoformat(timespec="milliseconds"), "start of exposure, UTC"),
        Card("INSTRUME", detector.name, "simulated with fullwell"),
        Card("CCD-TEMP", shot.temperature, "[deg C] temperature of the CCD"),
        Card("XBINNING", 1),
        Card("YBINNING", 1),
    ]
    for key, name, comment in (("GAIN", "gain", "[e-/ADU]"), ("RDNOISE", "read_noise", "[e-] read noise")):
        values = {getattr(amplifier, name) for amplifier in amplifiers}
        if len(values) == 1 and None not in values:
            cards.append(Card(key, float(values.pop()), comment))
    if len(amplifiers) == 1:
        only = amplifiers[0]
        cards += [Card("DATASEC", only.data.section, "light-sensitive"), Card("TRIMSEC", only.data.section)]
        if only.overscan is not None:
            cards.append(Card("BIASSEC", only.overscan.section, "overscan"))
    return cards


def _sbig(shot: Shot, detector: Detector) -> list[Card]:
    """Cards as CCDOPS prints them, in its own notation of numbers, and not one more."""
    rows, columns = detector.raw_shape
    size = detector.pixel_size or 9.0
    values = [
        ("SIMPLE", "T", ""),
        ("BITPIX", "16", ""),
        ("NAXIS", "2", ""),
        ("NAXIS1", str(columns), ""),
        ("NAXIS2", str(rows), ""),
        ("OBJECT", "' '", ""),
        ("TELESCOP", "'Unknown Telescope'", None),
        ("INSTRUME", "'SBIG ST-402'", None),
        ("OBSERVER", "'Observer''s Name'", None),
        ("DATE-OBS", f"'{shot.start.isoformat(timespec='milliseconds')}'", "GMT START OF EXPOSURE [WIN]"),
        ("BZERO", _scientific(32768), ""),
        ("BSCALE", _scientific(1), ""),
        ("EXPTIME", _scientific(shot.entry.exposure_time), "EXPOSURE IN SECONDS"),
        ("CCD-TEMP", _scientific(shot.temperature), "CCD TEMP IN DEGREES C"),
        ("XPIXSZ", _scientific(size), "PIXEL WIDTH IN MICRONS"),
        ("YPIXSZ", _scientific(size), "PIXEL HEIGHT IN MICRONS"),
        ("XBINNING", "1", "HORIZONTAL BINNING FACTOR"),
        ("YBINNING", "1", "VERTICAL BINNING FACTOR"),
        ("XORGSUBF", "0", "SUB_FRAME ORIGIN X POS"),
        ("VEROSUBF", "0", "SUB_FRAME ORIGIN Y POS"),  # so it stands in the course's print of a header
    ]
    return [Card.fromstring(_image(*value)) for value in values]


def _image(key: str, value: str, comment: str | None) -> str:
    text = f"{key:8s}= {value:<20s}" if value.startswith("'") else f"{key:8s}= {value:>20s}"
    return text if comment is None else f"{text} / {comment}".rstrip()


def _scientific(value: float) -> str:
    mantissa, exponent = f"{value:+.12E}".split("E")
    return f"{mantissa}E{int(exponent):+04d}"
