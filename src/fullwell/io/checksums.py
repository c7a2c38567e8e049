"""CHECKSUM and DATASUM: the ones' complement sums of the FITS standard 4.0, 4.4.2.7 and appendix J."""

from __future__ import annotations

import threading
from typing import Protocol

import numpy as np

from fullwell.errors import ChecksumMismatch
from fullwell.io.card_text import BLOCK
from fullwell.io.sources import FileKey, Source
from fullwell.io.structure import Unit

__all__ = [
    "VERIFIED",
    "ChecksumMemory",
    "Memory",
    "encoded",
    "folded",
    "ones_complement_sum",
    "verify_checksums",
]

_WORD = 2**32 - 1
_ADVICE = "get the file again, or read it with verify=False where you trust it"
_CHUNK = 1024 * BLOCK
#: Codes between the digits, capitals and small letters, which the standard leaves out.
_PUNCTUATION = (*range(0x3A, 0x41), *range(0x5B, 0x61))


class Memory(Protocol):
    """What remembers which files were verified, so that it happens once."""

    def seen(self, key: FileKey) -> bool:
        """Whether the file was verified before and has not changed since."""
        ...

    def remember(self, key: FileKey) -> None:
        """Note that the file was verified."""
        ...


class ChecksumMemory:
    """Remembers verified files as long as the process lives; threads may share it."""

    def __init__(self) -> None:
        self._keys: set[FileKey] = set()
        self._lock = threading.Lock()

    def seen(self, key: FileKey) -> bool:
        """Whether the file was verified before and has not changed since."""
        with self._lock:
            return key in self._keys

    def remember(self, key: FileKey) -> None:
        """Note that the file was verified."""
        with self._lock:
            self._keys.add(key)


#: Files whose checksums this process has found right.
VERIFIED = ChecksumMemory()


def verify_checksums(source: Source, units: list[Unit], *, memory: Memory) -> None:
    """Compare the sums of all units with their cards, unless `memory` knows the file.

    Raises
    ------
    ChecksumMismatch
        If a CHECKSUM or DATASUM card says other bytes.
    """
    if memory.seen(source.key):
        return
    for unit in units:
        claims = {name: str(unit.header.get(name, "")).strip() for name in ("DATASUM", "CHECKSUM")}
        if not any(claims.values()):
            continue
        data = ones_complement_sum(source, unit.data, unit.end)
        if claims["DATASUM"] and claims["DATASUM"] != str(data):
            raise ChecksumMismatch(
                source.path,
                f"DATASUM of {unit.label} is {claims['DATASUM']}, the data sum to {data}; {_ADVICE}",
            )
        whole = folded(data + ones_complement_sum(source, unit.start, unit.data))
        if claims["CHECKSUM"] and whole not in (0, _WORD):
            raise ChecksumMismatch(
                source.path,
                f"CHECKSUM of {unit.label} does not fit: the unit sums to {whole}, not to -0; {_ADVICE}",
            )
    memory.remember(source.key)


def ones_complement_sum(source: Source, start: int, end: int) -> int:
    """32-bit ones' complement sum of the bytes from `start` to `end`; what is missing counts as 0."""
    total = 0
    source.stream.seek(start)
    for offset in range(start, end, _CHUNK):
        block = source.stream.read(min(_CHUNK, end - offset))
        block += b"\0" * (-len(block) % 4)
        words = np.frombuffer(block, dtype=">u4").astype(np.uint32)
        total = folded(total + int(words.sum(dtype=np.uint64)))
    return total


def folded(total: int) -> int:
    """Add what is beyond 32 bits to the rest, as ones' complement sums do."""
    while total > _WORD:
        total = (total & _WORD) + (total >> 32)
    return total


def encoded(total: int) -> str:
    """Return the CHECKSUM of a unit whose bytes, with 16 zeros in its place, sum to `total` (appendix J)."""
    rows = []
    for byte in (_WORD - total).to_bytes(4, "big"):
        quotient, rest = divmod(byte, 4)
        letters = [quotient + rest + 48, quotient + 48, quotient + 48, quotient + 48]
        # Two and two are moved apart until none is punctuation; their sum stays.
        while any(letter in _PUNCTUATION for letter in letters):
            for i in (0, 2):
                if letters[i] in _PUNCTUATION or letters[i + 1] in _PUNCTUATION:
                    letters[i] += 1
                    letters[i + 1] -= 1
        rows.append(letters)
    text = "".join(chr(rows[i][j]) for j in range(4) for i in range(4))
    return text[-1] + text[:-1]
