from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits
from click.testing import CliRunner

from fullwell.cli import main
from fullwell.cli.warmup import all_jobs
from fullwell.kernels import covariances, machine_code


def test_everything_is_compiled_and_then_nothing_is_left_to_compile():
    assert CliRunner().invoke(main, ["warmup"]).exit_code == 0

    from fullwell.kernels.combine_floats_compiled import combine_floats

    assert len(combine_floats.signatures) == 1
    assert CliRunner().invoke(main, ["warmup"]).exit_code == 0
    assert len(combine_floats.signatures) == 1


AFTERWARDS = """
import numpy as np
from numba.core import event

class Listener(event.Listener):
    def on_start(self, happened):
        print("compiled:", happened.data["dispatcher"].py_func.__qualname__, happened.data["args"])
    def on_end(self, happened):
        pass

event.register("numba:compile", Listener())
import fullwell as fw
from fullwell.combining import stack
from fullwell.kernels.covariances import autocovariance
from fullwell.kernels.lacosmic import find_cosmic_rays
from fullwell.noise import Noise

for kind in ("u2", ">i2", "f4", ">f4", "f8", "i4"):
    for spread in ("std", "mad", "noise"):
        for n in (1, 2, 5, 20):
            frames = [np.ones((9, 7), kind)] * n
            stack(frames, spread=spread, clip=3.0, noise=fw.NoiseModel(1.0, 2.0), method="median")
frame = fw.Frame(np.ones((9, 7), np.float32), variance=np.ones((9, 7), np.float32))
frame.flags[2, 3] = 1
stack([frame] * 4, clip=3.0, extrema=(1, 1), weights=[1, 2, 3, 4], scales=[1, 2, 1, 1])
stack([frame] * 4, noise=fw.NoiseModel(np.ones((9, 7)), np.ones((9, 7))), clip=6.0)
ones, mask = np.ones((40, 30), np.float32), np.zeros((40, 30), bool)
ones[9, 9] = 900
for medians in ("full", "separable"):
    find_cosmic_rays(ones, ones, medians=medians)
    find_cosmic_rays(ones, ones, mask, medians=medians, grow=2)
stream = Noise(0).stream("x")
stream.normal((5, 5)), stream.uniform(7), stream.poisson(2.0), stream.poisson(np.full((30, 30), 90, "f4"))
autocovariance(ones, mask == 0), autocovariance(ones.astype("f8"))
"""


def test_a_fresh_process_compiles_nothing_after_it():
    assert CliRunner().invoke(main, ["warmup"]).exit_code == 0

    done = subprocess.run([sys.executable, "-c", AFTERWARDS], check=True, capture_output=True, text=True)

    assert done.stdout == ""


RAW = """
import sys
from fullwell.cli import main

try:
    main(["combine", *sys.argv[1:]])
except SystemExit:
    print("numba" in sys.modules)
"""


def test_raw_frames_are_combined_without_numba_after_it(tmp_path):
    if not machine_code._is_usual():
        pytest.skip("Numba does all the work here")
    assert CliRunner().invoke(main, ["warmup"]).exit_code == 0
    names = [str(tmp_path / f"{i}.fits") for i in range(3)]
    for name in names:
        fits.writeto(name, np.ones((200, 200), np.uint16))

    command = [sys.executable, "-c", RAW, *names, "-o", str(tmp_path / "out.fits")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)

    assert done.stdout.splitlines()[-1] == "False"


LEFT = """
import importlib, pkgutil
from pathlib import Path
from numba.core.dispatcher import Dispatcher
from fullwell import kernels
from fullwell.cli.warmup import all_jobs

for job in all_jobs().values():
    job()
for found in pkgutil.iter_modules(kernels.__path__):
    if found.name.endswith("_compiled"):
        module = importlib.import_module(f"fullwell.kernels.{found.name}")
        for name in module.__all__:
            loop = getattr(module, name)
            if isinstance(loop, Dispatcher) and not loop.overloads:
                # What became part of another loop is in the cache, but is not loaded.
                if not any(Path(loop.stats.cache_path).glob(f"{found.name}.{name}-*.nbi")):
                    print(found.name, name)
"""


def test_no_loop_is_left_out():
    done = subprocess.run([sys.executable, "-c", LEFT], check=True, capture_output=True, text=True)

    assert done.stdout == ""


def test_a_module_of_kernels_may_bring_its_own_job(monkeypatch):
    called = []
    monkeypatch.setattr(covariances, "warm_up", lambda: called.append(1), raising=False)

    all_jobs()["covariances"]()

    assert called == [1]
