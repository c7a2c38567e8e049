"""What a FITS file must not do to us: limits, refusals, and foreign exceptions turned into our own."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import prod
from typing import TYPE_CHECKING, Any

import attrs

from fullwell.errors import (
    CorruptFile,
    FullwellError,
    NoImage,
    ParameterError,
    TooLarge,
    UnreadableFile,
    UnsupportedImage,
)

if TYPE_CHECKING:
    from astropy.io.fits import Header

__all__ = [
    "DEFAULT_LIMITS",
    "Limits",
    "check_monochrome",
    "check_size",
    "own_errors",
    "quiet",
    "two_dimensional",
]

#: Cards that name a color filter array, where it is not one of `_MONOCHROME`.
_BAYER_CARDS = ("BAYERPAT", "BAYERPTN", "BAYERMAT", "BAYER", "COLORTYP", "CFAPAT", "CFA-PAT", "CFAIMAGE")
_MONOCHROME = frozenset(
    {"", "NONE", "NO", "N", "N/A", "OFF", "F", "FALSE", "0", "MONO", "MONOCHROME", "GRAY", "GREY", "UNKNOWN"}
)
#: A small file may grow by any factor up to this size: blank images compress a thousandfold.
_HARMLESS_BYTES = 256 * 2**20

# The filters of the warnings module belong to the whole process; only one thread may swap them.
_filters = threading.RLock()


def _positive(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not value > 0:
        raise ParameterError(attribute.name, value, "above 0")


@attrs.frozen
class Limits:
    """How much a file may ask for; checked before anything is allocated.

    Parameters
    ----------
    max_pixels : int
        Pixels of all images that are read from one file.
    max_bytes : int
        Bytes of these images in memory, and of a file that is unpacked from gzip.
    expansion : float
        How many times larger than its file a compressed image may become, once it takes more
        than 256 MiB.
    max_header_bytes : int
        Bytes of one header.
    max_units : int
        Number of header-data units in one file.

    Raises
    ------
    ParameterError
        If one of them is not above 0.
    """

    max_pixels: int = attrs.field(default=2**31, validator=_positive)
    max_bytes: int = attrs.field(default=4 * 2**30, validator=_positive)
    expansion: float = attrs.field(default=200.0, validator=_positive)
    max_header_bytes: int = attrs.field(default=16 * 2**20, validator=_positive)
    max_units: int = attrs.field(default=2000, validator=_positive)

    def unpacked(self, packed: int) -> int:
        """Bytes that `packed` compressed bytes may become."""
        return int(min(self.max_bytes, max(_HARMLESS_BYTES, self.expansion * packed)))


DEFAULT_LIMITS = Limits()


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the warnings of astropy: what they say is checked here, and raised where it matters."""
    with _filters, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def own_errors(path: object) -> Iterator[None]:
    """Turn whatever a reader raises about `path` into one of our own errors.

    Raises
    ------
    FullwellError
        Our own errors pass; MemoryError becomes TooLarge, OSError UnreadableFile, any other
        CorruptFile.
    """
    try:
        yield
    except FullwellError:
        raise
    except MemoryError as error:
        raise TooLarge(path, "needs more memory than there is") from error
    except OSError as error:
        raise UnreadableFile(path, f"cannot be read ({error.strerror or error})") from error
    except Exception as error:
        raise CorruptFile(path, f"cannot be decoded ({type(error).__name__}: {error})") from error


def two_dimensional(axes: Sequence[int], *, path: object, label: str) -> tuple[int, int]:
    """Shape of an image, trailing axes of length 1 left out.

    Parameters
    ----------
    axes : sequence of int
        NAXIS1, NAXIS2, ...
    path, label
        The file, and what to call this image in messages.

    Returns
    -------
    tuple of int
        Rows and columns.

    Raises
    ------
    NoImage
        If it holds no pixel.
    UnsupportedImage
        If it is not two-dimensional.
    """
    if not axes or 0 in axes:
        raise NoImage(path, f"{label} holds no pixels (axes {tuple(axes)})")
    kept = list(axes)
    while len(kept) > 2 and kept[-1] == 1:
        kept.pop()
    if len(kept) != 2:
        size = " x ".join(str(axis) for axis in axes)
        raise UnsupportedImage(
            path, f"{label} has {len(kept)} dimensions ({size}); only two-dimensional images are treated"
        )
    return kept[1], kept[0]


def check_monochrome(header: Header, *, path: object) -> None:
    """Refuse frames of color cameras, whose neighboring pixels see different colors.

    Raises
    ------
    UnsupportedImage
        If a card names a Bayer or other color filter array.
    """
    for card in _BAYER_CARDS:
        value = header.get(card, "")
        if isinstance(value, (str, bool, int)) and str(value).strip().upper() not in _MONOCHROME:
            raise UnsupportedImage(
                path, f"a color (Bayer) frame, {card} = {value!r}; only monochrome frames are treated"
            )
    if header.get("COLORCCD", 0) not in (0, False, "0", "F", ""):
        raise UnsupportedImage(
            path,
            f"a color (Bayer) frame, COLORCCD = {header['COLORCCD']!r}; only monochrome frames are treated",
        )


def check_size(shapes: Sequence[Sequence[int]], *, item_bytes: int, limits: Limits, path: object) -> None:
    """Check what the images will take in memory.

    Parameters
    ----------
    shapes : sequence of shapes
        Of all images that are to be read.
    item_bytes : int
        Bytes a pixel.

    Raises
    ------
    TooLarge
        If it is more than `limits` allows.
    """
    pixels = sum(prod(shape) for shape in shapes)
    if pixels > limits.max_pixels:
        raise TooLarge(
            path, f"promises {pixels} pixels, the limit is {limits.max_pixels} (Limits.max_pixels)"
        )
    if pixels * item_bytes > limits.max_bytes:
        raise TooLarge(
            path, f"promises {pixels * item_bytes} bytes, the limit is {limits.max_bytes} (Limits.max_bytes)"
        )
