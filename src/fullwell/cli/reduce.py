"""``fullwell reduce``: the main job."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fullwell.cli.quick_start import start_numba, uncollected
from fullwell.cli.terminal import default_workers, printable, progress

if TYPE_CHECKING:
    from fullwell.night import NightResult, ReduceConfig

__all__ = ["reduce", "sentences"]


@click.command()
@click.argument("raw", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder for what comes out."
)
@click.option(
    "--config", "config_file", type=click.Path(path_type=Path), help="A TOML file; see 'fullwell config'."
)
@click.option(
    "--workers", type=click.IntRange(1), default=None, help="Threads [default: one a core, at most 4]."
)
@click.option("--dry-run", is_flag=True, help="Look and decide, say what would be done, and write nothing.")
@click.option("--overwrite", is_flag=True, help="Use an output folder that holds files of other origin.")
@click.option("--no-report", is_flag=True, help="Write results.json only, no report and no pictures.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def reduce(
    raw: Path,
    output: Path,
    config_file: Path | None,
    workers: int | None,
    dry_run: bool,
    overwrite: bool,
    no_report: bool,
    as_json: bool,
) -> None:
    """Reduce the frames in the folder RAW.

    Biases, darks and flats become masters, science frames are calibrated with those that fit, and report.html
    says what was found, what was chosen and why. Called again, it does only what is missing or stale.
    """
    with uncollected():
        start_numba()
        from fullwell.night import NoFrames
        from fullwell.night import reduce as run
    gc.freeze()  # what was imported stays, and need not be looked through again

    config = _config(config_file, no_report=no_report)
    try:
        with progress() as tell:
            result = run(
                raw,
                output,
                config=config,
                workers=workers or default_workers(),
                overwrite=overwrite,
                dry_run=dry_run,
                on_progress=tell,
            )
    except NoFrames as error:
        click.echo(_json(error.result) if as_json else sentences(error.result))
        raise
    click.echo(_json(result) if as_json else sentences(result))
    raise SystemExit(result.exit_code)


def _json(result: NightResult) -> str:
    return json.dumps(result.data, indent=1, allow_nan=False)


def _config(path: Path | None, *, no_report: bool) -> ReduceConfig:
    from fullwell.config import load_config
    from fullwell.night import ReduceConfig

    config = ReduceConfig() if path is None else load_config(path, ReduceConfig)
    if no_report:
        quiet = config.report.model_copy(update={"write": False, "pictures": False})
        config = config.model_copy(update={"report": quiet})
    return config


def sentences(result: NightResult) -> str:
    """Say in a few lines what came out and where it is."""
    data = result.data
    verb = "would be" if data["dry_run"] else ""
    lines = [_found(data)]
    for product in data["masters"]:
        frames = f"from {len(product['inputs'])} frames" if product["inputs"] else ""
        lines.append(_product(product["path"], product, frames, verb))
    for product in data["calibrated"]:
        used = ", ".join(name for name in (product["bias"], product["dark"], product["flat"]) if name)
        lines.append(_product(product["path"], product, f"with {used}" if used else "", verb))
    lines += [f"removed: {name}: nothing asks for it any more" for name in result.removed]
    lines += [
        f"set aside: {one['name']}: {one['reason']}" for one in data["set_aside"] if one["severity"] != "info"
    ]
    lines += [
        ": ".join(filter(None, (row["severity"], row["subject"], row["text"])))
        for row in data["warnings"]
        if row["severity"] != "note"
    ]
    return printable("\n".join([*lines, *_where(result)]))


def _where(result: NightResult) -> list[str]:
    data = result.data
    if data["dry_run"]:
        return [f"{len(data['to_do'])} tasks to do; nothing was written"]
    lines = []
    if data["configuration"]["values"]["report"]["write"]:
        lines.append(f"report: {result.report_path}")
    if result.masters:
        lines.append(f"masters: {result.out / 'masters'}")
    if result.calibrated:
        lines.append(f"calibrated frames: {result.out / 'calibrated'}")
    return lines


def _found(data: dict[str, Any]) -> str:
    kinds: dict[str, int] = {}
    for frame in data["frames"]:
        kinds[frame["type"]] = kinds.get(frame["type"], 0) + 1
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    wished = sum(one["severity"] == "info" for one in data["set_aside"])
    return f"found {counts or 'no frame'}" + (f"; {wished} left alone as wished" if wished else "")


def _product(path: str, product: dict[str, Any], detail: str, verb: str) -> str:
    if product["status"] == "failed":
        return f"failed: {path}: {product['reason']}"
    return " ".join(part for part in (path, verb and "would be made", detail) if part)
