"""The delay of a shutter and the bend of the electronics, measured from the same flats."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.detector import Detector
from fullwell.effects.base import Chain
from fullwell.effects.cells import Cells, chebyshev_rows
from fullwell.effects.curve_shapes import CurveShape, Form, check_form
from fullwell.effects.curves import Polynomial
from fullwell.effects.nonlinearity import NonLinearity
from fullwell.effects.nonlinearity_fit import rising_part
from fullwell.effects.shutter import Shutter, line_through
from fullwell.effects.shutter_linearity_fit import CellFlats, JointFit, fit_cells
from fullwell.effects.stacking import detector_of, identity, load_corrected
from fullwell.errors import ChainError, FrameError, NotEnoughFrames, ParameterError
from fullwell.flags import FLAG_DTYPE, Flags
from fullwell.frame import Frame, FrameSet

__all__ = ["measure_shutter_and_linearity"]

#: Full pixels are what a ramp is about; these are no part of it.
_LEFT_OUT = FLAG_DTYPE.type(
    Flags.BAD | Flags.HOT | Flags.DEAD | Flags.COSMIC_RAY | Flags.NO_DATA | Flags.MASKED
)
_SAME = 1e-3  # of two lights
_MOST_CELLS = 4096
Table = npt.NDArray[np.float64]
Image = npt.NDArray[np.float32]


def measure_shutter_and_linearity(
    frames: FrameSet | Iterable[Any],
    *,
    known: Chain,
    brightness: Sequence[float] | None = None,
    form: Form = "polynomial",
    size: int = 2,
    maximum: float | Sequence[float] | None = None,
    lamp_scatter: float | None = None,
    cells: tuple[int, int] = (4, 4),
    order: int | None = None,
    memory: int = 2**29,
) -> tuple[Shutter, NonLinearity]:
    """Fit the delay of the shutter and the non-linearity of each amplifier to one ramp of flats.

    Each of the two alone takes the other for a part of itself: a shutter that stays open 10 ms longer bends
    the response of short exposures, and a response that bends moves the point where the line through the
    flats meets no light.

    Parameters
    ----------
    frames : FrameSet or iterable of Frame, CCDData or array
        Raw flats of a steady lamp and many exposure times, from the shortest that the shutter can do to the
        brightest that count.
    known : SignalChain
        Effects to take out first: overscan, bias, dark, gain, crosstalk; no shutter and no non-linearity. Its
        read noise goes into the weights.
    brightness : sequence of float, optional
        Of the lamp in each frame, relative, as a photodiode sees it with the shutter open; 1 if not given.
    form : {'polynomial', 'spline'}
        ``x + sum c_i x^(2+i)``, or ``x - S(x)`` with S = 0 at the first two knots.
    size : int
        Coefficients of the polynomial, or knots of the spline besides the one at 0.
    maximum : float or sequence, optional
        Electrons read beyond which a mean is left out, one for all amplifiers or one each; where the response
        turns off if not given.
    lamp_scatter : float, optional
        Relative scatter of the lamp about its `brightness`; found if not given.
    cells : tuple of int
        Rows and columns of cells in each amplifier, over which pixels are averaged.
    order : int, optional
        The delay is a surface of Chebyshev polynomials of this degree along each axis, 0 to 12. If not given
        each pixel has a delay of its own.
    memory : int
        Ceiling of the working memory in bytes.

    Returns
    -------
    shutter : Shutter
        Its variance holds what the fitted curves and the lamp leave open.
    linearity : NonLinearity
        With errors that hold what the delay leaves open. `statistics` of both: mean delay and its error, the
        error that it would have if curves and lamp were known, scatter of the lamp, chi^2.

    Raises
    ------
    ChainError
        If the frames are not in electrons, or `known` has a shutter or a non-linearity.
    NotEnoughFrames
        If there are fewer levels of light than unknowns and one more, or a single exposure time.
    FrameError
        If the fit cannot tell the two apart.
    ParameterError
        If an option or an exposure time is impossible.

    Notes
    -----
    The mean of a cell is ``f(s b (1 + l) (t + d))``: f the curve of its amplifier with slope 1 at no signal,
    s its electrons a second, d its delay, b the brightness, and l what the lamp of this frame scatters.

    What is told apart, and by what: differences of d between cells by the cells, whatever the curve. The mean
    of d by the form of the curve alone: at no light the delay leaves s d electrons and a bend leaves
    nothing, so that it is the extrapolation of a polynomial. A curve that may bend within the signals of the
    shortest exposures (a spline with a knot there) takes the mean delay with it, for any number of frames;
    so does what the photodiode misses in the same way. Several values of `brightness` break this, since the
    same signal then comes with different times. The ratio of ``mean_delay_error`` to
    ``mean_delay_error_alone`` says how much is lost.

    After the fit every frame is straightened, divided by its lamp, and a line drawn through each pixel, as
    `Shutter.measure` does; the cells are only there for the curves.
    """
    _check(known, form, size, order)
    with ExitStack() as resources:
        held = load_corrected(frames, known, memory=memory, resources=resources)
        if not held:
            raise NotEnoughFrames("there is no flat frame in the ramp")
        if held[0].unit != u.electron:
            raise ChainError(
                f"non-linearity is defined in electrons, the frames are in {held[0].unit}; add a Gain"
            )
        detector = detector_of(held)
        grid = Cells.of(detector, cells)
        if grid.count > _MOST_CELLS:
            raise ParameterError("cells", cells, f"at most {_MOST_CELLS} on the whole detector")
        good = ~np.logical_or.reduce([(one.flags & _LEFT_OUT) != 0 for one in held])
        flats = _numbers(held, good, grid, detector, known, brightness, maximum, order)
        shapes = _shapes(flats, detector, form, size)
        fit = fit_cells(flats, shapes, lamp_scatter=lamp_scatter)
        statistics = _statistics(fit, flats)
        linearity = _linearity(fit, flats, detector, statistics)
        if order is None:
            delay, variance, bad = _lines(held, good, grid, flats, fit, linearity)
        else:
            delay, variance = _surface(fit, grid.labels.shape, order)
            bad = np.zeros(grid.labels.shape, bool)
    flags = np.where(bad, FLAG_DTYPE.type(Flags.UNCALIBRATED), FLAG_DTYPE.type(0))
    times = tuple(sorted({float(t) for t in flats.times}))
    name = identity(delay, variance, "shutter")
    return Shutter(delay, variance, flags, times, name, statistics), linearity


def _check(known: Chain, form: Form, size: int, order: int | None) -> None:
    for name in ("shutter", "nonlinearity"):
        if known.get(name) is not None:
            raise ChainError(f"the {name} is what is measured: leave it out of the chain")
    check_form(form, size)
    if order is not None and not 0 <= order <= 12:
        raise ParameterError("order", order, "0 to 12, or None for a delay of each pixel")


def _numbers(
    held: list[Frame],
    good: npt.NDArray[np.bool_],
    grid: Cells,
    detector: Detector,
    known: Chain,
    brightness: Sequence[float] | None,
    maximum: float | Sequence[float] | None,
    order: int | None,
) -> CellFlats:
    times = np.array([_time_of(frame) for frame in held])
    lamp = np.ones(times.size) if brightness is None else np.asarray(brightness, np.float64)
    if lamp.shape != times.shape or not (np.isfinite(lamp).all() and (lamp > 0).all()):
        raise ParameterError("brightness", brightness, f"{times.size} numbers above 0, one for each frame")
    rows = [grid.means(np.asarray(frame.data), good) for frame in held]
    means, pixels = (np.stack([row[k] for row in rows], axis=1) for k in (0, 1))
    count = len(detector.amplifiers)
    limits = None if maximum is None else np.broadcast_to(np.asarray(maximum, np.float64), count)
    limits = None if limits is None else limits[grid.amplifier]
    used = rising_part(times * lamp, means.T, limits).T & (pixels > 0)
    noise: Any = known.get("read_noise")
    levels = np.zeros(count) if noise is None else np.broadcast_to(noise.values, count).astype(np.float64)
    surfaces = None if order is None else grid.surfaces(order, good)
    if surfaces is not None and np.linalg.matrix_rank(surfaces[used.any(axis=1)]) < surfaces.shape[1]:
        raise ParameterError("order", order, f"one that {grid.count} cells can tell; or take more cells")
    return CellFlats(times, lamp, means, pixels, used, grid.amplifier, levels, surfaces)


def _time_of(frame: Frame) -> float:
    if frame.exposure_time is None or not frame.exposure_time > 0:
        raise ParameterError(f"exposure time of {frame.source or 'a flat'}", frame.exposure_time, "above 0 s")
    return float(frame.exposure_time)


def _shapes(flats: CellFlats, detector: Detector, form: Form, size: int) -> list[CurveShape]:
    """Forms of the curves, if there is light enough to fit them."""
    light = flats.times * flats.brightness
    shapes = []
    for i, amplifier in enumerate(detector.amplifiers):
        used = flats.used & (flats.amplifier == i)[:, None]
        shape = CurveShape(form, size, 1.0, float(flats.means[used].max()) if used.any() else 1.0)
        frames = used.any(axis=0)
        levels, times = _distinct(light[frames]), _distinct(flats.times[frames])
        least = shape.count + 2  # the curve, slope and delay, and one more
        if levels < least or times < 2:
            raise NotEnoughFrames(
                f"amplifier {amplifier.name} has {levels} levels of light at {times} exposure times below "
                f"its turnoff; shutter and linearity together need {least} levels at 2 times or more"
            )
        shapes.append(shape)
    return shapes


def _distinct(values: Table) -> int:
    ordered = np.sort(values)
    return int(ordered.size > 0) + int(np.sum(np.diff(ordered) > _SAME * ordered[1:]))


def _statistics(fit: JointFit, flats: CellFlats) -> dict[str, Any]:
    mean, error, alone = fit.mean_delay(flats.pixels.max(axis=1))
    shortest = float(flats.times[flats.used.any(axis=0)].min())
    if not error < shortest:
        raise FrameError(
            f"the mean delay is known to {error:.3g} s, no better than the shortest exposure of "
            f"{shortest:.3g} s: these flats do not tell the shutter from the linearity"
        )
    return {
        "mean_delay": mean,
        "mean_delay_error": error,
        "mean_delay_error_alone": alone,
        "lamp_scatter": fit.scatter,
        "chi2": fit.chi2,
        "degrees": fit.degrees,
    }


def _linearity(
    fit: JointFit, flats: CellFlats, detector: Detector, statistics: dict[str, Any]
) -> NonLinearity:
    curves, errors, amplifiers = [], [], {}
    light = fit.rate[:, None] * (flats.brightness * (1 + fit.lamp)) * (flats.times + fit.delay[:, None])
    for i, (shape, bend, own) in enumerate(zip(fit.shapes, fit.bends, fit.errors_of_bends(), strict=True)):
        cells = flats.amplifier == i
        curve = shape.curve(np.concatenate([[0.0], bend]))
        polynomial = isinstance(curve, Polynomial)
        if isinstance(curve, Polynomial):
            curve = attrs.evolve(curve, limit=float(light[cells][flats.used[cells]].max()))
        curves.append(curve)
        errors.append((*(() if polynomial else (0.0, 0.0)), *(own * shape.scales).tolist()))
        amplifiers[detector.amplifiers[i].name] = {
            "slope": float(np.average(fit.rate[cells], weights=flats.pixels[cells].max(axis=1))),
            "points": int(flats.used[cells].sum()),
        }
    return NonLinearity(tuple(curves), tuple(errors), statistics={**statistics, "amplifiers": amplifiers})


def _lines(
    held: list[Frame],
    good: npt.NDArray[np.bool_],
    grid: Cells,
    flats: CellFlats,
    fit: JointFit,
    linearity: NonLinearity,
) -> tuple[Image, Image, npt.NDArray[np.bool_]]:
    """Delay of each pixel from straightened frames; its variance with that of what straightened them."""

    def weighted() -> Iterator[tuple[npt.NDArray[Any], npt.NDArray[Any]]]:
        for k, frame in enumerate(held):
            lamp = flats.brightness[k] * (1 + fit.lamp[k])
            light = np.maximum(fit.rate * lamp * (flats.times[k] + fit.delay), 0.0)
            noise = np.maximum(light + flats.read_noise[flats.amplifier] ** 2, 1.0) / lamp**2
            weight = np.where(flats.used[:, k], 1 / noise, 0.0)[grid.labels]
            straight = linearity.correct(frame)
            yield straight.data / np.float32(lamp), np.where(good, weight, 0.0)

    delay, variance, bad = line_through(weighted(), flats.times, grid.labels.shape)
    together = fit.common[grid.labels].astype(np.float32)
    return delay, variance + together, bad


def _surface(fit: JointFit, shape: tuple[int, ...], order: int) -> tuple[Image, Image]:
    py, px = chebyshev_rows(shape, order)
    n = order + 1
    spread = fit.covariance[: n * n, : n * n].reshape(n, n, n, n)
    by_row = np.einsum("yi,yj,iajb->yab", py, py, spread)
    delay = py @ fit.terms.reshape(n, n) @ px.T
    return delay.astype(np.float32), np.einsum("xa,xb,yab->yx", px, px, by_row).astype(np.float32)
