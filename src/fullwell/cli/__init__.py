"""The command line: ``fullwell COMMAND``. Commands are imported when they are called, not before."""

from __future__ import annotations

import importlib

import click

from fullwell import __version__
from fullwell.cli.errors import told

__all__ = ["main"]

#: Command to the module and function that hold it, with the line that ``--help`` shows.
COMMANDS = {
    "reduce": ("reduce:reduce", "Reduce a folder of raw frames: masters, calibrated frames, report."),
    "combine": ("combine:combine", "Combine frames to one: mean or median with rejection."),
    "simulate": ("simulate:simulate", "Make raw frames whose truth is known."),
    "inspect": ("inspect:inspect", "Look at frames in a browser."),
    "demo": ("demo:demo", "Simulate a small night, reduce it, say where to look."),
    "config": ("config:config", "Print a configuration file for reduce, with all defaults explained."),
    "warmup": ("warmup:warmup", "Compile all pixel loops once, so that nobody waits for it later."),
}


class LazyGroup(click.Group):
    """A group that imports a command only to run it, and says in one line what failed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        module, function = COMMANDS[cmd_name][0].split(":")
        command = getattr(importlib.import_module(f"fullwell.cli.{module}"), function)
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; errors become a line on stderr and an exit code."""
        with told(ctx):
            return super().invoke(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="fullwell")
@click.option("--debug", is_flag=True, help="Show the traceback of an error that was not foreseen.")
def main(debug: bool) -> None:
    """One model of a CCD, three verbs: simulate, measure, correct.

    Exit codes: 0 done, 1 done but a check failed or an input was set aside, 2 usage, 3 nothing usable.
    """
