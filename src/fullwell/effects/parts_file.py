"""Effects that are no image, on disk: FITS with a tree of parameters and their arrays."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from fullwell.effects.parts import put_together, take_apart
from fullwell.errors import AlreadyExists, FrameError, UnreadableFile
from fullwell.files import write_whole

__all__ = ["holds_parts", "read_parts", "write_parts"]

#: Card of the primary header that says how the parts are written down.
FORM = ("FWPARTS", 1, "form of the extension PARAMETERS")


def write_parts(
    value: Any,
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    cards: Mapping[str, Any] | None = None,
    history: Sequence[str] = (),
) -> None:
    """Write an effect: PARAMETERS is a tree in JSON, as bytes; ARRAYn are the arrays it names.

    Raises
    ------
    ParameterError
        If there is something in it that `take_apart` does not know.
    AlreadyExists
        If the file is there and may not be replaced.
    FileError
        If the disk does not take it.
    """
    path = Path(path)
    if path.exists() and not overwrite:
        raise AlreadyExists(f"{path} exists already; pass overwrite=True to replace it")
    tree, arrays = take_apart(value)
    header = fits.Header([FORM])
    for key, card in (cards or {}).items():
        header[key] = card
    for line in history:
        header.add_history(line)
    text = json.dumps(tree, allow_nan=False).encode()
    hdus = [fits.PrimaryHDU(header=header), fits.ImageHDU(np.frombuffer(text, np.uint8), name="PARAMETERS")]
    hdus += [fits.ImageHDU(_storable(array), name=name) for name, array in arrays.items()]
    stream = io.BytesIO()
    whole = fits.HDUList(hdus)
    whole.update_extend()
    for hdu in whole:
        # The same content gives the same bytes: no clock in the comments.
        hdu.add_checksum(when="")
    whole.writeto(stream)
    write_whole(path, stream.getvalue())


def holds_parts(path: str | os.PathLike[str]) -> bool:
    """Return whether `write_parts` wrote this file.

    Raises
    ------
    UnreadableFile
        If it is no FITS file.
    """
    try:
        return FORM[0] in fits.getheader(path)
    except (OSError, ValueError) as error:
        raise UnreadableFile(Path(path), f"no FITS header ({error})") from error


def read_parts(path: str | os.PathLike[str]) -> Any:
    """Undo `write_parts`.

    Raises
    ------
    UnreadableFile
        If it is no FITS file.
    FrameError
        If the content is none of ours, or of a later form.
    """
    try:
        with fits.open(path, memmap=False) as hdus:
            form = hdus[0].header.get(FORM[0])
            arrays = {hdu.name: hdu.data for hdu in hdus[1:]}
    except (OSError, ValueError) as error:
        raise UnreadableFile(Path(path), f"no FITS file ({error})") from error
    if form != FORM[1]:
        raise FrameError(f"{Path(path).name}: {FORM[0]} = {form!r}, this version reads {FORM[1]}")
    if arrays.get("PARAMETERS") is None:
        raise FrameError(f"{Path(path).name} holds no PARAMETERS")
    try:
        tree = json.loads(arrays["PARAMETERS"].tobytes().decode())
    except ValueError as error:
        raise FrameError(f"{Path(path).name}: PARAMETERS is no JSON ({error})") from error
    # FITS has no array without an element; the tree knows the shape.
    empty = np.zeros(0)
    return put_together(tree, {name: empty if data is None else data for name, data in arrays.items()})


def _storable(array: Any) -> Any:
    if array.size == 0:
        return None
    array = np.atleast_1d(array)
    return array.astype(np.uint8) if array.dtype == bool else array
