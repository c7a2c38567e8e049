"""Peers found on this machine, and those that are not, with the reason."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TypeVar

import attrs
from machine import package_version
from records import Absent
from rivals import Function, Program

__all__ = ["if_found", "of_debian", "of_python", "own_program"]

R = TypeVar("R", Function, Program)


def of_debian(program: str, package: str) -> str | Absent:
    """Return package and version of a program on the path, or say how to get it."""
    if shutil.which(program) is None:
        return Absent(program, f"no program {program}; apt-get install {package}")
    asked = ["dpkg-query", "--show", "--showformat", "${Version}", package]
    try:
        said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        said = ""
    return f"{package} {said}".strip()


def of_python(*packages: str) -> str | Absent:
    """Return names and versions of packages for this Python, or say which one is missing."""
    for name in packages:
        if not package_version(name):
            return Absent(
                name, f"no package {name} in {Path(sys.prefix).name}; see benchmarks/requirements.txt"
            )
    return ", ".join(f"{name} {package_version(name)}" for name in packages)


def own_program() -> str:
    """Return the path of the ``fullwell`` beside this Python."""
    return str(Path(sys.executable).parent / "fullwell")


def if_found(found: str | Absent, rival: R) -> R | Absent:
    """Return the rival with its version, or, under its name, why it is absent."""
    if isinstance(found, Absent):
        return Absent(rival.name, found.reason)
    return attrs.evolve(rival, version=found)
