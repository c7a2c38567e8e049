"""Everything that fullwell raises on purpose.

Each error is also the builtin it resembles, so that ``except ValueError`` works for those who
do not know this tree::

    FullwellError
    ├── ParameterError        (ValueError)       a value that nature or the method does not allow
    ├── ConfigError           (ValueError)       a configuration file that cannot be meant
    ├── UnitError             (ValueError)       ADU where electrons are needed, or the reverse
    ├── FrameError            (ValueError)       a frame that does not fit what is asked of it
    │   └── NotEnoughFrames                      fewer frames than the method needs
    ├── ChainError            (ValueError)       effects or products that do not fit together
    ├── FileError             (OSError)          a file that cannot be used
    │   ├── UnreadableFile                       missing, a directory, no permission
    │   ├── NotFits                              empty, or not a FITS file
    │   ├── CorruptFile                          truncated, or damaged inside
    │   │   └── ChecksumMismatch                 CHECKSUM or DATASUM says other bytes
    │   ├── NoImage                              FITS, but no image in it
    │   ├── UnsupportedImage                     3-D, Bayer, complex
    │   └── TooLarge          (MemoryError)      promises more than the limit that was set
    ├── AlreadyExists         (FileExistsError)  an output that would have to be overwritten
    ├── DisplayError          (RuntimeError)     a display that cannot be opened, or is gone
    └── NothingUsable         (LookupError)      no frame left to work on
"""

from __future__ import annotations

__all__ = [
    "AlreadyExists",
    "ChainError",
    "ChecksumMismatch",
    "ConfigError",
    "CorruptFile",
    "DisplayError",
    "FileError",
    "FrameError",
    "FullwellError",
    "FullwellWarning",
    "NoImage",
    "NotEnoughFrames",
    "NotFits",
    "NothingUsable",
    "ParameterError",
    "TooLarge",
    "UnitError",
    "UnreadableFile",
    "UnsupportedImage",
]
# ruff: noqa: N818  (names say what is wrong; "Error" behind each would say it twice)


class FullwellError(Exception):
    """Base of all errors raised by fullwell."""


class ParameterError(FullwellError, ValueError):
    """A parameter has a value that is impossible.

    Parameters
    ----------
    name : str
        Name of the parameter, as the caller knows it.
    value : object
        The value seen.
    allowed : str
        What would be allowed, in words.
    """

    def __init__(self, name: str, value: object, allowed: str) -> None:
        self.name, self.value, self.allowed = name, value, allowed
        super().__init__(f"{name} = {value!r} is not possible: {allowed}")


class ConfigError(FullwellError, ValueError):
    """A configuration file holds unknown keys or impossible values."""


class UnitError(FullwellError, ValueError):
    """A unit that does not fit, such as ADU where electrons are needed."""


class FrameError(FullwellError, ValueError):
    """A frame does not fit: another shape, no exposure time, nothing left unmasked."""


class NotEnoughFrames(FrameError):
    """Fewer frames than the method needs."""


class ChainError(FullwellError, ValueError):
    """Effects or calibration products that do not fit together."""


class FileError(FullwellError, OSError):
    """A file cannot be used; `path` says which, `reason` why.

    Parameters
    ----------
    path : object
        The file, as the user named it.
    reason : str
        What is wrong with it, and what to do where something can be done.
    """

    def __init__(self, path: object, reason: str) -> None:
        self.path, self.reason = str(path), reason
        super().__init__(f"{path}: {reason}")


class UnreadableFile(FileError):
    """The file is missing, a directory, or may not be read."""


class NotFits(FileError):
    """The file is empty or not FITS."""


class CorruptFile(FileError):
    """The file is truncated or damaged."""


class ChecksumMismatch(CorruptFile):
    """CHECKSUM or DATASUM in the header does not agree with the bytes."""


class NoImage(FileError):
    """A FITS file without an image."""


class UnsupportedImage(FileError):
    """An image of a kind that fullwell does not treat, such as a cube or a Bayer mosaic."""


class TooLarge(FileError, MemoryError):
    """The file promises more data than the limit allows; nothing was allocated."""


class AlreadyExists(FullwellError, FileExistsError):
    """An output is there already and overwriting was not allowed.

    Parameters
    ----------
    message : str
    overwriting_helps : bool
        Whether the same call succeeds once overwriting is allowed.
    """

    def __init__(self, message: str, *, overwriting_helps: bool = True) -> None:
        self.overwriting_helps = overwriting_helps
        super().__init__(message)


class DisplayError(FullwellError, RuntimeError):
    """A display that cannot be opened, does not answer, or has been closed."""


class NothingUsable(FullwellError, LookupError):
    """No frame is left to work on."""


class FullwellWarning(UserWarning):
    """Something worth knowing that does not stop the work."""
