"""Functions and whole processes that can be measured: wall time, CPU time and peak memory."""

from __future__ import annotations

import gc
import json
import math
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import attrs

__all__ = ["Function", "Program", "Rival", "Sample"]

HERE = Path(__file__).parent


@attrs.frozen
class Sample:
    """One run: wall and CPU seconds, and peak memory in MiB (of a function: above what was there before)."""

    wall: float
    cpu: float
    memory: float = math.nan


class Rival(Protocol):
    """Something that can be run and measured."""

    @property
    def name(self) -> str:
        """Unique in its contest."""

    @property
    def version(self) -> str:
        """Package and version, empty for our own."""

    @property
    def rounds(self) -> int | None:
        """The number of rounds that it takes part in, None for all."""

    def measure(self) -> tuple[Sample, Any]:
        """Run once; return what it cost and what it made."""


@attrs.frozen
class Function:
    """A call in this process; CPU counts all threads and the child processes that have ended.

    ``rounds`` limits the rounds that a slow rival takes part in; ``before`` runs off the clock.
    """

    name: str
    call: Callable[[], Any]
    version: str = ""
    rounds: int | None = None
    before: Callable[[], Any] | None = None

    def measure(self) -> tuple[Sample, Any]:
        if self.before is not None:
            self.before()
        gc.collect()
        there = reset_peak()
        start, spent = time.perf_counter(), cpu_seconds()
        result = self.call()
        wall, cpu = time.perf_counter() - start, cpu_seconds() - spent
        return Sample(wall, cpu, status_mib("VmHWM") - there), result


@attrs.frozen
class Program:
    """A whole process from start to end, with its children as far as it waits for them.

    ``scripts`` are written into ``folder`` before, ``before`` runs off the clock, and ``load`` makes the result
    (for agreement) from ``folder``, off the clock too. It counts as failed with another exit code than 0 or when one
    of ``makes`` is not there afterwards; these are deleted before each run.
    """

    name: str
    command: Sequence[str]
    folder: Path
    version: str = ""
    rounds: int | None = None
    makes: Sequence[str] = ()
    scripts: dict[str, str] = attrs.field(factory=dict)
    load: Callable[[Path], Any] | None = None
    before: Callable[[], Any] | None = None
    environment: dict[str, str] = attrs.field(factory=dict)
    timeout: float = 600.0

    def measure(self) -> tuple[Sample, Any]:
        for name, text in self.scripts.items():
            (self.folder / name).write_text(text, encoding="utf-8")
        for name in self.makes:
            (self.folder / name).unlink(missing_ok=True)
        if self.before is not None:
            self.before()
        log = self.folder / "log"
        # A process that Python starts inherits Python's peak memory: launch.py is small, and starts it instead.
        launcher = [sys.executable, "-S", "-E", str(HERE / "launch.py"), str(log), str(self.timeout)]
        done = subprocess.run(
            [*launcher, *self.command], cwd=self.folder, env=os.environ | self.environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"{self.name} did not start: {done.stderr.strip()[-500:]}")
        code, wall, cpu, memory = json.loads(done.stdout)
        lacking = [name for name in self.makes if not (self.folder / name).exists()]
        if code == -signal.SIGKILL and wall > self.timeout:
            raise RuntimeError(f"ended after {self.timeout:g} s")
        if code != 0 or lacking:
            said = log.read_text(encoding="utf-8", errors="replace").strip()[-800:]
            raise RuntimeError(
                f"exit code {code}" + f", no {', '.join(lacking)}" * bool(lacking) + f": {said}"
            )
        return Sample(wall, cpu, memory), self.load(self.folder) if self.load else None


def cpu_seconds() -> float:
    """Return CPU seconds of this process and of its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def reset_peak() -> float:
    """Make the kernel forget the peak memory of this process; return the present memory in MiB."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return math.nan
    return status_mib("VmRSS")


def status_mib(key: str) -> float:
    """Return a size of this process in MiB; NaN where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return math.nan
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(key + ":")), math.nan)
