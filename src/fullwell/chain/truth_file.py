"""All that is true about simulated frames: parameters and maps of the detector, and what each frame got."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from fullwell.chain.forward import Exposure, Take
from fullwell.chain.signal_chain import SignalChain
from fullwell.detector import Detector
from fullwell.effects.base import Effect
from fullwell.effects.parts import take_apart
from fullwell.effects.parts_file import read_parts, write_parts
from fullwell.errors import AlreadyExists, FrameError, ParameterError
from fullwell.files import write_whole
from fullwell.scene.source import rate

__all__ = ["ChainTruth", "read_chain_truth", "readable", "write_chain_truth"]

#: What every truth file holds.
KEYS = {"effects", "detector", "frames"}


@attrs.frozen(eq=False)
class ChainTruth:
    """The truth behind a set of frames.

    Parameters
    ----------
    chain : SignalChain
        Every effect with its parameters and maps, and the detector.
    frames : tuple of mapping
        What each effect realized in each frame, in the order of the frames.
    takes : tuple of Take
        Scene, times and noise of each frame; ``chain.expose_sequence(takes, noise=...)`` makes them again.
        Scenes that fullwell does not know are images of e-/s. Empty where the file holds none.
    """

    chain: SignalChain
    frames: tuple[Mapping[str, Any], ...]
    takes: tuple[Take, ...] = ()


def write_chain_truth(
    path: str | os.PathLike[str],
    chain: SignalChain,
    exposures: Sequence[Exposure],
    *,
    overwrite: bool = False,
) -> tuple[Path, Path]:
    """Write the truth: everything into a FITS file, and what is no image into a JSON file of the same name.

    Parameters
    ----------
    path : path
        Of the FITS file; the JSON file stands beside it.
    chain : SignalChain
        That made the exposures.
    exposures : sequence of Exposure
    overwrite : bool
        Whether files of these names may be replaced.

    Returns
    -------
    fits, json : Path

    Raises
    ------
    ParameterError
        If the name ends in .json, which is the other file's.
    AlreadyExists
        If one of the files is there.
    FileError
        If the disk does not take them.
    """
    path = Path(path)
    text = path.with_suffix(".json")
    if path.suffix.lower() == ".json":
        raise ParameterError("path", str(path), "the name of the FITS file, such as 'truth.fits'")
    if text.exists() and not overwrite:
        raise AlreadyExists(f"{text} exists already; pass overwrite=True to replace it")
    detector = chain.detector or (exposures[0].frame.detector if exposures else None)
    content = {
        "effects": list(chain.effects),
        "detector": detector,
        "frames": [dict(exposure.truth) for exposure in exposures],
    } | _taken(exposures)
    write_parts(content, path, overwrite=overwrite, cards={"PRODUCT": ("truth", "what this file is")})
    tree, _ = take_apart(content)
    write_whole(text, (json.dumps(readable(tree), indent=1) + "\n").encode())
    return path, text


def read_chain_truth(path: str | os.PathLike[str]) -> ChainTruth:
    """Read the FITS file that `write_chain_truth` wrote.

    Raises
    ------
    UnreadableFile
        If it is no FITS file.
    FrameError
        If it holds no truth.
    """
    content = read_parts(path)
    if not isinstance(content, dict) or set(content) - {"scenes", "takes"} != KEYS:
        raise FrameError(f"{Path(path).name} holds no truth of simulated frames")
    effects, detector = content["effects"], content["detector"]
    if not all(isinstance(effect, Effect) for effect in effects):
        raise FrameError(f"{Path(path).name}: what stands among the effects is none")
    if not (detector is None or isinstance(detector, Detector)):
        raise FrameError(f"{Path(path).name}: what stands for the detector is none")
    chain = SignalChain(effects, detector=detector)
    return ChainTruth(chain, tuple(content["frames"]), _takes(content, Path(path).name))


def _taken(exposures: Sequence[Exposure]) -> dict[str, Any]:
    """Return what was exposed: each scene once, and which of them each frame has."""
    scenes: list[Any] = []
    takes: list[dict[str, Any]] = []
    places: dict[int, int | None] = {id(None): None}
    for exposure in exposures:
        take = exposure.take
        if take is None:
            return {}
        if id(take.scene) not in places:
            places[id(take.scene)] = len(scenes)
            scenes.append(_storable(take.scene, exposure.light.shape))
        values = {field.name: getattr(take, field.name) for field in attrs.fields(Take)}
        takes.append(values | {"scene": places[id(take.scene)]})
    return {"scenes": scenes, "takes": takes}


def _storable(scene: Any, shape: tuple[int, ...]) -> Any:
    """Return a scene as it is where it can be written down, else its light in e-/s."""
    scene = rate(scene)  # the file keeps no unit
    try:
        take_apart(scene)
    except ParameterError:
        return np.asarray(rate(scene.render(shape)) if hasattr(scene, "render") else scene)
    return scene


def _takes(content: Mapping[str, Any], name: str) -> tuple[Take, ...]:
    scenes, takes = content.get("scenes", []), content.get("takes", [])
    try:
        return tuple(
            Take(**(take | {"scene": None if take["scene"] is None else scenes[take["scene"]]}))
            for take in takes
        )
    except (TypeError, KeyError, IndexError) as error:
        raise FrameError(f"{name}: what stands among the exposures is none ({error})") from error


def readable(tree: Any) -> Any:
    """Make the tree plain: classes become mappings, arrays the name of their extension."""
    if isinstance(tree, list):
        return [readable(part) for part in tree]
    if not isinstance(tree, dict):
        return tree
    match tree:
        case {"class": path, "parts": parts}:
            return {"class": path.rpartition(":")[2]} | {k: readable(v) for k, v in parts.items()}
        case {"map": pairs}:
            return {str(readable(key)): readable(part) for key, part in pairs}
        case {"tuple": parts} | {"list": parts}:
            return [readable(part) for part in parts]
        case {"array": name, "shape": shape}:
            return {"image": name, "shape": shape}
        case {"scalar": value}:
            return readable(value)
        case {"float": text} | {"unit": text} | {"name": text}:
            return text
    return {key: readable(part) for key, part in tree.items()}
