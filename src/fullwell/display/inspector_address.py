"""Where the running inspector is: a small file that only its owner can read."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import attrs

from fullwell.errors import DisplayError

__all__ = ["Address", "announce", "find", "withdraw"]

_URL, _TOKEN = "FULLWELL_INSPECTOR", "FULLWELL_INSPECTOR_TOKEN"
_LOCAL = ("127.0.0.1", "localhost", "::1")


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
    """Write down where the inspector is; a later one takes the place of an earlier one.

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
    path = _file(environment)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Made under another name with mode 0600, so that it is never there half-written or open to others.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump({"url": url, "token": token, "process": os.getpid()}, stream)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path


def withdraw(*, environment: Mapping[str, str] | None = None) -> None:
    """Remove what this process announced; what another one did stays."""
    path = _file(environment)
    try:
        if json.loads(path.read_text(encoding="utf-8")).get("process") == os.getpid():
            path.unlink()
    except (OSError, ValueError, AttributeError):
        return


def find(*, environment: Mapping[str, str] | None = None) -> Address:
    """Find the running inspector.

    Parameters
    ----------
    environment : mapping, optional
        FULLWELL_INSPECTOR and FULLWELL_INSPECTOR_TOKEN in it come before the file.

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
    path = _file(environment)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        address = Address(str(content["url"]).rstrip("/"), str(content["token"]))
    except FileNotFoundError:
        raise DisplayError(
            f"no inspector is running; start one with 'fullwell inspect', or set {_URL}"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DisplayError(f"{path} does not say where the inspector is ({error}); remove it") from error
    _check(address.url)
    return address


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        fine = parts.scheme == "http" and parts.hostname in _LOCAL and parts.port is not None
    except ValueError:
        fine = False
    if not fine:
        raise DisplayError(f"{url!r} is not an inspector on this machine, such as http://127.0.0.1:8642")


def _file(environment: Mapping[str, str] | None) -> Path:
    environment = os.environ if environment is None else environment
    runtime = environment.get("XDG_RUNTIME_DIR", "").strip()
    if runtime and Path(runtime).is_dir():
        return Path(runtime) / "fullwell" / "inspector.json"
    cache = environment.get("XDG_CACHE_HOME", "").strip()
    return (Path(cache) if cache else Path.home() / ".cache") / "fullwell" / "inspector.json"
