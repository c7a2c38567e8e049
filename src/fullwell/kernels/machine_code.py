"""Compiled loops without the compiler: machine code that Numba made, loaded by LLVM alone in later processes.

Numba takes half a second to start, most of a short command. Its own cache cannot be read without it. Loops
that stand behind a C function of one pointer are therefore kept a second time, as the object file that LLVM
made of them. What is loaded was made by the same Numba, LLVM, processor and sources, or it is not loaded;
then, and wherever anything is unusual, Numba does the work.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import platform
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

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
    if _is_usual() and not any((folder / _file(name)).exists() for folder in _folders()):
        _made(name, make(cache=False))


def _is_usual() -> bool:
    """Whether code of one process can be trusted to be what Numba would make in another."""
    unusual = [key for key in os.environ if key.startswith("NUMBA_") and key != "NUMBA_CACHE_DIR"]
    return sys.platform == "linux" and platform.machine() == "x86_64" and not unusual


def _loaded(name: str) -> Native | None:
    if not _is_usual():
        return None
    for folder in _folders():
        with suppress(OSError, ValueError, KeyError):
            head, _, content = (folder / _file(name)).read_bytes().partition(b"\n")
            facts = json.loads(head)
            if facts["sha256"] == hashlib.sha256(content).hexdigest():
                return _linked(content, facts["symbol"], facts["outside"])
    return None


def _linked(content: bytes, symbol: str, outside: list[str]) -> Native | None:
    """Load an object file; None if it refers to what is not there, of which LLVM would die."""
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    machine = binding.Target.from_triple(binding.get_process_triple()).create_target_machine()
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), machine)
    stop = ctypes.cast(ctypes.CDLL(None).abort, ctypes.c_void_p).value
    for each in outside:
        if each in _NEVER_CALLED and not binding.address_of_symbol(each):
            binding.add_symbol(each, stop)
    if not all(binding.address_of_symbol(each) for each in outside):
        return None
    engine.add_object_file(binding.ObjectFileRef.from_data(content))
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
            _keep(name, content, function.native_name, _outside(library))
    _engines.append(function)
    return _PROTOTYPE(function.address)


def _outside(library: Any) -> list[str]:
    """Names of what the code refers to."""
    module = library._final_module
    names = [*module.functions, *module.global_variables]
    return sorted(each.name for each in names if each.is_declaration and not each.name.startswith("llvm."))


def _keep(name: str, content: bytes, symbol: str, outside: list[str]) -> None:
    facts = {"symbol": symbol, "outside": outside, "sha256": hashlib.sha256(content).hexdigest()}
    whole = json.dumps(facts).encode() + b"\n" + content
    for folder in _folders():
        with suppress(OSError, FileError):
            folder.mkdir(parents=True, exist_ok=True)
            kept = sorted(folder.glob(f"{name}-*{_SUFFIX}"), key=lambda path: path.stat().st_mtime)
            for old in kept[: 1 - _SEVERAL]:
                old.unlink(missing_ok=True)
            write_whole(folder / _file(name), whole)
            return


def _folders() -> list[Path]:
    """Where code is kept: beside the cache of Numba."""
    own = os.environ.get("NUMBA_CACHE_DIR")
    if own:
        return [Path(own)]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return [Path(__file__).parent / "__pycache__", cache / "fullwell"]


def _file(name: str) -> str:
    return f"{name}-{_identity()}{_SUFFIX}"


@cache
def _identity() -> str:
    """Digest of all that the code depends on."""
    import importlib.util

    import llvmlite
    from llvmlite import binding

    found = hashlib.sha256()
    numba = importlib.util.find_spec("numba")
    origins = [] if numba is None or numba.origin is None else [Path(numba.origin).with_name("_version.py")]
    for path in [*origins, *sorted(Path(__file__).parent.glob("*.py"))]:
        found.update(path.name.encode() + path.read_bytes())
    features = binding.get_host_cpu_features().flatten()
    for fact in (llvmlite.__version__, sys.version, binding.get_host_cpu_name(), features):
        found.update(fact.encode())
    return found.hexdigest()[:20]
