"""``fullwell simulate``: raw frames from a scenario."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fullwell.cli.terminal import progress

if TYPE_CHECKING:
    from fullwell.simulation import Scenario
    from fullwell.simulation.run import Preview

__all__ = ["simulate"]


@click.command()
@click.argument("scenario", required=False, type=click.Path(path_type=Path), metavar="[SCENARIO.toml]")
@click.option(
    "--preset",
    metavar="NAME",
    help="A scenario that comes with fullwell: guide, guide-bright-sky, lsst-itl-everything, night or "
    "st402-course.",
)
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder for the raw frames."
)
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), help="Instead of the seed of the scenario.")
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Threads; bits do not depend on it.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@click.option("--overwrite", is_flag=True, help="Replace files that are there already.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def simulate(
    scenario: Path | None,
    preset: str | None,
    output: Path,
    seed: int | None,
    workers: int,
    dry_run: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Simulate the raw frames of SCENARIO.toml or of a preset, with a file of what is true about them."""
    if (scenario is None) == (preset is None):
        raise click.UsageError("give either a scenario file or --preset, not both")
    run(
        _scenario(scenario, preset),
        output,
        seed=seed,
        workers=workers,
        dry_run=dry_run,
        overwrite=overwrite,
        as_json=as_json,
    )


def run(
    scenario: Scenario,
    output: Path,
    *,
    seed: int | None,
    workers: int,
    dry_run: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Simulate with a progress bar on stderr and the result on stdout."""
    from fullwell.simulation import preview
    from fullwell.simulation import simulate as take

    plan = preview(scenario, output, seed=seed)
    if not dry_run:
        with progress() as tell:
            take(
                scenario,
                output,
                seed=seed,
                overwrite=overwrite,
                workers=workers,
                on_progress=lambda done, total, file: tell("simulating", done, total, file),
            )
    result = _result(scenario, plan, output, seed=seed, dry_run=dry_run)
    click.echo(json.dumps(result, indent=1) if as_json else _sentences(result))


def _scenario(path: Path | None, preset: str | None) -> Scenario:
    from fullwell.simulation import Scenario

    return Scenario.load(path) if path is not None else Scenario.preset(preset or "")


def _result(
    scenario: Scenario, plan: Preview, output: Path, *, seed: int | None, dry_run: bool
) -> dict[str, Any]:
    kinds = Counter(shot.entry.type for shot in plan.shots)
    return {
        "scenario": scenario.name,
        "seed": scenario.seed if seed is None else seed,
        "folder": str(output),
        "written": not dry_run,
        "shape": list(plan.raw_shape),
        "bytes": plan.size,
        "counts": dict(kinds),
        "files": [shot.file for shot in plan.shots],
        "existing": [str(path) for path in plan.existing] if dry_run else [],
    }


def _sentences(result: dict[str, Any]) -> str:
    rows, columns = result["shape"]
    kinds = ", ".join(f"{count} {kind}" for kind, count in result["counts"].items())
    verb = "wrote" if result["written"] else "would write"
    size = f"{result['bytes'] / 1e6:.0f} MB"
    what = f"{len(result['files'])} raw frames of {columns} x {rows} pixels ({kinds}), {size}"
    lines = [
        f"{verb} {what}, to {result['folder']}",
        f"scenario {result['scenario']}, seed {result['seed']}; truth.json and truth.fits say what is true",
    ]
    if result["existing"]:
        lines.append(f"{len(result['existing'])} files are there already, such as {result['existing'][0]}")
    return "\n".join(lines)
