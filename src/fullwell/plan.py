"""What has to be done, as a graph of tasks that know by content whether they were done before."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, Literal

import attrs

from fullwell.errors import FullwellError, ParameterError
from fullwell.files import write_whole

__all__ = ["Outcome", "Plan", "Task", "key_of"]

READ_WHOLE = 2**22  # bytes; of a larger file its ends are read, and size and time of change count
ENDS = 2**16


@attrs.frozen(eq=False)
class Task:
    """One piece of work.

    Parameters
    ----------
    name : str
        Unique in the plan; also the name of the file that remembers the outcome.
    key : str
        Hash of everything the result depends on, apart from the tasks in `needs`; see `key_of`.
    run : callable
        ``run(results) -> dict``: does the work, writes `outputs` whole or not at all, and returns a
        result that JSON can hold. `results` has the results of the tasks in `needs`.
    needs : tuple of str
        Names of tasks that come first.
    outputs : tuple of Path
        Files the task writes; missing or changed ones make it stale.
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
        # The key of a task holds those of what it needs: who builds on stale work is stale.
        self.keys: dict[str, str] = {}
        for name in self.order:
            task = self.tasks[name]
            self.keys[name] = key_of(task.key, [self.keys[need] for need in task.needs])

    def todo(self, memory: Path) -> list[Task]:
        """Tasks that `run` would do: those not done yet and those that are stale."""
        return [self.tasks[n] for n in self.order if _remembered(self.tasks[n], self.keys[n], memory) is None]

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
            A task that raises a FullwellError, OSError or MemoryError has failed, and so have those that
            need it; the others go on. Any other exception is a defect of the program and is raised.
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

        place = {name: i for i, name in enumerate(self.order)}
        try:
            while sorter.is_active():
                for name in sorted(sorter.get_ready(), key=place.__getitem__):
                    task = self.tasks[name]
                    failed = next((need for need in task.needs if outcomes[need].status == "failed"), None)
                    if failed is not None:
                        reason = f"needs {failed}, which failed: {outcomes[failed].reason}"
                        finish(name, Outcome("failed", reason=reason))
                        continue
                    results = {need: outcomes[need].result for need in task.needs}
                    running[executor.submit(_do, task, self.keys[name], results, memory)] = name
                finished, _ = wait(running, return_when=FIRST_COMPLETED) if running else (set(), None)
                for future in finished:
                    finish(running.pop(future), future.result())
        finally:
            for future in running:
                future.cancel()
        return outcomes


def _do(task: Task, key: str, results: Mapping[str, Any], memory: Path) -> Outcome:
    known = _remembered(task, key, memory)
    if known is not None:
        return Outcome("kept", known)
    try:
        result = _packed(task.run(results))
        note = {"key": key, "outputs": [_print(path) for path in task.outputs], "result": result}
        memory.mkdir(parents=True, exist_ok=True)
        # The outputs are on the disk. A note that is not is missed or no JSON, and the work is done again.
        write_whole(_note_of(task, memory), json.dumps(note, sort_keys=True).encode(), durable=False)
    except (FullwellError, OSError, MemoryError) as error:
        return Outcome("failed", reason=str(error) or type(error).__name__)
    # Through JSON as well, so that who comes next sees the same whether this was done or kept.
    # As it will be when remembered: through JSON, keys in order.
    return Outcome("done", _unpacked(json.loads(json.dumps(result, sort_keys=True))))


def _remembered(task: Task, key: str, memory: Path) -> dict[str, Any] | None:
    try:
        note = json.loads(_note_of(task, memory).read_text())
        if note["key"] != key or note["outputs"] != [_print(path) for path in task.outputs]:
            return None
        result = _unpacked(note["result"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # no note, half a note, somebody else's, or an output that is gone
    return result if isinstance(result, dict) else None


def _note_of(task: Task, memory: Path) -> Path:
    return memory / f"{task.name}.json"


def _print(path: Path) -> str:
    """Fingerprint of an output: a file that was changed or half overwritten is not ours any more.

    Against accidents, not against malice. Products are large, and reading them again would cost more than
    making the checksums they hold: of a large file, size and time of change tell as well as its content, and
    a copy that did not keep the time is made again.
    """
    with path.open("rb") as handle:
        status = os.fstat(handle.fileno())
        digest = hashlib.sha1(usedforsecurity=False)
        if status.st_size > READ_WHOLE:
            digest.update(f"{status.st_size} {status.st_mtime_ns}".encode())
            digest.update(handle.read(ENDS))
            handle.seek(-ENDS, os.SEEK_END)
        digest.update(handle.read())
        return digest.hexdigest()[:16]


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
