"""The server of ``fullwell inspect`` over its socket: a change of frame, a pixel through a stack, memory, a listing.

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
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
import numpy as np
from combining_files import make_files
from harness import Absent, Agreement, Contest, Function, Options, Sample, Target, compare, main

CONNECTIONS = 6  # as a browser
LIMIT_MIB = 500


class Client:
    """Asks a server, from several threads at once."""

    def __init__(self, url: str) -> None:
        self.url, self.port = url, urlsplit(url).port
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
def started(folder: Path) -> Iterator[tuple[str, int]]:
    """Start the program; give its address and the number of the process."""
    command = [sys.executable, "-m", "fullwell.cli", "inspect", str(folder), "--no-browser", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["address"], process.pid
    finally:
        process.terminate()
        process.wait()


@contextmanager
def serving(folder: Path) -> Iterator[tuple[Client, int]]:
    """Start the program; give a client and the number of the process."""
    with started(folder) as (address, process):
        yield Client(address), process


@attrs.frozen
class Served:
    """What a server does for a call: wall time of the call, CPU time of the server and the most memory it has held."""

    name: str
    call: Callable[[], Any]
    process: int
    version: str = ""
    rounds: int | None = None

    def measure(self) -> tuple[Sample, Any]:
        spent, start = self.cpu_seconds(), time.perf_counter()
        result = self.call()
        wall = time.perf_counter() - start
        return Sample(wall, self.cpu_seconds() - spent, self.most_mib()), result

    def cpu_seconds(self) -> float:
        """Return what all threads that live have used, in nanoseconds of the scheduler."""
        threads = Path(f"/proc/{self.process}/task").glob("*/schedstat")
        return sum(int(each.read_text().split()[0]) for each in threads) / 1e9

    def most_mib(self) -> float:
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{self.process}/status").read_text())
        return int(found[1]) / 1024 if found else float("nan")


def make_sparse_files(folder: Path, frames: int, side: int) -> None:
    """Write frames whose pixels take no room on disk: each a file of its own, of full size."""
    folder.mkdir()
    make_files(folder, 1, 1)
    (first,) = folder.glob("*.fits")
    header = first.read_bytes()[:2880].replace(f"{1:>20}".encode(), f"{side:>20}".encode())
    first.unlink()
    for i in range(frames):
        with (folder / f"s_{i + 1:05d}.fits").open("wb") as stream:
            stream.write(header)
            stream.truncate(2880 + -(-2 * side * side // 2880) * 2880)


def contests(options: Options) -> Iterator[Contest]:
    frames, side = (4, 512) if options.quick else (20, 4096)
    folder = Path(tempfile.mkdtemp(prefix="fullwell-bench-", dir=options.folder))
    try:
        for many in (frames, 10 * frames):
            make_sparse_files(folder / f"many{many}", many, side)
        (folder / "large").mkdir()
        names = make_files(folder / "large", frames, side)
        content = [(folder / "large" / name).read_bytes() for name in names]
        with serving(folder / "large") as (client, process):
            yield from about_frames(client, process, content, frames, side)
        yield listing(folder, frames, side)
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
        "CPU and memory of the server. `copy` copies the bytes of its file.",
        rivals=[
            Served("fullwell inspect", lambda: client.change(next(turn), level), process),
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

    def pixel_series() -> list[float]:
        return [point["value"] for point in client.json(query)["points"]]

    yield Contest(
        work="inspect-series",
        title="One pixel through a stack in the inspector",
        about=f"{frames} frames of {side} x {side}, each of which was shown before; CPU and memory of the server.",
        rivals=[Served("fullwell inspect", pixel_series, process)],
        targets=[
            Target("a series, seconds", over="fullwell inspect", at_most=0.02),
            Target("the server", over="fullwell inspect", measure="memory", at_most=LIMIT_MIB),
        ],
        judge=judge,
    )


def listing(folder: Path, frames: int, side: int) -> Contest:
    def listed(many: int) -> Callable[[], int]:
        def call() -> int:
            with serving(folder / f"many{many}") as (client, _):
                return len(client.json("frames")["frames"])

        return call

    def judge(name: str, found: Any) -> Agreement:
        return Agreement(f"{found} frames listed", float(name == f"{found} frames"))

    rivals: list[Function | Absent] = [
        Function(f"{many} frames", listed(many)) for many in (10 * frames, frames)
    ]
    return Contest(
        work="inspect-listing",
        title="Opening folders in the inspector",
        about=f"from the start of the program to the first list of frames of {side} x {side} uint16 (sparse files); "
        "headers are read later",
        rivals=rivals,
        rounds=5,
        targets=[Target("ten times the frames", over=rivals[0].name, under=rivals[1].name, at_most=1.2)],
        judge=judge,
    )


if __name__ == "__main__":
    main(contests)
