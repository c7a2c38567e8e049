"""A small simulated night on disk, and the program as a process of its own."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys

import pytest

from fullwell.simulation import Scenario, simulate

NIGHT = {
    "name": "small",
    "seed": 11,
    "detector": {"name": "tiny", "shape": [64, 96], "overscan": 12, "gain": 1.5, "read_noise": 8.0},
    "bias": {"level": 1000.0, "drift": 2.0, "gradient": [8.0, -4.0]},
    "dark": {"rate": 0.2, "offset": 3.0, "hot_fraction": 0.002, "hot_rate": [30.0, 200.0]},
    "flat": {"V": {"vignetting": 0.15, "pixel_response": 0.01}},
    "sky": {"V": {"level": 20.0}},
    "stars": {"number": 6, "flux": [50, 900], "fwhm": 3.0},
    "sequence": [
        {"type": "bias", "count": 5},
        {"type": "dark", "count": 5, "exposure_time": 60.0},
        {"type": "flat", "count": 5, "exposure_time": 5.0, "filter": "V", "lamp": 5000.0},
        {"type": "light", "count": 3, "exposure_time": 60.0, "filter": "V", "name": "field_{number}.fits"},
    ],
}


@pytest.fixture(scope="session")
def raw(tmp_path_factory):
    folder = tmp_path_factory.mktemp("night") / "raw"
    simulate(Scenario.from_dict(NIGHT), folder)
    return folder


@pytest.fixture
def fullwell():
    """Run the program to its end."""

    def call(*arguments, **options):
        command = [sys.executable, "-m", "fullwell.cli", *(str(argument) for argument in arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)

    return call


@pytest.fixture
def start():
    """Start the program."""

    def begin(*arguments):
        command = [sys.executable, "-m", "fullwell.cli", *(str(argument) for argument in arguments)]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=_interruptible
        )

    return begin


def _interruptible():
    # A job in the background of a shell ignores SIGINT, and its children inherit that.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def tree():
    """Content of all products, by path."""

    def digests(out):
        return {
            path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(out.rglob("*"))
            if path.is_file() and ".fullwell" not in path.parts
        }

    return digests
