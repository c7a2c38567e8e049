"""Small nights: raw frames of 48 x 64 pixels, made with numpy alone, so that the truth is plain to see."""

from __future__ import annotations

import hashlib
import json
import shutil
import zlib
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from fullwell.config import parse_config
from fullwell.night import NoFrames, ReduceConfig, reduce

ROWS, COLUMNS = 48, 64
GAIN, READ_NOISE, LEVEL = 1.5, 6.0, 600.0
RATE, OFFSET = 0.4, 5.0  # e-/s, e-
START = datetime(2024, 3, 9, 20)


class Night:
    """A folder to which raw frames are added; what is in a frame depends on its name alone."""

    gain, read_noise, level = GAIN, READ_NOISE, LEVEL

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        y, x = np.mgrid[:ROWS, :COLUMNS]
        self.structure = (0.2 * x - 0.1 * y + 30.0 * (x == 17)).astype(np.float64)
        self.rate = np.full((ROWS, COLUMNS), RATE)
        self.rate[10, 20] = 60.0
        self.response = 1.0 - 0.15 * (((x - 30) / 40) ** 2 + ((y - 20) / 40) ** 2)
        self.response /= np.median(self.response)
        self._hours = 0.0

    def pixels(self, name, kind, *, seconds=0.0, light=0.0, level=0.0):
        """Expected values in ADU with noise: bias + (dark + light)/gain."""
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        charge = np.zeros((ROWS, COLUMNS))
        if kind != "bias":
            charge += self.rate * seconds + OFFSET
        charge += light * self.response
        image = self.level + level + self.structure + rng.poisson(charge) / self.gain
        image += rng.normal(0.0, self.read_noise / self.gain, image.shape)
        return np.clip(np.rint(image), 0, 65535).astype(np.uint16)

    def header(self, kind, seconds, cards):
        header = fits.Header()
        self._hours += 0.05
        header["DATE-OBS"] = (START + timedelta(hours=self._hours)).isoformat()
        header["IMAGETYP"] = {"science": "Light Frame"}.get(kind, f"{kind.capitalize()} Frame")
        header["EXPTIME"] = seconds
        header["CCD-TEMP"] = -10.0
        header["SET-TEMP"] = -10.0
        header["INSTRUME"] = "tiny"
        header["XBINNING"] = header["YBINNING"] = 1
        header["EGAIN"] = (self.gain, "e-/ADU")
        if kind in ("flat", "science"):
            header["FILTER"] = "V"
        for key, value in cards.items():
            keyword = key.replace("_", "-")
            if value is None:
                header.remove(keyword, ignore_missing=True)
            else:
                header[keyword] = value
        return header

    def add(self, name, kind, *, seconds=0.0, light=0.0, level=0.0, data=None, **cards):
        """Write one frame; a card that is None is left out, ``_`` in a keyword stands for ``-``."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if data is None:
            data = self.pixels(name, kind, seconds=seconds, light=light, level=level)
        header = self.header(kind, seconds, cards)
        fits.PrimaryHDU(data, header).writeto(path, overwrite=True)
        return path

    def biases(self, count=5, *, stem="bias", **options):
        return [self.add(f"{stem}_{i}.fits", "bias", **options) for i in range(1, count + 1)]

    def darks(self, seconds, count=5, *, stem=None, **options):
        stem = stem or f"dark_{seconds:g}s"
        return [self.add(f"{stem}_{i}.fits", "dark", seconds=seconds, **options) for i in range(1, count + 1)]

    def flats(self, count=5, *, seconds=4.0, light=20000.0, stem="flat", **options):
        return [
            self.add(f"{stem}_{i}.fits", "flat", seconds=seconds, light=light, **options)
            for i in range(1, count + 1)
        ]

    def science(self, count=1, *, seconds=60.0, light=300.0, stem="field", **options):
        return [
            self.add(f"{stem}_{i}.fits", "science", seconds=seconds, light=light, **options)
            for i in range(1, count + 1)
        ]

    def whole(self):
        """Everything a night needs."""
        self.biases()
        self.darks(60.0)
        self.darks(120.0)
        self.flats()
        self.science(2)
        return self


class Run:
    """What a reduction gave."""

    def __init__(self, result, out):
        self.result, self.data, self.out, self.code = result, result.data, out, result.exit_code

    @property
    def aside(self):
        return {one["name"]: one["reason"] for one in self.data["set_aside"]}

    @property
    def warnings(self):
        return [f"{row['severity']}: {row['subject']}: {row['text']}" for row in self.data["warnings"]]

    def master(self, kind):
        found = [one for one in self.data["masters"] if one["kind"] == kind]
        assert len(found) == 1, [one["name"] for one in found]
        return found[0]

    def science(self, name):
        return next(one for one in self.data["calibrated"] if one["raw"] == name)

    def image(self, path):
        return fits.getdata(self.out / path).astype(float)

    def header(self, path):
        return fits.getheader(self.out / path)


def tree(out):
    """Content of all products, by path."""
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file() and ".fullwell" not in path.parts
    }


def run(raw, out, *, workers=1, overwrite=False, dry_run=False, **tables):
    """Reduce, whatever comes out; tables of the configuration by keyword, without pictures unless asked."""
    tables.setdefault("report", {"pictures": False})
    config = parse_config(tables, ReduceConfig)
    try:
        result = reduce(raw, out, config=config, workers=workers, overwrite=overwrite, dry_run=dry_run)
    except NoFrames as error:
        result = error.result
    if not dry_run:
        assert json.loads((out / "results.json").read_text(), parse_constant=_refuse) == result.data
    return Run(result, out)


def _refuse(text):
    raise AssertionError(f"{text} is no JSON")


@pytest.fixture
def night(tmp_path):
    return Night(tmp_path / "raw")


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture(scope="session")
def whole_folder(tmp_path_factory):
    return Night(tmp_path_factory.mktemp("whole") / "raw").whole().folder


@pytest.fixture(scope="session")
def whole(whole_folder):
    """The complete night, reduced once; nobody changes it."""
    return run(whole_folder, whole_folder.parent / "out")


@pytest.fixture
def raw(whole_folder, tmp_path):
    """A copy of the complete night, to be changed."""
    return Path(shutil.copytree(whole_folder, tmp_path / "raw"))


@pytest.fixture
def reduced(whole, raw, tmp_path):
    """A copy of the complete night with its outputs, to go on from."""
    shutil.copytree(whole.out, tmp_path / "out")
    return tmp_path / "out"


@pytest.fixture(name="run", scope="session")
def run_function():
    return run


@pytest.fixture(name="tree", scope="session")
def tree_function():
    return tree


@pytest.fixture(name="Night", scope="session")
def night_class():
    return Night
