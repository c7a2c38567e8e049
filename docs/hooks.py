"""Parts of the documentation that the program itself knows, put in when the pages are built.

A line such as ``<!-- generated: reduce.toml -->`` is replaced by what the function of that name returns.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Callable
from typing import Any

__all__ = ["GENERATED", "on_page_markdown"]

MARKER = re.compile(r"^<!-- generated: ([\w.-]+) -->$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace the markers of one page (the name is what mkdocs calls).

    Raises
    ------
    KeyError
        If a marker asks for something that nothing here makes.
    """
    return MARKER.sub(lambda found: GENERATED[found[1]](), markdown)


def reduce_toml() -> str:
    """Tables of ``reduce.toml`` with key, default, what is allowed and what it means."""
    from fullwell.night import ReduceConfig

    parts = []
    for name, field in ReduceConfig.model_fields.items():
        if name == "frames":
            continue
        table = field.get_default(call_default_factory=True)
        parts.append(f"### `[{name}]`\n\n{type(table).__doc__}\n")
        rows = ["| key | default | allowed | meaning |", "|---|---|---|---|"]
        for key, entry in type(table).model_fields.items():
            default = getattr(table, key)
            shown = "not set" if default is None else f"`{_toml(default)}`"
            rows.append(f"| `{key}` | {shown} | {_allowed(entry)} | {entry.description} |")
        parts.append("\n".join(rows) + "\n")
    return "\n".join(parts)


def command_line() -> str:
    """Commands with their arguments and options, as ``--help`` shows them."""
    import click

    from fullwell.cli import COMMANDS, main

    context = click.Context(main, info_name="fullwell")
    parts = [f"```text\n{main.get_help(context)}\n```\n"]
    for name in COMMANDS:
        command = main.get_command(context, name)
        assert command is not None
        own = click.Context(command, info_name=name, parent=context)
        parts.append(f"## `fullwell {name}`\n\n```text\n{command.get_help(own)}\n```\n")
    return "\n".join(parts)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    return str(list(value)) if isinstance(value, tuple) else str(value)


def _allowed(field: Any) -> str:
    choices = (
        typing.get_args(field.annotation) if typing.get_origin(field.annotation) is typing.Literal else ()
    )
    if choices:
        return ", ".join(f"`{choice}`" for choice in choices)
    signs = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}
    limits = [
        f"{word} {getattr(limit, name)}"
        for limit in field.metadata
        for name, word in signs.items()
        if getattr(limit, name, None) is not None
    ]
    return ", ".join(limits) or _kind(field.annotation)


def _kind(annotation: Any) -> str:
    names = {bool: "`true`, `false`", str: "text", int: "whole number", float: "number"}
    if annotation in names:
        return names[annotation]
    text = str(annotation)
    if "tuple[int, int]" in text:
        return "two whole numbers"
    return "one number above 0, or a list of one an amplifier" if "list" in text else "text"


GENERATED: dict[str, Callable[[], str]] = {"reduce.toml": reduce_toml, "command-line": command_line}
