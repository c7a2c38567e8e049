"""``fullwell warmup``: compile everything once, so that nobody waits for it later."""

from __future__ import annotations

from collections.abc import Callable

import click

from fullwell.cli.terminal import progress

__all__ = ["warmup"]


@click.command()
def warmup() -> None:
    """Compile all pixel loops for this processor and keep them; needed again after an update."""
    jobs = {
        "random numbers": _random,
        "combine, raw": _combine_raw,
        "combine, all else": _combine_frames,
        "cosmic rays": _cosmic_rays,
    }
    with progress() as tell:
        for done, (name, job) in enumerate(jobs.items()):
            tell("compiling", done, len(jobs), name)
            job()
        tell("compiling", len(jobs), len(jobs), "")
    click.echo(f"compiled: {', '.join(jobs)}")


def _random() -> None:
    from fullwell.noise import Noise

    stream = Noise(0).stream("warmup")
    stream.normal((8, 8))
    stream.poisson(3.0)


def _combine_raw() -> None:
    import numpy as np

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
    medians: tuple[Callable[[], object], ...] = (
        lambda: find_cosmic_rays(ones, ones, medians="full"),
        lambda: find_cosmic_rays(ones, ones, medians="separable"),
    )
    for find in medians:
        find()
