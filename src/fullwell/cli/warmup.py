"""``fullwell warmup``: compile everything once, so that nobody waits for it later."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable

import click

from fullwell import kernels
from fullwell.cli.terminal import progress

__all__ = ["all_jobs", "warmup"]


@click.command()
def warmup() -> None:
    """Compile all pixel loops for this processor and keep them; needed again after an update."""
    jobs = all_jobs()
    with progress() as tell:
        for done, (name, job) in enumerate(jobs.items()):
            tell("compiling", done, len(jobs), name)
            job()
        tell("compiling", len(jobs), len(jobs), "")
    click.echo(f"compiled: {', '.join(jobs)}")


def all_jobs() -> dict[str, Callable[[], object]]:
    """Return what compiles each kernel, by name: those below, and ``warm_up`` of each module that has one.

    A job calls its kernel once for every combination of types that Numba compiles apart.
    """
    jobs: dict[str, Callable[[], object]] = {
        "random numbers": _random,
        "combine, raw": _combine_raw,
        "combine, all else": _combine_frames,
        "cosmic rays": _cosmic_rays,
        "correct": _correct,
    }
    for module in pkgutil.iter_modules(kernels.__path__):
        if not module.name.endswith(("_compiled", "_reference")):
            offered = getattr(importlib.import_module(f"{kernels.__name__}.{module.name}"), "warm_up", None)
            if offered is not None:
                jobs[module.name.replace("_", " ")] = offered
    return jobs


def _random() -> None:
    from fullwell.noise import Noise

    stream = Noise(0).stream("warmup")
    stream.normal((8, 8))
    stream.poisson(3.0)


def _combine_raw() -> None:
    import numpy as np

    from fullwell.kernels.combine_compiled import warm_up

    warm_up()
    _combine([np.ones((8, 8), np.uint16)] * 3)


def _combine_frames() -> None:
    import numpy as np

    from fullwell.frame import Frame

    ones = np.ones((8, 8), np.float32)
    _combine([Frame(ones, variance=ones)] * 3)


def _combine(frames: list[object]) -> None:
    from fullwell.combining import NoiseModel, stack

    stack(frames, noise=NoiseModel(1.0, 1.0), clip=5.0)
    stack(frames, spread="std", clip=5.0)


def _cosmic_rays() -> None:
    import numpy as np

    from fullwell.kernels.lacosmic import find_cosmic_rays

    ones = np.ones((16, 16), np.float32)
    data = ones.copy()
    data[::5, ::5] = 1000  # without many hits some loops are not called
    medians: tuple[Callable[[], object], ...] = (
        lambda: find_cosmic_rays(data, ones, medians="full"),
        lambda: find_cosmic_rays(data, ones, medians="separable"),
    )
    for find in medians:
        find()


def _correct() -> None:
    import numpy as np

    from fullwell.kernels.correct import Amplified, Images, Outputs, correct_plane
    from fullwell.kernels.histograms import count_bits, count_differences, count_values
    from fullwell.kernels.planes import Plane

    zeros, one = np.zeros(8, np.float32), np.ones((1, 8), np.float32)
    amplifier = Amplified((0, 8), (0, 8), (0, 0), False, False, 1.0, 1.0, np.inf, zeros, zeros, zeros, zeros)
    images = Images(one, one, one, one, one, one, np.zeros((1, 8), np.uint16))
    raw = np.ones((8, 8), np.uint16)
    for pixels in (raw, raw.astype(np.float32)):
        into = Outputs.empty((8, 8))
        correct_plane(Plane(pixels), None, [amplifier], images, into, bits=(8, 32), compiled=True)
    for part in (raw, raw[:, :4]):
        count_values(part, compiled=True)
    count_differences(raw, compiled=True)
    count_bits(raw, compiled=True)
