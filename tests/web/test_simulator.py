"""Addresses of the simulator: what they give, and what they refuse."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest

for needed in ("starlette", "httpx"):
    pytest.importorskip(needed, reason=f"{needed} is not installed")

import httpx  # noqa: E402
from anyio.from_thread import start_blocking_portal  # noqa: E402
from starlette.applications import Starlette  # noqa: E402

from fullwell.simulation.playground import Playground  # noqa: E402
from fullwell.simulation.playground_controls import Settings, describe  # noqa: E402
from fullwell.web import simulator  # noqa: E402


class Client:
    """Asks the application without a socket, from any thread."""

    def __init__(self, portal, app):
        self._portal = portal
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")

    def get(self, path, **params):
        return self._portal.call(lambda: self._client.get(path, params=params))

    def post(self, path):
        return self._portal.call(lambda: self._client.post(path))


@pytest.fixture(scope="module")
def client():
    with start_blocking_portal() as portal:
        yield Client(portal, Starlette(routes=simulator.routes))


def unpacked(body):
    length = int.from_bytes(body[:4], "little")
    reading = json.loads(body[4 : 4 + length])
    return reading, np.frombuffer(body[4 + length :], "<u2").reshape(reading["shape"])


def ask(client, text):
    return client.get("/api/simulator/frame", parameters=text)


def test_description(client):
    assert client.get("/api/simulator").json() == json.loads(json.dumps(describe()))


def test_a_frame_is_that_of_the_model(client):
    values = {"sky": 20.5, "vignetting": 0.3, "seed": 5, "noise": 2}
    answer = ask(client, json.dumps(values))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert int.from_bytes(answer.content[:4], "little") % 2 == 0
    reading, frame = unpacked(answer.content)
    play = Playground().take(Settings.of(values))
    np.testing.assert_array_equal(frame, play.frame)
    assert reading == json.loads(json.dumps(play.reading()))
    first, _ = unpacked(client.get("/api/simulator/frame").content)
    assert first["shape"] == [500, 500]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "7",
        '{"sky": "bright"}',
        '{"sky": -1}',
        '{"sky": NaN}',
        '{"sky": 1e400}',
        '{"sky": ' + "9" * 400 + "}",
        '{"sky": ' + "9" * 5000 + "}",
        '{"sky": true}',
        '{"<script>": 1}',
        '{"seed": -1}',
        '{"seed": 0.5}',
        '{"bias": {"a": 1}}',
        "[" * 8000,
        " " * 9000,
        "",
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(client, text):
    answer = ask(client, text)
    assert answer.status_code == 400
    assert answer.json()["code"] == "bad-request"
    assert "is not possible" in answer.json()["error"]
    assert len(answer.json()["error"]) < 6000


def test_only_get(client):
    assert client.post("/api/simulator/frame").status_code == 405


def test_a_crowd_is_told_to_wait(client, monkeypatch):
    """One ask more than there is room for, while the others are still being made."""
    full, done = threading.Barrier(3, timeout=60), threading.Event()
    answered = simulator._answer

    def slowly(values):
        full.wait()
        done.wait(60)
        return answered(values)

    monkeypatch.setattr(simulator, "_answer", slowly)
    monkeypatch.setattr(simulator, "_MOST_AT_WORK", 2)
    statuses = []
    others = [
        threading.Thread(target=lambda: statuses.append(ask(client, "{}").status_code)) for _ in range(2)
    ]
    for other in others:
        other.start()
    full.wait()
    refused = ask(client, "{}")
    done.set()
    for other in others:
        other.join(60)
    assert (refused.status_code, refused.json()["code"]) == (503, "busy")
    assert statuses == [200, 200]
    monkeypatch.undo()
    assert ask(client, "{}").status_code == 200
