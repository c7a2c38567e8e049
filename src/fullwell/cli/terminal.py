"""What commands share: progress on stderr, text that any terminal can show, a sensible number of threads."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["default_workers", "printable", "progress"]


@contextmanager
def progress() -> Iterator[Callable[[str, int, int, str], None]]:
    """Show bars on stderr while a function reports ``(stage, done, total, label)``; only on a terminal."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(file=sys.stderr)
    columns = (
        TextColumn("{task.description:<18}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[label]}"),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        known: dict[str, int] = {}

        def tell(stage: str, done: int, total: int, label: str) -> None:
            shown = escape(printable(label))
            if stage not in known:
                known[stage] = int(bars.add_task(stage, total=total, label=shown))
            bars.update(known[stage], completed=done, total=total, label=shown)  # type: ignore[arg-type]

        yield tell


def printable(text: str) -> str:
    """Replace what stdout cannot show; names of files may hold bytes that are no text."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def default_workers() -> int:
    """One thread for each core that may be used, at most 4."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(4, cores)
