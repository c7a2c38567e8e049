"""Reduce a night: find, look, decide, build masters, calibrate, report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs

from fullwell.config import config_hash
from fullwell.detector import Detector
from fullwell.errors import FileError, NothingUsable, ParameterError, UnreadableFile
from fullwell.files import write_whole
from fullwell.night.context import Context
from fullwell.night.converters import Converters
from fullwell.night.deciding import decide
from fullwell.night.judging import judge
from fullwell.night.look_tasks import look_at_all
from fullwell.night.output_folder import FOLDERS, OutputFolder
from fullwell.night.raw_files import RawFiles
from fullwell.night.recipes import Recipes
from fullwell.night.results import NightResult, results_of
from fullwell.night.settings import ReduceConfig
from fullwell.night.tasks import NightPlan, plan_night
from fullwell.plan import Outcome, Task
from fullwell.sorting import SetAside, Sorted, sort_folder
from fullwell.sorting.types import Patterns
from fullwell.workers import Workers

__all__ = ["NoFrames", "Progress", "reduce"]

#: ``progress(stage, done, total, label)``
Progress = Callable[[str, int, int, str], None]
RESULTS, REPORT = "results.json", "report.html"


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
        Output folder: ``masters/``, ``calibrated/``, ``report.html``, ``results.json``. It may be the output
        of an earlier run, whose work is kept where it is still right; what is not asked for any more is
        removed.
    config : ReduceConfig, optional
        What the user set.
    workers : int
        Threads that compute at once, while up to two more wait for the disk; products do not depend on it.
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
    ConfigError, ParameterError
        If the configuration cannot be meant or does not fit the frames.
    FileError
        If the results cannot be written.
    NothingUsable
        If no frame could be used; the result so far is in its ``result`` attribute, the report is written.
    """
    raw, config = Path(raw), config or ReduceConfig()
    folder = OutputFolder(Path(out), overwrite=overwrite)
    preset = _checked(raw, config, workers)
    tell = on_progress or (lambda *_: None)
    with _memory(folder, dry_run=dry_run) as memory, Workers(workers) as executor:
        found, files = _sorted(raw, folder, config, preset, tell, workers)
        recipes, context, aside = _decided(found, files, folder, config, memory, executor, tell)
        night = plan_night(recipes, context)
        if dry_run:
            return results_of(found, aside, recipes, night, {}, context, dry_run=True, memory=folder.memory)
        reports = (RESULTS, REPORT) if config.report.write else (RESULTS,)
        folder.expect((*night.outputs.values(), *reports))
        outcomes = _run(night, memory, executor, tell)
        stale = {name for name, outcome in outcomes.items() if outcome.status == "failed"}
        right = (path for name, path in night.outputs.items() if name not in stale)
        removed = folder.tidy((*right, *reports))
        folder.forget(night.plan.tasks)
        result = results_of(found, aside, recipes, night, outcomes, context, dry_run=False, memory=memory)
        result = attrs.evolve(result, removed=tuple(removed))
        _write(result, config, folder.path)
    if result.exit_code == 3:
        raise NoFrames(_nothing(found, night, outcomes, config), result)
    return result


class NoFrames(NothingUsable):
    """Nothing could be reduced; `result` tells what was found."""

    def __init__(self, message: str, result: NightResult) -> None:
        self.result = result
        super().__init__(message)


def _checked(raw: Path, config: ReduceConfig, workers: int) -> Detector | None:
    """Refuse what cannot be meant before anything is read or written."""
    if workers < 1:
        raise ParameterError("workers", workers, "1 or more")
    if not raw.is_dir():
        raise UnreadableFile(raw, "is no folder" if raw.exists() else "does not exist")
    Patterns.from_table(config.frames)
    if config.detector.preset is None:
        return None
    try:
        return Detector.preset(config.detector.preset)
    except ParameterError as error:
        raise ParameterError("detector.preset", error.value, error.allowed) from error


@contextmanager
def _memory(folder: OutputFolder, *, dry_run: bool) -> Iterator[Path]:
    """Give the folder that remembers what was done; a dry run has its own, which goes with it."""
    if not dry_run:
        with folder.claimed():
            yield folder.memory
        return
    folder.check()
    with TemporaryDirectory(prefix="fullwell-") as temporary:
        for note in folder.memory.glob("look-*.json"):
            shutil.copy(note, temporary)
        yield Path(temporary)


def _sorted(
    raw: Path,
    folder: OutputFolder,
    config: ReduceConfig,
    preset: Detector | None,
    tell: Progress,
    workers: int,
) -> tuple[Sorted, RawFiles]:
    files = RawFiles(preset)
    # Of a folder that is both the raw and the output folder only what we write is left out.
    ours = (folder.path, *(folder.path / name for name in (*FOLDERS, RESULTS, REPORT)))
    found = sort_folder(
        raw,
        frames_config=config.frames,
        exclude=[path for path in ours if raw.resolve() in path.resolve().parents],
        scan=files.scan,
        on_progress=lambda done, total, name: tell("reading headers", done, total, name),
        workers=workers,
    )
    return found, files


def _decided(
    found: Sorted,
    files: RawFiles,
    folder: OutputFolder,
    config: ReduceConfig,
    memory: Path,
    executor: Executor,
    tell: Progress,
) -> tuple[Recipes, Context, list[SetAside]]:
    """Look at each frame, set aside what cannot serve, and decide what is made of the rest."""
    version = _version()
    looks, blind = look_at_all(found.records, files, config, memory, executor, version=version, on_done=tell)
    seen = [record for record in found.records if record.content_hash in looks]
    bits = config.detector.adc_bits or (files.preset.adc_bits if files.preset is not None else None)
    converters = Converters(seen, looks, adc_bits=bits)
    odd = judge(
        seen, looks, converters, saturated=config.flat.saturated, saturation=config.detector.saturation
    )
    gone = {one.name for one in odd}
    recipes = decide([record for record in seen if record.name not in gone], config)
    context = Context(folder.path, config, version, _config_id(config), looks, converters, files)
    return recipes, context, [*blind, *odd]


def _nothing(found: Sorted, night: NightPlan, outcomes: Mapping[str, Outcome], config: ReduceConfig) -> str:
    number = len(found.records) + len(found.set_aside)
    if not number:
        return "no FITS file found (.fits, .fit, .fts, also .gz, .fz, .bz2 and .z)"
    failed = [outcomes[name].reason for name in night.plan.order if outcomes[name].status == "failed"]
    where = f"{RESULTS} and {REPORT} say" if config.report.write else f"{RESULTS} says"
    if failed:
        return f"nothing could be made; the first reason is: {failed[0]}; {where} more"
    return f"none of the {number} files could be used; {where} why, file by file"


def _version() -> str:
    from fullwell import __version__

    return str(__version__)


def _config_id(config: ReduceConfig) -> str:
    # What [frames] says shows in the inputs of each product; the report is no product.
    return config_hash(config.model_copy(update={"frames": {}, "report": type(config.report)()}))


def _run(night: NightPlan, memory: Path, executor: Executor, tell: Progress) -> Mapping[str, Outcome]:
    done, total = 0, len(night.plan.tasks)

    def count(task: Task, outcome: Outcome) -> None:
        nonlocal done
        done += 1
        note = {"kept": " (kept)", "failed": " (failed)", "done": ""}[outcome.status]
        tell("reducing", done, total, f"{task.label}{note}")

    return night.plan.run(memory, executor=executor, on_done=count)


def _write(result: NightResult, config: ReduceConfig, out: Path) -> None:
    text = json.dumps(result.data, indent=1, sort_keys=True, allow_nan=False) + "\n"
    _write_changed(out / RESULTS, text)
    if config.report.write:
        from fullwell.night.summary import night_report
        from fullwell.report import render_html

        _write_changed(out / REPORT, render_html(night_report(result)))


def _write_changed(path: Path, text: str) -> None:
    """Write a text, unless it is there already; names of files may hold bytes that are no text."""
    content = text.encode(errors="backslashreplace")
    try:
        same = path.read_bytes() == content
    except FileNotFoundError:
        same = False
    except OSError as error:
        raise FileError(path, f"cannot be written: {error.strerror}") from error
    if not same:
        write_whole(path, content)
