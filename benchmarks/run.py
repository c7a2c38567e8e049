"""``make bench``: run the workloads one after the other, keep their records, and make RESULTS.md and its chart.

Each workload is a script of this folder and runs in a process of its own. ``--only`` names some of them, the others
keep their records. ``--quick`` takes small sizes and writes to ``quick/``, so that it never touches the results.
``--render`` measures nothing and only writes the page and the chart again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from charting import draw
from records import Record
from rendering import results_page

__all__ = ["main"]

HERE = Path(__file__).parent
WORKLOADS = {  # in the order of the page
    "kernel": "combining_kernel.py",
    "combine": "combining_files.py",
    "arrays": "combining.py",
    "correct": "correcting.py",
    "reduce": "reducing.py",
    "cosmics": "cosmic_rays.py",
    "simulate": "simulating.py",
    "play": "playing.py",
    "numbers": "random_numbers.py",
    "covariances": "covariances.py",
    "inspect": "inspecting.py",
    "inspect-page": "inspecting_browser.py",
}


def render(folder: Path, records: Path) -> None:
    """Write RESULTS.md and results.png into ``folder`` from all records there are, in the order of the workloads."""
    known = []
    for work in WORKLOADS:
        found = [Record.load(path) for path in records_of(work, records)]
        known += sorted(found, key=lambda record: record.place)
    if not known:
        raise SystemExit("nothing was measured yet")
    drawn = draw(known, folder / "results.png")
    notes = (HERE / "notes.md").read_text(encoding="utf-8")
    lacking = [work for work in WORKLOADS if not records_of(work, records)]
    page = results_page(known, notes=notes, chart="results.png" if drawn else None, lacking=lacking)
    (folder / "RESULTS.md").write_text(page, encoding="utf-8")
    print(f"written: {folder / 'RESULTS.md'}")


def records_of(work: str, records: Path) -> list[Path]:
    """Return the records that the script of a workload has left."""
    return sorted((records / work).glob("*.json"))


def main(arguments: list[str] | None = None) -> int:
    """Return 1 if a workload failed."""
    parser = argparse.ArgumentParser(description="Measure fullwell beside its peers.")
    parser.add_argument("--only", nargs="+", choices=list(WORKLOADS), default=list(WORKLOADS))
    parser.add_argument(
        "--quick", action="store_true", help="small sizes: proves the machinery, measures nothing"
    )
    parser.add_argument("--rounds", type=int, help="how often each rival runs")
    parser.add_argument(
        "--folder", type=Path, help="where files are made [default: the system's for temporary files]"
    )
    parser.add_argument("--render", action="store_true", help="measure nothing, write RESULTS.md again")
    given = parser.parse_args(arguments)
    target = HERE / "quick" if given.quick else HERE
    target.mkdir(exist_ok=True)
    failed, begun = [], time.perf_counter()
    for work in [] if given.render else given.only:
        command = [sys.executable, str(HERE / WORKLOADS[work]), "--records", str(target / "records" / work)]
        command += ["--quick"] if given.quick else []
        command += ["--rounds", str(given.rounds)] if given.rounds else []
        command += ["--folder", str(given.folder)] if given.folder else []
        print(f"== {work}", flush=True)
        for path in records_of(work, target / "records"):
            path.unlink()  # else an old record would stand for a run that failed
        start = time.perf_counter()
        if subprocess.run(command, check=False).returncode != 0:
            failed.append(work)
        print(f"== {work} took {time.perf_counter() - start:.0f} s\n", flush=True)
    print(f"all of it took {time.perf_counter() - begun:.0f} s")
    render(target, target / "records")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    raise SystemExit(main())
