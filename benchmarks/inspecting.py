"""The server of ``fullwell inspect`` over its socket: what a change of frame costs, a pixel through a stack, a listing.

A client of the standard library asks for what the page asks for; the server is a process of its own. Each frame is asked
for once, so that nothing of it was made before.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from combining_files import make_files
from harness import Absent, Agreement, Contest, Function, Options, Target, compare, main

CONNECTIONS = 6  # as a browser
LIMIT_MIB = 500


class Client:
    """Asks a server, from several threads at once."""

    def __init__(self, url: str) -> None:
        self.port = urlsplit(url).port
        self.local = threading.local()
        self.pool = ThreadPoolExecutor(CONNECTIONS)

    def get(self, path: str) -> bytes:
        connection = getattr(self.local, "connection", None)
        if connection is None:
            connection = self.local.connection = HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request("GET", f"/api/{path}")
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {content[:200]!r}")
        return content

    def json(self, path: str) -> Any:
        return json.loads(self.get(path))

    def listed(self) -> list[str]:
        """Ids of all frames, once all headers were read."""
        while (answer := self.json("frames"))["scanning"]:
            pass
        return [frame["id"] for frame in answer["frames"]]

    def change(self, frame: str, level: int) -> int:
        """Ask for what a view of 1200 x 800 needs of a whole frame; return the bytes."""
        told = self.json(f"frames/{frame}")
        side = told["tile"] << level
        rows, columns = (range(-(-size // side)) for size in told["shape"])
        address = f"frames/{frame}/tile/data/{level}/{{}}/{{}}?v={told['version']}"
        tiles = self.pool.map(self.get, (address.format(y, x) for y in rows for x in columns))
        return sum(map(len, tiles))


@contextmanager
def serving(folder: Path) -> Iterator[tuple[Client, int]]:
    """Start the program; give a client and the number of the process."""
    command = [sys.executable, "-m", "fullwell.cli", "inspect", str(folder), "--no-browser", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield Client(json.loads(process.stdout.readline())["address"]), process.pid
    finally:
        process.terminate()
        process.wait()


def memory_mib(process: int) -> float:
    """Return the most that a process has held."""
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process}/status").read_text())
    return int(found[1]) / 1024 if found else float("nan")


def contests(options: Options) -> Iterator[Contest]:
    frames, side = (4, 512) if options.quick else (20, 4096)
    folder = Path(tempfile.mkdtemp(prefix="fullwell-bench-", dir=options.folder))
    try:
        for many in (frames, 10 * frames):
            (folder / f"small{many}").mkdir()
            make_files(folder / f"small{many}", many, 64)
        (folder / "large").mkdir()
        names = make_files(folder / "large", frames, side)
        content = [(folder / "large" / name).read_bytes() for name in names]
        with serving(folder / "large") as (client, process):
            yield from about_frames(client, process, content, frames, side)
        yield listing(folder, frames)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def about_frames(
    client: Client, process: int, content: list[bytes], frames: int, side: int
) -> Iterator[Contest]:
    ids = client.listed()
    level = max(0, int(np.log2(side / 1024)))
    turn = itertools.cycle(ids)
    copies = itertools.cycle(content)
    yield Contest(
        work="inspect-change",
        title="Another frame in the inspector",
        about=f"limits and all tiles of level {level} of a frame of {side} x {side} uint16 that was not shown before; "
        "`copy` copies the bytes of its file. The server may take 200 ms.",
        rivals=[
            Function("fullwell inspect", lambda: client.change(next(turn), level)),
            Function("copy", lambda: np.frombuffer(next(copies), np.uint8).copy()),
        ],
        rounds=frames - 1,
        targets=[Target("a change of frame, seconds", over="fullwell inspect", at_most=0.2)],
    )
    query = f"series?ids={','.join(ids)}&x={side // 3}&y={side // 2}"
    pixel = 2880 + 2 * (side // 2 * side + side // 3)
    truth = [int.from_bytes(each[pixel : pixel + 2], "big", signed=True) + 32768 for each in content]

    def judge(_: str, seen: Any) -> Agreement | None:
        return compare(np.asarray(seen, float), np.asarray(truth, float), within=0)

    yield Contest(
        work="inspect-series",
        title="One pixel through a stack in the inspector",
        about=f"{frames} frames of {side} x {side}; the server may take 20 ms. So far it held at most "
        f"{memory_mib(process):.0f} MiB, and may hold {LIMIT_MIB}.",
        rivals=[
            Function("fullwell inspect", lambda: [point["value"] for point in client.json(query)["points"]])
        ],
        targets=[Target("a series, seconds", over="fullwell inspect", at_most=0.02)],
        judge=judge,
    )


def listing(folder: Path, frames: int) -> Contest:
    def listed(many: int) -> Callable[[], int]:
        def call() -> int:
            with serving(folder / f"small{many}") as (client, _):
                return len(client.json("frames")["frames"])

        return call

    rivals: list[Function | Absent] = [
        Function(f"{many} frames", listed(many)) for many in (10 * frames, frames)
    ]
    return Contest(
        work="inspect-listing",
        title="Opening folders in the inspector",
        about="from the start of the program to the first list of frames; headers are read later",
        rivals=rivals,
        rounds=3,
        targets=[Target("ten times the frames", over=rivals[0].name, under=rivals[1].name, at_most=1.2)],
    )


if __name__ == "__main__":
    main(contests)
