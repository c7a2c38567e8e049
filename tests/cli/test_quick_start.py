from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from fullwell.cli.quick_start import uncollected
from fullwell.kernels.combine_compiled import warm_up


def test_the_collector_is_off_within_and_as_before_afterwards():
    assert gc.isenabled()
    with uncollected():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_an_error_within_turns_the_collector_on_again():
    with pytest.raises(KeyError), uncollected():
        raise KeyError
    assert gc.isenabled()


def test_numba_starts_without_scipy_linalg_which_is_there_afterwards():
    program = """
import sys
from fullwell.cli.quick_start import start_numba
start_numba()
from fullwell.noise import Noise
Noise(0).stream("x").normal((3, 3))
assert "numba" in sys.modules and "scipy.linalg" not in sys.modules
import scipy.linalg
start_numba()
assert sys.modules["scipy.linalg"] is scipy.linalg
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_combine_imports_no_more_than_it_needs(tmp_path):
    program = f"""
import sys
import numpy as np
from astropy.io import fits
paths = []
for i in range(3):
    paths.append({str(tmp_path)!r} + f"/{{i}}.fits")
    fits.writeto(paths[-1], np.full((4, 4), i, np.uint16))
from fullwell.cli import main
main(["combine", *paths, "-o", {str(tmp_path / "out.fits")!r}, "--clip", "0"], standalone_mode=False)
"""
    heavy = ("astropy.nddata", "astropy.time", "astropy.coordinates", "scipy.stats", "pydantic", "matplotlib")
    program = program.replace("main([", "import atexit\natexit.register(lambda: print(*sys.modules))\nmain([")

    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert (tmp_path / "out.fits").exists()
    assert not set(heavy) & set(done.stdout.splitlines()[-1].split())


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads cannot be counted")
def test_numpy_starts_no_threads_that_combine_would_not_use():
    program = """
import os
from fullwell.cli.quick_start import without_linear_algebra
without_linear_algebra()
import numpy
print(len(os.listdir("/proc/self/task")))
"""
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, env=environment
    )

    assert done.stdout.strip() == "1"


def modules_after(arguments, folder):
    """What a process has imported that ran the command line."""
    program = (
        "import sys, atexit; atexit.register(lambda: print(*sys.modules))\n"
        f"from fullwell.cli import main; main({arguments!r})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=folder
    )
    return set(done.stdout.splitlines()[-1].split())


def test_raw_frames_are_combined_without_astropy_and_numba(tmp_path):
    warm_up()  # which happens once on a machine
    names = []
    for i in range(3):
        names.append(f"{i}.fits")
        header = fits.Header([("EXPTIME", 30.0), ("IMAGETYP", "Bias Frame"), ("COMMENT", "as cameras write")])
        fits.writeto(tmp_path / names[-1], np.full((4, 4), i, np.uint16), header)

    found = modules_after(["combine", *names, "-o", "out.fits", "--clip", "0"], tmp_path)

    assert (tmp_path / "out.fits").exists()
    assert not {"astropy", "numba", "scipy", "pydantic", "rich", "matplotlib", "tomllib"} & found


@pytest.mark.parametrize("command", [["--help"], ["combine", "--help"], ["--version"]])
def test_help_imports_no_more_than_click(command, tmp_path):
    found = modules_after(command, tmp_path)

    assert not {"numpy", "astropy", "numba", "scipy", "pydantic", "rich", "matplotlib"} & found
