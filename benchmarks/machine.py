"""What the numbers were measured on: no name of a machine, no clock."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["describe_machine", "load_average", "package_version"]

PACKAGES = ("fullwell", "numpy", "numba", "astropy", "scipy")


def package_version(name: str) -> str:
    """Version of an installed package, empty if it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def load_average() -> float:
    """Return how many programs wanted to run during the last minute; NaN where the system does not tell."""
    try:
        return round(os.getloadavg()[0], 2)
    except (AttributeError, OSError):
        return float("nan")


def describe_machine() -> dict[str, str]:
    """Return processor, cores, memory, system and versions, each in words."""
    info = {
        key.strip(): value.strip()
        for key, _, value in (line.partition(":") for line in lines("/proc/cpuinfo"))
        if value
    }
    flags = info.get("flags", "").split()
    vector = next((name for name in ("avx512bw", "avx2", "sse2") if name in flags), "")
    model = info.get("model name", platform.processor() or platform.machine())
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = next((int(line.split()[1]) for line in lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return {
        "processor": model + f" ({vector})" * bool(vector),
        "cores": str(cores),
        "memory": f"{memory / 1024**2:.0f} GiB" if memory else "unknown",
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "packages": ", ".join(
            f"{name} {package_version(name)}" for name in PACKAGES if package_version(name)
        ),
    }


def lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
