"""Effects and what they realized, as extensions of the truth file and as plain JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.io import fits

from fullwell.chain.truth_file import readable
from fullwell.effects.parts import put_together, take_apart

__all__ = ["parts_as_hdus", "parts_from_hdus"]

Array = npt.NDArray[Any]


def parts_as_hdus(content: Any, *, known: Sequence[Any]) -> tuple[list[Any], Any]:
    """Return extensions that hold `content`, and the same as plain JSON in which images are named.

    Parameters
    ----------
    content : mapping
        Of effects and whatever `take_apart` knows.
    known : sequence of HDU
        Extensions of the same file. An image that is among them already is named, not written again.

    Returns
    -------
    hdus : list
        PARAMETERS, a tree in JSON, as bytes; ARRAYn, the images and lists that it names.
    tree
        The same tree for people to read.
    """
    tree, arrays = take_apart(content)
    there = {hdu.name: hdu.data for hdu in known if isinstance(hdu, fits.ImageHDU)}
    names, new = _named_once(arrays, there)
    tree = _renamed(tree, names)
    text = np.frombuffer(json.dumps(tree, allow_nan=False).encode(), np.uint8)
    hdus = [fits.ImageHDU(text, name="PARAMETERS")]
    hdus += [fits.ImageHDU(_storable(array), name=name) for name, array in new.items()]
    return hdus, readable(tree)


def parts_from_hdus(hdus: Any) -> Any:
    """Undo `parts_as_hdus`; None where there are no such extensions.

    Raises
    ------
    FrameError
        If the tree asks for what is not there.
    """
    if "PARAMETERS" not in hdus:
        return None
    tree = json.loads(np.asarray(hdus["PARAMETERS"].data).tobytes().decode())
    # FITS has no array without an element; the tree knows the shape.
    images = [hdu for hdu in hdus if isinstance(hdu, fits.ImageHDU) and hdu.ver == 1]
    arrays = {hdu.name: np.zeros(0) if hdu.data is None else np.array(hdu.data) for hdu in images}
    return put_together(tree, arrays)


def _named_once(
    arrays: Mapping[str, Array], there: Mapping[str, Array]
) -> tuple[dict[str, str], dict[str, Array]]:
    """Return the names under which arrays are stored, and those to store; the same array is stored once."""
    first = {_content(array): name for name, array in there.items()}
    names = {name: first.setdefault(_content(array), name) for name, array in arrays.items()}
    return names, {name: array for name, array in arrays.items() if names[name] == name}


def _content(array: Array) -> tuple[Any, ...]:
    """Return what two arrays share only if they are the same to the last bit."""
    return array.shape, array.dtype.str, hashlib.blake2b(np.ascontiguousarray(array).data).digest()


def _renamed(tree: Any, names: Mapping[str, str]) -> Any:
    if isinstance(tree, list):
        return [_renamed(part, names) for part in tree]
    if not isinstance(tree, dict):
        return tree
    if set(tree) == {"array", "dtype", "shape"}:
        return tree | {"array": names[tree["array"]]}
    return {key: _renamed(part, names) for key, part in tree.items()}


def _storable(array: Array) -> Array | None:
    if array.size == 0:
        return None
    array = np.atleast_1d(array)
    return array.astype(np.uint8) if array.dtype == bool else array
