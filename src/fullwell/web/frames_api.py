"""Endpoints about frames: the list, one frame, its header."""

from __future__ import annotations

from typing import Any

import attrs
from astropy.io.fits import Header
from starlette.requests import Request

from fullwell import __version__
from fullwell.detector import Amplifier, Box, Detector
from fullwell.flags import BAD_FOR_SCIENCE, Flags
from fullwell.io.checks import DEFAULT_LIMITS, own_errors
from fullwell.io.sources import open_source
from fullwell.io.structure import walk
from fullwell.web.answers import Answer
from fullwell.web.inspecting import Inspector, frame_of, inspector_of
from fullwell.web.library import Entry
from fullwell.web.nights import nights_of
from fullwell.web.opening import ASSEMBLED, MAIN, OpenFrame
from fullwell.web.overviews import TILE, levels_of, tile_type

__all__ = ["cards_of", "describe", "frames", "header", "sections_of", "session"]

_MEANINGS = {
    "BAD": "unusable for a reason given outside",
    "HOT": "dark current far above its neighbors",
    "DEAD": "responds to light far below its neighbors",
    "SATURATED": "the ADC or the pixel was full",
    "COSMIC_RAY": "hit by a cosmic ray",
    "NO_DATA": "no finite value, or outside of the detector",
    "MASKED": "masked by whoever wrote the file",
    "UNCALIBRATED": "a master had no value here",
    "BLEED": "charge bled from a saturated pixel",
    "INTERPOLATED": "value replaced from neighbors",
    "SUSPECT": "near a limit, value probably right",
    "CROSSTALK": "ghost of a bright pixel on another amplifier",
    "EDGE": "near the edge of the detector",
}
_FACTS = (
    "kind",
    "type",
    "filter",
    "exposure_time",
    "temperature",
    "date",
    "shape",
    "dtype",
    "unit",
    "bytes",
    "problem",
)


def session(request: Request) -> Answer:
    """Say what is open, and what flags mean."""
    library = inspector_of(request).library
    return Answer(
        {
            "version": __version__,
            "roots": [{"name": root.name, "path_shown": root.path_shown} for root in library.roots],
            "flags": [
                {
                    "name": plane.name,
                    "bit": plane.value.bit_length() - 1,
                    "bad": bool(plane & BAD_FOR_SCIENCE),
                    "meaning": _MEANINGS[str(plane.name)],
                }
                for plane in Flags
            ],
            "simulator": bool(request.app.state.simulator),
        }
    )


def frames(request: Request) -> Answer:
    """List the frames that are known so far."""
    library = inspector_of(request).library
    library.refresh()
    answer = {"scanning": library.scanning, "generation": library.generation, "remarks": library.remarks}
    return Answer(answer | {"frames": [_listed(entry) for entry in library.entries()]})


def describe(request: Request) -> Answer:
    """Tell all about one frame that does not need its own pixels to be sent."""
    inspector = inspector_of(request)
    frame_id, frame = frame_of(request)
    detector = frame.detector
    return Answer(
        {
            "id": frame_id,
            "name": _name(inspector, frame_id, frame),
            "shape": frame.shape,
            "dtype": str(frame.data.dtype),
            "tile_dtype": tile_type(frame.data).name,
            "unit": frame.unit,
            "gain": frame.gain,
            "planes": list(frame.planes),
            "layout": frame.layout,
            "amplifiers": [] if detector is None else _amplifiers(detector, frame.layout),
            "limits": inspector.limits(frame_id, frame),
            "tile": TILE,
            "levels": levels_of(frame.shape),
            "related": _related(inspector, frame_id),
            "version": frame.version,
        }
    )


def header(request: Request) -> Answer:
    """Return the cards of all extensions of the file."""
    return Answer({"hdus": cards_of(inspector_of(request), str(request.path_params["id"]))})


def cards_of(inspector: Inspector, frame_id: str) -> list[dict[str, Any]]:
    """Return number, name and cards of each extension of the file that a frame lies in."""
    inspector.library.open(frame_id)  # refuses what is gone
    if inspector.library.is_given(frame_id):
        return []
    path = inspector.library.entry(frame_id).path
    with own_errors(path), open_source(path, limits=DEFAULT_LIMITS) as source:
        units = walk(source, limits=DEFAULT_LIMITS)
    return [
        {
            "index": unit.index,
            "name": unit.name or ("PRIMARY" if not unit.index else ""),
            "cards": _cards(unit.header),
        }
        for unit in units
    ]


def sections_of(amplifier: Amplifier, layout: str) -> list[tuple[str, Box]]:
    """Return the named boxes of one amplifier in a frame of this layout."""
    if layout != "raw":
        return [("data", amplifier.box)]
    named = [("data", amplifier.data), ("prescan", amplifier.prescan), ("overscan", amplifier.overscan)]
    return [(name, box) for name, box in (*named, ("parallel", amplifier.parallel)) if box is not None]


def _listed(entry: Entry) -> dict[str, Any]:
    folder, _, name = entry.shown.rpartition("/")
    extension = entry.facts.get("extension")
    return {
        "id": entry.id,
        "name": f"{name} [{extension}]" if extension else name,
        "folder": folder,
        "root": entry.root.name,
        "extension": extension,
        **{fact: entry.facts.get(fact) for fact in _FACTS},
    }


def _name(inspector: Inspector, frame_id: str, frame: OpenFrame) -> str:
    if inspector.library.is_given(frame_id):
        return frame.extension
    name = inspector.library.entry(frame_id).shown.rpartition("/")[2]
    return f"{name} [{frame.extension}]" if frame.extension else name


def _amplifiers(detector: Detector, layout: str) -> list[dict[str, Any]]:
    return [
        {
            "name": amplifier.name,
            "gain": amplifier.gain,
            "boxes": [{"section": name, **attrs.asdict(box)} for name, box in sections_of(amplifier, layout)],
        }
        for amplifier in detector.amplifiers
    ]


def _related(inspector: Inspector, frame_id: str) -> dict[str, str | None]:
    library = inspector.library
    if library.is_given(frame_id):
        return {}
    entry = library.entry(frame_id)
    other = {MAIN: ASSEMBLED, ASSEMBLED: MAIN}.get(entry.part)
    layout = None if other is None else library.id_of(entry.path, other)
    return {"layout": layout, **nights_of(inspector).related.get(frame_id, {})}


def _cards(header: Header) -> list[list[Any]]:
    cards = []
    for card in header.cards:
        value = card.value
        if not isinstance(value, str | bool | int | float):
            value = None if type(value).__name__ == "Undefined" else str(value)
        cards.append([card.keyword, value, card.comment])
    return cards
