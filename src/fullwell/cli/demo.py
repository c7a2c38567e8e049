"""``fullwell demo``: a night from nothing to calibrated frames."""

from __future__ import annotations

from pathlib import Path

import click

from fullwell.cli.terminal import default_workers, progress

__all__ = ["demo"]


@click.command()
@click.option(
    "-o",
    "--output",
    default="demo-night",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder for raw frames and results.",
)
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), help="Another night.")
@click.option(
    "--workers", type=click.IntRange(1), default=None, help="Threads [default: one a core, at most 4]."
)
@click.option("--overwrite", is_flag=True, help="Make the raw frames of an earlier demo again.")
def demo(output: Path, seed: int | None, workers: int | None, overwrite: bool) -> None:
    """Simulate a small night as raw FITS files, reduce it, and say where to look.

    1024 x 1024 pixels, two filters, biases, darks of two lengths, flats, ten star fields.
    """
    from fullwell.cli.reduce import sentences
    from fullwell.night import reduce as run
    from fullwell.simulation import Scenario, simulate

    threads = workers or default_workers()
    raw, out = output / "raw", output / "reduced"
    with progress() as tell:
        simulate(
            Scenario.preset("night"),
            raw,
            seed=seed,
            overwrite=overwrite,
            workers=threads,
            on_progress=lambda done, total, file: tell("simulating", done, total, file),
        )
        result = run(raw, out, workers=threads, overwrite=overwrite, on_progress=tell)
    click.echo(sentences(result))
    click.echo(f"raw frames and their truth: {raw}")
    raise SystemExit(result.exit_code)
