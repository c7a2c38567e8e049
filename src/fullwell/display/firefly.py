"""Firefly, for those who have a server; the extra ``firefly`` brings its client."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from fullwell.display.backend import DisplayBackend
from fullwell.display.ds9_files import fits_bytes, regions_of
from fullwell.display.shown import Mark, Picture, PlaneStyle, Scale, Seen, View
from fullwell.errors import DisplayError

__all__ = ["FireflyBackend"]

_STRETCHES = {"linear": "linear", "log": "log", "sqrt": "sqrt", "asinh": "asinh"}
_LAYER = "marks"


class FireflyBackend(DisplayBackend):
    """An image of a Firefly server.

    Parameters
    ----------
    number : int
    url : str, optional
        Of the server; the variable FIREFLY_URL if not given.
    client : object, optional
        A ``FireflyClient`` that exists already.

    Raises
    ------
    DisplayError
        If firefly_client is not installed, or the server cannot be reached.
    """

    name: ClassVar[str] = "firefly"

    def __init__(self, number: int, *, url: str | None = None, client: Any = None) -> None:
        super().__init__(number)
        self._client = _connect(url) if client is None else client
        self._plot_id = f"fullwell-{number}"
        self._planes: list[str] = []
        self._regions: list[str] = []
        self._shown = Seen(marks=0)
        self._styles: dict[str, PlaneStyle] = {}

    def show(self, picture: Picture) -> None:
        """Upload the image and its planes."""
        self.erase()
        for name in self._planes:
            self._call("remove_mask", plot_id=self._plot_id, mask_id=name)
        uploaded = self._upload(fits_bytes(picture.pixels, header=picture.frame.header, title=picture.title))
        self._call("show_fits", file_on_server=uploaded, plot_id=self._plot_id, Title=picture.title)
        self._planes = list(picture.planes)
        self._masks = {
            name: self._upload(fits_bytes(plane.astype(np.int16), title=name))
            for name, plane in picture.planes.items()
        }

    def set_scale(self, scale: Scale) -> None:
        """Change the stretch and the limits."""
        self._call(
            "set_stretch",
            plot_id=self._plot_id,
            stype="data",
            algorithm=_STRETCHES[scale.stretch],
            lower_value=scale.low,
            upper_value=scale.high,
        )

    def set_view(self, view: View) -> None:
        """Zoom and pan."""
        self._call("set_zoom", plot_id=self._plot_id, factor=1.0 if view.zoom is None else view.zoom)
        if view.center is not None:
            x, y = view.center
            self._call("set_pan", plot_id=self._plot_id, x=x + 1, y=y + 1, coord="image")

    def draw(self, marks: Sequence[Mark]) -> None:
        """Add regions."""
        lines = [f"image;{line}" for mark in marks for line in regions_of(mark)]
        self._call("add_region_data", region_data=lines, region_layer_id=_LAYER, plot_id=self._plot_id)
        self._regions += lines

    def erase(self) -> None:
        """Remove the layer of regions."""
        if self._regions:
            self._call("delete_region_layer", region_layer_id=_LAYER, plot_id=self._plot_id)
            self._regions = []

    def set_styles(self, styles: Mapping[str, PlaneStyle]) -> None:
        """Lay the planes over the image anew."""
        for name in self._planes:
            style = styles.get(name)
            if style is not None and style != self._styles.get(name):
                self._call(
                    "add_mask",
                    bit_number=0,
                    image_number=0,
                    plot_id=self._plot_id,
                    mask_id=name,
                    color=style.color,
                    title=name,
                    file_on_server=self._masks[name],
                )
        self._styles = dict(styles)

    def seen(self) -> Seen:
        """Return nothing: Firefly cannot be asked."""
        return Seen()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Refuse, since the page is drawn by the browser.

        Raises
        ------
        DisplayError
            Always.
        """
        raise DisplayError(
            f"no picture at {path}: Firefly draws in the browser; use Display(backend='matplotlib')"
        )

    def close(self) -> None:
        """Leave the channel; the page stays open."""
        if hasattr(self._client, "disconnect"):
            self._client.disconnect()

    def _upload(self, data: bytes) -> Any:
        return self._call("upload_fits_data", io.BytesIO(data))

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        try:
            answer = getattr(self._client, name)(*args, **kwargs)
        except Exception as error:
            raise DisplayError(f"Firefly failed at {name}: {error}") from error
        if isinstance(answer, dict) and answer.get("success") is False:
            raise DisplayError(f"Firefly refused {name}: {answer}")
        return answer


def _connect(url: str | None) -> Any:
    url = url or os.environ.get("FIREFLY_URL")
    if not url:
        raise DisplayError("which Firefly server? give url=, or set FIREFLY_URL")
    try:
        from firefly_client import FireflyClient
    except ImportError:
        raise DisplayError("firefly_client is not installed; pip install 'fullwell[firefly]'") from None
    try:
        return FireflyClient.make_client(url=url, launch_browser=False)
    except Exception as error:
        raise DisplayError(f"no Firefly server answers at {url}: {error}") from error
