"""The command line: ``fullwell COMMAND``. Commands are imported when they are called, not before."""

from __future__ import annotations

import importlib

import click

from fullwell import __version__

__all__ = ["main"]

#: Command to the module and function that hold it, with the line that ``--help`` shows.
COMMANDS = {
    "reduce": ("fullwell.cli.reduce:reduce", "Reduce a folder of raw frames: masters, calibrated frames, report."),
    "simulate": ("fullwell.cli.simulate:simulate", "Make raw frames whose truth is known."),
    "demo": ("fullwell.cli.demo:demo", "Simulate a small night, reduce it, say where to look."),
    "config": ("fullwell.cli.config:config", "Print a configuration file for reduce, with all defaults explained."),
}


class LazyGroup(click.Group):
    """A group that imports a command only to run it or to show its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        module, function = COMMANDS[cmd_name][0].split(":")
        command = getattr(importlib.import_module(module), function)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="fullwell")
def main() -> None:
    """One model of a CCD, three verbs: simulate, measure, correct.

    Exit codes: 0 done, 1 done but a check failed or an input was set aside, 2 usage, 3 nothing usable.
    """
