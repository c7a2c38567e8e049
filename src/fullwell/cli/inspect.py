"""``fullwell inspect``: look at frames in a browser."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from fullwell.cli.terminal import printable

__all__ = ["inspect"]


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Port on this machine [default: a free one]."
)
@click.option(
    "--browser/--no-browser", "browser", default=True, help="Open the page in a browser [default: yes]."
)
@click.option("--json", "as_json", is_flag=True, help="Print the address as JSON.")
def inspect(paths: tuple[Path, ...], port: int, browser: bool, as_json: bool) -> None:
    """Look at the frames of folders and files in a browser, until interrupted (Ctrl-C).

    The server answers to this machine only, opens nothing outside of PATH, and writes nothing there.
    """
    from fullwell.errors import ParameterError

    missing = [name for name in ("starlette", "uvicorn") if find_spec(name) is None]
    if missing:
        raise ParameterError(
            "inspect",
            f"no {' and no '.join(missing)}",
            "the extra [web] is needed; pip install 'fullwell[web]' brings it",
        )
    import secrets

    from fullwell.display.inspector_address import announce, withdraw
    from fullwell.web.app import create_app
    from fullwell.web.server import serve

    def tell(address: str) -> None:
        shows = f"{address} shows {', '.join(map(str, paths))}; Ctrl-C ends"
        line = json.dumps({"address": address, "paths": [str(path) for path in paths]})
        click.echo(line if as_json else printable(shows))
        try:
            announce(address, token)
        except OSError as error:
            click.echo(f"fullwell inspect: displays will not find this server ({error})", err=True)
        if browser:
            _open(address)

    token = secrets.token_urlsafe(24)
    with _ended_by_signal():
        try:
            serve(create_app(paths, token=token), port=port, on_ready=tell)
        finally:
            withdraw()


@contextmanager
def _ended_by_signal() -> Iterator[None]:
    """Let SIGTERM end the program as an exception does, so that it cleans up."""

    def end(number: int, _: Any) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _open(address: str) -> None:
    """Open a browser without waiting for it; where there is none, the printed address has to do."""
    import threading
    import webbrowser

    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
