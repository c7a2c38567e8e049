"""Errors as people read them: one line on stderr and an exit code."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import click

from fullwell.errors import (
    AlreadyExists,
    ConfigError,
    FullwellError,
    NothingUsable,
    ParameterError,
    UnreadableFile,
)

__all__ = ["INTERRUPTED", "NOTHING_USABLE", "PROBLEMS", "USAGE", "told"]

PROBLEMS, USAGE, NOTHING_USABLE, INTERRUPTED = 1, 2, 3, 130


@contextmanager
def told(ctx: click.Context) -> Iterator[None]:
    """Say what went wrong with a command, and leave with the exit code that belongs to it.

    Parameters
    ----------
    ctx : click.Context
        Of the group; knows the command and whether ``--debug`` was given.
    """
    try:
        yield
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except KeyboardInterrupt:
        _say(ctx, "interrupted; what is finished stays, the same command goes on from there")
        raise SystemExit(INTERRUPTED) from None
    except FullwellError as error:
        helps = isinstance(error, AlreadyExists) and error.overwriting_helps
        hint = " (--overwrite allows it)" if helps else ""
        _say(ctx, f"{error}{hint}")
        raise SystemExit(_code(error)) from error
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise  # whoever read our output has seen enough; click ends quietly
        _unforeseen(ctx, error)
    except Exception as error:
        _unforeseen(ctx, error)


def _code(error: FullwellError) -> int:
    if isinstance(error, AlreadyExists | ConfigError | ParameterError | UnreadableFile):
        return USAGE
    return NOTHING_USABLE if isinstance(error, NothingUsable) else PROBLEMS


def _unforeseen(ctx: click.Context, error: Exception) -> None:
    if ctx.params.get("debug"):
        traceback.print_exception(error)
    what = f"{type(error).__name__}: {error}".strip().splitlines()[0]
    _say(
        ctx,
        f"an error that was not foreseen: {what}; what is finished stays. "
        f"'fullwell --debug {ctx.invoked_subcommand} ...' shows where; please report it",
    )
    raise SystemExit(PROBLEMS) from error


def _say(ctx: click.Context, message: str) -> None:
    command = f" {ctx.invoked_subcommand}" if ctx.invoked_subcommand else ""
    click.echo(f"fullwell{command}: {message}", err=True)
