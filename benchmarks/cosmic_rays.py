"""Finding cosmic rays beside astroscrappy at the same parameters: CPU time, and the same pixels found.

Frames of 2048 x 2048 with stars and half an hour of cosmic rays, `crowded` with 16 times as many stars. Runs
take turns; what counts is CPU time of the process, since astroscrappy uses all cores it may. The ratio is the
median over the rounds, with the lowest and highest. `same` is the intersection over the union of the flagged
pixels, without the outermost 24, where astroscrappy takes values from beyond the border for real. Then the
defaults of both where the truth is known: hits found, flagged pixels that touch a hit, and stars with a
flagged core.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from fullwell.kernels.lacosmic import find_cosmic_rays

sys.path.append(str(Path(__file__).parents[1] / "tests" / "kernels"))
from star_fields import Exposure, expose, star_field, tracks

ROUNDS = 3
PUBLISHED = {"threshold": 5.0, "contrast": 5.0, "halo": 0.0}
Mask = np.ndarray


def theirs(made: Exposure, *, medians: str, threshold: float = 5.0) -> Mask:
    """Run astroscrappy with the rule of the paper on the same variance."""
    from astroscrappy import detect_cosmics

    return detect_cosmics(
        made.data,
        inmask=made.saturated,
        invar=made.variance,
        sigclip=threshold,
        sigfrac=0.3,
        objlim=5.0,
        satlevel=np.inf,
        niter=4,
        gain=1.0,
        readnoise=0.0,
        sepmed=medians == "separable",
        cleantype="medmask",
    )[0]


def ours(made: Exposure, **options: object) -> Mask:
    return find_cosmic_rays(made.data, made.variance, made.saturated, **options)


def cpu(function: object, *args: object, **options: object) -> tuple[float, Mask]:
    start = time.process_time()
    result = function(*args, **options)
    return time.process_time() - start, result


def speed(name: str, made: Exposure, medians: str) -> None:
    ours(made, medians=medians, **PUBLISHED)
    times = []
    for _ in range(ROUNDS):
        fast, a = cpu(ours, made, medians=medians, **PUBLISHED)
        slow, b = cpu(theirs, made, medians=medians)
        times.append((fast, slow, slow / fast))
    inner = slice(24, -24), slice(24, -24)
    same = (a & b)[inner].sum() / (a | b)[inner].sum()
    fast, slow, ratio = np.median(times, axis=0)
    spread = [row[2] for row in times]
    label = f"{name}, {medians} medians"
    print(
        f"{label:32s}{fast:8.3f}{slow:14.2f}{ratio:8.0f} ({min(spread):.0f} to {max(spread):.0f}){same:10.4f}"
    )


def quality(fwhm: float, profile: object, sky: float) -> None:
    from scipy import ndimage

    around = np.ones((3, 3), bool)
    finders = {
        "fullwell": ours,
        "astroscrappy": lambda made: theirs(made, medians="separable", threshold=4.5),
        "astroscrappy, sepmed=False": lambda made: theirs(made, medians="full", threshold=4.5),
    }
    rng = np.random.default_rng(31)
    light, _, _ = star_field((1000, 1000), rng, fwhm=fwhm, profile=profile, count=400)
    charge = tracks(light.shape, rng, minutes=60)
    hit = expose(light + sky, rng, charge=charge)
    light, rows, columns = star_field((1000, 1000), rng, fwhm=fwhm, profile=profile, step=20)
    calm = expose(light + sky, rng)
    groups, number = ndimage.label(charge > 0, around)
    near = ndimage.binary_dilation(charge > 0, around)
    for name, find in finders.items():
        flagged = find(hit)
        found = ndimage.maximum(flagged, groups, np.arange(1, number + 1)).mean()
        pure = (flagged & near).sum() / flagged.sum()
        cores = find(calm)[rows, columns].sum()
        label = f"FWHM {fwhm}, {profile}, sky {sky:g}"
        print(f"{label:28s}{name:28s}{found:8.4f}{pure:8.4f}{cores:8d} of {rows.size}")


def main() -> None:
    try:
        import astroscrappy  # noqa: F401
    except ImportError:
        print("astroscrappy is not installed: nothing to compare with")
        return
    rng = np.random.default_rng(30)
    shape = (2048, 2048)
    rays = tracks(shape, rng, minutes=30)
    fields = {}
    for name, count in (("1000 stars", 1000), ("crowded", 16_000)):
        light, _, _ = star_field(shape, rng, fwhm=3.0, profile=3.5, count=count)
        fields[name] = expose(light + 100, rng, charge=rays)
    print(f"{'2048 x 2048, CPU s':32s}{'ours':>8s}{'astroscrappy':>14s}{'ratio':>8s}{'same':>21s}")
    for name, made in fields.items():
        for medians in ("separable", "full"):
            speed(name, made, medians)
    fast = sorted(cpu(ours, fields["1000 stars"])[0] for _ in range(2 * ROUNDS + 1))
    print(f"{'1000 stars, our defaults':32s}{fast[ROUNDS]:8.3f}")
    print(f"\n{'1000 x 1000':56s}{'hits':>8s}{'pure':>8s}{'cores flagged':>16s}")
    for fwhm, profile, sky in ((1.5, "gauss", 100), (2.0, "gauss", 100), (3.0, 3.5, 30), (3.0, 4.765, 3000)):
        quality(fwhm, profile, sky)


if __name__ == "__main__":
    main()
