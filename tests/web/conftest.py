"""A small simulated folder, and the real server on a free port of this machine."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np
import pytest
from asking import Asking
from astropy import units as u
from astropy.io import fits

from fullwell.flags import FLAG_DTYPE, Flags
from fullwell.frame import Frame
from fullwell.io import write
from fullwell.simulation import Scenario, simulate

FLATS = [
    {
        "type": "flat",
        "count": 2,
        "exposure_time": seconds,
        "filter": "V",
        "lamp": 5000.0,
        "name": f"flat_{seconds:g}s_{{number}}.fits",
    }
    for seconds in (1.0, 3.0, 6.0)
]
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
        *FLATS,
        {"type": "light", "count": 3, "exposure_time": 60.0, "filter": "V", "name": "field_{number}.fits"},
    ],
}


@pytest.fixture(scope="session")
def night(tmp_path_factory):
    """Raw frames with overscan, 108 x 64."""
    folder = tmp_path_factory.mktemp("night") / "raw"
    simulate(Scenario.from_dict(NIGHT), folder)
    return folder


@pytest.fixture(scope="session")
def folder(tmp_path_factory, night):
    """Raw frames as they are, and in `other` a large, a packed, a calibrated, and a broken one."""
    top = tmp_path_factory.mktemp("opened")
    for path in night.iterdir():
        (top / path.name).write_bytes(path.read_bytes())
    other = top / "other"
    other.mkdir()
    generator = np.random.default_rng(3)
    large = generator.integers(900, 1200, (1100, 1300)).astype(np.uint16)
    large[700, 801] = 60000
    write(Frame(large), other / "large.fits")
    packed = fits.CompImageHDU(large.astype(np.int16))
    fits.HDUList([fits.PrimaryHDU(), packed]).writeto(other / "packed.fits.fz")
    data = generator.normal(50, 5, (40, 50)).astype(np.float32)
    data[3, 4] = np.nan
    flags = np.zeros(data.shape, FLAG_DTYPE)
    flags[10, 20] = Flags.HOT | Flags.SUSPECT
    write(Frame(data, variance=np.full_like(data, 25), flags=flags, unit=u.electron), other / "clean.fits")
    (other / "broken.fits").write_bytes((top / "field_1.fits").read_bytes()[:4000])
    return top


@pytest.fixture(scope="session")
def start_server():
    """Start servers, which end with the tests: ``start_server(*paths, token=None)`` gives the address."""
    from fullwell.web.app import create_app
    from fullwell.web.server import running

    with ExitStack() as servers:
        yield lambda *paths, token=None: servers.enter_context(running(create_app(paths, token=token)))


@pytest.fixture(scope="session")
def inspector(start_server):
    """Address of the real server for a folder: ``inspector(folder)``."""
    known = {}
    return lambda path: known.get(path) or known.setdefault(path, start_server(path))


@pytest.fixture(scope="session")
def ask(inspector, folder):
    """What the server says about `folder`."""
    return Asking(inspector(folder))
