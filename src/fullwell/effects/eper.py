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

__all__ = ["Edge", "EdgeResponse", "Edges", "edge_response", "edges_by_time", "late_part"]

#: Pixels of the overscan in which a trail is looked for; those behind them are the base.
TRAIL = 15
Numbers = tuple[float, ...]
_Box = tuple[int, int, int, tuple[int, int]]


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
class Edge:
    """Mean signal of the last pixel, of each pixel behind it, and their errors, above the base."""

    level: float
    late: npt.NDArray[np.float64]
    error: npt.NDArray[np.float64]
    transfers: int
    #: Pixels that the base is the mean of.
    base: int

    def behind(self, decay: float) -> npt.NDArray[np.float64]:
        """Return what falls to 1/e in `decay` pixels, 1 in the first, less the part of it in the base."""
        whole = np.exp(-np.arange(self.late.size + self.base) / decay)
        return np.asarray(whole[: self.late.size] - whole[self.late.size :].mean())


@attrs.frozen(eq=False)
class Edges:
    """Edges of the register and of the columns of each amplifier, None without such an overscan."""

    serial: list[Edge | None]
    parallel: list[Edge | None]
    detector: Detector


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
    (edges,) = _edges(frames, skip=skip, by_time=False).values()
    serial, parallel = edges.serial, edges.parallel
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


def edges_by_time(frames: Iterable[Any], *, skip: int = 0) -> dict[float, Edges]:
    """Average raw flats of each exposure time, and return their edges, the shortest first.

    Raises
    ------
    FrameError
        If a frame is trimmed or has no exposure time, or there is no overscan.
    NotEnoughFrames
        If there is no frame, or too few rows have an edge.
    """
    return dict(sorted(_edges(frames, skip=skip, by_time=True).items()))


def _edges(frames: Iterable[Any], *, skip: int, by_time: bool) -> dict[float, Edges]:
    means, detector = _averaged(frames, by_time=by_time)
    boxes = _boxes(detector)
    if not any(scan > TRAIL + 3 for box in boxes for scan in box[3]):
        raise FrameError(
            f"{detector.name} has no overscan of {TRAIL + 4} pixels or more to see late charge in"
        )
    return {time: _edges_of(mean, detector, boxes, skip) for time, mean in means.items()}


def _edges_of(mean: npt.NDArray[np.float64], detector: Detector, boxes: list[_Box], skip: int) -> Edges:
    serial, parallel = [], []
    for view, box in zip(in_read_order(mean, detector, layout="raw"), boxes, strict=True):
        first, columns, rows, scans = box
        block = view[skip:rows, first:]
        serial.append(_edge(block, columns, first + columns) if scans[0] > TRAIL + 3 else None)
        up = view[:, first : first + columns].T
        parallel.append(_edge(up, rows, rows) if scans[1] > TRAIL + 3 else None)
    return Edges(serial, parallel, detector)


def _averaged(
    frames: Iterable[Any], *, by_time: bool
) -> tuple[dict[float, npt.NDArray[np.float64]], Detector]:
    totals: dict[float, Any] = {}
    counts: dict[float, int] = {}
    detector: Detector | None = None
    saturated = FLAG_DTYPE.type(Flags.SATURATED | Flags.BLEED | Flags.NO_DATA | Flags.BAD)
    for source in frames:
        frame = as_frame(source)
        detector = detector or frame.detector
        if frame.detector is None or frame.layout != "raw":
            raise FrameError(f"frame {frame.source or ''} is trimmed: late charge is in the overscan")
        if by_time and frame.exposure_time is None:
            raise FrameError(f"frame {frame.source or ''} has no exposure time to tell its level by")
        time = float(frame.exposure_time or 0.0) if by_time else 0.0
        data = np.where(frame.flags & saturated != 0, np.nan, frame.data.astype(np.float64))
        totals[time] = data if time not in totals else totals[time] + data
        counts[time] = counts.get(time, 0) + 1
    if detector is None:
        raise NotEnoughFrames("charge transfer is measured on flats, and there is none")
    return {time: total / counts[time] for time, total in totals.items()}, detector


def _boxes(detector: Detector) -> list[_Box]:
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


def _edge(block: npt.NDArray[np.float64], data: int, transfers: int) -> Edge:
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
    return Edge(float(mean[0]), mean[1:], error[1:], transfers, block.shape[1] - data - TRAIL)


def _decay(edges: list[Edge]) -> float:
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


def _fit(edge: Edge | None, decay: float) -> tuple[float, float, float, float]:
    """CTI and offset, each with its error."""
    return (0.0, np.inf, 0.0, np.inf) if edge is None else _fitted(edge, decay)[:4]


def _fitted(edge: Edge, decay: float) -> tuple[float, float, float, float, float]:
    """CTI and offset by weighted least squares of the trail of a register and a slow output, and chi^2."""
    weight = 1 / np.maximum(edge.error, 1e-12)
    slow = edge.behind(decay)
    cti = 0.0
    for _ in range(5):
        # Charge may be late twice: some of it comes into the second pixel.
        late = late_part(max(cti, 1e-9), edge) / max(cti, 1e-9)
        design = np.column_stack([late, slow]) * edge.level * weight[:, None]
        covariance = np.linalg.inv(design.T @ design)
        cti, offset = covariance @ (design.T @ (edge.late * weight))
    errors = np.sqrt(np.diag(covariance))
    left = edge.late * weight - design @ np.array([cti, offset])
    return float(cti), float(errors[0]), float(offset), float(errors[1]), float(left @ left)


def late_part(fraction: float, edge: Edge) -> npt.NDArray[np.float64]:
    """Return the late charge in each pixel behind even light, as part of the light.

    Parameters
    ----------
    fraction : float
        Left behind in each transfer.
    edge : Edge
        Says how many transfers, and how many pixels.
    """
    row = np.zeros((1, edge.transfers + edge.late.size))
    row[0, : edge.transfers] = 1.0
    arrived = trail(row, min(fraction, 1e-2))[0]
    return np.asarray(arrived[edge.transfers :] / arrived[edge.transfers - 1])


def _simple(edge: Edge | None) -> tuple[float, float]:
    """CTI alone, where the output has no part in it."""
    if edge is None:
        return 0.0, np.inf
    weight = 1 / np.maximum(edge.error[:2], 1e-12) ** 2
    cti, error = 0.0, 0.0
    for _ in range(3):
        model = late_part(max(cti, 1e-9), edge)[:2] / max(cti, 1e-9) * edge.level
        power = float((weight * model**2).sum())
        cti, error = float((weight * model * edge.late[:2]).sum()) / power, power**-0.5
    return cti, error
