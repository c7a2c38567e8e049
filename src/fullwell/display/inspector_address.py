"""Where inspectors run: a small file each, which only its owner can read."""

from __future__ import annotations

import json
import os
import platform
import re
import socket
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import attrs

from fullwell.errors import DisplayError

__all__ = ["Address", "announce", "find", "withdraw"]

_URL, _TOKEN = "FULLWELL_INSPECTOR", "FULLWELL_INSPECTOR_TOKEN"
_LOCAL = ("127.0.0.1", "localhost", "::1")
_NAME = re.compile(r"inspector-(\d+)\.json")
_PATIENCE = 1.0


@attrs.frozen
class Address:
    """Address of an inspector, and what opens it to pictures from outside.

    Parameters
    ----------
    url : str
        Such as ``'http://127.0.0.1:8642'``.
    token : str
    """

    url: str
    token: str = attrs.field(repr=False)


def announce(url: str, token: str, *, environment: Mapping[str, str] | None = None) -> Path:
    """Write down where the inspector of this process is.

    Parameters
    ----------
    url, token : str
    environment : mapping, optional
        That of the process if not given.

    Returns
    -------
    Path
        The file, which only its owner can read.

    Raises
    ------
    DisplayError
        If the address is not on this machine.
    """
    _check(url)
    folder = _folder(environment)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"inspector-{os.getpid()}.json"
    content = {"url": url, "token": token, "machine": platform.node()}
    # Made under another name with mode 0600, so that it is never there half-written or open to others.
    handle, name = tempfile.mkstemp(dir=folder, prefix=path.name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(content, stream)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path


def withdraw(*, environment: Mapping[str, str] | None = None) -> None:
    """Remove what this process announced; what others did stays."""
    with suppress(OSError):
        (_folder(environment) / f"inspector-{os.getpid()}.json").unlink()


def find(
    *, environment: Mapping[str, str] | None = None, answers: Callable[[Address], bool] | None = None
) -> Address:
    """Find the inspector that was started last, of those that answer.

    What processes that are gone have left behind is removed.

    Parameters
    ----------
    environment : mapping, optional
        FULLWELL_INSPECTOR and FULLWELL_INSPECTOR_TOKEN in it come before the files.
    answers : callable, optional
        Whether somebody is at an address; a connection is tried if not given.

    Raises
    ------
    DisplayError
        If there is none, or what is said of it cannot be understood.
    """
    environment = os.environ if environment is None else environment
    url = environment.get(_URL, "").strip()
    if url:
        _check(url)
        return Address(url.rstrip("/"), environment.get(_TOKEN, "").strip())
    answers = _answers if answers is None else answers
    broken: DisplayError | None = None
    for path in _announced(_folder(environment)):
        try:
            address = _read(path)
        except DisplayError as error:
            broken = broken or error
            continue
        if address is not None and answers(address):
            return address
    raise broken or DisplayError(f"no inspector is running; start one with 'fullwell inspect', or set {_URL}")


def _announced(folder: Path) -> list[Path]:
    """Return the files of inspectors, the newest first."""
    found = []
    with suppress(OSError):
        for path in folder.iterdir():
            if _NAME.fullmatch(path.name):
                with suppress(OSError):  # it may just have been removed
                    found.append((path.stat().st_mtime_ns, path))
    return [path for _, path in sorted(found, reverse=True)]


def _read(path: Path) -> Address | None:
    """Return what a file says; None, and the file removed, if its process is gone."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        address = Address(str(content["url"]).rstrip("/"), str(content["token"]))
        machine = content["machine"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DisplayError(f"{path} does not say where the inspector is ({error}); remove it") from error
    if machine != platform.node():  # the home folder of several machines
        return None
    if not _lives(int(path.stem.rpartition("-")[2])):
        path.unlink(missing_ok=True)
        return None
    _check(address.url)
    return address


def _lives(process: int) -> bool:
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def _answers(address: Address) -> bool:
    parts = urlsplit(address.url)
    try:
        socket.create_connection((parts.hostname, parts.port), timeout=_PATIENCE).close()
    except OSError:
        return False
    return True


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        fine = parts.scheme == "http" and parts.hostname in _LOCAL and parts.port is not None
    except ValueError:
        fine = False
    if not fine:
        raise DisplayError(f"{url!r} is not an inspector on this machine, such as http://127.0.0.1:8642")


def _folder(environment: Mapping[str, str] | None) -> Path:
    environment = os.environ if environment is None else environment
    runtime = environment.get("XDG_RUNTIME_DIR", "").strip()
    if runtime and Path(runtime).is_dir():
        return Path(runtime) / "fullwell"
    cache = environment.get("XDG_CACHE_HOME", "").strip()
    return (Path(cache) if cache else Path.home() / ".cache") / "fullwell"
