"""Look at all frames of a night, or remember what was seen of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import attrs

from fullwell.night.converters import container_bits
from fullwell.night.looking import Look, look
from fullwell.night.raw_files import RawFiles
from fullwell.night.settings import ReduceConfig
from fullwell.plan import Outcome, Plan, Task, key_of
from fullwell.sorting import FrameRecord, SetAside

__all__ = ["look_at_all"]


def look_at_all(
    records: Iterable[FrameRecord],
    files: RawFiles,
    config: ReduceConfig,
    memory: Path,
    executor: Executor,
    *,
    version: str,
    on_done: Callable[[str, int, int, str], None],
) -> tuple[dict[str, Look], list[SetAside]]:
    """Look at frames.

    Parameters
    ----------
    records : iterable of FrameRecord
    files : RawFiles
        Reads them.
    config : ReduceConfig
    memory : Path
        Folder that remembers earlier looks.
    executor : Executor
    version : str
        Of fullwell; another one looks again.
    on_done : callable
        ``on_done(stage, done, total, label)``.

    Returns
    -------
    looks : dict of str to Look
        By content hash.
    set_aside : list of SetAside
        Frames that cannot be read.
    """
    tasks = {record.content_hash: _task(record, files, config, version) for record in records}
    done = 0

    def count(task: Task, _: Outcome) -> None:
        nonlocal done
        done += 1
        on_done("looking at frames", done, len(tasks), task.label)

    outcomes = Plan(tasks.values()).run(memory, executor=executor, on_done=count) if tasks else {}
    looks, aside = {}, []
    for record in records:
        outcome = outcomes[tasks[record.content_hash].name]
        if outcome.status == "failed":
            aside.append(SetAside(record.name, outcome.reason.removeprefix(f"{record.name}: "), "error"))
        else:
            looks[record.content_hash] = Look(**outcome.result)
    return looks, aside


def _task(record: FrameRecord, files: RawFiles, config: ReduceConfig, version: str) -> Task:
    table = config.detector
    fits = files.preset if files.fits_preset(record) else None
    options: dict[str, Any] = {
        "container": container_bits(record),
        "adc_bits": table.adc_bits or (None if fits is None else fits.adc_bits),
        "saturation": table.saturation or record.metadata.saturation.value,
        "skip": config.overscan.skip,
    }

    def run(_: Mapping[str, Any]) -> dict[str, Any]:
        return attrs.asdict(look(files.read(record), **options))

    geometry = None if fits is None else table.preset
    key = key_of("look", version, record.content_hash, options, geometry)
    return Task(f"look-{record.content_hash[:32]}", key, run, label=record.name)
