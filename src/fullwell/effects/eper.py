"""Extended pixel edge response: what flats leave in the overscan tells how much charge comes late."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.detector import Detector
from fullwell.detector.read_order import in_read_order
from fullwell.effects.charge_trails import trail
from fullwell.errors import FrameError, NotEnoughFrames
from fullwell.flags import FLAG_DTYPE, Flags
from fullwell.frame import as_frame

__all__ = ["EdgeResponse", "edge_response"]

#: Pixels of the overscan in which a trail is looked for; those behind them are the base.
TRAIL = 15
Numbers = tuple[float, ...]


@attrs.frozen
class EdgeResponse:
    """CTI and local offset of each amplifier, with standard errors.

    Parameters
    ----------
    serial, serial_error, parallel, parallel_error : tuple of float
        Part of the charge left behind in each transfer; 0 with an infinite error without such an overscan.
    offset, offset_error : tuple of float
        Local offset as part of the signal.
    decay : float
        Pixels in which it falls to 1/e, all amplifiers together.
    """

    serial: Numbers
    serial_error: Numbers
    parallel: Numbers
    parallel_error: Numbers
    offset: Numbers
    offset_error: Numbers
    decay: float


@attrs.frozen(eq=False)
class _Edge:
    """Mean signal of the last pixel, of each pixel behind it, and their errors, above the base."""

    level: float
    late: npt.NDArray[np.float64]
    error: npt.NDArray[np.float64]
    transfers: int
    #: Pixels that the base is the mean of.
    base: int


def edge_response(frames: Iterable[Any], *, skip: int = 0) -> EdgeResponse:
    """Measure the response of raw flats.

    Parameters
    ----------
    frames : iterable of Frame
        Raw, of one level; they are averaged.
    skip : int
        Rows next to the register that are left out of the serial response.

    Raises
    ------
    FrameError
        If a frame is trimmed, or there is no overscan.
    NotEnoughFrames
        If there is none.

    Notes
    -----
    CTI = late charge / (signal of the last pixel x transfers) (Janesick 2001, section 5.3). Late charge comes
    into the first pixel behind the edge (into the second the square of it, which counts too); what follows an
    exponential over further pixels is the local offset of the output, fitted with one decay for all
    amplifiers, and taken out of the first pixel.
    """
    mean, detector = _averaged(frames)
    serial, parallel = [], []
    for view, box in zip(in_read_order(mean, detector, layout="raw"), _boxes(detector), strict=True):
        first, columns, rows, scans = box
        block = view[skip:rows, first:]
        serial.append(_edge(block, columns, first + columns) if scans[0] > TRAIL + 3 else None)
        up = view[:, first : first + columns].T
        parallel.append(_edge(up, rows, rows) if scans[1] > TRAIL + 3 else None)
    if not any(edge is not None for edge in (*serial, *parallel)):
        raise FrameError(
            f"{detector.name} has no overscan of {TRAIL + 4} pixels or more to see late charge in"
        )
    decay = _decay([edge for edge in serial if edge is not None])
    values = [_fit(edge, decay) for edge in serial]
    along = [_simple(edge) for edge in parallel]
    return EdgeResponse(
        serial=tuple(v[0] for v in values),
        serial_error=tuple(v[1] for v in values),
        parallel=tuple(v[0] for v in along),
        parallel_error=tuple(v[1] for v in along),
        offset=tuple(v[2] for v in values),
        offset_error=tuple(v[3] for v in values),
        decay=decay,
    )


def _averaged(frames: Iterable[Any]) -> tuple[npt.NDArray[np.float64], Detector]:
    total: Any = None
    detector: Detector | None = None
    count = 0
    saturated = FLAG_DTYPE.type(Flags.SATURATED | Flags.BLEED | Flags.NO_DATA | Flags.BAD)
    for source in frames:
        frame = as_frame(source)
        detector = detector or frame.detector
        if frame.detector is None or frame.layout != "raw":
            raise FrameError(f"frame {frame.source or ''} is trimmed: late charge is in the overscan")
        data = np.where(frame.flags & saturated != 0, np.nan, frame.data.astype(np.float64))
        total = data if total is None else total + data
        count += 1
    if detector is None:
        raise NotEnoughFrames("charge transfer is measured on flats, and there is none")
    return total / count, detector


def _boxes(detector: Detector) -> list[tuple[int, int, int, tuple[int, int]]]:
    """Prescan columns, data columns, data rows and overscans of each amplifier, in read order."""
    boxes = []
    for a in detector.amplifiers:
        right, top = a.raw_corner
        first = a.raw.x1 - a.data.x1 if right else a.data.x0 - a.raw.x0
        below = a.raw.y1 - a.data.y1 if top else a.data.y0 - a.raw.y0
        rows, columns = a.data.shape
        scans = (a.raw.shape[1] - first - columns, a.raw.shape[0] - below - rows)
        boxes.append((first, columns, rows, scans))
    return boxes


def _edge(block: npt.NDArray[np.float64], data: int, transfers: int) -> _Edge:
    """Mean over rows of the last data pixel and those behind it; errors from the scatter of the rows."""
    base = np.nanmean(block[:, data + TRAIL :], axis=1, keepdims=True)
    trail = block[:, data - 1 : data + TRAIL] - base
    good = np.isfinite(trail).all(axis=1)
    if good.sum() < 10:
        raise NotEnoughFrames(f"only {int(good.sum())} rows have an edge that is not saturated")
    trail = trail[good]
    middle = np.median(trail, axis=0)
    spread = 1.4826 * np.median(np.abs(trail - middle), axis=0)
    kept = np.where(np.abs(trail - middle) <= 6 * np.maximum(spread, 1e-12), trail, np.nan)
    mean = np.nanmean(kept, axis=0)
    error = np.nanstd(kept, axis=0, ddof=1) / np.sqrt(np.isfinite(kept).sum(axis=0))
    return _Edge(float(mean[0]), mean[1:], error[1:], transfers, block.shape[1] - data - TRAIL)


def _decay(edges: list[_Edge]) -> float:
    """Fit the decay of the local offset: the one with which all trails together fit best."""
    if not edges:
        return 1.0
    from scipy.optimize import minimize_scalar

    def misfit(log_decay: float) -> float:
        return sum(_fitted(edge, float(np.exp(log_decay)))[4] for edge in edges)

    # A shorter one could not be told from late charge.
    limits = np.log(1.0), np.log(50.0)
    best = minimize_scalar(misfit, bounds=limits, method="bounded", options={"xatol": 1e-3})
    return float(np.exp(best.x))


def _fit(edge: _Edge | None, decay: float) -> tuple[float, float, float, float]:
    """CTI and offset, each with its error."""
    return (0.0, np.inf, 0.0, np.inf) if edge is None else _fitted(edge, decay)[:4]


def _fitted(edge: _Edge, decay: float) -> tuple[float, float, float, float, float]:
    """CTI and offset by weighted least squares of the trail of a register and a slow output, and chi^2."""
    weight = 1 / np.maximum(edge.error, 1e-12)
    slow = np.exp(-np.arange(edge.late.size + edge.base) / decay)
    # What is left of it in the base was taken out of the trail.
    slow = slow[: edge.late.size] - slow[edge.late.size :].mean()
    cti = 0.0
    for _ in range(5):
        # Charge may be late twice: some of it comes into the second pixel.
        late = _late(max(cti, 1e-9), edge) / max(cti, 1e-9)
        design = np.column_stack([late, slow]) * edge.level * weight[:, None]
        covariance = np.linalg.inv(design.T @ design)
        cti, offset = covariance @ (design.T @ (edge.late * weight))
    errors = np.sqrt(np.diag(covariance))
    left = edge.late * weight - design @ np.array([cti, offset])
    return float(cti), float(errors[0]), float(offset), float(errors[1]), float(left @ left)


def _late(fraction: float, edge: _Edge) -> npt.NDArray[np.float64]:
    """Late charge behind even light, as part of the light."""
    row = np.zeros((1, edge.transfers + edge.late.size))
    row[0, : edge.transfers] = 1.0
    arrived = trail(row, min(fraction, 1e-2))[0]
    return np.asarray(arrived[edge.transfers :] / arrived[edge.transfers - 1])


def _simple(edge: _Edge | None) -> tuple[float, float]:
    """CTI alone, where the output has no part in it."""
    if edge is None:
        return 0.0, np.inf
    weight = 1 / np.maximum(edge.error[:2], 1e-12) ** 2
    cti, error = 0.0, 0.0
    for _ in range(3):
        model = _late(max(cti, 1e-9), edge)[:2] / max(cti, 1e-9) * edge.level
        power = float((weight * model**2).sum())
        cti, error = float((weight * model * edge.late[:2]).sum()) / power, power**-0.5
    return cti, error
