from __future__ import annotations

import json

import numpy as np
import pytest
from asking import Asking

from fullwell.flags import Flags

TOKEN = "a-token-of-the-tests"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def server(start_server, tmp_path):
    return Asking(start_server(tmp_path, token=TOKEN))


def put(server, array, plane="data", number=3, **changes):
    query = {"rows": array.shape[0], "columns": array.shape[1], "dtype": array.dtype.name} | changes
    address = f"/api/displays/{number}/data/{plane}?" + "&".join(
        f"{key}={value}" for key, value in query.items()
    )
    return server.open(address, method="PUT", body=array.tobytes(), headers=HEADERS)


def post(server, wishes, number=3):
    return server.open(
        f"/api/displays/{number}", method="POST", body=json.dumps(wishes).encode(), headers=HEADERS
    )


def test_a_frame_that_was_sent_is_a_frame_like_any_other(server):
    data = np.random.default_rng(1).normal(100, 3, (600, 700)).astype(np.float32)
    flags = np.zeros(data.shape, np.uint16)
    flags[5, 6] = Flags.COSMIC_RAY
    assert put(server, data)[0] == 204
    assert put(server, flags, "flags")[0] == 204
    wishes = {
        "title": "residuals",
        "unit": "electron",
        "marks": [{"kind": "dot", "x": 4, "y": 5}],
        "erase": True,
    }
    assert post(server, wishes | {"scale": {"stretch": "asinh", "limits": [90, 110]}})[0] == 204
    (display,) = server.get("displays")["displays"]
    assert (display["number"], display["title"], len(display["marks"])) == (3, "residuals", 1)
    assert display["scale"] == {"stretch": "asinh", "limits": [90, 110]}
    np.testing.assert_array_equal(server.tile(display["id"], row=1, column=1), data[512:, 512:])
    assert server.get(f"frames/{display['id']}/value", x=6, y=5)["flags"] == ["COSMIC_RAY"]
    assert server.get(f"frames/{display['id']}/statistics")["unit"] == "electron"
    assert server.get(f"frames/{display['id']}")["name"] == "residuals"
    assert server.get(f"frames/{display['id']}/header") == {"hdus": []}
    assert server.get("series", ids=display["id"], x=0, y=0)["points"][0]["value"] == pytest.approx(
        data[0, 0]
    )


def test_new_data_have_a_new_version_and_no_old_flags(server):
    put(server, np.zeros((4, 5), np.uint16))
    put(server, np.zeros((4, 5), np.uint16), "flags")
    (first,) = server.get("displays")["displays"]
    version = server.get(f"frames/{first['id']}")["version"]
    put(server, np.ones((4, 5), np.uint16))
    (second,) = server.get("displays")["displays"]
    assert second["version"] != first["version"]
    now = server.get(f"frames/{first['id']}")
    assert now["version"] != version
    assert now["planes"] == ["data"]


def test_marks_add_up_until_they_are_erased(server):
    put(server, np.zeros((4, 5), np.uint16))
    for _ in range(2):
        post(server, {"marks": [{"kind": "dot"}]})
    assert len(server.get("displays")["displays"][0]["marks"]) == 2
    post(server, {"erase": True})
    assert server.get("displays")["displays"][0]["marks"] == []


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}])
def test_without_the_token_nothing_is_taken(server, headers):
    address = "/api/displays/1/data/data?rows=1&columns=1&dtype=uint16"
    assert server.open(address, method="PUT", body=b"ab", headers=headers)[0] == 403
    assert server.open("/api/displays/1", method="POST", body=b"{}", headers=headers)[0] == 403
    assert server.get("displays")["displays"] == []


def test_a_server_without_a_token_takes_nothing(ask):
    headers = {"Authorization": "Bearer None"}
    assert ask.open("/api/displays/1", method="POST", body=b"{}", headers=headers)[0] == 403


@pytest.mark.parametrize(
    "changes",
    [
        {"rows": 0},
        {"rows": -4},
        {"columns": 10**9},
        {"rows": 100000, "columns": 100000},
        {"rows": 5},
        {"dtype": "int64"},
        {"dtype": "object"},
        {"number": -1},
        {"number": 10**6},
    ],
)
def test_planes_that_do_not_fit_are_refused(server, changes):
    number = changes.pop("number", 3)
    status, _, content = put(server, np.zeros((4, 5), np.uint16), number=number, **changes)
    assert status == 400
    assert json.loads(content)["error"].endswith(".")


def test_planes_without_data_and_unknown_planes_are_refused(server):
    assert put(server, np.zeros((4, 5), np.uint16), "flags")[0] == 400
    assert put(server, np.zeros((4, 5), np.uint16), "secret")[0] == 404
    put(server, np.zeros((4, 5), np.uint16))
    assert put(server, np.zeros((5, 4), np.uint16), "flags")[0] == 400
    assert put(server, np.zeros((4, 5), np.float32), "flags")[0] == 400


@pytest.mark.parametrize(
    "wishes", [[], "text", {"title": 3}, {"marks": {}}, {"marks": [1]}, {"scale": "log"}, {"erase": 1}]
)
def test_wishes_of_other_kinds_are_refused(server, wishes):
    assert post(server, wishes)[0] == 400


def test_what_is_no_json_is_refused(server):
    for body in (b"", b"{", b"\xff\xfe", b"[" * 100000):
        assert server.open("/api/displays/3", method="POST", body=body, headers=HEADERS)[0] == 400
