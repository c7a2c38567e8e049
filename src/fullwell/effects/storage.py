"""Calibration products on disk: FITS that other programs read as images, with what fullwell needs besides."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from astropy import units as u
from astropy.io.fits import Header

from fullwell.effects.base import Effect
from fullwell.effects.bias import Bias
from fullwell.effects.dark import Dark, DarkLevel
from fullwell.effects.dark_current import DarkCurrent
from fullwell.effects.dark_law import DarkLaw
from fullwell.effects.defects import Defects
from fullwell.effects.flat import Flat
from fullwell.effects.parts_file import holds_parts, read_parts, write_parts
from fullwell.errors import FrameError
from fullwell.frame import Frame, Shared
from fullwell.io import read, read_image, write

__all__ = ["load_product", "save_product"]

_LAYOUT = re.compile(r"(DATA|BIAS|TRIM)SEC\d*")
IN_IMAGE = "image"  # a card that points to the extension of its own name


def save_product(
    product: Effect,
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    cards: Mapping[str, Any] | None = None,
    history: Sequence[str] = (),
    header: Header | None = None,
) -> None:
    """Write an effect: what was measured as an image that others can read, anything else as its parts.

    Parameters
    ----------
    product : Effect
        A measured Bias, Dark, Flat or Defects becomes a FITS image; see `write_parts` for the others.
    path : path
        Whole or absent, as `fullwell.io.write`.
    overwrite : bool
        Whether a file of that name may be replaced.
    cards : mapping, optional
        Further cards.
    history : sequence of str
        HISTORY lines.
    header : Header, optional
        Cards of one of the frames, to carry camera, filter and temperature along.

    Raises
    ------
    ParameterError
        If there is something in the effect that no file can hold.
    FileError, AlreadyExists
        As `fullwell.io.write`.
    """
    known = _as_frame(product)
    if known is None:
        own = {"PRODUCT": (product.name, "what this file is")}
        write_parts(product, path, overwrite=overwrite, cards=own | dict(cards or {}), history=history)
        return
    frame, extra, own = known
    frame = frame.with_(header=Header() if header is None else _without_layout(header))
    own |= {"PRODUCT": (product.name, "what this file is")}
    extra["STATISTICS"] = _bytes_of(getattr(product, "statistics", {}))
    write(frame, path, overwrite=overwrite, extra=extra, cards=own | dict(cards or {}), history=history)


def load_product(path: str | os.PathLike[str]) -> Effect:
    """Read what `save_product` wrote.

    Raises
    ------
    FileError
        If the file cannot be read.
    FrameError
        If it is no product of fullwell.
    """
    if holds_parts(path):
        effect = read_parts(path)
        if not isinstance(effect, Effect):
            raise FrameError(f"{Path(path).name} holds no effect but {type(effect).__name__}")
        return effect
    frame = read(path)
    kind = frame.header.get("PRODUCT")
    if kind not in _LOADERS:
        raise FrameError(
            f"{Path(path).name} is no calibration product: PRODUCT = {kind!r}, not one of {sorted(_LOADERS)}"
        )
    return _LOADERS[kind](frame, path, _plain_in(path, "STATISTICS"))


def _without_layout(header: Header) -> Header:
    """Drop where data and overscan lie in a raw frame: a product has the light-sensitive area alone."""
    kept = header.copy()
    for keyword in {card.keyword for card in header.cards if _LAYOUT.fullmatch(card.keyword)}:
        kept.remove(keyword, remove_all=True)
    return kept


def _as_frame(product: Effect) -> tuple[Frame, dict[str, Any], dict[str, Any]] | None:
    """Frame, further images and cards of a product that is an image; None for others."""
    if isinstance(product, Bias) and product.structure is not None and product.count:
        return _bias_frame(product)
    if isinstance(product, Dark) and product.levels:
        return _dark_frame(product)
    if isinstance(product, Flat) and product.count:
        frame = _frame(
            product.response, product.variance, product.flags, u.dimensionless_unscaled, product.applied
        )
        cards = {
            "FWID": product.id,
            "NCOMBINE": product.count,
            "FLATNORM": product.counts,
            "FLATFILT": product.filter,
        }
        shared, extra = _shared_parts(product.shared)
        return frame, extra, cards | shared
    if isinstance(product, Defects) and product.throughput is None and not len(product.traps):
        image = (product.flags != 0).astype(np.uint8)
        cards = {"INTERPOL": (product.interpolate, "pixels are replaced"), "INTERSIZ": product.size}
        return _frame(image, None, product.flags, u.dimensionless_unscaled, ()), {}, cards
    return None


def _frame(data: Any, variance: Any, flags: Any, unit: u.UnitBase, applied: tuple[str, ...]) -> Frame:
    if variance is not None:
        variance = np.broadcast_to(np.asarray(variance, np.float32), data.shape)
    return Frame(data, variance=variance, flags=flags, unit=unit, applied=applied)


def _bias_frame(bias: Bias) -> tuple[Frame, dict[str, Any], dict[str, Any]]:
    assert bias.structure is not None
    frame = _frame(bias.structure, bias.variance, bias.flags, u.adu, bias.applied)
    cards: dict[str, Any] = {
        "FWID": bias.id,
        "NCOMBINE": bias.count,
        "BIASTIME": (bias.dark_time, "[s] dark time"),
    }
    for i, level in enumerate(bias.level, start=1):
        cards[f"BLEVEL{i}"] = level
    for i, noise in enumerate(bias.read_noise, start=1):
        cards[f"RNADU{i}"] = (noise, "[adu] read noise of amplifier")
    for i, error in enumerate(bias.read_noise_error, start=1):
        cards[f"RNERR{i}"] = (error, "[adu] its standard error")
    return frame, {}, cards


def _dark_frame(dark: Dark) -> tuple[Frame, dict[str, Any], dict[str, Any]]:
    """Primary is the longest level; shorter ones follow as LEVELn with VARIANCEn, then RATE and OFFSET."""
    longest = dark.levels[-1]
    frame = _frame(longest.level, longest.variance, dark.flags, dark.unit, dark.applied)
    frame = frame.with_(exposure_time=longest.time, dark_time=longest.time)
    cards: dict[str, Any] = {"NCOMBINE": dark.count, "NLEVELS": len(dark.levels)}
    cards |= {"HASBIAS": (dark.bias_included, "levels hold the bias"), "BIASTIME": dark.bias_time}
    extra: dict[str, Any] = {}
    for i, level in enumerate(dark.levels, start=1):
        cards |= {f"DTIME{i}": (level.time, "[s]"), f"DCOUNT{i}": level.count, f"DID{i}": level.id}
        cards |= {f"DN{i}A{k}": noise for k, noise in enumerate(level.noise, start=1)}
        if level is not longest:
            extra[f"LEVEL{i}"] = level.level
            extra[f"VARIANCE{i}"] = np.broadcast_to(np.asarray(level.variance, np.float32), level.level.shape)
    for name, image in (("RATE", dark.rate), ("OFFSET", dark.offset)):
        if np.ndim(image):
            extra[name] = np.asarray(image, np.float32)
    shared, planes = _shared_parts(dark.shared)
    if dark.temperature is not None:
        cards["DARKTEMP"] = (dark.temperature, "[K] for which the levels hold")
    if dark.law is not None:
        cards["HASLAW"] = (True, "LAW says how pixels follow temperature")
        extra["LAW"] = _bytes_of(_law_as_plain(dark.law))
    return frame, extra | planes, cards | shared


def _bytes_of(plain: Any) -> Any:
    return np.frombuffer(json.dumps(plain, sort_keys=True, allow_nan=True).encode(), np.uint8)[None]


def _plain_in(path: Any, name: str) -> Any:
    return json.loads(read_image(path, name)[0].tobytes().decode())


def _law_as_plain(law: DarkLaw) -> dict[str, Any]:
    arrays = {name: getattr(law, name).tolist() for name in ("pixels", "excess", "energy", "energy_error")}
    return {"typical": attrs.asdict(law.typical), "temperature": law.temperature, **arrays}


def _law_from_plain(plain: dict[str, Any]) -> DarkLaw:
    typical: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in plain["typical"].items()
    }
    return DarkLaw(**plain | {"typical": DarkCurrent(**typical)})


def _shared_parts(shared: Mapping[str, Shared]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Cards and images of the masters within; where a number is an image, its card says so."""
    cards: dict[str, Any] = {}
    images: dict[str, Any] = {}
    for i, (key, share) in enumerate(sorted(shared.items()), start=1):
        cards[f"SHID{i}"] = (key, "master within")
        for name, value in ((f"SHCOEF{i}", share.coefficient), (f"SHVAR{i}", share.variance)):
            if np.ndim(value):
                images[name] = np.asarray(value, np.float32)
            cards[name] = IN_IMAGE if np.ndim(value) else float(value)
    return cards, images


def _load_shared(header: Header, path: Any) -> dict[str, Shared]:
    def value(name: str) -> Any:
        card = header[name]
        return read_image(path, name)[0] if card == IN_IMAGE else float(card)

    shared = {}
    i = 1
    while f"SHID{i}" in header:
        shared[header[f"SHID{i}"]] = Shared(value(f"SHCOEF{i}"), value(f"SHVAR{i}"))
        i += 1
    return shared


def _series(header: Header, stem: str) -> tuple[float, ...]:
    values: list[float] = []
    while f"{stem}{len(values) + 1}" in header:
        values.append(float(header[f"{stem}{len(values) + 1}"]))
    return tuple(values)


def _load_bias(frame: Frame, path: Any, statistics: dict[str, Any]) -> Bias:  # noqa: ARG001
    header = frame.header
    return Bias(
        level=_series(header, "BLEVEL") or 0.0,
        structure=frame.data,
        variance=frame.variance,
        flags=frame.flags,
        applied=frame.applied,
        read_noise=_series(header, "RNADU"),
        read_noise_error=_series(header, "RNERR"),
        count=int(header["NCOMBINE"]),
        dark_time=float(header["BIASTIME"]),
        id=header["FWID"],
        statistics=statistics,
    )


def _load_dark(frame: Frame, path: Any, statistics: dict[str, Any]) -> Dark:
    header = frame.header
    number = int(header["NLEVELS"])
    levels = []
    for i in range(1, number + 1):
        if i == number:
            level, variance = frame.data, frame.variance
        else:
            level, variance = read_image(path, f"LEVEL{i}")[0], read_image(path, f"VARIANCE{i}")[0]
        levels.append(
            DarkLevel(
                float(header[f"DTIME{i}"]),
                level,
                variance,
                int(header[f"DCOUNT{i}"]),
                header[f"DID{i}"],
                _series(header, f"DN{i}A"),
            )
        )
    has_bias = bool(header["HASBIAS"])
    # Masters of a night have the temperature of one of their frames, which all share within 1 K.
    temperature = float(header["DARKTEMP"]) if "DARKTEMP" in header else frame.temperature
    rate: Any = 0.0
    offset: Any = 0.0
    if number > 1 or not has_bias:
        rate = read_image(path, "RATE")[0]
    if number > 1:
        offset = read_image(path, "OFFSET")[0]
    return Dark(
        rate=rate,
        offset=offset,
        unit=frame.unit,
        levels=tuple(levels),
        shared=_load_shared(header, path),
        bias_included=has_bias,
        bias_time=float(header["BIASTIME"]),
        flags=frame.flags,
        applied=frame.applied,
        statistics=statistics,
        temperature=temperature,
        law=_law_from_plain(_plain_in(path, "LAW")) if header.get("HASLAW") else None,
    )


def _load_flat(frame: Frame, path: Any, statistics: dict[str, Any]) -> Flat:
    header = frame.header
    return Flat(
        response=frame.data,
        variance=frame.variance,
        shared=_load_shared(header, path),
        counts=float(header["FLATNORM"]),
        flags=frame.flags,
        filter=header["FLATFILT"],
        applied=frame.applied,
        count=int(header["NCOMBINE"]),
        id=header["FWID"],
        statistics=statistics,
    )


def _load_defects(frame: Frame, path: Any, statistics: dict[str, Any]) -> Defects:  # noqa: ARG001
    header = frame.header
    return Defects(
        frame.flags, interpolate=bool(header.get("INTERPOL", False)), size=int(header.get("INTERSIZ", 5))
    )


_LOADERS: dict[str, Callable[[Frame, Any, dict[str, Any]], Bias | Dark | Flat | Defects]] = {
    "bias": _load_bias,
    "dark": _load_dark,
    "flat": _load_flat,
    "defects": _load_defects,
}
