"""Take the exposures of a scenario."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import attrs
import numpy as np

from fullwell.errors import AlreadyExists, FileError, ParameterError
from fullwell.files import write_whole
from fullwell.noise import Noise
from fullwell.simulation.cards import raw_cards
from fullwell.simulation.instrument import Instrument, detector_of
from fullwell.simulation.raw_files import fits_bytes
from fullwell.simulation.scenario import Scenario
from fullwell.simulation.schedule import Shot, schedule
from fullwell.simulation.truth import FrameTruth, truth_files, write_truth

__all__ = ["Preview", "preview", "simulate"]


@attrs.frozen
class Preview:
    """What a simulation would write.

    Parameters
    ----------
    shots : list of Shot
    raw_shape : tuple of int
        Rows and columns of each frame.
    size : int
        Bytes of all raw frames together, truth not counted.
    existing : list of Path
        Files that are there already and would be overwritten.
    """

    shots: list[Shot]
    raw_shape: tuple[int, int]
    size: int
    existing: list[Path]


def preview(scenario: Scenario, folder: Path | str, *, seed: int | None = None) -> Preview:
    """Say what `simulate` would do; writes nothing.

    Raises
    ------
    ConfigError, ParameterError
        If the scenario cannot be meant.
    """
    shots = schedule(scenario, seed=_seed(scenario, seed))
    detector = detector_of(scenario.detector)
    rows, columns = detector.raw_shape
    body = rows * columns * (2 if detector.adc_bits <= 16 else 4)
    size = 2880 + -(-body // 2880) * 2880
    targets = [Path(folder) / shot.file for shot in shots] + list(truth_files(Path(folder)))
    return Preview(shots, detector.raw_shape, size * len(shots), [path for path in targets if path.exists()])


def simulate(
    scenario: Scenario,
    folder: Path | str,
    *,
    seed: int | None = None,
    overwrite: bool = False,
    workers: int = 1,
    on_progress: Callable[[int, int, str], None] | None = None,
) -> list[Path]:
    """Write the raw frames of a scenario, and beside them what is true about them.

    Parameters
    ----------
    scenario : Scenario
    folder : Path or str
        Made if it is not there.
    seed : int, optional
        Instead of the scenario's.
    overwrite : bool
        Whether files that are there may be replaced.
    workers : int
        Threads; the frames are the same for any number.
    on_progress : callable, optional
        Called as ``on_progress(done, total, file)`` after each frame.

    Returns
    -------
    list of Path
        The raw frames in the order they were taken; `Truth.load` reads the truth.

    Raises
    ------
    AlreadyExists
        If a file is there and may not be replaced; nothing is written then.
    ConfigError, ParameterError
        If the scenario cannot be meant.
    FileError
        If the disk does not take the files.
    """
    if workers < 1:
        raise ParameterError("workers", workers, "1 or more")
    folder, used_seed = Path(folder), _seed(scenario, seed)
    plan = preview(scenario, folder, seed=seed)
    if plan.existing and not overwrite:
        raise AlreadyExists(
            f"{plan.existing[0]} and {len(plan.existing) - 1} more files are there already; "
            "choose another folder, or allow overwriting"
        )
    instrument = Instrument.build(scenario, seed=used_seed)
    _prepare(folder)
    truths: dict[int, FrameTruth] = {}
    with ThreadPoolExecutor(workers) as pool:
        pending = {pool.submit(_take, instrument, shot, folder): shot for shot in plan.shots}
        try:
            for done, future in enumerate(as_completed(pending), start=1):
                shot = pending[future]
                truths[shot.exposure] = future.result()
                if on_progress is not None:
                    on_progress(done, len(plan.shots), shot.file)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    write_truth(folder, instrument, [truths[shot.exposure] for shot in plan.shots])
    return [folder / shot.file for shot in plan.shots]


def _take(instrument: Instrument, shot: Shot, folder: Path) -> FrameTruth:
    """Expose one frame and write it."""
    detector = instrument.detector
    exposure = instrument.chain(shot).expose(
        instrument.scene(shot),
        shot.entry.exposure_time,
        detector=detector,
        noise=Noise(instrument.seed, shot.exposure),
        state={"bias": {"level_offset": shot.level_offset}},
    )
    cards = raw_cards(instrument.scenario, shot, detector=detector)
    write_whole(folder / shot.file, fits_bytes(exposure.frame.data, cards))
    expected = None
    if shot.entry.type == "light":
        flat = instrument.flats.get(shot.entry.filter or "", np.float32(1))
        expected = np.asarray(exposure.light * flat, np.float32)
    return FrameTruth(
        shot=shot,
        bias_offset=float(exposure.truth["bias_offset"]),
        cosmic_rays=exposure.truth.get("cosmic_rays"),
        cosmic_ray_count=int(exposure.truth.get("cosmic_ray_count", 0)),
        expected=expected,
    )


def _prepare(folder: Path) -> None:
    """Make the folder, and take away an old truth, which would be false from the first new frame on."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in truth_files(folder):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise FileError(folder, f"cannot be used as a folder for frames ({error.strerror})") from error


def _seed(scenario: Scenario, seed: int | None) -> int:
    return scenario.seed if seed is None else seed
