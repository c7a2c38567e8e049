"""What has to be done, as a graph of tasks that know by content whether they were done before."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, Literal

import attrs

from fullwell.errors import FileError, FullwellError, ParameterError

__all__ = ["Outcome", "Plan", "Task", "key_of", "write_aside"]


@attrs.frozen(eq=False)
class Task:
    """One piece of work.

    Parameters
    ----------
    name : str
        Unique in the plan; also the name of the file that remembers the outcome.
    key : str
        Hash of everything the result depends on; see `key_of`.
    run : callable
        ``run(results) -> dict``: does the work, writes `outputs` whole or not at all, and returns a
        result that JSON can hold. `results` has the results of the tasks in `needs`.
    needs : tuple of str
        Names of tasks that come first.
    outputs : tuple of Path
        Files the task writes.
    label : str
        What to show to people while it runs.
    """

    name: str
    key: str
    run: Callable[[Mapping[str, Any]], dict[str, Any]]
    needs: tuple[str, ...] = ()
    outputs: tuple[Path, ...] = ()
    label: str = ""


@attrs.frozen(eq=False)
class Outcome:
    """How a task ended.

    Parameters
    ----------
    status : {'done', 'kept', 'failed'}
        ``'kept'``: the same work was done before, and its outputs are there.
    result : dict
        What the task returned; empty if it failed.
    reason : str
        Why it failed.
    """

    status: Literal["done", "kept", "failed"]
    result: dict[str, Any] = attrs.field(factory=dict)
    reason: str = ""


def key_of(*parts: Any) -> str:
    """Sixteen hex digits from anything that JSON can hold, in canonical form."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Plan:
    """Tasks in an order that respects what they need.

    Parameters
    ----------
    tasks : iterable of Task

    Raises
    ------
    ParameterError
        If names repeat, a need is unknown, or tasks need each other in a circle.
    """

    def __init__(self, tasks: Iterable[Task]) -> None:
        tasks = list(tasks)
        self.tasks = {task.name: task for task in tasks}
        if len(self.tasks) != len(tasks):
            names = [task.name for task in tasks]
            raise ParameterError(
                "tasks", sorted({n for n in names if names.count(n) > 1}), "names that are unique"
            )
        for task in tasks:
            unknown = [need for need in task.needs if need not in self.tasks]
            if unknown:
                raise ParameterError(f"needs of {task.name}", unknown, "tasks of this plan")
        try:
            self.order = tuple(TopologicalSorter({t.name: t.needs for t in tasks}).static_order())
        except CycleError as error:
            raise ParameterError("tasks", error.args[1], "no circle") from error

    def todo(self, memory: Path) -> list[Task]:
        """Tasks that would run: not done yet, or stale, or behind one that is."""
        stale: set[str] = set()
        for name in self.order:
            task = self.tasks[name]
            if _remembered(task, memory) is None or stale.intersection(task.needs):
                stale.add(name)
        return [self.tasks[name] for name in self.order if name in stale]

    def run(
        self,
        memory: Path,
        *,
        executor: Executor,
        on_done: Callable[[Task, Outcome], None] | None = None,
    ) -> dict[str, Outcome]:
        """Do what is missing or stale.

        Parameters
        ----------
        memory : Path
            Folder that remembers outcomes, one JSON file a task.
        executor : Executor
            What runs the tasks, such as a ThreadPoolExecutor.
        on_done : callable, optional
            Told of each outcome, in the calling thread.

        Returns
        -------
        dict of str to Outcome
            A task that raises a FullwellError, OSError or MemoryError has failed, and so have those that need it;
            the others go on. Any other exception is a defect of the program and is raised.
        """
        sorter = TopologicalSorter({task.name: task.needs for task in self.tasks.values()})
        sorter.prepare()
        outcomes: dict[str, Outcome] = {}
        running: dict[Future[Outcome], str] = {}

        def finish(name: str, outcome: Outcome) -> None:
            outcomes[name] = outcome
            sorter.done(name)
            if on_done is not None:
                on_done(self.tasks[name], outcome)

        try:
            while sorter.is_active():
                for name in sorted(sorter.get_ready(), key=self.order.index):
                    task = self.tasks[name]
                    failed = [need for need in task.needs if outcomes[need].status == "failed"]
                    if failed:
                        finish(
                            name,
                            Outcome(
                                "failed",
                                reason=f"needs {failed[0]}, which failed: {outcomes[failed[0]].reason}",
                            ),
                        )
                        continue
                    results = {need: outcomes[need].result for need in task.needs}
                    running[executor.submit(_do, task, results, memory)] = name
                finished, _ = wait(running, return_when=FIRST_COMPLETED) if running else (set(), None)
                for future in finished:
                    finish(running.pop(future), future.result())
        finally:
            for future in running:
                future.cancel()
        return outcomes


def _do(task: Task, results: Mapping[str, Any], memory: Path) -> Outcome:
    # Keys depend on content alone: a need that ran again under the same key gave the same bits.
    known = _remembered(task, memory)
    if known is not None:
        return Outcome("kept", known)
    try:
        result = task.run(results)
        write_aside(
            memory / f"{task.name}.json",
            json.dumps({"key": task.key, "result": _packed(result)}, sort_keys=True).encode(),
        )
    except (FullwellError, OSError, MemoryError) as error:
        return Outcome("failed", reason=str(error) or type(error).__name__)
    return Outcome("done", _unpacked(json.loads(json.dumps(_packed(result)))))


def _remembered(task: Task, memory: Path) -> dict[str, Any] | None:
    try:
        note = json.loads((memory / f"{task.name}.json").read_text())
    except (OSError, ValueError):
        return None
    if (
        not isinstance(note, dict)
        or note.get("key") != task.key
        or not all(p.is_file() for p in task.outputs)
    ):
        return None
    result = _unpacked(note.get("result"))
    return result if isinstance(result, dict) else None


def _packed(value: Any) -> Any:
    """Replace bytes (pictures) by text that JSON can hold."""
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, Mapping):
        return {str(key): _packed(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_packed(part) for part in value]
    return value


def _unpacked(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"base64"}:
            return base64.b64decode(value["base64"])
        return {key: _unpacked(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_unpacked(part) for part in value]
    return value


def write_aside(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: aside, flushed to the disk, then renamed.

    Raises
    ------
    FileError
        If it cannot be written; nothing is left behind.
    """
    aside = path.parent / f".fullwell-{os.getpid()}-{secrets.token_hex(4)}.tmp"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        aside.replace(path)
    except OSError as error:
        raise FileError(path, f"cannot be written: {error.strerror}") from error
    finally:
        aside.unlink(missing_ok=True)
