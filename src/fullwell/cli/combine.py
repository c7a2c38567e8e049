"""``fullwell combine``: many frames to one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fullwell.cli.noise_options import noise_model
from fullwell.cli.quick_start import uncollected, without_linear_algebra
from fullwell.cli.terminal import printable

if TYPE_CHECKING:
    from fullwell.combining import NoiseModel, Outcome

__all__ = ["combine"]


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="FITS file to write.")
@click.option(
    "--method", type=click.Choice(["mean", "median"]), default="mean", show_default=True, help="What to take."
)
@click.option(
    "--clip",
    type=click.FloatRange(0),
    default=3.0,
    show_default=True,
    help="Reject values so many spreads from the median, until nothing changes; 0 rejects nothing.",
)
@click.option(
    "--spread",
    type=click.Choice(["noise", "std", "mad"]),
    default="std",
    show_default=True,
    help="What --clip counts in: expected noise, standard deviation or MAD of the values.",
)
@click.option("--read-noise", type=click.FloatRange(0), help="In electrons [default: from the header].")
@click.option("--gain", type=click.FloatRange(0, min_open=True), help="In e-/ADU [default: from the header].")
@click.option(
    "--pedestal",
    type=float,
    default=0.0,
    show_default=True,
    help="Level without light, for the noise model; in the unit of the data.",
)
@click.option(
    "--memory",
    type=click.IntRange(1),
    default=512,
    show_default=True,
    help="Ceiling in MiB, output not counted.",
)
@click.option("--workers", type=click.IntRange(1), default=None, help="Threads [default: one a core].")
@click.option("--dry-run", is_flag=True, help="Look at the files, say what would be done, and write nothing.")
@click.option("--overwrite", is_flag=True, help="Replace the output if it is there.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def combine(
    files: tuple[Path, ...],
    output: Path,
    method: str,
    clip: float,
    spread: str,
    read_noise: float | None,
    gain: float | None,
    pedestal: float,
    memory: int,
    workers: int | None,
    dry_run: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Combine FILES, frames of one shape and unit, to one.

    The output holds the result, UNCERT (its standard deviation: from the noise model or the variances of the
    frames, where there are any, else from the scatter of the values), MASK, FLAGS, and USED, the number of
    values in each pixel. Files need no cards but the mandatory ones.
    """
    result: dict[str, Any] = {
        "output": str(output),
        "frames": [str(path) for path in files],
        "method": method,
        "clip": clip or None,
        "spread": spread,
        "written": not dry_run,
    }
    without_linear_algebra()
    with uncollected():
        from fullwell.io.places import check_place

        check_place(output, overwrite=overwrite)
        if output.exists() and any(path.exists() and path.samefile(output) for path in files):
            raise click.UsageError(f"{output} is one of the frames; give the stack another name")
        by_noise = spread == "noise"
        model = noise_model(
            files[0],
            needed=by_noise and bool(clip),
            wanted=by_noise,
            read_noise=read_noise,
            gain=gain,
            pedestal=pedestal,
        )
        if dry_run:
            result |= _look(files, result, model, memory=memory)
        else:
            outcome = _run(files, output, result, model, memory=memory, workers=workers, overwrite=overwrite)
            result |= _told(outcome)
    click.echo(json.dumps(result, indent=1, allow_nan=False) if as_json else _sentences(result))
    # The noise model that was asked for did not hold.
    raise SystemExit(int(not dry_run and bool(clip) and result["spread"] != spread))


def _run(
    files: tuple[Path, ...],
    output: Path,
    asked: dict[str, Any],
    model: NoiseModel | None,
    *,
    memory: int,
    workers: int | None,
    overwrite: bool,
) -> Outcome:
    from fullwell.combining import stack_files
    from fullwell.combining.options import COMMAND_LINE

    def history(spread: str) -> list[str]:
        rule = f"{asked['clip']:g} {spread}" if asked["clip"] else "no"
        names = [f"  {path.name}" for path in files]
        return [f"{asked['method']} of {len(files)} frames, {rule} clipping:", *names]

    return stack_files(
        files,
        output,
        method=asked["method"],
        clip=asked["clip"],
        spread=asked["spread"],
        noise=model,
        memory=memory * 2**20,
        workers=workers,
        overwrite=overwrite,
        cards={"NCOMBINE": (len(files), "frames combined")},
        history=history,
        words=COMMAND_LINE,
    )


def _look(
    files: tuple[Path, ...], asked: dict[str, Any], model: NoiseModel | None, *, memory: int
) -> dict[str, Any]:
    """Check the options, and that all files can be used and fit together, as far as headers tell."""
    from fullwell.combining.options import COMMAND_LINE, Options
    from fullwell.errors import FrameError
    from fullwell.io import scan

    Options(asked["method"], asked["clip"], asked["spread"], model, (0, 0), memory * 2**20, COMMAND_LINE)
    first = scan(files[0])
    for path in files[1:]:
        other = scan(path)
        if other.shape != first.shape or other.unit != first.unit:
            raise FrameError(
                f"{path} is {other.shape} in {other.unit}, {files[0]} is {first.shape} in {first.unit}"
            )
        if ("UNCERT" in other.planes) != ("UNCERT" in first.planes):
            raise FrameError(f"only one of {path} and {files[0]} has UNCERT: either all files do or none")
    return {"shape": list(first.shape)}


def _told(outcome: Outcome) -> dict[str, Any]:
    return {
        "shape": list(outcome.shape),
        "spread": outcome.spread,
        "rejected_fraction": list(outcome.rejected_fraction),
        "without_value": outcome.without_value,
        "remarks": list(outcome.remarks),
    }


def _sentences(result: dict[str, Any]) -> str:
    rows, columns = result["shape"]
    verb = "wrote" if result["written"] else "would write"
    rule = f"{result['clip']:g} {result['spread']}" if result["clip"] else "no"
    what = f"{result['method']} of {len(result['frames'])} frames, {columns} x {rows} pixels"
    lines = [f"{verb} {result['output']}: {what}, {rule} clipping"]
    if result["written"] and result["clip"]:
        parts = result["rejected_fraction"]
        lines.append(f"rejected {100 * sum(parts) / len(parts):.3g} % of the values")
    if result.get("without_value"):
        lines.append(f"{result['without_value']} pixels have no value and are flagged")
    lines += [f"warning: {remark}" for remark in result.get("remarks", [])]
    return printable("\n".join(lines))
