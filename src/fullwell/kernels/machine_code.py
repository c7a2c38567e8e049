"""Compiled loops without the compiler: machine code that Numba made, loaded by LLVM alone in later processes.

Numba takes half a second to start, most of a short command. Its own cache cannot be read without it. Loops
that stand behind a C function of one pointer are therefore kept a second time, as the object file that LLVM
made of them. What is loaded was made by the same Numba, LLVM, processor and sources, is whole, and could be
written by nobody else; or it is not loaded. Then, and wherever anything is unusual, Numba does the work.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import stat
import struct
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from fullwell.errors import FileError
from fullwell.files import write_whole

__all__ = ["keep", "native"]

#: A C function of the address of a record.
Native = Callable[[int], int]
_PROTOTYPE = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)  # frees the interpreter's lock
#: What the code of Numba refers to where it gives memory back or reports an exception. Our loops do
#: neither: they would have to ask for memory first, and what asks is not in this list, so that such a loop
#: would not be loaded.
_NEVER_CALLED = (
    "NRT_Free",
    "NRT_MemInfo_call_dtor",
    "numba_do_raise",
    "numba_gil_ensure",
    "numba_gil_release",
    "numba_runtime_build_excinfo_struct",
    "numba_unpickle",
)
_SUFFIX = ".code"
_SEVERAL = 8  # machines may share a folder

_lock = threading.Lock()
_ready: dict[str, Native] = {}
_engines: list[Any] = []  # the code lives as long as they do


def native(name: str, make: Callable[..., Any]) -> Native:
    """Return a compiled function.

    Parameters
    ----------
    name : str
        Under which its code is kept.
    make : callable
        Returns the ``numba.cfunc``, of the signature ``int64(pointer)``; called where nothing is kept. Takes
        ``cache``, as ``numba.cfunc`` does.

    Returns
    -------
    callable
        Of the address of a record; the interpreter's lock is free while it runs.
    """
    with _lock:
        if name not in _ready:
            _ready[name] = _loaded(name) or _made(name, make(cache=True))
        return _ready[name]


def keep(name: str, make: Callable[..., Any]) -> None:
    """Have the code ready for later processes; compile once more what only the cache of Numba has.

    Parameters
    ----------
    name, make
        As for `native`.
    """
    native(name, make)
    if _is_usual() and _stored(name) is None:
        _made(name, make(cache=False))


def _is_usual() -> bool:
    """Whether code of one process can be trusted to be what Numba would make in another."""
    unusual = [key for key in os.environ if key.startswith("NUMBA_") and key != "NUMBA_CACHE_DIR"]
    settled = not unusual and not Path(".numba_config.yaml").exists()
    return sys.platform == "linux" and platform.machine() == "x86_64" and settled and _identity() is not None


def _loaded(name: str) -> Native | None:
    with suppress(Exception):  # whatever is wrong with it: Numba makes it anew
        kept = _stored(name) if _is_usual() else None
        if kept is not None:
            return _linked(*kept)
    return None


def _stored(name: str) -> tuple[bytes, str] | None:
    """Return the object file and the name of its function; None if there is none that is whole and ours."""
    for folder in _folders():
        with suppress(OSError, UnicodeDecodeError):
            digest, _, whole = _read(folder / _file(name)).partition(b"\n")
            if digest.decode() == hashlib.sha256(whole).hexdigest():
                symbol, _, content = whole.partition(b"\n")
                return content, symbol.decode()
    return None


def _read(path: Path) -> bytes:
    """Read what nobody could write but this user, the administrator, or who installed this package."""
    with path.open("rb") as stream:
        found = os.fstat(stream.fileno())
        trusted = found.st_uid in (os.geteuid(), 0, Path(__file__).stat().st_uid)
        if not trusted or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise PermissionError(f"{path} may have been written by anybody")
        return stream.read()


def _linked(content: bytes, symbol: str) -> Native | None:
    """Load an object file; None if it is none, or refers to what is not there: of both LLVM would die."""
    if not content.startswith(b"\x7fELF"):
        return None
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    machine = binding.Target.from_triple(binding.get_process_triple()).create_target_machine()
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), machine)
    found = binding.ObjectFileRef.from_data(content)
    sections = {each.name(): each.data() for each in found.sections()}
    outside = _outside(sections[b".symtab"], sections[b".strtab"])
    stop = ctypes.cast(ctypes.CDLL(None).abort, ctypes.c_void_p).value
    for each in outside:
        if each in _NEVER_CALLED and not binding.address_of_symbol(each):
            binding.add_symbol(each, stop)
    if not all(binding.address_of_symbol(each) for each in outside):
        return None
    engine.add_object_file(found)
    engine.finalize_object()
    address = engine.get_function_address(symbol)
    _engines.append(engine)
    return _PROTOTYPE(address) if address else None


def _made(name: str, function: Any) -> Native:
    """Take the function of Numba, and keep its code unless that came from the cache of Numba."""
    if _is_usual():
        with suppress(Exception):  # the inside of Numba; without it later processes start slower, no more
            library = function._library
            content = bytes(library.serialize_using_object_code()[2][0])
            if _identity.__wrapped__() == _identity():  # sources that change meanwhile may be others
                _keep(name, content, function.native_name)
    _engines.append(function)
    return _PROTOTYPE(function.address)


def _outside(symbols: bytes, names: bytes) -> list[str]:
    """Names of what the code refers to: symbols without a section in the table of an ELF file of 64 bits."""
    found = struct.iter_unpack("<IBBHQQ", symbols)
    outside = [names[at : names.index(0, at)].decode() for at, _, _, section, _, _ in found if not section]
    return sorted(filter(None, outside))


def _keep(name: str, content: bytes, symbol: str) -> None:
    whole = symbol.encode() + b"\n" + content

    def write(stream: BinaryIO) -> None:
        os.fchmod(
            stream.fileno(), 0o644
        )  # others may read it, whatever the mask says, and none may change it
        stream.write(hashlib.sha256(whole).hexdigest().encode() + b"\n" + whole)

    for folder in _folders():
        with suppress(OSError, FileError):
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(folder / _file(name), write, durable=False)
            _tidy(folder, name)
            return


def _tidy(folder: Path, name: str) -> None:
    """Remove the oldest code, of other machines or versions; other processes may do the same."""
    with suppress(OSError):
        kept = sorted(folder.glob(f"{name}-*{_SUFFIX}"), key=lambda path: path.stat().st_mtime)
        for old in kept[:-_SEVERAL]:
            old.unlink(missing_ok=True)


def _folders() -> list[Path]:
    """Where code is kept: beside the cache of Numba."""
    own = os.environ.get("NUMBA_CACHE_DIR")
    if own:
        return [Path(own)]
    folders = [Path(__file__).parent / "__pycache__"]
    with suppress(RuntimeError):  # a user without a home
        cache = os.environ.get("XDG_CACHE_HOME") or ""
        folders.append((Path(cache) if Path(cache).is_absolute() else Path.home() / ".cache") / "fullwell")
    return folders


def _file(name: str) -> str:
    return f"{name}-{_identity()}{_SUFFIX}"


@cache
def _identity() -> str | None:
    """Digest of all that the code depends on; None where that cannot be told."""
    import importlib.util

    import llvmlite
    from llvmlite import binding

    numba = importlib.util.find_spec("numba")
    sources = sorted(Path(__file__).parent.glob("*.py"))
    if numba is None or numba.origin is None or not sources:
        return None
    found = hashlib.sha256()
    try:
        for path in (Path(numba.origin).with_name("_version.py"), *sources):
            found.update(path.name.encode() + path.read_bytes())
    except OSError:
        return None
    features = binding.get_host_cpu_features().flatten()
    facts = (llvmlite.__version__, sys.version, binding.get_host_cpu_name(), features)
    for fact in (*facts, str(binding.llvm_version_info)):
        found.update(fact.encode())
    return found.hexdigest()[:20]
