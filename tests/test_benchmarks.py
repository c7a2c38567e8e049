"""The machinery of ``make bench``: turns, absent peers, records, page and chart; no time is asserted."""

from __future__ import annotations

import importlib
import itertools
import json
import math
import mmap
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"

pytestmark = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="the benchmarks are not part of a package")


@pytest.fixture
def use(monkeypatch):
    """Import a module of the folder as its scripts do."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    return importlib.import_module


def pretend(use, seconds, **options):
    """Return a record of rivals with the seconds given for each round."""
    records, rivals = use("records"), use("rivals")
    results = [
        records.Result(name, [rivals.Sample(s, 2 * s, 10 * s) for s in row]) for name, row in seconds.items()
    ]
    known = {
        "work": "work", "title": "A title", "about": "About it.", "absent": [], "targets": [],
        "machine": {key: key for key in ("processor", "cores", "memory", "system", "packages")},
        "load_before": 0.1, "load_after": 0.2,
    }  # fmt: skip
    return records.Record(results=results, **known | options)


def test_rivals_take_turns_and_slow_ones_leave(use):
    harness, called = use("harness"), []
    rivals = [
        harness.Function("a", lambda: called.append("a")),
        harness.Function("b", lambda: called.append("b"), rounds=2),
        harness.Function("c", lambda: called.append("c"), rounds=1),
    ]
    record = harness.play(harness.Contest("work", "title", "about", rivals, rounds=3))
    assert "".join(called) == "ab" + "abc" + "ab" + "a"
    assert [len(result.samples) for result in record.results] == [3, 2, 1]


def test_absent_and_failing_peers_are_listed_with_the_reason(use):
    harness = use("harness")

    def fail():
        raise ValueError("no such thing")

    rivals = [
        harness.Function("ours", lambda: 1),
        harness.Absent("gone", "not installed"),
        harness.Function("broken", fail),
    ]
    targets = [harness.Target("never", over="gone", under="ours", at_least=2)]
    record = harness.play(harness.Contest("work", "title", "about", rivals, rounds=2, targets=targets))
    assert [result.name for result in record.results] == ["ours"]
    assert [(each.name, each.reason) for each in record.absent] == [
        ("gone", "not installed"),
        ("broken", "failed: no such thing"),
    ]
    page = use("rendering").results_page([record], notes="", chart=None)
    assert "absent: gone (not installed)" in page
    assert "not measured" in page


def test_our_own_failure_is_not_hidden(use):
    harness = use("harness")
    rivals = [harness.Function("ours", lambda: 1 / 0), harness.Function("theirs", lambda: 1)]
    with pytest.raises(ZeroDivisionError):
        harness.play(harness.Contest("work", "title", "about", rivals, rounds=1))


def test_results_are_compared_in_the_run_that_is_measured(use):
    harness, count = use("harness"), itertools.count()
    rivals = [
        harness.Function("ours", lambda: np.full(4, float(next(count)))),
        harness.Function("theirs", lambda: np.array([0.0, 1.0, 1.0, 1.5])),
    ]
    contest = harness.Contest(
        "work", "title", "about", rivals, rounds=2,
        agree=lambda _, ours, theirs: harness.compare(ours, theirs, within=0.1),
    )  # fmt: skip
    record = harness.play(contest)  # the first call warms up and gives 0, the second counts and gives 1
    assert record.result("ours").agreement is None
    assert record.result("theirs").agreement.share == 0.5
    assert "largest 1" in record.result("theirs").agreement.text


def test_compare_takes_nan_and_infinity_for_themselves(use):
    found = use("records").compare([np.nan, np.inf, 1.0], [np.nan, np.inf, 1.0], within=0)
    assert found.share == 1
    assert use("records").compare([np.nan, 1.0], [0.0, 1.0], within=9).share == 0.5


def test_a_program_is_measured_alone(use, tmp_path):
    """Its memory is its own, not that of the process that starts it."""
    rivals = use("rivals")
    ballast = np.ones(200 * 2**17)  # 200 MiB
    program = rivals.Program(
        "small",
        [sys.executable, "-S", "-E", "-c", "print(sum(range(10**6))); open('out', 'w').write('5')"],
        tmp_path,
        makes=["out"],
        load=lambda folder: int((folder / "out").read_text()),
    )
    sample, result = program.measure()
    assert result == 5
    assert sample.cpu > 0
    assert sample.wall > 0
    assert 1 < sample.memory < ballast.nbytes / 2**20
    assert (tmp_path / "log").read_text().split() == ["499999500000"]


@pytest.mark.parametrize(
    ("code", "limit", "said"),
    [
        ("import sys; sys.exit('too bad')", 60, "exit code 1, no out: too bad"),
        ("pass", 60, "exit code 0, no out"),
        ("import time; time.sleep(60)", 0.5, "ended after 0.5 s"),
    ],
)
def test_a_program_that_fails_says_why(use, tmp_path, code, limit, said):
    program = use("rivals").Program(
        "bad", [sys.executable, "-S", "-c", code], tmp_path, makes=["out"], timeout=limit
    )
    (tmp_path / "out").write_text("of an earlier run")
    with pytest.raises(RuntimeError, match=said):
        program.measure()


def test_memory_of_a_function_counts_from_what_was_there(use):
    ballast = np.ones(100 * 2**17)

    def touch_new_pages():
        # Not from NumPy, which may get memory that this process had before.
        with mmap.mmap(-1, 50 * 2**20) as pages:
            for start in range(0, len(pages), mmap.PAGESIZE):
                pages[start] = 1

    sample, _ = use("rivals").Function("f", touch_new_pages).measure()
    if math.isnan(sample.memory):
        pytest.skip("this system does not tell")
    assert ballast.sum() == ballast.size
    assert 40 < sample.memory < 80


def test_a_record_survives_its_file(use, tmp_path):
    records = use("records")
    target = records.Target("faster", over="b", under="a", at_least=2)
    record = pretend(use, {"a": [1, 2], "b": [3]}, targets=[target], absent=[records.Absent("c", "why")])
    path = record.save(tmp_path)
    assert path.name == "work.json"
    again = records.Record.load(path)
    assert again == record
    assert json.loads(path.read_text())["targets"][0]["at_least"] == 2


def test_ratios_are_taken_in_each_round(use):
    record = pretend(use, {"ours": [1, 2, 4], "theirs": [10, 40], "gone": []})
    np.testing.assert_allclose(record.ratios("theirs", "ours"), [10, 20])
    assert record.ratios("nobody", "ours").size == 0


@pytest.mark.parametrize(
    ("target", "cells"),
    [
        ({"over": "b", "under": "a", "at_least": 4}, ("≥ 4", "5 (4.5 to 5.5)", "reached")),
        ({"over": "b", "under": "a", "at_least": 5.1}, ("≥ 5.1", "5 (4.5 to 5.5)", "**missed**")),
        (
            {"over": "b", "under": "a", "at_most": 4, "measure": "cpu"},
            ("≤ 4", "5 (4.5 to 5.5)", "**missed**"),
        ),
        ({"over": "a", "at_most": 25, "measure": "memory"}, ("≤ 25", "30", "**missed**")),
        ({"over": "z", "under": "a", "at_most": 25}, ("≤ 25", "", "not measured")),
    ],
)
def test_targets_beside_what_was_measured(use, target, cells):
    record = pretend(use, {"a": [1, 2, 3], "b": [4, 10, 18]})
    row = use("rendering").target_row(record, use("records").Target("text", **target))
    assert row[1:] == cells


def test_the_page_keeps_the_notes_and_names_what_is_lacking(use):
    target = use("records").Target("faster than b", over="b", under="a", at_least=2)
    shown = use("records").Target("only in the chart", over="b", under="a")
    record = pretend(use, {"a": [1, 2], "b": [3, 8]}, targets=[target, shown])
    page = use("rendering").results_page(
        [record], notes="By hand | kept.\n", chart="results.png", lacking=["reduce", "simulate"]
    )
    assert page.endswith("## What was missed and why\n\nBy hand | kept.\n")
    assert "| A title | faster than b | ≥ 2 | 3.5 (3.25 to 3.75) | reached |" in page
    assert "only in the chart" not in page
    assert "| b | 5.5 | 11 | 80 | 3.5 (3.25 to 3.75) | 3.5 (3.25 to 3.75) |  |" in page
    assert "![" in page
    assert "(results.png)" in page
    assert "Not measured: reduce, simulate." in page
    assert "Small sizes" not in page


def test_small_sizes_say_that_they_mean_nothing(use):
    page = use("rendering").results_page([pretend(use, {"a": [1]}, quick=True)], notes="", chart=None)
    assert "these numbers mean nothing" in page


def test_the_chart_shows_ratios_only(use, tmp_path):
    target = use("records").Target
    nothing = pretend(use, {"a": [1]}, targets=[target("memory", over="a", measure="memory", at_most=1)])
    path = tmp_path / "chart.png"
    assert not use("charting").draw([nothing], path)
    ratios = [
        target("faster", over="b", under="a", at_least=2),
        target("limit", over="a", under="b", at_most=0.2),
        target("gone", over="z", under="a", at_least=2),
    ]
    assert use("charting").draw([pretend(use, {"a": [1, 2], "b": [3, 8]}, targets=ratios)], path)
    assert path.read_bytes()[:4] == b"\x89PNG"
    assert path.stat().st_size < 150_000


def test_peers_are_found_or_absent(use):
    peers, rivals, records = use("peers"), use("rivals"), use("records")
    assert peers.of_python("numpy") == f"numpy {np.__version__}"
    lacking = peers.of_debian("no-such-program", "no-such-package")
    assert lacking == records.Absent(
        "no-such-program", "no program no-such-program; apt-get install no-such-package"
    )
    rival = rivals.Function("its name", lambda: 1)
    assert peers.if_found(lacking, rival) == records.Absent("its name", lacking.reason)
    assert peers.if_found("tool 1.2", rival).version == "tool 1.2"
    assert isinstance(peers.of_python("numpy", "no-such-package"), records.Absent)


def test_every_workload_has_its_script(use):
    """Other scripts of the folder are the machinery; a workload ends in a call of the harness."""
    for script in use("run").WORKLOADS.values():
        assert "main(contests)" in (BENCHMARKS / script).read_text(encoding="utf-8"), script


def test_a_quick_run_writes_records(use, tmp_path, capsys):
    """The smallest workload from start to end, with whatever peers there are."""
    use("harness").main(use("covariances").contests, ["--quick", "--rounds", "1", "--records", str(tmp_path)])
    record = use("records").Record.load(tmp_path / "covariances.json")
    assert record.quick
    assert all(len(result.samples) == 1 for result in record.results)
    assert all(sample.wall > 0 for result in record.results for sample in result.samples)
    assert all(result.agreement.share == 1 for result in record.results if result.agreement)
    assert "load average" in capsys.readouterr().out


def test_only_and_render(use, tmp_path, monkeypatch, capsys):
    """A workload replaces its own records, keeps those of others, and a failed one leaves none."""
    run = use("run")
    (tmp_path / "notes.md").write_text("By hand.\n")
    (tmp_path / "fails.py").write_text("raise SystemExit(3)\n")
    monkeypatch.setattr(run, "HERE", tmp_path)
    monkeypatch.setattr(run, "WORKLOADS", {"other": "other.py", "fails": "fails.py"})
    pretend(use, {"a": [1]}, title="The other").save(tmp_path / "records" / "other")
    pretend(use, {"a": [1]}, title="The old").save(tmp_path / "records" / "fails")
    assert run.main(["--only", "fails"]) == 1
    page = (tmp_path / "RESULTS.md").read_text()
    assert "## The other" in page
    assert "The old" not in page
    assert "Not measured: fails." in page
    assert "failed: fails" in capsys.readouterr().err
    assert run.main(["--render"]) == 0
