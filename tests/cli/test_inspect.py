from __future__ import annotations

import json
import signal
import socket
import urllib.request

import pytest


@pytest.mark.parametrize(("number", "codes"), [(signal.SIGINT, (0, 130)), (signal.SIGTERM, (143,))])
def test_inspect_serves_until_it_is_ended(start, raw, tmp_path, monkeypatch, number, codes):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    process = start("inspect", raw, "--no-browser", "--json")
    told = json.loads(process.stdout.readline())
    assert told["paths"] == [str(raw)]
    assert told["address"].startswith("http://127.0.0.1:")
    with urllib.request.urlopen(f"{told['address']}/api/session", timeout=60) as answer:
        assert json.load(answer)["roots"][0]["path_shown"] == str(raw)
    announced = tmp_path / "fullwell" / f"inspector-{process.pid}.json"
    assert json.loads(announced.read_text())["url"] == told["address"]
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode in codes
    assert "Traceback" not in errors
    assert not announced.exists()


def test_inspect_says_what_is_wrong(fullwell, tmp_path):
    answer = fullwell("inspect", tmp_path / "nowhere", "--no-browser")
    assert answer.returncode == 2
    assert "does not exist" in answer.stderr
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        answer = fullwell("inspect", tmp_path, "--no-browser", "--port", taken.getsockname()[1])
    assert answer.returncode == 2
    assert "port" in answer.stderr
