"""Pointwise steps that follow each other, put together so that one pass over a raw frame does them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.detector import Detector
from fullwell.effects.affine import Affine, MasterTerm
from fullwell.effects.pointwise import Lookup, Pointwise, PoissonTerm
from fullwell.kernels.buffers import room
from fullwell.kernels.correct import Images, Ramp
from fullwell.kernels.pool import over_blocks

__all__ = ["PointwiseRun", "run_of"]

PIXELS = 2**15  # of a block; what is made on the way stays in the cache


@attrs.frozen(eq=False)
class PointwiseRun:
    """What one pass needs to know, for all frames of a geometry, unit and time.

    Parameters
    ----------
    images : Images
    factors, variances : tuple of float
        Of each amplifier: scale before the Poisson term, and variance there without signal.
    ramps : tuple of Ramp or None
        Look-up of each amplifier.
    whole : Affine
        All steps in one, for units and for the noise of masters that is kept apart.
    """

    images: Images
    factors: tuple[float, ...]
    variances: tuple[float, ...]
    ramps: tuple[Ramp | None, ...]
    whole: Affine

    @property
    def nbytes(self) -> int:
        """Memory of the images."""
        values = [getattr(self.images, field.name) for field in attrs.fields(Images)]
        return sum(value.nbytes for value in (*values, *self.images.before) if hasattr(value, "nbytes"))


def run_of(
    steps: Sequence[Pointwise], detector: Detector, *, settle: bool, noisy: bool = False
) -> PointwiseRun | None:
    """Put steps together.

    Parameters
    ----------
    steps : sequence of Affine, Lookup and PoissonTerm
        In the order of correction, for assembled frames.
    detector : Detector
        Of assembled frames.
    settle : bool
        Whether the noise of masters becomes part of the variance.
    noisy : bool
        Whether the raw values have a variance already, that of an overscan level.

    Returns
    -------
    PointwiseRun or None
        None for steps that are not of the form in `fullwell.kernels.correct`.
    """
    split = _split(steps)
    if split is None:
        return None
    before, lookup, behind, counted = split
    tables = [_numbers(before, amplifier.box.slices) for amplifier in detector.amplifiers]
    if any(table is None for table in tables) or (
        lookup is not None and (not settle or _proportional(before))
    ):
        return None
    numbers = [table for table in tables if table is not None]
    affine = (*before, *behind)
    masters = settle and any(step.masters for step in affine)
    quiet = not (noisy or counted or masters or any(step.variance is not None for step in affine))
    images = _images(before, behind, detector.shape, settle=settle, mixed=lookup is not None)
    count = len(detector.amplifiers)
    return PointwiseRun(
        attrs.evolve(images, counted=counted, quiet=quiet),
        tuple(factor for factor, _ in numbers),
        tuple(variance for _, variance in numbers),
        (None,) * count if lookup is None else tuple(lookup.ramps(count)),
        _whole(before, behind, settle=settle),
    )


def _split(
    steps: Sequence[Pointwise],
) -> tuple[list[Affine], Lookup | None, list[Affine], bool] | None:
    """Return what comes before the Poisson term, a look-up just before it, and what comes behind."""
    turns = [i for i, step in enumerate(steps) if not isinstance(step, Affine)]
    kinds = [type(steps[i]) for i in turns]
    if kinds not in ([], [Lookup], [PoissonTerm], [Lookup, PoissonTerm]):
        return None
    if not turns:
        return [], None, _affine(steps), False
    first, last = turns[0], turns[-1]
    between = _affine(steps[first + 1 : last])
    if any(not _idle(step) for step in between):
        return None
    turn = steps[first]
    lookup = turn if isinstance(turn, Lookup) else None
    return _affine(steps[:first]), lookup, [*between, *_affine(steps[last + 1 :])], PoissonTerm in kinds


def _affine(steps: Sequence[Pointwise]) -> list[Affine]:
    return [step for step in steps if isinstance(step, Affine)]


def _idle(step: Affine) -> bool:
    """Whether a step does nothing but set flags."""
    still = all(np.ndim(value) == 0 for value in (step.scale, step.offset))
    return still and step.scale == 1 and step.offset == 0 and step.variance is None and not step.masters


def _proportional(steps: Sequence[Affine]) -> bool:
    return any(np.any(term.proportional) for step in steps for term in step.masters.values())


def _numbers(steps: Sequence[Affine], part: tuple[slice, slice]) -> tuple[float, float] | None:
    """Scale and variance of the steps in one amplifier, if they are one number each."""
    scale, variance = 1.0, 0.0
    for step in steps:
        factor, more = _number(step.scale, part), _number(step.variance, part)
        if factor is None or more is None:
            return None
        scale, variance = scale * factor, variance * factor * factor + more
    return scale, variance


def _number(value: Any, part: tuple[slice, slice]) -> float | None:
    if value is None:
        return 0.0
    if np.ndim(value) == 0:
        return float(value)
    values = np.asarray(value)[part]
    return float(values.flat[0]) if values.size and values.min() == values.max() else None


def _images(
    before: list[Affine], behind: list[Affine], shape: tuple[int, int], *, settle: bool, mixed: bool
) -> Images:
    """Work out the images, some rows at a time."""
    step = max(1, PIXELS // shape[1])
    rows = [slice(start, min(start + step, shape[0])) for start in range(0, shape[0], step)]
    made = _block(before, behind, rows[0], shape[0], settle=settle, mixed=mixed)
    images: list[Any] = [
        room((shape[0] if np.ndim(value) == 2 else 1, shape[1]), value.dtype)
        for value in (np.asarray(value) for value in made)
    ]

    def fill(part: slice) -> None:
        for image, value in zip(
            images, _block(before, behind, part, shape[0], settle=settle, mixed=mixed), strict=True
        ):
            image[part if len(image) > 1 else slice(None)] = value

    over_blocks(fill, rows if any(len(image) > 1 for image in images) else rows[:1])
    first, scale, offset, constant, linear, square, flags = images[:7]
    return Images(first, scale, offset, constant, linear, square, flags, before=tuple(images[7:]))


def _block(
    before: list[Affine], behind: list[Affine], part: slice, height: int, *, settle: bool, mixed: bool
) -> list[Any]:
    """Return the images of some rows, in the order of `Images`; numbers where all pixels have one."""
    early, late = (_composed([_rows(s, part, height) for s in steps]) for steps in (before, behind))
    single = np.float32
    sums: dict[str, Any] = dict.fromkeys(("constant", "linear", "square", "squared", "mixed", "sloped"), 0.0)
    if settle:
        terms = early.masters if mixed else (late @ early).masters
        for key in {**terms, **late.masters}:
            if mixed:
                own, then = terms.get(key, MasterTerm()), late.masters.get(key, MasterTerm())
                _add(sums, then, late.scale * own.constant, (own + then).variance)
            else:
                _add(sums, terms[key], 0.0, terms[key].variance)
    constant = sums["constant"] + (0.0 if late.variance is None else late.variance)
    flags = [f for f in (early.flags, late.flags) if f is not None]
    values = [early.offset, late.scale, late.offset, constant, sums["linear"], sums["square"]]
    values += [sums["squared"], sums["mixed"], sums["sloped"]] if mixed else []
    made: list[Any] = [np.asarray(value, single) for value in values]
    made.insert(6, np.bitwise_or.reduce(flags) if flags else np.uint16(0))
    return made


def _add(sums: dict[str, Any], term: MasterTerm, early: Any, variance: Any) -> None:
    """Add ``(early slope + constant + proportional y)^2 variance``."""
    variance = np.asarray(variance, np.float32)
    # Without a finite noise the parts of the square would cancel to NaN.
    wild = ~np.isfinite(variance)
    finite = np.where(wild, 0.0, variance) if wild.any() else variance
    constant, proportional = np.asarray(term.constant, np.float32), np.asarray(term.proportional, np.float32)
    sums["constant"] = sums["constant"] + constant * constant * variance
    if np.any(proportional):
        sums["linear"] = sums["linear"] + 2 * constant * proportional * finite
        sums["square"] = sums["square"] + proportional * proportional * finite
    if np.any(early):
        early = np.asarray(early, np.float32)
        sums["squared"] = sums["squared"] + early * early * finite
        sums["mixed"] = sums["mixed"] + 2 * early * constant * finite
        if np.any(proportional):
            sums["sloped"] = sums["sloped"] + 2 * early * proportional * finite


def _composed(steps: Sequence[Affine]) -> Affine:
    result = Affine()
    for step in steps:
        result = step @ result
    return result


def _rows(step: Affine, part: slice, height: int) -> Affine:
    """Return the step for some rows alone."""

    def cut(value: Any) -> Any:
        return value[part] if np.ndim(value) == 2 and len(value) == height else value

    masters = {
        key: MasterTerm(cut(term.constant), cut(term.proportional), cut(term.variance))
        for key, term in step.masters.items()
    }
    variance = None if step.variance is None else cut(step.variance)
    flags: npt.NDArray[np.uint16] | None = None if step.flags is None else cut(step.flags)
    return Affine(cut(step.scale), cut(step.offset), variance, masters, flags, step.unit)


def _whole(before: list[Affine], behind: list[Affine], *, settle: bool) -> Affine:
    """Return the steps in one; of those that are settled no more than the unit is asked for."""
    if settle or not any(step.masters for step in (*before, *behind)):
        units = [step.unit for step in (*before, *behind) if step.unit is not None]
        return Affine(unit=units[-1] if units else None)
    return _composed([*before, *behind])
