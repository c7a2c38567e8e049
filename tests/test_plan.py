from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullwell.errors import FrameError, ParameterError
from fullwell.plan import READ_WHOLE, Plan, Task, key_of


def run(tasks, memory, *, workers=1, on_done=None):
    with ThreadPoolExecutor(workers) as executor:
        return Plan(tasks).run(memory, executor=executor, on_done=on_done)


def statuses(outcomes):
    return {name: outcome.status for name, outcome in outcomes.items()}


class Work:
    """A chain a -> b with a file each, and c apart; remembers what was done."""

    def __init__(self, folder: Path, *, keys=None, wrong=()):
        self.folder, self.keys, self.wrong = folder, keys or {}, wrong
        self.done: list[str] = []

    def tasks(self):
        return [self.task("b", ("a",)), self.task("c"), self.task("a")]

    def task(self, name, needs=()):
        path = self.folder / f"{name}.txt"

        def do(results):
            self.done.append(name)
            if name in self.wrong:
                raise FrameError(f"{name} is bad")
            text = name + "".join(sorted(result["text"] for result in results.values()))
            path.write_bytes(text.encode())
            return {"text": text}

        return Task(name, self.keys.get(name, "1"), do, needs, (path,))


def test_what_is_needed_comes_first_and_its_result_is_handed_on(tmp_path):
    work = Work(tmp_path)

    outcomes = run(work.tasks(), tmp_path / "memory")

    assert work.done.index("a") < work.done.index("b")
    assert outcomes["b"].result == {"text": "ba"}
    assert statuses(outcomes) == {"a": "done", "b": "done", "c": "done"}


def test_the_second_time_nothing_is_done_and_the_results_are_the_same(tmp_path):
    first = run(Work(tmp_path).tasks(), tmp_path / "memory")
    work = Work(tmp_path)

    second = run(work.tasks(), tmp_path / "memory")

    assert work.done == []
    assert set(statuses(second).values()) == {"kept"}
    assert {n: o.result for n, o in first.items()} == {n: o.result for n, o in second.items()}


def test_another_key_makes_a_task_and_all_that_need_it_stale(tmp_path):
    run(Work(tmp_path).tasks(), tmp_path / "memory")
    work = Work(tmp_path, keys={"a": "2"})

    assert [task.name for task in Plan(work.tasks()).todo(tmp_path / "memory")] == ["a", "b"]
    run(work.tasks(), tmp_path / "memory")

    assert sorted(work.done) == ["a", "b"]


@pytest.mark.parametrize("harm", ["gone", "changed", "half", "folder"])
def test_an_output_that_is_not_what_was_written_is_made_again(tmp_path, harm):
    run(Work(tmp_path).tasks(), tmp_path / "memory")
    output = tmp_path / "a.txt"
    if harm == "changed":
        output.write_text("x")
    elif harm == "half":
        output.write_text("")
    else:
        output.unlink()
        if harm == "folder":
            output.mkdir()
    work = Work(tmp_path)
    assert [task.name for task in Plan(work.tasks()).todo(tmp_path / "memory")] == ["a"]

    outcomes = run(work.tasks(), tmp_path / "memory")

    assert work.done == ["a"]
    if harm == "folder":
        assert statuses(outcomes) == {"a": "failed", "b": "failed", "c": "kept"}
    else:
        assert output.read_text() == "a"
        assert statuses(outcomes) == {"a": "done", "b": "kept", "c": "kept"}


@pytest.mark.parametrize("harm", ["none", "middle", "end", "shorter", "copied", "copied without times"])
def test_a_large_output_is_known_by_its_ends_its_size_and_its_time(tmp_path, harm):
    output, size = tmp_path / "large", READ_WHOLE + 1000

    def work(_):
        output.write_bytes(bytes(size))
        os.utime(output, ns=(10**18, 10**18))
        return {}

    tasks = [Task("large", "1", work, (), (output,))]
    run(tasks, tmp_path / "memory")
    if harm in ("middle", "end"):
        with output.open("r+b") as file:
            file.seek(size // 2 if harm == "middle" else size - 1)
            file.write(b"x")
        if harm == "end":
            os.utime(output, ns=(10**18, 10**18))
    elif harm == "shorter":
        os.truncate(output, size - 1)
    elif harm.startswith("copied"):
        copy = tmp_path / "copy"
        (shutil.copy2 if harm == "copied" else shutil.copyfile)(output, copy)
        copy.replace(output)
    stale = Plan(tasks).todo(tmp_path / "memory")
    assert bool(stale) == (harm not in ("none", "copied"))


@pytest.mark.parametrize(
    "note", ["", "{", "[]", '"x"', "{}", '{"key": "1"}', '{"key": 1, "outputs": [], "result": 3}']
)
def test_a_note_that_is_damaged_is_no_note(tmp_path, note):
    run(Work(tmp_path).tasks(), tmp_path / "memory")
    (tmp_path / "memory" / "c.json").write_text(note)
    work = Work(tmp_path)

    run(work.tasks(), tmp_path / "memory")

    assert work.done == ["c"]


def test_killed_between_output_and_note_it_does_the_task_again(tmp_path):
    class Killed(BaseException):
        pass

    def kill(results):
        (tmp_path / "a.txt").write_bytes(b"a")
        raise Killed

    with pytest.raises(Killed):
        run([Task("a", "1", kill, (), (tmp_path / "a.txt",))], tmp_path / "memory")
    work = Work(tmp_path)

    outcomes = run(work.tasks(), tmp_path / "memory")

    assert statuses(outcomes)["a"] == "done"


def test_a_failure_takes_along_only_what_needs_it(tmp_path):
    work = Work(tmp_path, wrong=("a",))

    outcomes = run(work.tasks(), tmp_path / "memory")

    assert statuses(outcomes) == {"a": "failed", "b": "failed", "c": "done"}
    assert outcomes["a"].reason == "a is bad"
    assert outcomes["b"].reason == "needs a, which failed: a is bad"
    assert "b" not in work.done
    # What failed is tried again.
    mended = Work(tmp_path)
    assert statuses(run(mended.tasks(), tmp_path / "memory")) == {"a": "done", "b": "done", "c": "kept"}


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), MemoryError()])
def test_trouble_of_the_machine_is_a_failure_with_a_reason(tmp_path, error):
    def do(results):
        raise error

    outcome = run([Task("a", "1", do)], tmp_path)["a"]

    assert outcome.status == "failed"
    assert outcome.reason


def test_a_defect_of_the_program_is_raised(tmp_path):
    with pytest.raises(ZeroDivisionError):
        run([Task("a", "1", lambda results: {"x": 1 // 0})], tmp_path)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_results_do_not_depend_on_the_number_of_workers(tmp_path, workers):
    tasks = [
        Task(f"t{i}", "k", lambda results, i=i: {"sum": i + sum(r["sum"] for r in results.values())}, needs)
        for i, needs in enumerate([(), ("t0",), ("t0",), ("t1", "t2"), ("t3", "t0"), (), ("t4", "t5")])
    ]
    told = []

    outcomes = run(tasks, tmp_path, workers=workers, on_done=lambda task, outcome: told.append(task.name))

    assert {name: outcome.result["sum"] for name, outcome in outcomes.items()} == {
        "t0": 0, "t1": 1, "t2": 2, "t3": 6, "t4": 10, "t5": 5, "t6": 21
    }  # fmt: skip
    assert sorted(told) == sorted(outcomes)


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1), inner, max_size=3),
    max_leaves=8,
)


@given(value=json_like)
def test_results_come_back_as_they_were_bytes_included(tmp_path_factory, value):
    memory = tmp_path_factory.mktemp("plan")

    done = run([Task("a", "1", lambda results: {"value": value})], memory)["a"]
    kept = run([Task("a", "1", lambda results: {"value": "again"})], memory)["a"]

    assert (done.status, kept.status) == ("done", "kept")
    assert done.result == kept.result == {"value": value}


def test_plans_that_cannot_be_run_are_refused():
    def task(name, *needs):
        return Task(name, "1", lambda results: {}, needs)

    with pytest.raises(ParameterError, match="unique"):
        Plan([task("a"), task("a")])
    with pytest.raises(ParameterError, match="tasks of this plan"):
        Plan([task("a", "b")])
    with pytest.raises(ParameterError, match="no circle"):
        Plan([task("a", "b"), task("b", "a")])
    assert run([], Path("nowhere")) == {}


def test_keys_tell_contents_apart_but_not_the_order_of_names():
    assert key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1})
    assert (
        len({key_of("a", "b"), key_of("ab"), key_of(["a", "b"]), key_of("b", "a"), key_of(1), key_of("1")})
        == 6
    )
