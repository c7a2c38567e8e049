"""Reduce a night: find, look, decide, build masters, calibrate, report."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from fullwell.config import config_hash
from fullwell.detector import Detector
from fullwell.errors import AlreadyExists, FileError, NothingUsable, ParameterError, UnreadableFile
from fullwell.files import LEFT_OVER, write_whole
from fullwell.night.context import Context, read_raw
from fullwell.night.looking import Look, judge, look
from fullwell.night.recipes import decide
from fullwell.night.results import NightResult, results_of
from fullwell.night.settings import ReduceConfig
from fullwell.night.tasks import NightPlan, plan_night
from fullwell.plan import Outcome, Plan, Task, key_of
from fullwell.sorting import FrameRecord, SetAside, Sorted, sort_folder

__all__ = ["NoFrames", "Progress", "reduce"]

#: ``progress(stage, done, total, label)``
Progress = Callable[[str, int, int, str], None]
MEMORY = ".fullwell"


def reduce(
    raw: Path | str,
    out: Path | str,
    *,
    config: ReduceConfig | None = None,
    workers: int = 1,
    overwrite: bool = False,
    dry_run: bool = False,
    on_progress: Progress | None = None,
) -> NightResult:
    """Reduce the frames of a folder.

    Parameters
    ----------
    raw : path
        Folder of raw FITS files; looked into with its subfolders.
    out : path
        Output folder: ``masters/``, ``calibrated/``, ``report.html``, ``results.json``. It may be the output of an
        earlier run, whose work is kept where it is still right.
    config : ReduceConfig, optional
        What the user set.
    workers : int
        Threads; products do not depend on their number.
    overwrite : bool
        Whether a folder may be used that holds files of other origin.
    dry_run : bool
        Look and decide, but build nothing and write nothing.
    on_progress : callable, optional
        ``on_progress(stage, done, total, label)``.

    Returns
    -------
    NightResult

    Raises
    ------
    UnreadableFile
        If `raw` is no folder that can be read.
    AlreadyExists
        If `out` holds files that are not ours, or another run is at work in it.
    ConfigError
        If the configuration does not fit the frames.
    NothingUsable
        If no frame could be used; the result so far is in its ``result`` attribute, and the report is written.
    """
    raw, out = Path(raw), Path(out)
    config = config or ReduceConfig()
    if workers < 1:
        raise ParameterError("workers", workers, "1 or more")
    if not raw.is_dir():
        raise UnreadableFile(raw, "is no folder" if raw.exists() else "does not exist")
    tell = on_progress or (lambda *_: None)
    preset = None if config.detector.preset is None else Detector.preset(config.detector.preset)
    with _own_folder(out, overwrite=overwrite, dry_run=dry_run) as memory, ThreadPoolExecutor(workers) as executor:
        found = sort_folder(
            raw,
            frames_config=config.frames,
            exclude=[out],
            on_progress=lambda done, total, name: tell("reading headers", done, total, name),
            workers=workers,
        )
        looks, blind = _look_at_all(found, config, preset, memory, executor, tell)
        seen = [record for record in found.records if record.content_hash in looks]
        aside = [*blind, *judge(seen, looks, saturated=config.flat.saturated)]
        gone = {one.name for one in aside}
        usable = [record for record in seen if record.name not in gone]
        recipes = decide(usable, config)
        context = Context(out, config, _version(), _config_id(config), looks, preset)
        night = plan_night(recipes, context)
        outcomes: Mapping[str, Outcome] = {}
        if not dry_run and night.plan.tasks:
            outcomes = _run(night, memory, executor, tell)
        result = results_of(found, aside, recipes, night, outcomes, context, dry_run=dry_run, memory=memory)
        if not dry_run:
            _write(result, config, out)
    if result.exit_code == 3 and not dry_run:
        raise NoFrames(_nothing(found, result), result)
    return result


class NoFrames(NothingUsable):
    """Nothing could be reduced; `result` tells what was found."""

    def __init__(self, message: str, result: NightResult) -> None:
        self.result = result
        super().__init__(message)


def _nothing(found: Sorted, result: NightResult) -> str:
    number = len(found.records) + len(found.set_aside)
    if not number:
        return "no FITS file found (.fits, .fit, .fts, also .gz and .fz)"
    return f"none of the {number} files could be used; results.json and report.html say why, file by file"


def _version() -> str:
    from fullwell import __version__

    return str(__version__)


def _config_id(config: ReduceConfig) -> str:
    # What [frames] says shows in which frames go where, and so in the inputs of each product.
    return config_hash(config.model_copy(update={"frames": {}}))


@contextmanager
def _own_folder(out: Path, *, overwrite: bool, dry_run: bool) -> Iterator[Path]:
    """Take the output folder for ourselves; leave nothing of a killed run behind."""
    memory = out / MEMORY
    if out.exists() and not out.is_dir():
        raise AlreadyExists(f"{out} is a file; choose another folder")
    if out.is_dir() and any(out.iterdir()) and not memory.is_dir() and not overwrite:
        raise AlreadyExists(f"{out} holds files that fullwell did not write; choose another folder or allow overwriting")
    if dry_run:
        yield memory
        return
    try:
        memory.mkdir(parents=True, exist_ok=True)
        (out / "masters").mkdir(exist_ok=True)
        handle = os.open(memory / "lock", os.O_CREAT | os.O_RDWR, 0o644)
    except OSError as error:
        raise FileError(out, f"cannot be written to: {error.strerror}") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AlreadyExists(f"another reduction is at work in {out}; wait for it to end") from error
        for left_over in out.rglob(LEFT_OVER):
            left_over.unlink(missing_ok=True)
        yield memory
    finally:
        os.close(handle)


def _look_at_all(
    found: Sorted,
    config: ReduceConfig,
    preset: Detector | None,
    memory: Path,
    executor: ThreadPoolExecutor,
    tell: Progress,
) -> tuple[dict[str, Look], list[SetAside]]:
    """Look at each frame, or remember what was seen; frames that cannot be read are set aside."""
    tasks = {}
    for record in found.records:
        bits = _stored_bits(record, config, preset)
        saturation = config.detector.saturation or record.metadata.saturation.value
        key = key_of("look", _version(), record.content_hash, bits, saturation, config.detector.preset)
        tasks[record.content_hash] = Task(
            f"look-{record.content_hash[:32]}", key, _looker(record, preset, bits, saturation), label=record.name
        )
    done = 0

    def count(task: Task, _: Outcome) -> None:
        nonlocal done
        done += 1
        tell("looking at frames", done, len(tasks), task.label)

    outcomes = Plan(tasks.values()).run(memory, executor=executor, on_done=count) if tasks else {}
    looks, aside = {}, []
    for record in found.records:
        outcome = outcomes[tasks[record.content_hash].name]
        if outcome.status == "failed":
            aside.append(SetAside(record.name, outcome.reason, "error"))
        else:
            looks[record.content_hash] = Look(**outcome.result)
    return looks, aside


def _looker(
    record: FrameRecord, preset: Detector | None, bits: int, saturation: float | None
) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    def run(_: Mapping[str, Any]) -> dict[str, Any]:
        return attrs.asdict(look(read_raw(record, preset), bits=bits, saturation=saturation))

    return run


def _stored_bits(record: FrameRecord, config: ReduceConfig, preset: Detector | None) -> int:
    if config.detector.adc_bits is not None:
        return config.detector.adc_bits
    if preset is not None:
        return preset.adc_bits
    return 16 if record.dtype in ("uint16", "int16", "uint8") else 24


def _run(
    night: NightPlan, memory: Path, executor: ThreadPoolExecutor, tell: Progress
) -> Mapping[str, Outcome]:
    done, total = 0, len(night.plan.tasks)

    def count(task: Task, outcome: Outcome) -> None:
        nonlocal done
        done += 1
        note = {"kept": " (kept)", "failed": " (failed)", "done": ""}[outcome.status]
        tell("reducing", done, total, f"{task.label}{note}")

    return night.plan.run(memory, executor=executor, on_done=count)


def _write(result: NightResult, config: ReduceConfig, out: Path) -> None:
    write_whole(out / "results.json", (json.dumps(result.data, indent=1, sort_keys=True) + "\n").encode())
    if config.report.write:
        from fullwell.night.summary import night_report
        from fullwell.report import render_html

        write_whole(out / "report.html", render_html(night_report(result)).encode())

