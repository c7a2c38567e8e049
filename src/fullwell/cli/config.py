"""``fullwell config``: a commented configuration file."""

from __future__ import annotations

import json
from typing import Any

import click

__all__ = ["config"]


@click.command()
def config() -> None:
    """Print a configuration file for 'fullwell reduce' that holds every key with its default.

    Save it with: fullwell config > reduce.toml
    """
    from fullwell.night import ReduceConfig

    lines = ["# Configuration of 'fullwell reduce'. Every key is optional; these are the defaults.", ""]
    for name, field in ReduceConfig.model_fields.items():
        table = field.get_default(call_default_factory=True)
        lines.append(f"[{name}]")
        if name == "frames":
            lines += ["# type of frame = pattern(s) of file names; card, then name tell the type of the rest"]
            lines += ['# flat = "flat-*"', '# arc = ["arc-*", "neon-*"]', ""]
            continue
        for key, entry in type(table).model_fields.items():
            lines.append(f"# {entry.description}")
            lines.append(_line(key, getattr(table, key)))
        lines.append("")
    click.echo("\n".join(lines).rstrip())


def _line(key: str, value: Any) -> str:
    if value is None:
        return f"# {key} ="
    return f"{key} = {json.dumps(list(value) if isinstance(value, tuple) else value)}"
