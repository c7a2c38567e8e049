"""What the preset of a detector states, as tables of a scenario."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fullwell.detector import Detector
from fullwell.detector.presets import load_detector

__all__ = ["filled_in"]

Tables = dict[str, Any]
#: What a scenario calls the same as a detector does.
AS_THEY_ARE = (
    "brighter_fatter",
    "bias_wander",
    "code_errors",
    "crosstalk",
    "cti",
    "defects",
    "diffusion",
    "full_well",
    "glow",
    "nonlinearity",
    "persistence",
    "read_out_dark",
    "shutter",
    "telegraph",
)
#: Nanometers of the light of a filter that says nothing else.
WAVELENGTH = 620.0
#: Standard deviation of the logarithm of the dark currents of pixels, where nothing else is known.
DARK_SPREAD = 0.3
#: A detector states one factor for its hot pixels; theirs lie around it.
HOT_FACTORS = (0.5, 1.5)


def filled_in(values: Mapping[str, Any]) -> Tables:
    """Return the tables of a scenario, with what its detector states where the scenario says nothing.

    Parameters
    ----------
    values : mapping
        As read from a file, unchecked.

    Returns
    -------
    dict
        The same tables where ``effects.detector`` is not set.

    Raises
    ------
    ParameterError
        If there is no detector of that name.
    ValueError
        If the scenario names none.
    """
    effects = values.get("effects")
    if not isinstance(effects, Mapping) or effects.get("detector") is not True:
        return dict(values)
    table = values.get("detector")
    preset = table.get("preset") if isinstance(table, Mapping) else None
    if not isinstance(preset, str):
        raise ValueError("effects.detector takes what a preset states; name it by detector.preset")
    without = effects.get("without", ())
    left_out = set(without) if isinstance(without, list | tuple) else set()
    return _joined(_stated(load_detector(preset), left_out, values), values)


def _filters(values: Mapping[str, Any]) -> set[str]:
    """Return the filters through which light falls on the detector."""
    sequence = values.get("sequence")
    entries = sequence if isinstance(sequence, list | tuple) else ()
    lit = [e for e in entries if isinstance(e, Mapping) and e.get("type") in ("flat", "light", "twilight")]
    return {name for entry in lit if isinstance(name := entry.get("filter") or "", str)}


def _stated(detector: Detector, left_out: Iterable[str], values: Mapping[str, Any]) -> Tables:
    known = {name: dict(table) for name, table in detector.defaults.items() if isinstance(table, Mapping)}
    read_out = known.get("read_out", {})
    tables: Tables = {}
    if "bias" in known:
        tables["bias"] = known["bias"] | {"drift": read_out.get("drift", 0.0)}
    if "dark" in known:
        tables["dark"] = _dark(known["dark"])
    if "cosmic_rays" in known:
        tables["cosmic_rays"] = known["cosmic_rays"]
    if "response" in known:
        tables["response"] = _response(known["response"])
    tables |= {name: known[name] for name in AS_THEY_ARE if name in known}
    if "dark" not in known:
        tables.pop("read_out_dark", None)
    if "nonlinearity" in tables:  # so that it stays what it is when the full well is left out
        tables["nonlinearity"] |= {"capacity": known["full_well"]["capacity"]}
    noise = {name: value for name, value in read_out.items() if name != "drift"}
    if noise:
        tables["correlated_noise"] = noise
    if "fringes" in known:
        tables["fringes"] = _fringes(known["fringes"], values)
    for name in left_out:
        tables.pop(name, None)
    flats = dict.fromkeys(_filters(values), tables["response"]) if "response" in tables else {}
    own = {name: tables[name] for name in ("bias", "dark", "cosmic_rays") if name in tables}
    inside = {name: table for name, table in tables.items() if name not in own and name != "response"}
    return own | {"effects": inside} | ({"flat": flats} if flats else {})


def _fringes(table: Tables, values: Mapping[str, Any]) -> Tables:
    """Return one table for each filter with a sky whose light gets through the silicon."""
    sky, flats = values.get("sky"), values.get("flat")
    shared = {key: value for key, value in table.items() if key not in ("shortest", "sky")}
    lit = _filters(values) & set(sky if isinstance(sky, Mapping) else ())
    said = {name: flats.get(name) if isinstance(flats, Mapping) else None for name in lit}
    red = {name: flat.get("wavelength") for name, flat in said.items() if isinstance(flat, Mapping)}
    return {
        name: shared
        for name in sorted(red)
        if isinstance(nm := red[name] or WAVELENGTH, int | float) and nm >= table["shortest"]
    }


def _dark(table: Tables) -> Tables:
    fraction, factor = table.get("hot_fraction", 1e-5), table.get("hot_factor", 1e3)
    hot = [limit * factor * table["rate"] for limit in HOT_FACTORS]
    return {"rate": table["rate"], "spread": DARK_SPREAD, "hot_fraction": fraction, "hot_rate": hot}


def _response(table: Tables) -> Tables:
    return {
        "pixel_response": table.get("scatter", 0.0),
        "vignetting": table.get("vignetting", 0.0),
        "features": list(table.get("features", ())),
    }


def _joined(stated: Mapping[str, Any], said: Mapping[str, Any]) -> Tables:
    """Take tables key by key; what was said goes first."""
    tables = dict(stated)
    for key, value in said.items():
        both = isinstance(value, Mapping) and isinstance(tables.get(key), Mapping)
        tables[key] = _joined(tables[key], value) if both else value
    return tables
