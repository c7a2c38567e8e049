"""From the section cards of raw frames to a `Detector`.

The cards are those of the NOAO Mosaic convention: DATASEC (the pixels of this array that hold
data), TRIMSEC (what to keep of them), BIASSEC (overscan), DETSEC or CCDSEC (where the data lie on
the detector, unbinned, backwards where the amplifier is read out from the other side) and CCDSUM
(binning). Prescan and parallel overscan have no card: they follow from the geometry. Several
amplifiers in one image have a letter or a digit behind each keyword (DATASECA, DATASECB, ...).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from astropy.io.fits import Header

from fullwell.detector import Amplifier, AmplifierArray, Box, Detector, lay_out, scans_around
from fullwell.errors import FrameError, ParameterError
from fullwell.io.section_cards import AmplifierCards, Section, read_cards

__all__ = ["detector_from_headers", "mosaic"]

_GAIN_CARDS, _NOISE_CARDS = ("GAIN", "EGAIN"), ("RDNOISE", "READNOIS", "RON")
#: Outside of these the card is a camera setting or a placeholder, not e-/ADU, e- or ADU.
_PLAUSIBLE_GAIN, _PLAUSIBLE_NOISE, _PLAUSIBLE_SATURATION = (0.02, 50.0), (0.1, 200.0), (100.0, 1e8)

#: An assembled image has at most this many times the pixels of its amplifiers.
_WIDEST_GAPS = 4


def detector_from_headers(
    headers: Sequence[Header], shapes: Sequence[tuple[int, int]], *, primary: Header | None = None
) -> Detector | None:
    """Read the geometry of a raw frame from its section cards.

    Parameters
    ----------
    headers : sequence of Header
        One for each image extension, each the frame of one amplifier; or one header of a single
        image, whose amplifiers may have cards with a letter or digit behind the keyword.
    shapes : sequence of tuple of int
        Rows and columns of each image.
    primary : Header, optional
        Its cards count where an extension does not have them.

    Returns
    -------
    Detector or None
        Its raw layout is what `mosaic` makes of the images. Boxes are counted in binned pixels
        from the corner of what was read out. None when there are no section cards, or when they
        say that a single image is data from edge to edge.

    Raises
    ------
    FrameError
        If a section is malformed, does not fit its image, or the amplifiers cannot be placed.
    """
    parts = read_cards(headers, shapes, primary=primary)
    if not parts:
        return None
    if len(headers) > 1 and len(parts) > len(headers):
        raise FrameError(f"{len(parts)} amplifiers in {len(headers)} images: only one image may hold several")
    if len(parts) == 1 and parts[0].kept.box.shape == parts[0].shape:
        return None
    return _detector(parts, parts[0].header)


def mosaic(arrays: Sequence[npt.NDArray[Any]], detector: Detector, *, fill: float = 0) -> npt.NDArray[Any]:
    """Lay the images of the amplifiers side by side into the raw layout of the detector.

    Parameters
    ----------
    arrays : sequence of ndarray
        One for each amplifier, in the order of the detector; or the one image that holds them all.
    detector : Detector
        As `detector_from_headers` returns it.
    fill : float
        Value of pixels that belong to no amplifier.

    Returns
    -------
    ndarray, shape ``detector.raw_shape``
        The same array if there is only one.

    Raises
    ------
    FrameError
        If number or shapes do not fit.
    """
    if len(arrays) == 1 and arrays[0].shape == detector.raw_shape:
        return arrays[0]
    if len(arrays) != len(detector.amplifiers):
        raise FrameError(
            f"{len(arrays)} images for the {len(detector.amplifiers)} amplifiers of {detector.name}"
        )
    canvas = np.full(detector.raw_shape, fill, dtype=np.result_type(*arrays))
    for array, amplifier in zip(arrays, detector.amplifiers, strict=True):
        if array.shape != amplifier.raw.shape:
            raise FrameError(
                f"image of {array.shape} for amplifier {amplifier.name} of {amplifier.raw.shape}"
            )
        canvas[amplifier.raw.slices] = array
    return canvas


def _detector(parts: list[AmplifierCards], header: Header) -> Detector:
    boxes = _targets(parts)
    names = [part.name for part in parts]
    if len(set(names)) < len(names):  # such as EXTNAME = 'IM' in each extension
        names = [str(number) for number in range(1, len(parts) + 1)]
    try:
        if parts[0].suffix:
            amplifiers, raw_shape = tuple(map(_within_image, parts, names, boxes)), parts[0].shape
        else:
            amplifiers, raw_shape = lay_out(list(map(_as_array, parts, names, boxes)))
        return Detector(
            name=_first(header, "INSTRUME") or "unnamed",
            shape=(max(amp.box.y1 for amp in amplifiers), max(amp.box.x1 for amp in amplifiers)),
            raw_shape=raw_shape,
            amplifiers=amplifiers,
            # 32-bit integers hide the bits of the converter; the most that is allowed flags nothing wrongly.
            adc_bits=24 if header.get("BITPIX") == 32 else 16,
            serial=_first(header, "LSST_NUM", "CCDNAME"),
        )
    except ParameterError as error:
        raise FrameError(f"the sections of the amplifiers contradict each other: {error}") from error


def _targets(parts: list[AmplifierCards]) -> list[Section]:
    """Where the kept pixels lie in the assembled image, counted from the corner of what was read."""
    if len(parts) == 1 and parts[0].target is None:
        rows, columns = parts[0].kept.box.shape
        return [attrs.evolve(parts[0].kept, box=Box(0, columns, 0, rows))]
    targets = [_target(part) for part in parts]
    x, y = min(target.box.x0 for target in targets), min(target.box.y0 for target in targets)
    placed = [attrs.evolve(target, box=target.box.shifted(-x, -y)) for target in targets]
    area = max(target.box.x1 for target in placed) * max(target.box.y1 for target in placed)
    lit = sum(part.kept.box.shape[0] * part.kept.box.shape[1] for part in parts)
    if area > _WIDEST_GAPS * lit:
        raise FrameError(f"the amplifiers lie {area} pixels apart and hold {lit}: DETSEC cannot be right")
    return placed


def _target(part: AmplifierCards) -> Section:
    target = part.target
    if target is None:
        raise FrameError(f"amplifier {part.name} has neither DETSEC nor CCDSEC: where do its data belong?")
    ranges = []
    for axis, binning in zip("xy", part.binning, strict=True):
        lo, hi, flip = _range(target, axis)
        # Some cards speak of all data, others of what remains after trimming: the size tells which.
        for source in (part.kept, part.data):
            first, last, backward = _range(source, axis)
            step = _step(hi - lo, last - first, binning)
            if step is not None:
                break
        else:
            raise FrameError(
                f"amplifier {part.name}: DETSEC or CCDSEC {target.box.section} does not fit "
                f"the data {part.data.box.section} with binning {part.binning}"
            )
        kept_first, kept_last, _ = _range(part.kept, axis)
        flip = flip != backward
        start = lo // step + (last - kept_last if flip else kept_first - first)
        ranges.append((start, start + kept_last - kept_first, flip))
    (x0, x1, flip_x), (y0, y1, flip_y) = ranges
    return Section(Box(x0, x1, y0, y1), flip_x, flip_y)


def _range(section: Section, axis: str) -> tuple[int, int, bool]:
    box = section.box
    return (box.x0, box.x1, section.flip_x) if axis == "x" else (box.y0, box.y1, section.flip_y)


def _step(extent: int, pixels: int, binning: int) -> int | None:
    """Detector pixels for one image pixel: 1 for cards in binned pixels; None where nothing fits."""
    if extent == pixels:
        return 1
    # The last binned pixel of a row may be incomplete.
    return binning if abs(extent - pixels * binning) < binning else None


def _as_array(part: AmplifierCards, name: str, target: Section) -> AmplifierArray:
    lit = part.kept.box if _overlap(part.overscan, part.data.box) else part.data.box
    prescan, overscan, parallel = scans_around(lit, part.shape)
    if part.overscan is not None:
        if _is_parallel(part.overscan, lit):
            parallel = part.overscan
        else:
            overscan = part.overscan
            prescan = None if _overlap(prescan, overscan) else prescan
    return AmplifierArray(
        name=name,
        shape=part.shape,
        prescan=_beside(prescan, part.kept.box),
        overscan=_beside(overscan, part.kept.box),
        parallel=_above(parallel, part.kept.box),
        **_common(part, target),
    )


def _within_image(part: AmplifierCards, name: str, target: Section) -> Amplifier:
    data, overscan = part.data.box, part.overscan
    serial = None if overscan is None or _is_parallel(overscan, data) else overscan
    parallel = None if serial is not None else overscan
    boxes = [data, part.kept.box] + ([overscan] if overscan is not None else [])
    raw = Box(
        min(box.x0 for box in boxes),
        max(box.x1 for box in boxes),
        min(box.y0 for box in boxes),
        max(box.y1 for box in boxes),
    )
    return Amplifier(
        name=name,
        raw=raw,
        overscan=_beside(serial, part.kept.box),
        parallel=_above(parallel, part.kept.box),
        **_common(part, target),
    )


def _common(part: AmplifierCards, target: Section) -> dict[str, Any]:
    return {
        "data": part.kept.box,
        "box": target.box,
        "flip_x": target.flip_x,
        "flip_y": target.flip_y,
        "gain": _plausible(part, _GAIN_CARDS, _PLAUSIBLE_GAIN),
        "read_noise": _plausible(part, _NOISE_CARDS, _PLAUSIBLE_NOISE),
        "saturation": _plausible(part, ("SATURATE",), _PLAUSIBLE_SATURATION),
    }


def _first(header: Header, *keys: str) -> str:
    values = (header.get(key) for key in keys)
    return next((value.strip() for value in values if isinstance(value, str) and value.strip()), "")


def _plausible(part: AmplifierCards, keys: Sequence[str], limits: tuple[float, float]) -> float | None:
    for key in keys:
        # Keywords have eight letters: SATURATE of amplifier A is SATURATA.
        value = part.header.get(key[: 8 - len(part.suffix)] + part.suffix)
        if (
            isinstance(value, (int, float))
            and not isinstance(value, bool)
            and limits[0] <= value <= limits[1]
        ):
            return float(value)
    return None


def _is_parallel(overscan: Box, data: Box) -> bool:
    return max(overscan.x0, data.x0) < min(overscan.x1, data.x1)


def _overlap(one: Box | None, other: Box) -> bool:
    return one is not None and one.overlaps(other)


def _beside(box: Box | None, data: Box) -> Box | None:
    """Cut serial scans to the rows of the data: corners are not read under the same conditions."""
    if box is None:
        return None
    y0, y1 = max(box.y0, data.y0), min(box.y1, data.y1)
    return Box(box.x0, box.x1, y0, y1) if y0 < y1 else None


def _above(box: Box | None, data: Box) -> Box | None:
    """Cut parallel overscan to the columns of the data."""
    if box is None:
        return None
    x0, x1 = max(box.x0, data.x0), min(box.x1, data.x1)
    return Box(x0, x1, box.y0, box.y1) if x0 < x1 else None
