"""SAOImage DS9, spoken to with xpaset and xpaget; every call has a time limit."""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, get_args

import numpy as np
import numpy.typing as npt

from fullwell.display.backend import DisplayBackend
from fullwell.display.ds9_files import fits_bytes, regions_of
from fullwell.display.shown import Mark, Picture, PlaneStyle, Scale, Seen, View
from fullwell.errors import DisplayError
from fullwell.picture import Stretch

__all__ = ["Ds9Backend"]

_POLL = 0.1  # seconds between questions while it starts


class Ds9Backend(DisplayBackend):
    """A window of DS9, started for this display and ended with it.

    Parameters
    ----------
    number : int
    target : str, optional
        XPA name of a DS9 that runs already; it is not ended then.
    time_limit : float
        Seconds that one call may take; the start may take four times as long.

    Raises
    ------
    DisplayError
        If DS9 or XPA are not installed, there is no screen, or DS9 does not start.
    """

    name: ClassVar[str] = "ds9"

    def __init__(self, number: int, *, target: str | None = None, time_limit: float = 15.0) -> None:
        super().__init__(number)
        self._time_limit = time_limit
        self._process: subprocess.Popen[bytes] | None = None
        self._picture: Picture | None = None
        self._laid: dict[str, PlaneStyle] = {}
        missing = [tool for tool in ("xpaset", "xpaget") if shutil.which(tool) is None]
        if missing:
            raise DisplayError(f"{' and '.join(missing)} not found; install xpa-tools")
        # A name of its own, so that two programs never meet in one window; and no port is opened.
        self._environment = {**os.environ, "XPA_METHOD": "local"}
        self._target = target or f"fullwell_{number}_{uuid.uuid4().hex[:8]}"
        if target is None:
            self._start()
        else:
            self._get("version")

    def show(self, picture: Picture) -> None:
        """Send the image and its planes as FITS."""
        self._set("regions", "delete", "all")
        self._set("mask", "clear")
        self._set("fits", data=fits_bytes(picture.pixels, header=picture.frame.header, title=picture.title))
        self._picture, self._laid = picture, {}

    def set_scale(self, scale: Scale) -> None:
        """Change the stretch and the limits."""
        self._set("scale", scale.stretch)
        self._set("scale", "limits", repr(scale.low), repr(scale.high))

    def set_view(self, view: View) -> None:
        """Zoom and pan."""
        if view.zoom is None:
            self._set("zoom", "to", "fit")
        else:
            self._set("zoom", "to", repr(view.zoom))
        if view.center is not None:
            x, y = view.center
            self._set("pan", "to", repr(x + 1), repr(y + 1), "image")

    def draw(self, marks: Sequence[Mark]) -> None:
        """Add regions."""
        lines = ["image", *(line for mark in marks for line in regions_of(mark))]
        self._set("regions", "-format", "ds9", data="\n".join(lines).encode())

    def erase(self) -> None:
        """Remove all regions."""
        self._set("regions", "delete", "all")

    def set_styles(self, styles: Mapping[str, PlaneStyle]) -> None:
        """Lay the planes over the image anew, since DS9 colors a layer when it is loaded.

        It has one transparency for all: that of the plane that hides most.
        """
        planes = self._picture.planes if self._picture is not None else {}
        wanted = {name: style for name, style in styles.items() if name in planes}
        if wanted == self._laid:
            return
        self._set("mask", "clear")
        for name, style in wanted.items():
            self._set("mask", "color", style.color)
            self._set("mask", "mark", "nonzero")
            self._set("fits", "mask", data=fits_bytes(planes[name].astype(np.uint8), title=name))
        if wanted:
            opacity = max(style.opacity for style in wanted.values())
            self._set("mask", "transparency", f"{100 * (1 - opacity):.0f}")
        self._laid = wanted

    def seen(self) -> Seen:
        """Ask DS9."""
        low, high = (float(word) for word in self._get("scale", "limits").split()[:2])
        stretch: Any = self._get("scale").strip()
        zoom = float(self._get("zoom").split()[0])
        x, y = (float(word) - 1 for word in self._get("pan", "image").split()[:2])
        regions = self._get("regions", "-format", "ds9", "-system", "image")
        marks = sum("(" in line for line in regions.splitlines() if not line.startswith(("#", "global")))
        return Seen(
            data=self._pixels(),
            scale=Scale(stretch, low, high) if stretch in get_args(Stretch) else None,
            view=View(zoom, (x, y)),
            marks=marks,
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write what the window shows; the end of the name says how.

        ``.eps`` always works. For the others DS9 copies the screen, which not every screen lets it.
        """
        target = Path(path).resolve()
        kind = target.suffix.removeprefix(".").lower().replace("jpg", "jpeg")
        if kind not in ("eps", "png", "jpeg", "tiff"):
            raise DisplayError(f"DS9 cannot write {target.name!r}, but .eps, .png, .jpeg and .tiff")
        try:
            self._set("saveimage", kind, str(target))
        except DisplayError as error:
            raise DisplayError(f"{error}; a name that ends in .eps may work") from error

    def close(self) -> None:
        """End the DS9 that was started."""
        if self._process is None:
            return
        process, self._process = self._process, None
        try:
            self._run(["xpaset", "-p", self._target, "exit"], None, self._time_limit)
            process.wait(self._time_limit)
        except (DisplayError, subprocess.TimeoutExpired):
            _end(process)

    def _start(self) -> None:
        if shutil.which("ds9") is None:
            raise DisplayError("ds9 not found; install SAOImage DS9 (saods9)")
        if not os.environ.get("DISPLAY"):
            raise DisplayError("DS9 needs a screen, but DISPLAY is not set; try backend='matplotlib'")
        command = ["ds9", "-title", self._target, "-xpa", "local"]
        self._process = subprocess.Popen(
            command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until = time.monotonic() + 4 * self._time_limit
        while self._process.poll() is None and time.monotonic() < until:
            try:
                self._get("version")
            except DisplayError:
                time.sleep(_POLL)
            else:
                return
        ended = self._process.poll()
        _end(self._process)
        self._process = None
        how = (
            "did not answer in time"
            if ended is None
            else f"ended at once (status {ended}); is there a screen?"
        )
        raise DisplayError(f"DS9 {how}")

    def _pixels(self) -> npt.NDArray[Any] | None:
        from astropy.io import fits

        data = self._run(["xpaget", self._target, "fits"], None, self._time_limit)
        with fits.open(io.BytesIO(data)) as units:
            return np.array(units[0].data)

    def _set(self, *words: str, data: bytes | None = None) -> None:
        command = ["xpaset", *(["-p"] if data is None else []), self._target, *words]
        self._run(command, data, self._time_limit)

    def _get(self, *words: str) -> str:
        answer = self._run(["xpaget", self._target, *words], None, self._time_limit)
        return answer.decode("utf-8", "replace")

    def _run(self, command: list[str], data: bytes | None, limit: float) -> bytes:
        stdin: dict[str, Any] = {"stdin": subprocess.DEVNULL} if data is None else {"input": data}
        what = " ".join(command[:6])
        try:
            done = subprocess.run(
                command, env=self._environment, capture_output=True, timeout=limit, check=False, **stdin
            )
        except subprocess.TimeoutExpired:
            raise DisplayError(f"DS9 did not answer within {limit:g} s: {what}") from None
        said = done.stderr.decode("utf-8", "replace").strip()
        if done.returncode != 0 or "XPA$ERROR" in said:
            raise DisplayError(f"DS9 refused or is gone: {what}: {said or done.returncode}")
        return bytes(done.stdout)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children, gently first."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            try:
                os.killpg(process.pid, number)
                process.wait(5)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue
    process.wait()
