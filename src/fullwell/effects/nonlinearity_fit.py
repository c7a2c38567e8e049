"""Curves of non-linearity from a ramp of flats."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.effects.curve_shapes import CurveShape, Form, check_form
from fullwell.effects.curves import Curve
from fullwell.effects.ramp import Ramp
from fullwell.errors import FrameError, NotEnoughFrames

__all__ = ["CurveFit", "fit_ramp", "rising_part"]

Table = npt.NDArray[np.float64]

_STEP = 1e-5  # for derivatives; all parameters are of order one, or parts of the whole range
_TURNED_OFF = 0.5  # of the slope at low signal
_SETTLED = 1e-4  # chi^2 by which the last step of a fit may move the curve
_STEPS = 8  # an Akima spline is not smooth in its values: its fit need not settle altogether
_ROUNDS = 3  # fits, each with the weights of the one before


@attrs.frozen(eq=False)
class CurveFit:
    """What was found for one amplifier.

    Parameters
    ----------
    curve : Curve
    errors : tuple of float
        Standard errors of its coefficients or offsets.
    summary : dict
        Slope (electrons per unit of light), its error, and the number of points.
    """

    curve: Curve
    errors: tuple[float, ...]
    summary: dict[str, float]


def fit_ramp(
    ramp: Ramp,
    *,
    read_noise: float,
    form: Form,
    size: int,
    maximum: float | Sequence[float] | None,
    time_offset: bool,
    lamp_scatter: float | None,
) -> tuple[list[CurveFit], dict[str, Any]]:
    """Fit all amplifiers of a ramp together.

    The light of a frame is the same for all amplifiers: where it scatters, their points scatter together,
    and the covariance that weighs them says so. Weights follow from the model: shot and read noise over the
    pixels, and the scatter of the lamp.

    Parameters
    ----------
    ramp : Ramp
        In electrons.
    read_noise : float
        Electrons.
    form, size, maximum, time_offset, lamp_scatter
        As for `fullwell.effects.NonLinearity.measure`.

    Returns
    -------
    fits : list of CurveFit
        One for each amplifier.
    common : dict
        Time offset, lamp scatter, chi^2, degrees of freedom.

    Raises
    ------
    ParameterError
        If `form` or `size` is unknown.
    NotEnoughFrames
        If there are fewer points than parameters.
    """
    check_form(form, size)
    amplifiers = ramp.means.shape[1]
    used = rising_part(ramp.light, ramp.means, maximum)
    shapes = [_shape(ramp, used[:, i], form, size, i) for i in range(amplifiers)]
    _check_enough(ramp, used, shapes, time_offset=time_offset)
    scatter = 0.0 if lamp_scatter is None else lamp_scatter
    problem = _Problem(ramp, used, shapes, read_noise, time_offset)
    start = np.zeros(problem.size)
    for _ in range(_ROUNDS):
        problem = _Problem(ramp, used, shapes, read_noise, time_offset)
        parameters, covariance, chi2 = problem.solve(start, scatter)
        if lamp_scatter is None:
            scatter = problem.scatter_of(parameters)
        final = shapes
        ends = [problem.light(parameters)[points].max() for points in used.T]
        shapes = [
            shape.around(parameters[part], float(end))
            for shape, part, end in zip(shapes, problem.parts, ends, strict=True)
        ]
        start = parameters.copy()
        for old, new, part in zip(final, shapes, problem.parts, strict=True):
            start[part] = np.concatenate([[0.0], parameters[part][1:] * old.scales / new.scales])
    degrees = int(used.sum()) - problem.size
    errors = np.sqrt(np.diag(covariance))
    fits = []
    for shape, part in zip(final, problem.parts, strict=True):
        summary = {
            "slope": float(shape.slope * (1 + parameters[part][0])),
            "slope_error": float(shape.slope * errors[part][0]),
        }
        own = errors[part][1:] * shape.scales
        own = own if form == "polynomial" else np.concatenate([[0.0, 0.0], own])
        fits.append(CurveFit(shape.curve(parameters[part]), tuple(own.tolist()), summary))
    for i, fit in enumerate(fits):
        fit.summary["points"] = int(used[:, i].sum())
    common: dict[str, Any] = {"lamp_scatter": float(scatter), "chi2": float(chi2), "degrees": degrees}
    if time_offset:
        common["time_offset"] = float(parameters[-1] * problem.unit)
        common["time_offset_error"] = float(errors[-1] * problem.unit)
    return fits, common


@attrs.define(eq=False)
class _Problem:
    """Least squares for all amplifiers; the last parameter is the time offset, where it is fitted."""

    ramp: Ramp
    used: npt.NDArray[np.bool_]
    shapes: list[CurveShape]
    read_noise: float
    time_offset: bool
    parts: list[slice] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        ends = np.cumsum([0, *(shape.count for shape in self.shapes)])
        self.parts = [slice(int(a), int(b)) for a, b in pairwise(ends)]

    @property
    def size(self) -> int:
        return int(self.parts[-1].stop) + int(self.time_offset)

    @property
    def unit(self) -> float:
        """Light that stands for a time offset of 1."""
        return float(np.median(self.ramp.light))

    def light(self, parameters: Table) -> Table:
        return self.ramp.light + (parameters[-1] * self.unit if self.time_offset else 0.0)

    def expected(self, parameters: Table) -> Table:
        light = self.light(parameters)
        columns = [s.read(parameters[p], light) for s, p in zip(self.shapes, self.parts, strict=True)]
        return np.stack(columns, axis=1)

    def jacobian(self, parameters: Table) -> Table:
        """Shape (frames, amplifiers, parameters)."""
        result = np.zeros((*self.ramp.means.shape, self.size))
        light = self.light(parameters)
        for i, (shape, part) in enumerate(zip(self.shapes, self.parts, strict=True)):
            for k in range(shape.count):
                step = np.zeros(shape.count)
                step[k] = _STEP
                above = shape.read(parameters[part] + step, light)
                below = shape.read(parameters[part] - step, light)
                result[:, i, part.start + k] = (above - below) / (2 * _STEP)
        if self.time_offset:
            step = np.zeros(self.size)
            step[-1] = _STEP
            result[:, :, -1] = (self.expected(parameters + step) - self.expected(parameters - step)) / (
                2 * _STEP
            )
        return result

    def variance(self, expected: Table) -> Table:
        return np.asarray((np.maximum(expected, 0.0) + self.read_noise**2) / self.ramp.pixels)

    def lamp(self, parameters: Table) -> Table:
        """Return what a relative change of the light does to the means, for a change of 1."""
        light = self.light(parameters)
        columns = []
        for shape, part in zip(self.shapes, self.parts, strict=True):
            above = shape.read(parameters[part], light * (1 + _STEP))
            columns.append((above - shape.read(parameters[part], light * (1 - _STEP))) / (2 * _STEP))
        return np.stack(columns, axis=1)

    def whiten(self, rows: Table, expected: Table, levels: Table) -> Table:
        """Turn rows (frames, amplifiers, ...) into independent ones of variance 1; the unused become 0.

        The covariance of a frame is ``D + l l^T`` with the diagonal D of shot and read noise and the levels
        l that the lamp moves together. With v = D^(-1/2) l its inverse root is
        ``(1 - (1 - 1 / sqrt(1 + v^2)) v v^T / v^2) D^(-1/2)``.
        """
        weight = np.where(self.used, 1.0 / np.sqrt(self.variance(expected)), 0.0)
        together = levels * weight
        square = np.sum(together**2, axis=1)
        factor = np.divide(1 - 1 / np.sqrt(1 + square), square, out=np.zeros_like(square), where=square > 0)
        own = weight[..., None] * rows
        common = np.einsum("fa,fak->fk", together, own) * factor[:, None]
        return np.asarray((own - together[..., None] * common[:, None]).reshape(-1, rows.shape[2]))

    def solve(self, parameters: Table, scatter: float) -> tuple[Table, Table, float]:
        """Gauss-Newton with the weights of the start; parameters, covariance and chi^2."""
        weights, levels = self.expected(parameters), scatter * self.lamp(parameters)
        for _ in range(_STEPS):
            residual = self.ramp.means - self.expected(parameters)
            both = np.concatenate([self.jacobian(parameters), residual[..., None]], axis=2)
            white = self.whiten(both, weights, levels)
            design, target = white[:, :-1], white[:, -1]
            covariance: Any = np.linalg.pinv(design.T @ design, hermitian=True)
            step = covariance @ (design.T @ target)
            parameters = parameters + step
            moved = design @ step
            if moved @ moved < _SETTLED:
                break
        return parameters, covariance, float(np.sum((target - moved) ** 2))

    def scatter_of(self, parameters: Table) -> float:
        """Scatter of the lamp: what the amplifiers have in common beyond their own noise."""
        expected = self.expected(parameters)
        relative = np.where(self.used, self.ramp.means / expected - 1.0, 0.0)
        weight = np.where(self.used, expected**2 / self.variance(expected), 0.0)
        total = weight.sum(axis=1)
        seen = total > 0
        common = (weight * relative).sum(axis=1)[seen] / total[seen]
        # Each amplifier's parameters take their share of the frames.
        lost = np.mean([shape.count for shape in self.shapes]) / seen.sum()
        spread = np.sum(common**2) / (seen.sum() * (1 - lost))
        return float(np.sqrt(max(spread - np.mean(1.0 / total[seen]), 0.0)))


def _check_enough(
    ramp: Ramp, used: npt.NDArray[np.bool_], shapes: list[CurveShape], *, time_offset: bool
) -> None:
    for amplifier, points, shape in zip(ramp.detector.amplifiers, used.sum(axis=0), shapes, strict=True):
        least = shape.count + int(time_offset) + 1
        if points < least:
            raise NotEnoughFrames(
                f"amplifier {amplifier.name} has {points} points below its turnoff; this fit needs {least}"
            )


def _shape(ramp: Ramp, used: npt.NDArray[np.bool_], form: Form, size: int, i: int) -> CurveShape:
    light, means = ramp.light[used], ramp.means[used, i]
    if not light.size or not means.max() > 0:
        raise FrameError(f"amplifier {ramp.detector.amplifiers[i].name} sees no light in the ramp")
    low = means <= max(0.3 * means.max(), means.min())
    slope = float(np.sum(means[low]) / np.sum(light[low]))
    return CurveShape(form, size, slope, slope * float(light.max()))


def rising_part(
    light: Table, means: Table, maximum: float | Sequence[float] | Table | None
) -> npt.NDArray[np.bool_]:
    """Return which points of a ramp lie below the turnoff.

    Parameters
    ----------
    light : ndarray, shape (frames,)
    means : ndarray, shape (frames, amplifiers)
    maximum : float, sequence or None
        Means above it are left out, one for all amplifiers or one each; where the response turns off if None.

    Returns
    -------
    ndarray of bool, shape (frames, amplifiers)
    """
    lit = light > 0
    if maximum is not None:
        limits = np.broadcast_to(np.asarray(maximum, np.float64), means.shape[1])
        return np.asarray((means <= limits) & lit[:, None])
    columns = [_below_turnoff(light, means[:, i]) for i in range(means.shape[1])]
    return np.asarray(np.stack(columns, axis=1) & lit[:, None])


def _below_turnoff(light: Table, means: Table) -> npt.NDArray[np.bool_]:
    """Points before the response stops to rise for good, and the last of them left out as well."""
    levels = np.unique(light)
    mean = np.array([means[light == level].mean() for level in levels])
    if levels.size < 3:
        return np.ones(light.size, bool)
    slopes = np.diff(mean) / np.diff(levels)
    low = slice(0, max(levels.size // 3, 2))
    rising = slopes >= _TURNED_OFF * mean[low].mean() / levels[low].mean()
    if rising[-1] or not rising.any():
        return np.ones(light.size, bool)
    last = int(np.flatnonzero(rising)[-1]) + 1
    return np.asarray(light < levels[last])
