"""Take the exposures of a scenario."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.chain import Exposure, SignalChain
from fullwell.effects.base import Signal, Stage
from fullwell.errors import AlreadyExists, FileError, ParameterError
from fullwell.files import write_whole
from fullwell.noise import Noise
from fullwell.simulation.instrument import Instrument, detector_of
from fullwell.simulation.raw_files import raw_bytes, raw_size
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
    size = raw_size(detector)
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
        Threads; the frames are the same for any number. Exposures with persistence are taken one after
        the other.
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
    for shot in plan.shots:
        instrument.scene(shot)  # refuses what cannot be meant before anything is written
    _prepare(folder)
    truths: dict[int, FrameTruth] = {}
    taken = _in_order if instrument.remembers else _side_by_side
    with closing(taken(instrument, plan.shots, folder, workers)) as exposures:
        for done, truth in enumerate(exposures, start=1):
            truths[truth.shot.exposure] = truth
            if on_progress is not None:
                on_progress(done, len(plan.shots), truth.shot.file)
    write_truth(folder, instrument, [truths[shot.exposure] for shot in plan.shots])
    return [folder / shot.file for shot in plan.shots]


def _side_by_side(
    instrument: Instrument, shots: list[Shot], folder: Path, workers: int
) -> Generator[FrameTruth, None, None]:
    """Take exposures that do not depend on each other, in any order."""
    with ThreadPoolExecutor(workers) as pool:
        pending = [pool.submit(_take, instrument, shot, folder, None) for shot in shots]
        try:
            for future in as_completed(pending):
                yield future.result()[0]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _in_order(
    instrument: Instrument, shots: list[Shot], folder: Path, _: int
) -> Generator[FrameTruth, None, None]:
    """Take one exposure after the other; what the detector remembers goes on to the next."""
    memory: Mapping[str, Any] | None = None
    for shot in shots:
        truth, memory = _take(instrument, shot, folder, memory)
        yield truth


def _take(
    instrument: Instrument, shot: Shot, folder: Path, memory: Mapping[str, Any] | None
) -> tuple[FrameTruth, Mapping[str, Any]]:
    """Expose one frame and write it."""
    chain, state = instrument.chain(shot), instrument.state(shot)
    noise = Noise(instrument.seed, shot.exposure)
    exposure = chain.expose(
        instrument.scene(shot),
        shot.exposure_time,
        detector=instrument.detector,
        noise=noise,
        state=state,
        memory=memory,
    )
    write_whole(
        folder / shot.file, raw_bytes(exposure.frame.data, instrument.scenario, shot, instrument.detector)
    )
    truth = FrameTruth.of(exposure, shot, chain, lasting=instrument.lasting)
    if shot.entry.type == "light":
        truth = attrs.evolve(truth, expected=_collected(exposure, chain, state, noise))
    return truth, exposure.memory


def _collected(
    exposure: Exposure, chain: SignalChain, state: dict[str, dict[str, Any]], noise: Noise
) -> npt.NDArray[np.float32]:
    """Return the expected photo-electrons behind everything that acts before they are counted."""
    frame = exposure.frame
    assert frame.detector is not None
    assert frame.exposure_time is not None
    seconds = frame.exposure_time
    signal = Signal(exposure.light.copy(), frame.detector, seconds, seconds, state=state)
    for effect in chain:
        if effect.stage < Stage.BRIGHTER_FATTER:
            effect.simulate(signal, noise=noise)
    return np.asarray(signal.image, np.float32)


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
