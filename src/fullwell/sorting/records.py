"""What sorting a folder gives: a record for each frame, a reason for each file set aside, remarks."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import attrs

from fullwell.io.metadata import Metadata

__all__ = ["FrameRecord", "Remark", "SetAside", "Severity", "Sorted"]

#: ``'info'`` is worth knowing, ``'warning'`` wants a look, ``'error'`` is a file that cannot be used.
Severity = Literal["info", "warning", "error"]


@attrs.frozen(eq=False)
class FrameRecord:
    """One frame that can be worked with.

    Parameters
    ----------
    path : Path
    name : str
        Path relative to the folder, with ``/``.
    content_hash : str
        Of the content of the file.
    shape : tuple of int
        Rows and columns of the raw frame.
    dtype : str
        Of the pixels.
    type : str
        ``'bias'``, ``'dark'``, ``'flat'`` or ``'science'``.
    rule : str
        How the type was found.
    is_guess : bool
        Whether the type was guessed from the name of the file.
    metadata : Metadata
    problems : tuple of str
        What is odd about this frame but does not keep it from being used.
    """

    path: Path
    name: str
    content_hash: str
    shape: tuple[int, int]
    dtype: str
    type: str
    rule: str
    is_guess: bool
    metadata: Metadata
    problems: tuple[str, ...] = ()


@attrs.frozen
class SetAside:
    """One file that is not used.

    Parameters
    ----------
    name : str
        Path relative to the folder, with ``/``.
    reason : str
    severity : {'info', 'warning', 'error'}
        ``'info'`` where the user wished it so.
    """

    name: str
    reason: str
    severity: Severity = "warning"


@attrs.frozen
class Remark:
    """Something that a careful observer would point out.

    Parameters
    ----------
    text : str
    severity : {'info', 'warning'}
    names : tuple of str
        The frames it is about.
    """

    text: str
    severity: Severity = "info"
    names: tuple[str, ...] = ()


@attrs.frozen(eq=False)
class Sorted:
    """A folder, sorted: each file is named once, in `records`, `set_aside` or `ignored`.

    Parameters
    ----------
    records : tuple of FrameRecord
        In natural order of their names.
    set_aside : tuple of SetAside
    remarks : tuple of Remark
    ignored : tuple of str
        Names of files that do not look like FITS.
    """

    records: tuple[FrameRecord, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    remarks: tuple[Remark, ...] = ()
    ignored: tuple[str, ...] = ()

    def of_type(self, frame_type: str) -> tuple[FrameRecord, ...]:
        """Return the records of one type."""
        return tuple(record for record in self.records if record.type == frame_type)
