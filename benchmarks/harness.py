"""Rivals measured in turn: what every benchmark of this folder shares.

A script says *what* is compared: it has a generator ``contests(options)`` that makes the data, yields one `Contest`
after the other, and cleans up; its last line is ``main(contests)``. This file says *how*::

    def contests(options: Options) -> Iterator[Contest]:
        data = make(256 if options.quick else 4096)
        yield Contest(
            work="correct",
            title="Correcting one frame in memory",
            about="one frame of 4096 x 4096 ...",
            rivals=[Function("fullwell", lambda: chain(data)), Function("copy", lambda: np.copyto(there, data))],
            targets=[Target("fullwell against a copy", over="fullwell", under="copy", at_most=1.2)],
            agree=lambda name, ours, theirs: None if name == "copy" else compare(ours, theirs, within=1e-5),
        )

All rivals run once unmeasured, then round by round in the same order, so that a busy machine slows all of them alike;
a ratio is taken in each round, and its median and quartiles are told. What they return is compared in the first
measured round with what the first rival returned.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
from machine import describe_machine, load_average
from records import Absent, Agreement, Record, Result, Target, compare
from rendering import text_table
from rivals import Function, Program, Rival, Sample

__all__ = [
    "Absent", "Agreement", "Contest", "Function", "Options", "Program", "Record", "Result", "Rival", "Sample",
    "Target", "compare", "main", "play",
]  # fmt: skip


@attrs.frozen
class Options:
    """How to run: small sizes to prove the machinery (``quick``), where files may lie (``folder``)."""

    quick: bool = False
    folder: Path = attrs.field(factory=lambda: Path(tempfile.gettempdir()))
    rounds: int | None = None


@attrs.frozen
class Contest:
    """What is compared: the first of ``rivals`` is ours, the one that all others are divided by and compared with.

    ``agree(name, ours, theirs)`` compares a result with ours, ``judge(name, result)`` with what is true; both off
    the clock, and None says that there is nothing to compare.
    """

    work: str
    title: str
    about: str
    rivals: Sequence[Rival | Absent]
    rounds: int = 5
    targets: Sequence[Target] = ()
    agree: Callable[[str, Any, Any], Agreement | None] | None = None
    judge: Callable[[str, Any], Agreement | None] | None = None
    warm_up: bool = True


def play(contest: Contest, *, rounds: int | None = None, quick: bool = False, place: int = 0) -> Record:
    """Run all rivals in turn; one that fails is listed as absent with its reason, but ours has to succeed.

    One that is absent stands among the rivals as `Absent`; see ``peers.py``.
    """
    load_before = load_average()
    absent = [each for each in contest.rivals if isinstance(each, Absent)]
    rivals = [each for each in contest.rivals if not isinstance(each, Absent)]
    ours = rivals[0].name
    samples: dict[str, list[Sample]] = {rival.name: [] for rival in rivals}
    agreed: dict[str, Agreement] = {}
    first = 0 if contest.warm_up else 1
    reference: Any = None
    for lap in range(first, (rounds or contest.rounds) + 1):
        for rival in list(rivals):
            if lap > (rival.rounds or lap):
                continue
            if lap == 0 and rival.rounds == 1:
                continue  # so slow that warming up does not matter
            try:
                sample, result = rival.measure()
            except Exception as error:
                if rival.name == ours:
                    raise
                rivals.remove(rival)
                del samples[rival.name]
                agreed.pop(rival.name, None)
                absent.append(Absent(rival.name, f"failed: {str(error)[:300] or type(error).__name__}"))
                continue
            if lap == 0:
                continue
            samples[rival.name].append(sample)
            if lap == 1:
                reference = result if rival.name == ours else reference
                found = told(contest, rival.name, reference, result)
                agreed |= {rival.name: found} if found is not None else {}
            del result
        if lap == 1:
            reference = None
    results = [Result(r.name, samples[r.name], r.version, agreed.get(r.name)) for r in rivals]
    return Record(
        contest.work, contest.title, contest.about, results, absent, list(contest.targets),
        describe_machine(), load_before, load_average(), quick, place,
    )  # fmt: skip


def told(contest: Contest, name: str, reference: Any, result: Any) -> Agreement | None:
    """Return what is known of a result: judged alone, or beside ours."""
    found = contest.judge(name, result) if contest.judge is not None else None
    if found is None and contest.agree is not None and name != contest.rivals[0].name:
        return contest.agree(name, reference, result)
    return found


def main(contests: Callable[[Options], Iterable[Contest]], arguments: Sequence[str] | None = None) -> None:
    """Play all contests of a script, print them as text, and write the records if a folder is given."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--quick", action="store_true", help="small sizes: proves the machinery, measures nothing"
    )
    parser.add_argument("--rounds", type=int, help="how often each rival runs")
    parser.add_argument(
        "--folder", type=Path, help="where files are made [default: the system's for temporary files]"
    )
    parser.add_argument("--records", type=Path, help="folder to write the records into")
    given = parser.parse_args(arguments)
    # Threads of OpenMP spin while they wait, which looks like work of the peer on a busy machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    folder = given.folder or Path(tempfile.gettempdir())
    options = Options(quick=given.quick, folder=folder, rounds=given.rounds or (2 if given.quick else None))
    for place, contest in enumerate(running(contests(options))):
        record = play(contest, rounds=options.rounds, quick=options.quick, place=place)
        print(text_table(record), flush=True)
        if given.records:
            record.save(given.records)


def running(contests: Iterable[Contest]) -> Iterator[Contest]:
    """Go through contests and close the generator at the end, whatever happens: it cleans up its files."""
    try:
        yield from contests
    finally:
        close = getattr(contests, "close", None)
        if close is not None:
            close()
