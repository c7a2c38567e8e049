"""The client is a stand-in that records calls with the signatures of the real one."""

from __future__ import annotations

import inspect
import io

import numpy as np
import pytest
from astropy.io import fits

import fullwell as fw
from fullwell.display.firefly import FireflyBackend
from fullwell.errors import DisplayError
from fullwell.testing import DisplayBackendContract


class FakeClient:
    def __init__(self):
        self.calls, self.files = [], {}

    def upload_fits_data(self, stream):
        name = f"file{len(self.files)}"
        self.files[name] = stream.read()
        return name

    def __getattr__(self, name):
        if name not in ("show_fits", "set_stretch", "set_zoom", "set_pan", "add_region_data",
                        "delete_region_layer", "add_mask", "remove_mask"):  # fmt: skip
            raise AttributeError(name)

        def call(*args, **kwargs):
            real = getattr(pytest.importorskip("firefly_client").FireflyClient, name)
            inspect.signature(real).bind(self, *args, **kwargs)
            self.calls.append((name, kwargs))
            return {"success": True}

        return call


class TestFirefly(DisplayBackendContract):
    answers = saves = False

    def open(self, number):
        self.client = FakeClient()
        return FireflyBackend(number, client=self.client)

    def seen_data(self, display):  # noqa: ARG002
        name = [kwargs["file_on_server"] for name, kwargs in self.client.calls if name == "show_fits"][-1]
        with fits.open(io.BytesIO(self.client.files[name])) as units:
            return np.array(units[0].data, float)


def test_masks_marks_and_scales_reach_the_server():
    client = FakeClient()
    frame = fw.Frame(np.arange(12.0).reshape(3, 4))
    frame.flags[1, 2] = fw.Flags.HOT
    with fw.Display(65, backend="firefly", client=client) as display:
        display.mtv(frame).scale("asinh", (1.0, 9.0)).zoom(3).pan(2, 1).dot(
            2, 1, size=4, color="red", label="x"
        ).erase()
    said = dict(client.calls)
    assert said["set_stretch"] == {
        "plot_id": "fullwell-65", "stype": "data", "algorithm": "asinh",
        "lower_value": 1.0, "upper_value": 9.0,
    }  # fmt: skip
    assert said["set_pan"] == {"plot_id": "fullwell-65", "x": 3.0, "y": 2.0, "coord": "image"}
    assert said["add_region_data"]["region_data"] == ["image;circle(3.0,2.0,4.0) # color=#ff0000 text={x}"]
    assert said["delete_region_layer"]["plot_id"] == "fullwell-65"
    with fits.open(io.BytesIO(client.files[said["add_mask"]["file_on_server"]])) as units:
        assert np.argwhere(units[0].data).tolist() == [[1, 2]]
    assert said["add_mask"]["color"] == fw.display.PLANE_COLORS["HOT"]


def test_failures_are_ours(monkeypatch):
    client = FakeClient()
    client.upload_fits_data = lambda stream: {"success": False, "error": "full"}
    with (
        fw.Display(66, backend="firefly", client=client) as display,
        pytest.raises(DisplayError, match="full"),
    ):
        display.mtv(np.eye(3))
    monkeypatch.delenv("FIREFLY_URL", raising=False)
    with pytest.raises(DisplayError, match="FIREFLY_URL"):
        fw.Display(67, backend="firefly")
