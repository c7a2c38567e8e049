"""The real DS9 on a virtual screen; what it says of itself is read back."""

from __future__ import annotations

import os
import shutil
import subprocess

import numpy as np
import pytest

import fullwell as fw
from fullwell.display.ds9 import Ds9Backend
from fullwell.display.ds9_files import regions_of
from fullwell.display.shown import Dot, Line, Rectangle
from fullwell.errors import DisplayError
from fullwell.testing import DisplayBackendContract

MISSING = [tool for tool in ("ds9", "xpaset", "xpaget", "Xvfb") if shutil.which(tool) is None]
PATIENT = 60.0  # seconds; nothing here takes one, but the machine may be busy
needs_ds9 = pytest.mark.skipif(bool(MISSING), reason=f"not on the PATH: {', '.join(MISSING)}")


@pytest.fixture(scope="module")
def screen():
    """A screen of its own, large enough for the whole window."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1600x1400x24", "-nolisten", "tcp"]
    process = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as stream:
        number = stream.readline().strip()  # comes when the screen is there
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISPLAY", f":{number}")
        yield
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="module")
def window(screen):
    """One DS9 for all tests: it takes seconds to start."""
    backend = Ds9Backend(0, time_limit=PATIENT)
    yield backend
    backend.close()


@needs_ds9
@pytest.mark.ds9
class TestDs9(DisplayBackendContract):
    suffix = ".eps"

    @pytest.fixture(autouse=True)
    def _window(self, window):
        self.window = window

    def open(self, number):
        # Another program's DS9, so to say: closing it leaves it running.
        return Ds9Backend(number, target=self.window._target, time_limit=PATIENT)


@needs_ds9
@pytest.mark.ds9
def test_ds9_is_started_and_ended_and_world_coordinates_arrive(screen, tmp_path):
    frame = fw.Frame(np.arange(600, dtype=np.uint16).reshape(20, 30))
    cards = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 10.5, "CRVAL2": -20.25, "CRPIX1": 15.0,
             "CRPIX2": 10.0, "CDELT1": -1e-3, "CDELT2": 1e-3}  # fmt: skip
    for name, value in cards.items():
        frame.header[name] = value
    with fw.Display(1, backend="ds9", time_limit=PATIENT) as display:
        process = display.backend._process
        display.mtv(frame, title="größe {x}")
        assert display.backend._get("wcs").strip() == "wcs"
        display.zoom(20).dot(14, 9)
        display.save(tmp_path / "a.eps")
        assert (tmp_path / "a.eps").read_bytes().startswith(b"%!PS")
        with pytest.raises(DisplayError, match="cannot write"):
            display.save(tmp_path / "a.gif")
        other = Ds9Backend(1, target=display.backend._target)
        assert other.seen().marks == 1
    assert process.wait(10) is not None
    with pytest.raises(DisplayError, match="refused or is gone"):
        other.seen()


@needs_ds9
@pytest.mark.ds9
def test_a_window_closed_by_hand_is_an_error_and_not_a_hang(screen):
    with fw.Display(2, backend="ds9", time_limit=PATIENT) as display:
        display.mtv(np.eye(4))
        display.backend._process.kill()
        display.backend._process.wait(10)
        with pytest.raises(DisplayError):
            display.mtv(np.eye(4))


def test_no_screen_and_no_program_are_said(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DisplayError, match="xpa-tools"):
        Ds9Backend(1)
    for tool in ("xpaset", "xpaget"):
        (tmp_path / tool).write_text("#!/bin/sh\n/bin/sleep 20\n")
        (tmp_path / tool).chmod(0o755)
    with pytest.raises(DisplayError, match="saods9"):
        Ds9Backend(1)
    (tmp_path / "ds9").write_text("#!/bin/sh\nexit 3\n")
    (tmp_path / "ds9").chmod(0o755)
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(DisplayError, match="DISPLAY is not set"):
        Ds9Backend(1)
    with pytest.raises(DisplayError, match=r"did not answer within 0.2 s: xpaget"):
        Ds9Backend(1, target="somebody", time_limit=0.2)
    monkeypatch.setenv("DISPLAY", ":0")
    with pytest.raises(DisplayError, match="status 3"):
        Ds9Backend(1, time_limit=0.2)


def test_marks_in_the_words_of_ds9():
    assert regions_of(Dot(2, 3, "o", 4, "#ff0000", "a {b}\nexit")) == [
        "circle(3,4,4) # color=#ff0000 text={a b exit}"
    ]
    assert regions_of(Dot(2, 3, "+", 4, "#ff0000")) == ["point(3,4) # color=#ff0000 text={} point=cross 8"]
    assert regions_of(Rectangle(2, 6, 1, 4, "#00ff00")) == ["box(4.5,3.0,4,3,0) # color=#00ff00 text={}"]
    assert regions_of(Line(((0, 0), (1, 2), (3, 4)), "#00ff00")) == [
        "line(1,1,2,3) # color=#00ff00", "line(2,3,4,5) # color=#00ff00",
    ]  # fmt: skip
