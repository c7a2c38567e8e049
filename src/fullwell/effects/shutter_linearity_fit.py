"""Least squares for the delay of the shutter and the curves of non-linearity at once."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.effects.curve_shapes import CurveShape
from fullwell.errors import FrameError
from fullwell.kernels.blas import one_thread

__all__ = ["CellFlats", "JointFit", "fit_cells"]

Table = npt.NDArray[np.float64]
_STEP = 1e-5  # for derivatives, relative
_SETTLED = 1e-4  # chi^2 by which the last step may move what is expected
_ROUNDS = 30
_SINGULAR = 1e-11  # of the normal matrix, brought to a diagonal of 1


@attrs.frozen(eq=False)
class CellFlats:
    """A ramp of flats as numbers; tables have one row a cell and one column a frame.

    Parameters
    ----------
    times : ndarray
        Exposure time of each frame, s.
    brightness : ndarray
        Of the lamp in each frame, relative.
    means : ndarray
        Mean signals, electrons.
    pixels : ndarray
        Pixels in each mean.
    used : ndarray of bool
        Which means are fitted.
    amplifier : ndarray of int
        Of each cell.
    read_noise : ndarray
        Electrons, of each amplifier.
    surfaces : ndarray, shape (cells, terms), or None
        The delay of the cells is a sum of these; without them each cell has its own.
    """

    times: Table
    brightness: Table
    means: Table
    pixels: Table
    used: npt.NDArray[np.bool_]
    amplifier: npt.NDArray[np.intp]
    read_noise: Table
    surfaces: Table | None = None


@attrs.define(eq=False)
class JointFit:
    """Where the fit stands, and in the end what it found.

    Parameters
    ----------
    shapes : list of CurveShape
        One for each amplifier, of slope 1.
    rate : ndarray
        Electrons a second in each cell.
    delay : ndarray
        Seconds, of each cell.
    terms : ndarray
        Coefficients of the surfaces, s; empty without them.
    bends : list of ndarray
        Parameters of each curve.
    lamp : ndarray
        Relative change of the lamp in each frame.
    scatter : float
        Standard deviation of `lamp`.
    covariance : ndarray
        Of terms, bends of all amplifiers, and lamp, in this order.
    own : ndarray
        Variance of the delay of each cell with all the rest known, s^2.
    response : ndarray, shape (cells, parameters)
        Change of the delay of each cell with the parameters in `covariance`.
    chi2 : float
    degrees : int
    """

    shapes: list[CurveShape]
    rate: Table
    delay: Table
    terms: Table
    bends: list[Table]
    lamp: Table
    scatter: float
    covariance: Table = attrs.field(factory=lambda: np.empty((0, 0)))
    own: Table = attrs.field(factory=lambda: np.empty(0))
    response: Table = attrs.field(factory=lambda: np.empty((0, 0)))
    chi2: float = 0.0
    degrees: int = 0

    @property
    def common(self) -> Table:
        """Variance of the delay of each cell that comes with the curves and the lamp, s^2."""
        return np.asarray(np.einsum("cp,pq,cq->c", self.response, self.covariance, self.response))

    def errors_of_bends(self) -> list[Table]:
        """Return the standard errors of the parameters of each curve."""
        errors = np.sqrt(np.diag(self.covariance))
        starts = self.terms.size + np.cumsum([0, *(bend.size for bend in self.bends)])
        return [errors[a : a + bend.size] for a, bend in zip(starts, self.bends, strict=False)]

    def mean_delay(self, weights: Table) -> tuple[float, float, float]:
        """Mean delay, its error, and the error it would have if curves and lamp were known, s.

        Parameters
        ----------
        weights : ndarray, shape (cells,)
            Of the cells in the mean.
        """
        part = weights / weights.sum()
        together = part @ self.response
        variance = part**2 @ self.own
        if self.terms.size:
            first = slice(0, self.terms.size)
            known = np.linalg.inv(self._normal[first, first])
            variance = 0.0
            alone = together[first] @ known @ together[first]
        else:
            alone = variance
        error = np.sqrt(variance + together @ self.covariance @ together)
        return float(part @ self.delay), float(error), float(np.sqrt(alone))

    @property
    def _normal(self) -> Table:
        inverse: Any = np.linalg.pinv(self.covariance, hermitian=True)
        return np.asarray(inverse)


def fit_cells(flats: CellFlats, shapes: list[CurveShape], *, lamp_scatter: float | None) -> JointFit:
    """Fit rate and delay of each cell, the curve of each amplifier and the lamp of each frame.

    Parameters
    ----------
    flats : CellFlats
    shapes : list of CurveShape
        One for each amplifier, of slope 1.
    lamp_scatter : float or None
        Relative; found if None.

    Raises
    ------
    FrameError
        If the frames do not tell delay and curves apart, or the fit does not settle.

    Notes
    -----
    Gauss-Newton. Rate and delay of a cell appear in its own means alone and are eliminated there; what is
    solved is small. Weights are those of shot and read noise as the model expects them, at each step anew.
    The lamp of a frame is a parameter that is known beforehand to be 0 within its scatter; the scatter makes
    what was seen most likely, with the other parameters integrated out (restricted maximum likelihood).
    """
    state = _start(flats, shapes, 0.0 if lamp_scatter is None else lamp_scatter)
    with one_thread():
        return _settled(flats, state, lamp_scatter=lamp_scatter)


def _settled(flats: CellFlats, state: JointFit, *, lamp_scatter: float | None) -> JointFit:
    for _ in range(_ROUNDS):
        equations = _Equations(flats, state)
        if lamp_scatter is None:
            equations.lamp_scatter_found()
        if equations.solve() < _SETTLED:
            return equations.finished()
        state = equations.state
    raise FrameError("shutter and linearity did not settle together; leave out the brightest flats (maximum)")


def _start(flats: CellFlats, shapes: list[CurveShape], scatter: float) -> JointFit:
    light = np.where(flats.used, flats.times * flats.brightness, 0.0)
    rate = (np.where(flats.used, flats.means, 0.0) * light).sum(1) / np.maximum((light**2).sum(1), 1e-300)
    terms = np.zeros(0 if flats.surfaces is None else flats.surfaces.shape[1])
    return JointFit(
        shapes, rate, np.zeros(rate.size), terms, [np.zeros(s.count - 1) for s in shapes],
        np.zeros(flats.times.size), scatter,
    )  # fmt: skip


class _Equations:
    """Normal equations about a state, local parameters eliminated."""

    def __init__(self, flats: CellFlats, state: JointFit) -> None:
        self.flats, self.state = flats, state
        terms, frames = state.terms.size, flats.times.size
        ends = terms + np.cumsum([0, *(bend.size for bend in state.bends)])
        self.bends = [slice(int(a), int(b)) for a, b in pairwise(ends)]
        self.lamps = slice(int(ends[-1]), int(ends[-1]) + frames)
        size = self.lamps.stop
        self.normal, self.vector = np.zeros((size, size)), np.zeros(size)
        self.chi2, self.points = 0.0, 0
        self.locals: list[tuple[Any, ...]] = []
        for i in range(len(state.shapes)):
            self._add(i)

    def _add(self, i: int) -> None:
        """Add the cells of one amplifier."""
        flats, state = self.flats, self.state
        cells = np.flatnonzero(flats.amplifier == i)
        used = flats.used[cells]
        seconds = flats.times + state.delay[cells, None]
        factor = state.rate[cells, None] * flats.brightness * (1 + state.lamp)
        light = factor * seconds
        expected, slope, bent = self._curve(i, light)
        noise = np.maximum(expected, 0.0) + flats.read_noise[i] ** 2
        root = np.where(used, np.sqrt(flats.pixels[cells] / np.maximum(noise, 1e-30)), 0.0)
        by_delay = (slope * factor)[..., None]
        own = [(slope * light)[..., None]]
        shared = np.zeros((*light.shape, self.normal.shape[0]))
        if flats.surfaces is None:
            own.append(by_delay)
        else:
            shared[..., : state.terms.size] = by_delay * flats.surfaces[cells, None]
        shared[..., self.bends[i]] = bent
        frames = np.arange(flats.times.size)
        shared[:, frames, self.lamps.start + frames] = slope * light / (1 + state.lamp)
        q, r = np.linalg.qr(np.concatenate(own, axis=2) * root[..., None])
        shared *= root[..., None]
        residual = np.where(used, flats.means[cells] - expected, 0.0) * root
        along, off = q.transpose(0, 2, 1) @ shared, (q.transpose(0, 2, 1) @ residual[..., None])[..., 0]
        shared -= q @ along
        residual -= (q @ off[..., None])[..., 0]
        rows = shared.reshape(-1, shared.shape[2])
        self.normal += rows.T @ rows
        self.vector += rows.T @ residual.ravel()
        self.chi2 += float(np.sum(residual**2))
        self.points += int(used.sum())
        lit = used.any(axis=1)
        inverse = np.zeros_like(r)
        inverse[lit] = np.linalg.inv(r[lit])
        self.locals.append((cells, inverse, inverse @ along, (inverse @ off[..., None])[..., 0]))

    def _curve(self, i: int, light: Table) -> tuple[Table, Table, Table]:
        """Return what is read, its change with the light, and with the parameters of the curve."""
        shape, bend = self.state.shapes[i], self.state.bends[i]

        def read(values: Table, at: Table) -> Table:
            return shape.read(np.concatenate([[0.0], values]), at)

        step = _STEP * shape.limit
        slope = (read(bend, light + step) - read(bend, light - step)) / (2 * step)
        moved = [
            (read(bend + h, light) - read(bend - h, light)) / (2 * _STEP) for h in _STEP * np.eye(bend.size)
        ]
        return read(bend, light), slope, np.stack(moved, axis=2)

    def lamp_scatter_found(self) -> None:
        """Set the scatter of the lamp to the likeliest one."""
        from scipy.optimize import minimize_scalar

        rest, lamps = slice(0, self.lamps.start), self.lamps
        onto = self._solved(self.normal[rest, rest], self.normal[rest, lamps])
        # As if the lamp stood at 0: what is left of each frame when all the rest is fitted.
        vector = self.vector + self.normal[:, lamps] @ self.state.lamp
        left = self.normal[lamps, lamps] - self.normal[lamps, rest] @ onto
        seen, modes = np.linalg.eigh(left)
        power = (modes.T @ (vector[lamps] - onto.T @ vector[rest])) ** 2
        seen = np.maximum(seen, 0.0)
        precision = seen[seen > _SINGULAR * seen.max()]
        if not precision.size:
            return

        def unlikely(log: float) -> float:
            variance = np.exp(2 * log)
            return float(np.sum(np.log1p(variance * seen) - variance * power / (1 + variance * seen)))

        low, high = -0.5 * np.log(precision.max()) - 7.0, np.log(0.3)
        best = minimize_scalar(unlikely, bounds=(low, high), method="bounded", options={"xatol": 1e-3})
        self.state.scatter = float(np.exp(best.x)) if unlikely(best.x) < 0 else 0.0

    def _solved(self, matrix: Table, right: Table) -> Table:
        """Solve with the matrix brought to a diagonal of 1.

        Raises
        ------
        FrameError
            If it is singular.
        """
        size = 1 / np.sqrt(np.maximum(np.diag(matrix), 1e-300))
        values, vectors = np.linalg.eigh(matrix * size[:, None] * size)
        if not values.min() > _SINGULAR:
            raise FrameError(
                "these flats do not tell the delay of the shutter from the bend of the curve: they need more "
                "exposure times, a part of them short, or lamps of different brightness"
            )
        scaled = size[:, None] * vectors
        return np.asarray((scaled / values) @ (scaled.T @ right))

    def _covariance(self) -> Table:
        prior = np.zeros(self.normal.shape[0])
        free = self.lamps.stop if self.state.scatter > 0 else self.lamps.start
        if self.state.scatter > 0:
            prior[self.lamps] = 1 / self.state.scatter**2
        kept = slice(0, free)
        result = np.zeros_like(self.normal)
        result[kept, kept] = self._solved((self.normal + np.diag(prior))[kept, kept], np.eye(free))
        return result

    def solve(self) -> float:
        """Step to the solution; return chi^2 of the step."""
        state = self.state
        lamp = np.zeros(self.normal.shape[0])
        if state.scatter > 0:
            lamp[self.lamps] = state.lamp / state.scatter**2
        self.covariance = self._covariance()
        step = self.covariance @ (self.vector - lamp)
        rate, delay = state.rate.copy(), state.delay.copy()
        for cells, _, along, off in self.locals:
            own = off - along @ step
            rate[cells] *= 1 + own[:, 0]
            if self.flats.surfaces is None:
                delay[cells] += own[:, 1]
        moved = state.lamp + step[self.lamps] if state.scatter > 0 else np.zeros_like(state.lamp)
        terms = state.terms + step[: state.terms.size]
        if self.flats.surfaces is not None:
            delay = self.flats.surfaces @ terms
        bends = [bend + step[part] for bend, part in zip(state.bends, self.bends, strict=True)]
        locally = sum(
            float(np.sum(np.linalg.solve(inverse[one], (off - along @ step)[one, :, None]) ** 2))
            for _, inverse, along, off in self.locals
            for one in [inverse.any(axis=(1, 2))]
        )
        self.state = attrs.evolve(state, rate=rate, delay=delay, terms=terms, bends=bends, lamp=moved)
        return float(step @ self.normal @ step) + locally

    def finished(self) -> JointFit:
        """Return the state with its errors."""
        state = self.state
        count, size = self.flats.means.shape[0], self.normal.shape[0]
        own, response = np.zeros(count), np.zeros((count, size))
        for cells, inverse, along, _ in self.locals:
            if self.flats.surfaces is None:
                own[cells] = np.sum(inverse[:, 1] ** 2, axis=1)
                response[cells] = -along[:, 1]
            else:
                response[cells, : state.terms.size] = self.flats.surfaces[cells]
        lamp = float(np.sum((state.lamp / state.scatter) ** 2)) if state.scatter > 0 else 0.0
        local = 2 if self.flats.surfaces is None else 1
        lit = int(self.flats.used.any(axis=1).sum())
        return attrs.evolve(
            state,
            covariance=self.covariance,
            own=own,
            response=response,
            chi2=self.chi2 + lamp,
            degrees=self.points - local * lit - self.lamps.start,
        )
