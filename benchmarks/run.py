"""Run every benchmark beside this file and write what they print to RESULTS.md: ``make bench``."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
PACKAGES = ("fullwell", "numpy", "numba", "astropy")


def machine() -> str:
    """Say what the numbers were measured on; no name of a machine, no clock."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [
            line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line
        ]
        cpu = names[0] if names else cpu
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"{cpu}, {os.cpu_count()} cores; Python {platform.python_version()}, {packages}"


def main() -> int:
    """Return 1 if a benchmark failed."""
    parts = ["# Results\n", f"Measured on: {machine()}.\n"]
    failed = False
    # As many threads as the kernels use: one. NumPy's own pools would blur the comparison.
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    for script in sorted(HERE.glob("*.py")):
        if script.name == Path(__file__).name:
            continue
        done = subprocess.run(
            [sys.executable, str(script)], capture_output=True, text=True, env=environment, check=False
        )
        purpose = script.read_text(encoding="utf-8").split('"""')[1].strip()
        text = done.stdout if done.returncode == 0 else f"failed:\n{done.stderr}"
        failed |= done.returncode != 0
        print(f"{script.stem}\n{text}")
        parts.append(f"## {script.stem}\n\n{purpose}\n\n```text\n{text.rstrip()}\n```\n")
    (HERE / "RESULTS.md").write_text("\n".join(parts), encoding="utf-8")
    print("written to benchmarks/RESULTS.md")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
