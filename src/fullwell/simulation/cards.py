"""The header cards of raw frames, as cameras write them."""

from __future__ import annotations

from collections.abc import Sequence

from astropy.io.fits import Card

from fullwell.detector import Detector
from fullwell.simulation.scenario import Scenario
from fullwell.simulation.schedule import Shot

__all__ = ["amplifier_cards", "raw_cards"]

#: What lies this fraction below full well counts as full, as for `FullWell.in_adu`.
FULL_MARGIN = 0.01
_IMAGE_TYPES = {
    "bias": "Bias Frame",
    "dark": "Dark Frame",
    "flat": "Flat Field",
    "light": "Light Frame",
    "twilight": "Sky Flat",
    "spots": "Spot",
    "fe55": "Fe55",
}


def raw_cards(scenario: Scenario, shot: Shot, *, detector: Detector) -> list[Card]:
    """Return all cards of a raw frame but END, of several amplifiers those of the primary header.

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
    cards = [Card("SIMPLE", True, "conforms to FITS standard")]
    if len(amplifiers) == 1:
        cards += _image_cards(detector.raw_shape, detector)
    else:
        cards += [Card("BITPIX", 8), Card("NAXIS", 0), Card("EXTEND", True, "one extension an amplifier")]
    cards += [
        Card("OBJECT", entry.object or (scenario.name if entry.type == "light" else entry.type)),
        Card("IMAGETYP", _IMAGE_TYPES[entry.type], "type of image"),
        Card("EXPTIME", float(shot.exposure_time), "[s] exposure time"),
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
    return cards + _saturation(scenario, range(len(amplifiers)), detector)


def amplifier_cards(scenario: Scenario, number: int, *, detector: Detector) -> list[Card]:
    """Return all cards but END of the extension of an amplifier, counted from 0, its sections among them."""
    amplifier = detector.amplifiers[number]
    raw, box = amplifier.raw, amplifier.box
    cards = [Card("XTENSION", "IMAGE", "image extension")]
    cards += _image_cards(raw.shape, detector)
    cards += [Card("PCOUNT", 0), Card("GCOUNT", 1), Card("EXTNAME", amplifier.name)]
    sections = {"DATASEC": amplifier.data, "TRIMSEC": amplifier.data, "BIASSEC": amplifier.overscan}
    inside = {key: part.shifted(-raw.x0, -raw.y0) for key, part in sections.items() if part is not None}
    cards += [Card(key, part.section) for key, part in inside.items()]
    x, y = (box.x0 + 1, box.x1), (box.y0 + 1, box.y1)
    (x0, x1), (y0, y1) = x[:: -1 if amplifier.flip_x else 1], y[:: -1 if amplifier.flip_y else 1]
    cards.append(Card("DETSEC", f"[{x0}:{x1},{y0}:{y1}]", "where the data lie on the detector"))
    for key, value, comment in (
        ("GAIN", amplifier.gain, "[e-/ADU]"),
        ("RDNOISE", amplifier.read_noise, "[e-] read noise"),
    ):
        if value is not None:
            cards.append(Card(key, float(value), comment))
    return cards + _saturation(scenario, [number], detector)


def _saturation(scenario: Scenario, numbers: Sequence[int], detector: Detector) -> list[Card]:
    """Say from which value on an amplifier, the first of several, is full, if the converter is not before."""
    full_well, level = scenario.effects.full_well, scenario.bias.level
    if full_well is None:
        return []
    electrons = (1 - FULL_MARGIN) * full_well.capacity
    levels = [level[i] if isinstance(level, tuple) else level for i in numbers]
    gains = [detector.amplifiers[i].gain or 1.0 for i in numbers]
    full = min(own + electrons / gain for own, gain in zip(levels, gains, strict=True))
    return [Card("SATURATE", round(full, 1), "[adu] full well")] if full < 2**detector.adc_bits - 1 else []


def _image_cards(shape: tuple[int, int], detector: Detector) -> list[Card]:
    unsigned = detector.adc_bits <= 16
    cards = [
        Card("BITPIX", 16 if unsigned else 32, "array data type"),
        Card("NAXIS", 2, "number of array dimensions"),
        Card("NAXIS1", shape[1]),
        Card("NAXIS2", shape[0]),
    ]
    return cards + ([Card("BSCALE", 1), Card("BZERO", 32768)] if unsigned else [])


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
        ("EXPTIME", _scientific(shot.exposure_time), "EXPOSURE IN SECONDS"),
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
