"""Finding cosmic rays beside astroscrappy at the same parameters, and both beside the truth.

Frames of stars and half an hour of cosmic rays; `crowded` has 16 times as many stars. The agreement is the
intersection over the union of the flagged pixels, without the outermost 24, where astroscrappy takes values from
beyond the border for real. Then the defaults of both where the truth is known: hits found, flagged pixels that touch a
hit, and stars with a flagged core.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from harness import Agreement, Contest, Function, Options, Target, main
from peers import if_found, of_python

from fullwell.kernels.lacosmic import find_cosmic_rays

sys.path.append(str(Path(__file__).parents[1] / "tests" / "kernels"))
from star_fields import Exposure, expose, star_field, tracks

PUBLISHED = {"threshold": 5.0, "contrast": 5.0, "halo": 0.0}
Mask = np.ndarray


def theirs(made: Exposure, *, medians: str, threshold: float = 5.0) -> Mask:
    """Run astroscrappy with the rule of the paper on the same variance."""
    from astroscrappy import detect_cosmics

    found: Mask = detect_cosmics(
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
    return found


def ours(made: Exposure, **options: Any) -> Mask:
    return find_cosmic_rays(made.data, made.variance, made.saturated, **options)


def same_pixels(name: str, a: Mask, b: Mask) -> Agreement | None:
    if "defaults" in name:
        return None
    inner = slice(24, -24), slice(24, -24)
    both = float((a & b)[inner].sum() / (a | b)[inner].sum())
    return Agreement(f"intersection over union {both:.4f}", both)


def speed(made: Exposure, field: str, stars: int, medians: str) -> Contest:
    peer = f"astroscrappy, {medians} medians"
    mine = f"fullwell, {medians} medians"
    rivals = [
        Function(mine, lambda: ours(made, medians=medians, **PUBLISHED)),
        Function("fullwell, its defaults", lambda: ours(made)),
        if_found(
            of_python("astroscrappy"),
            Function(peer, lambda: theirs(made, medians=medians), rounds=3 if medians == "separable" else 1),
        ),
    ]
    return Contest(
        work=f"cosmics-{field}-{medians}",
        title=f"L.A.Cosmic, {field} field, {medians} medians",
        about=f"One frame of {made.data.shape[1]} x {made.data.shape[0]} with {stars} stars; the parameters of the paper on both sides, 4 iterations.",
        rivals=rivals,
        rounds=5,
        targets=[
            Target("astroscrappy, same parameters", over=peer, under=mine, measure="cpu", at_least=15),
            Target("the same pixels as astroscrappy", over=peer, measure="agreement", at_least=0.99),
        ],
        agree=same_pixels,
    )


def quality(fwhm: float, profile: object, sky: float, side: int) -> Contest:
    """Judge the defaults of both by the truth: completeness, purity, cores of stars that were flagged."""
    from scipy import ndimage

    around = np.ones((3, 3), bool)
    rng = np.random.default_rng(31)
    light, _, _ = star_field((side, side), rng, fwhm=fwhm, profile=profile, count=side * side // 2500)
    charge = tracks(light.shape, rng, minutes=60)
    hit = expose(light + sky, rng, charge=charge)
    light, rows, columns = star_field((side, side), rng, fwhm=fwhm, profile=profile, step=20)
    calm = expose(light + sky, rng)
    groups, number = ndimage.label(charge > 0, around)
    near = ndimage.binary_dilation(charge > 0, around)
    published = partial(ours, **(PUBLISHED | {"threshold": 4.5}))
    finders: dict[str, Callable[[Exposure], Mask]] = {
        "fullwell": ours,
        "fullwell, parameters of astroscrappy": partial(published, medians="separable"),
        "fullwell, those with sepmed=False": partial(published, medians="full"),
        "astroscrappy": lambda made: theirs(made, medians="separable", threshold=4.5),
        "astroscrappy, sepmed=False": lambda made: theirs(made, medians="full", threshold=4.5),
    }

    def judge(name: str, flagged: Mask) -> Agreement:
        found = float(ndimage.maximum(flagged, groups, np.arange(1, number + 1)).mean())
        inner = slice(8, -8), slice(8, -8)  # astroscrappy takes values from beyond the border for real
        pure = (flagged & near)[inner].sum() / max(flagged[inner].sum(), 1)
        cores = finders[name](calm)[rows, columns].sum()
        words = (
            f"{100 * found:.2f} % of {number} hits found, {100 * pure:.2f} % of the flagged pixels at a hit, "
        )
        return Agreement(words + f"{cores} of {rows.size} cores flagged", 1 - cores / rows.size)

    runs = [Function(name, partial(find, hit), rounds=1) for name, find in finders.items()]
    mine, peers = [attrs.evolve(run, rounds=None) for run in runs[:3]], runs[3:]
    rivals = [*mine, *(if_found(of_python("astroscrappy"), peer) for peer in peers)]
    limit = 1.0 if fwhm >= 2 else 0.99
    label = f"FWHM {fwhm:g} px, {profile if profile == 'gauss' else f'Moffat {profile:g}'}, sky {sky:g}"
    return Contest(
        work=f"cosmics-truth-{fwhm:g}-{sky:g}".replace(".", "_"),
        title=f"Cosmic rays and the truth: {label}",
        about=f"One frame of {side} x {side}, defaults of both, and ours with theirs; purity without the outermost 8"
        " pixels; cores of unsaturated stars in a frame without hits.",
        rivals=rivals,
        rounds=2,
        targets=[Target("cores of stars not flagged", over="fullwell", measure="agreement", at_least=limit)],
        judge=judge,
    )


def contests(options: Options) -> Iterator[Contest]:
    side = 256 if options.quick else 2048
    rng = np.random.default_rng(30)
    rays = tracks((side, side), rng, minutes=30)
    for field, count in (("sparse", 1000), ("crowded", 16_000)):
        stars = count * side**2 // 2048**2
        light, _, _ = star_field((side, side), rng, fwhm=3.0, profile=3.5, count=stars)
        made = expose(light + 100, rng, charge=rays)
        for medians in ("separable", "full"):
            yield speed(made, field, stars, medians)
    fields = ((1.5, "gauss", 100), (2.0, "gauss", 100), (3.0, 3.5, 30), (3.0, 3.5, 300), (3.0, 4.765, 3000))
    for fwhm, profile, sky in fields:
        yield quality(fwhm, profile, sky, 256 if options.quick else 1000)


if __name__ == "__main__":
    main(contests)
