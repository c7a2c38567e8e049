"""Requests that a page of another site, a foreign name for this machine, or a crooked client would send."""

from __future__ import annotations

import http.client
import json
from urllib.parse import quote, urlsplit

import numpy as np
import pytest
from asking import Asking

from fullwell.frame import Frame
from fullwell.io import write


class Client:
    """Sends exactly these headers; PORT in them is that of the server."""

    def __init__(self, url):
        self.parts = urlsplit(url)

    def __call__(self, path, headers=None, *, method="GET"):
        connection = http.client.HTTPConnection(self.parts.hostname, self.parts.port, timeout=60)
        connection.putrequest(method, path, skip_host=True)
        for name, text in {"Host": "127.0.0.1:PORT", **(headers or {})}.items():
            connection.putheader(name, text.replace("PORT", str(self.parts.port)))
        connection.endheaders()
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, answer.headers, content


@pytest.fixture(scope="module")
def client(inspector, folder):
    return Client(inspector(folder))


@pytest.mark.parametrize("host", ["127.0.0.1:PORT", "localhost:PORT", "LOCALHOST:PORT", "[::1]:PORT"])
def test_names_of_this_machine_are_answered(client, host):
    assert client("/api/session", {"Host": host})[0] == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:PORT",
        "127.0.0.1.evil.example:PORT",
        "localhost:80",
        "localhost",
        "127.0.0.1:PORT@evil.example",
        "evil.example/127.0.0.1:PORT",
        "0.0.0.0:PORT",
        "localhost:99999999",
        "[::1",
        "",
    ],
)
def test_other_names_are_refused(client, host):
    status, _, content = client("/api/session", {"Host": host})
    assert status == 403
    assert json.loads(content)["code"] == "forbidden"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1:PORT"},
        {"Origin": "http://127.0.0.1:3000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
    ],
)
def test_pages_of_other_sites_are_refused(client, headers):
    assert client("/api/session", headers)[0] == 403


def test_our_own_page_and_links_to_it_are_answered(client):
    own = {"Origin": "http://127.0.0.1:PORT", "Sec-Fetch-Site": "same-origin"}
    assert client("/api/session", own)[0] == 200
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert client("/", link)[0] == 200
    assert client("/", link | {"Sec-Fetch-Dest": "iframe"})[0] == 403


@pytest.mark.parametrize("path", ["/", "/api/session", "/api/frames/nobody", "/nowhere"])
def test_every_answer_says_what_a_browser_may_do_with_it(client, path):
    _, headers, _ = client(path)
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/%2fetc%2fpasswd",
        "/api/frames/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/api/frames/%00",
        "/report/..%2f..%2fetc%2fpasswd",
        "/api/frames/" + "a" * 70000,
    ],
)
def test_nothing_but_the_page_and_known_ids_is_found(client, path):
    status, _, content = client(path)
    assert status in (400, 403, 404)
    assert b"root:" not in content


def test_other_methods(client):
    status, _, content = client("/api/session", method="HEAD")
    assert (status, content) == (200, b"")
    status, headers, _ = client("/api/session", method="OPTIONS")
    assert status == 204
    assert "GET" in headers["Allow"]
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert client("/api/session", method=method)[0] == 405


def test_odd_names_are_shown_as_they_are_and_links_out_are_left_alone(start_server, tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    frame = Frame(np.arange(12, dtype=np.uint16).reshape(3, 4))
    names = [
        "a b.fits",
        "<script>alert(1)</script>.fits",
        "q'\"u.fits",
        "ünï☃.fits",
        "line\nbreak.fits",
        "#?%2e.fits",
    ]
    names = [name.replace("/", "") for name in names]
    for name in names:
        write(frame, inside / name)
    (inside / b"\xff\xfe.fits".decode("utf-8", "surrogateescape")).write_bytes(
        (inside / names[0]).read_bytes()
    )
    write(frame, outside / "secret.fits")
    (inside / "link.fits").symlink_to(outside / "secret.fits")
    (inside / "folder").symlink_to(outside)
    (inside / "loop").symlink_to(inside)
    (inside / "good.fits").symlink_to(inside / names[0])
    ask = Asking(start_server(inside))
    frames = ask.frames()
    (remark,) = ask.get("frames")["remarks"]  # the loop leads nowhere new
    assert remark.startswith(f"{inside.name}/folder is a link to a folder elsewhere")
    left = frames.pop("link.fits")
    assert (left["problem"], left["bytes"]) == ("link.fits is a link out of the opened folders.", 0)
    assert ask.refuses(f"frames/{left['id']}") == "gone"
    assert set(frames) == {*names, "��.fits", "good.fits"}
    for listed in frames.values():
        assert ask.tile(listed["id"]).tolist() == frame.data.tolist()
    # A link that turns outward after it was listed
    (inside / "good.fits").unlink()
    (inside / "good.fits").symlink_to(outside / "secret.fits")
    assert ask.refuses(f"frames/{frames['good.fits']['id']}") == "gone"


def test_a_single_file_may_be_opened(start_server, folder):
    ask = Asking(start_server(folder / "field_1.fits"))
    assert list(ask.frames()) == ["field_1.fits"]


def test_a_frame_that_goes_or_changes_is_a_message(start_server, tmp_path):
    path = tmp_path / "a.fits"
    write(Frame(np.full((600, 600), 7, np.uint16)), path)
    ask = Asking(start_server(tmp_path))
    frame_id = ask.frames()["a.fits"]["id"]
    version = ask.get(f"frames/{frame_id}")["version"]
    write(Frame(np.full((600, 600), 9, np.uint16)), path, overwrite=True)
    assert ask.refuses(f"frames/{frame_id}/tile/data/0/0/0", v=version) == "changed"
    assert ask.get(f"frames/{frame_id}")["version"] != version
    assert ask.get(f"frames/{frame_id}/value", x=1, y=1)["value"] == 9
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])  # as if it were being written
    assert ask.refuses(f"frames/{frame_id}/tile/data/0/0/0") == "unreadable"
    assert ask.refuses(f"frames/{frame_id}/statistics") == "unreadable"
    path.write_bytes(b"")
    assert ask.refuses(f"frames/{frame_id}") == "unreadable"
    path.unlink()
    assert ask.refuses(f"frames/{frame_id}/tile/data/0/0/0") == "gone"
    assert ask.refuses(f"frames/{frame_id}/header") == "gone"
    assert json.loads(ask.open("/api/session")[2])["roots"]


def test_ids_with_odd_letters_are_not_found(ask):
    for name in ("", " ", "é", "a/b", "'; DROP TABLE", "<b>"):
        status, content = ask.json(f"frames/{quote(name, safe='')}/header")
        assert status == 404, content
