"""The displays of scripts against the real server: the contract, and pixels read back tile by tile."""

from __future__ import annotations

import json
from urllib.request import urlopen

import numpy as np
import pytest

import fullwell as fw
from fullwell.display.inspector import WebBackend
from fullwell.display.inspector_address import Address
from fullwell.testing import DisplayBackendContract

TOKEN = "what scripts show"


@pytest.fixture(scope="module")
def address(start_server, tmp_path_factory):
    return Address(start_server(tmp_path_factory.mktemp("empty"), token=TOKEN).rstrip("/"), TOKEN)


class TestRealInspector(DisplayBackendContract):
    saves = False

    @pytest.fixture(autouse=True)
    def _address(self, address):
        self.address = address

    def open(self, number):
        return WebBackend(number, address=self.address)

    def seen_data(self, display):
        with urlopen(f"{self.address.url}/api/displays") as answer:
            (mine,) = [one for one in json.load(answer)["displays"] if one["number"] == display.frame]
        with urlopen(f"{self.address.url}/api/frames/{mine['id']}/tile/data/0/0/0") as answer:
            rows, columns = (int(side) for side in answer.headers["X-Shape"].split(","))
            dtype = {"uint16": "<u2", "float32": "<f4"}[answer.headers["X-Dtype"]]
            return np.frombuffer(answer.read(), dtype).reshape(rows, columns).astype(np.float64)


def test_whole_numbers_that_float32_cannot_hold_arrive(address):
    with fw.Display(77, backend="web", address=address) as display:
        display.mtv(np.array([[2**24 + 1, 7], [0, -5]], np.int32))
    with urlopen(f"{address.url}/api/frames/display-77/value?x=0&y=0") as answer:
        assert json.load(answer)["value"] == 2**24 + 1
