"""The web backend against a stand-in that keeps to the agreement with the inspector."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

import fullwell as fw
from fullwell.display.inspector import WebBackend
from fullwell.display.inspector_address import Address, announce, find, withdraw
from fullwell.errors import DisplayError
from fullwell.testing import DisplayBackendContract

TOKEN = "a token of the test"


class StandIn(BaseHTTPRequestHandler):
    """Takes images and words for displays, if the token is right; gives them back."""

    displays: dict[int, dict]
    planes: dict[tuple[int, str], np.ndarray]
    posts: list[dict]

    def log_message(self, *_):
        pass

    def answer(self, status, content=None):
        body = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        return self.rfile.read(int(self.headers["Content-Length"]))

    def refused(self):
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            self.body()
            self.answer(403, {"error": "the token is wrong", "code": "bad-request"})
            return True
        return False

    def do_GET(self):
        if self.path == "/api/session":
            self.answer(200, {"version": "1"})
        else:
            self.answer(200, {"displays": [{"number": n, **shown} for n, shown in self.displays.items()]})

    def do_PUT(self):
        if self.refused():
            return
        parts = urlsplit(self.path)
        *_, number, _, plane = parts.path.split("/")
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        dtype = {"uint16": "<u2", "float32": "<f4"}[query["dtype"]]
        pixels = np.frombuffer(self.body(), dtype).reshape(int(query["rows"]), int(query["columns"]))
        self.planes[int(number), plane] = pixels
        self.answer(204)

    def do_POST(self):
        if self.refused():
            return
        said = json.loads(self.body())
        self.posts.append(dict(said))
        shown = self.displays.setdefault(int(self.path.split("/")[-1]), {"marks": []})
        if said.pop("erase", False):
            shown["marks"] = []
        shown["marks"] = shown["marks"] + said.pop("marks", [])
        shown.update(said)
        self.answer(200, {})


@pytest.fixture(scope="module")
def server():
    handler = type("Handler", (StandIn,), {"displays": {}, "planes": {}, "posts": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        server.address = Address(f"http://127.0.0.1:{server.server_port}", TOKEN)
        server.handler = handler
        yield server
        server.shutdown()
        thread.join()


class TestWeb(DisplayBackendContract):
    saves = False

    @pytest.fixture(autouse=True)
    def _address(self, server):
        self.server = server

    def open(self, number):
        return WebBackend(number, address=self.server.address)

    def seen_data(self, display):
        return self.server.handler.planes[display.frame, "data"].astype(float)


def test_flags_travel_as_the_bits_they_are(server):
    frame = fw.Frame(np.zeros((3, 4), np.uint16), source="a.fits")
    frame.flags[1, 2] = fw.Flags.HOT | fw.Flags.EDGE
    mask = np.zeros(frame.shape, bool)
    mask[0, 0] = True
    with fw.Display(60, backend="web", address=server.address) as display:
        server.handler.posts.clear()
        display.mtv(frame, mask=mask)
        sent = server.handler.planes[60, "flags"]
        assert sent[1, 2] == fw.Flags.HOT | fw.Flags.EDGE
        assert sent[0, 0] == fw.Flags.MASKED
        (post,) = server.handler.posts
        assert (post["title"], post["unit"], post["planes"]) == ("a.fits", "ADU", ["HOT", "EDGE", "MASK"])


def test_marks_are_what_the_page_can_draw(server):
    with fw.Display(63, backend="web", address=server.address) as display:
        display.mtv(np.eye(20))
        server.handler.posts.clear()
        with display.buffering():
            display.box(fw.Box(3, 5, 7, 9), label="b").dot(4, 6, symbol="s", size=2, color="red")
            display.dot(4, 6, symbol="d", size=2).dot(1, 2, symbol="+", size=3, label="p").line(
                [(0, 1), (2, 3)]
            )
        (post,) = server.handler.posts
    box, square, diamond, plus, line = post["marks"]
    # The left edge of column 3 is 2.5 where its middle is 3.
    assert [box[key] for key in ("kind", "x0", "x1", "y0", "y1", "label")] == ["box", 2.5, 4.5, 6.5, 8.5, "b"]
    assert [square[key] for key in ("kind", "x0", "x1", "y0", "y1")] == ["box", 2, 6, 4, 8]
    assert diamond["points"] == [[6, 6], [4, 8], [2, 6], [4, 4], [6, 6]]
    assert (plus["kind"], plus["symbol"], plus["label"]) == ("dot", "+", "p")
    assert line["points"] == [[0, 1], [2, 3]]


def test_what_the_server_says_is_passed_on(server):
    wrong = Address(server.address.url, "wrong")
    with (
        fw.Display(61, backend="web", address=wrong) as display,
        pytest.raises(DisplayError, match="403, the token is wrong"),
    ):
        display.mtv(np.eye(3))


def test_nobody_there_is_said_with_what_to_do(tmp_path, monkeypatch):
    with pytest.raises(DisplayError, match="does not answer"):
        WebBackend(1, address=Address("http://127.0.0.1:9", "t"), time_limit=2)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.delenv("FULLWELL_INSPECTOR", raising=False)
    with pytest.raises(DisplayError, match="fullwell inspect"):
        fw.Display(62, backend="web")


@pytest.fixture
def environment(tmp_path):
    return {"XDG_RUNTIME_DIR": str(tmp_path)}


def announced_by(process, url, environment):
    """Announce an inspector as if another process had done so."""
    own = announce(url, f"token of {process}", environment=environment)
    return own.rename(own.with_name(f"inspector-{process}.json"))


def test_the_address_is_for_its_owner_only(tmp_path):
    environment = {"XDG_CACHE_HOME": str(tmp_path)}

    def found():
        return find(environment=environment, answers=lambda _: True)

    path = announce("http://127.0.0.1:8642", "secret", environment=environment)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert found() == Address("http://127.0.0.1:8642", "secret")
    assert "secret" not in repr(found())
    announce("http://localhost:9000/", "other", environment=environment)
    assert found() == Address("http://localhost:9000", "other")
    assert [each.name for each in path.parent.iterdir()] == [f"inspector-{os.getpid()}.json"]
    said = {**environment, "FULLWELL_INSPECTOR": "http://[::1]:77", "FULLWELL_INSPECTOR_TOKEN": "x"}
    assert find(environment=said) == Address("http://[::1]:77", "x")
    withdraw(environment=environment)
    withdraw(environment=environment)
    with pytest.raises(DisplayError, match="no inspector"):
        found()


def test_the_newest_that_answers_is_found(environment, server):
    parent = os.getppid()  # lives as long as we do
    older = announced_by(parent, server.address.url, environment)
    newer = announce("http://127.0.0.1:9", "t", environment=environment)  # nobody is there
    os.utime(older, ns=(1, 1))
    assert find(environment=environment) == Address(server.address.url, f"token of {parent}")
    assert find(environment=environment, answers=lambda _: True).token == "t"
    withdraw(environment=environment)
    assert older.exists()
    assert not newer.exists()


def test_what_a_dead_process_has_left_is_removed(environment):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    path = announced_by(gone.pid, "http://127.0.0.1:8642", environment)
    with pytest.raises(DisplayError, match="no inspector"):
        find(environment=environment, answers=lambda _: True)
    assert not path.exists()


def test_inspectors_of_other_machines_are_left_alone(environment):
    path = announce("http://127.0.0.1:8642", "secret", environment=environment)
    path.write_text(json.dumps({**json.loads(path.read_text()), "machine": "another"}))
    with pytest.raises(DisplayError, match="no inspector"):
        find(environment=environment, answers=lambda _: True)
    assert path.exists()


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"url": "http://127.0.0.1:1"}', '{"url": 5, "token": "a"}']
)
def test_a_broken_file_is_said(environment, content):
    announce("http://127.0.0.1:8642", "secret", environment=environment).write_text(content)
    with pytest.raises(DisplayError, match="remove it"):
        find(environment=environment)
    announced_by(os.getppid(), "http://127.0.0.1:8642", environment)
    assert find(environment=environment, answers=lambda _: True).token == f"token of {os.getppid()}"


@pytest.mark.parametrize("url", ["http://example.org:80", "https://127.0.0.1:1", "http://127.0.0.1",
                                 "ftp://localhost:5", "x",
                                 "http://127.0.0.1:99999", "http://127.0.0.1.example.org:80"])  # fmt: skip
def test_the_token_goes_to_this_machine_only(url, tmp_path):
    with pytest.raises(DisplayError, match="this machine"):
        announce(url, "t", environment={"XDG_RUNTIME_DIR": str(tmp_path)})
    with pytest.raises(DisplayError, match="this machine"):
        find(environment={"FULLWELL_INSPECTOR": url})
