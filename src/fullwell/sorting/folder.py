"""Sort a folder: find the files, read their headers, tell what each is, and say what is odd."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import attrs
from astropy.io.fits import Header

from fullwell.errors import FileError, FullwellError
from fullwell.io.cards import Cards
from fullwell.io.dialects import translate
from fullwell.io.scanning import scan as scan_file
from fullwell.sorting.duplicates import Duplicates, PixelHash, pixel_hash
from fullwell.sorting.finding import Found, find
from fullwell.sorting.frame_checks import check_frames, without_exposure_time
from fullwell.sorting.name_checks import check_names, check_numbering, check_time_order
from fullwell.sorting.records import FrameRecord, Remark, SetAside, Sorted
from fullwell.sorting.types import REDUCED, Patterns, classify

__all__ = ["Summary", "sort_folder"]


class Summary(Protocol):
    """What a scan of one file has to tell."""

    @property
    def header(self) -> Header:
        """Cards of the frame."""
        ...

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        ...

    @property
    def dtype(self) -> object:
        """Type of the pixels."""
        ...

    @property
    def content_hash(self) -> str:
        """Hash of the content."""
        ...


def sort_folder(
    folder: Path | str,
    *,
    frames_config: Mapping[str, str | Sequence[str]] | None = None,
    exclude: Iterable[Path | str] = (),
    scan: Callable[[Path], Summary] = scan_file,
    on_progress: Callable[[int, int, str], None] | None = None,
    workers: int = 1,
) -> Sorted:
    """Sort the frames of a folder.

    Parameters
    ----------
    folder : path
    frames_config : mapping, optional
        Table ``[frames]``: type to pattern or patterns of file names, as for `Patterns.from_table`.
    exclude : iterable of path
        Files and folders to leave out, such as the output folder.
    scan : callable, optional
        Reads one file without its pixels and raises `FileError` where it cannot be used.
    on_progress : callable, optional
        Called as ``on_progress(done, total, name)`` after each file, in natural order.
    workers : int
        Threads that scan; the result does not depend on it.

    Returns
    -------
    Sorted
        Each file is named once. A file that cannot be used is set aside and stops nothing.

    Raises
    ------
    UnreadableFile
        If the folder cannot be read.
    ConfigError
        If `frames_config` names an unknown type, or patterns of two types fit one file.
    """
    patterns = Patterns.from_table(frames_config or {})
    found = find(folder, exclude=exclude)
    names = [found.name_of(path) for path in found.files]
    remarks = _unused(patterns, names)
    records: list[FrameRecord] = []
    set_aside = [SetAside(name, reason, "error") for name, reason in found.unreadable]
    seen = Duplicates()
    for scanned in _scan_all(found, scan, on_progress, workers):
        judged = scanned if isinstance(scanned, SetAside) else _judge(scanned, patterns, seen)
        if isinstance(judged, SetAside):
            set_aside.append(judged)
        else:
            records.append(judged)
    remarks += [*check_names(records), *check_numbering(names), *check_time_order(records)]
    remarks += check_frames(records)
    with_problems = tuple(attrs.evolve(record, problems=_problems(record, remarks)) for record in records)
    return Sorted(with_problems, tuple(set_aside), tuple(remarks), found.ignored)


@attrs.frozen(eq=False)
class _Scanned:
    path: Path
    name: str
    summary: Summary
    pixels: PixelHash | None


def _scan_all(
    found: Found,
    scan: Callable[[Path], Summary],
    on_progress: Callable[[int, int, str], None] | None,
    workers: int,
) -> list[_Scanned | SetAside]:
    def one(path: Path) -> _Scanned | SetAside:
        name = found.name_of(path)
        if path.exists() and not path.is_file() and not path.is_dir():
            # Opening a pipe would wait for ever.
            return SetAside(name, "not a regular file (a pipe, socket or device)", "error")
        try:
            return _Scanned(path, name, scan(path), pixel_hash(path))
        except FileError as error:
            return SetAside(name, error.reason, "error")
        except FullwellError as error:
            return SetAside(name, str(error).removeprefix(f"{path}: "), "error")
        except Exception as error:  # one bad file must not stop the night, whatever it does to the reader
            return SetAside(name, f"cannot be used ({type(error).__name__}: {error})", "error")

    results: list[_Scanned | SetAside] = []
    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        for path, result in zip(found.files, pool.map(one, found.files), strict=True):
            results.append(result)
            if on_progress is not None:
                on_progress(len(results), len(found.files), found.name_of(path))
    return results


def _judge(scanned: _Scanned, patterns: Patterns, seen: Duplicates) -> FrameRecord | SetAside:
    """Return what a file is, or why it is set aside."""
    name, summary = scanned.name, scanned.summary
    product, _ = Cards(summary.header).get("PRODUCT")
    if product is not None and str(product.value).strip().casefold() == "truth":
        return SetAside(name, "the truth about simulated frames, not a frame", "info")
    metadata = translate(summary.header)
    decision = classify(name, metadata, patterns=patterns)
    signs = "; ".join(metadata.already_calibrated.value)
    calibrated = f"already calibrated: {signs}" if signs else ""
    if decision.type is None:
        return SetAside(name, "; ".join(filter(None, (decision.rule, calibrated))))
    if decision.type not in REDUCED:
        reason = f"{decision.type} by {decision.rule}: frames of this type are listed, not reduced"
        return SetAside(name, "; ".join(filter(None, (reason, calibrated))), "info")
    if calibrated:
        return SetAside(name, f"{decision.type} frame, {calibrated}; only raw frames are reduced")
    record = FrameRecord(
        path=scanned.path,
        name=name,
        content_hash=summary.content_hash,
        shape=summary.shape,
        dtype=str(summary.dtype),
        type=decision.type,
        rule=decision.rule,
        is_guess=decision.source == "name",
        metadata=metadata,
    )
    useless = without_exposure_time(record)
    if useless is not None:
        return useless
    # Last, so that only a frame that is used makes another one superfluous.
    duplicate = seen.reason(name, content=summary.content_hash, pixels=scanned.pixels)
    return record if duplicate is None else SetAside(name, duplicate)


def _unused(patterns: Patterns, names: Sequence[str]) -> list[Remark]:
    """Point out patterns that fit nothing; raises early where two types fit one name."""
    used = {patterns.match(name) for name in names}
    return [
        Remark(f"the pattern {entry.key} = {entry.glob!r} fits no file", "warning")
        for entry in patterns.entries
        if entry not in used
    ]


def _problems(record: FrameRecord, remarks: Sequence[Remark]) -> tuple[str, ...]:
    return tuple(r.text for r in remarks if r.severity == "warning" and record.name in r.names)
