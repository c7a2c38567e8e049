"""What commands share: progress and messages on stderr, exit codes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

__all__ = ["NOTHING_USABLE", "PROBLEMS", "USAGE", "fail", "progress"]

PROBLEMS, USAGE, NOTHING_USABLE = 1, 2, 3


@contextmanager
def progress() -> Iterator[Callable[[str, int, int, str], None]]:
    """Show bars on stderr while a function reports ``(stage, done, total, label)``; nothing where no terminal is."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(file=sys.stderr)
    columns = (TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[label]}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        known: dict[str, int] = {}

        def tell(stage: str, done: int, total: int, label: str) -> None:
            if stage not in known:
                known[stage] = int(bars.add_task(stage, total=total, label=label))
            bars.update(known[stage], completed=done, total=total, label=label)  # type: ignore[arg-type]

        yield tell


def fail(command: str, message: str, code: int) -> None:
    """Say what is wrong on stderr and leave with `code`."""
    click.echo(f"fullwell {command}: {message}", err=True)
    raise SystemExit(code)
