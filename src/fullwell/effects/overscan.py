"""Pixels read without light: they tell the level of this very frame."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

import attrs
import numpy as np
import numpy.typing as npt
from astropy.io.fits import Header

from fullwell.detector import Amplifier, Box
from fullwell.effects.assembly import assembled
from fullwell.effects.base import Chain, Effect, Kind, Stage
from fullwell.errors import ChainError, FrameError, ParameterError
from fullwell.flags import FLAG_DTYPE, Flags
from fullwell.frame import Frame, FrameLike, as_frame
from fullwell.quantities import choices, numbers, quantity, switches

__all__ = ["Overscan", "OverscanLevel", "OverscanTest"]

CLIP = 5.0


def _skip(value: Any) -> tuple[int, int]:
    counts = numbers(value, "skip", least=0, most=100_000, whole=True)
    if counts.size != 2:
        raise ParameterError("skip", value, "two counts of 0 or more")
    return int(counts[0]), int(counts[1])


@attrs.frozen
class OverscanTest:
    """Whether subtracting the overscan makes frames more alike.

    Parameters
    ----------
    scatter_before, scatter_after : float
        Standard deviation, over the frames, of the level of the data without and with overscan
        subtracted, ADU.
    expected_noise : float
        Scatter, in ADU, that the noise of the overscan level alone would add.
    helps : bool
        True if the scatter shrinks by more than its own uncertainty.
    """

    scatter_before: float
    scatter_after: float
    expected_noise: float
    helps: bool


@attrs.frozen(eq=False)
class OverscanLevel:
    """Level of one amplifier for each of its data pixels: a part for its row and a part for its column.

    Parameters
    ----------
    rows, columns : ndarray of float32
        ADU, in the order of the raw frame.
    row_noise, column_noise : ndarray of float32
        Variance of the level, ADU^2.
    """

    rows: npt.NDArray[np.float32]
    columns: npt.NDArray[np.float32]
    row_noise: npt.NDArray[np.float32]
    column_noise: npt.NDArray[np.float32]

    @classmethod
    def of(cls, shape: tuple[int, int], serial: Any, parallel: Any, noise: Any, more: Any) -> OverscanLevel:
        """Spread numbers, column vectors (serial) and row vectors (parallel) over the data."""

        def along(value: Any, size: int) -> npt.NDArray[np.float32]:
            return np.ascontiguousarray(np.broadcast_to(np.ravel(value), size), np.float32)

        rows, columns = shape
        return cls(along(serial, rows), along(parallel, columns), along(noise, rows), along(more, columns))


@attrs.frozen(eq=False)
class Overscan(Effect):
    """Subtract the level seen in the overscan, amplifier by amplifier, then trim and assemble.

    Parameters
    ----------
    method : {'mean', 'median', 'row', 'polynomial'}
        One clipped mean or median an amplifier, one mean a row, or a polynomial along the rows.
    order : int
        Degree of the polynomial.
    skip : tuple of int
        Columns left out next to the data (where charge trails in) and at the far end.
    parallel : bool
        Subtract the clipped mean of each column's parallel overscan as well, smoothed to one value where
        `method` is 'mean' or 'median'.
    clip : float
        Values further than this many standard deviations from the median are left out.

    Notes
    -----
    The noise of the level is added to the variance; it is common to a row or an amplifier, which the header
    states (``OSCNOISE``), since a variance plane cannot. Rows whose last data columns are saturated are left
    out of the estimate and take the level of their neighbors.
    """

    name: ClassVar[str] = "overscan"
    stage: ClassVar[Stage] = Stage.OVERSCAN
    kind: ClassVar[Kind] = Kind.POINTWISE
    method: Literal["mean", "median", "row", "polynomial"] = attrs.field(
        default="mean", **choices("mean", "median", "row", "polynomial")
    )
    order: int = attrs.field(default=3, **quantity(least=0, most=20, whole=True))
    skip: tuple[int, int] = attrs.field(default=(3, 0), converter=_skip)
    parallel: bool = attrs.field(default=False, **switches())
    clip: float = attrs.field(default=CLIP, **quantity(above=0, infinite=True))

    def correct(self, frame: Frame, *, chain: Chain | None = None) -> Frame:  # noqa: ARG002
        """Subtract the level and assemble.

        Parameters
        ----------
        frame : Frame
            In the raw layout of its detector.

        Returns
        -------
        Frame
            Assembled, with the noise of the level in the variance.

        Raises
        ------
        ChainError
            If the frame is assembled already or no amplifier has an overscan.
        """
        levels = self.estimate(frame)
        detector = frame.detector
        assert detector is not None
        data = frame.data.astype(frame.data.dtype if frame.data.dtype.kind == "f" else np.float32)
        noise = np.zeros(frame.shape, np.float32)
        for amplifier, level in zip(detector.amplifiers, levels, strict=True):
            data[amplifier.data.slices] -= level.rows[:, None] + level.columns
            noise[amplifier.data.slices] += level.row_noise[:, None] + level.column_noise
        variance = noise if frame.variance is None else noise + frame.variance
        header = self.stated(frame.header, levels)
        return assembled(frame.with_(data=data, variance=variance, header=header))

    def estimate(self, frame: Frame, *, limit: float = np.inf) -> list[OverscanLevel]:
        """Return the level of each amplifier of a raw frame, for its data pixels.

        Parameters
        ----------
        frame : Frame
            In the raw layout of its detector.
        limit : float
            Values at or above it are saturated, as are those flagged so.

        Raises
        ------
        ChainError
            If the frame is assembled already or no amplifier has an overscan.
        """
        detector = frame.detector
        if detector is None or not any(
            a.overscan or (self.parallel and a.parallel) for a in detector.amplifiers
        ):
            raise ChainError(
                f"frame {frame.source or ''} has no overscan; leave the Overscan out of the chain"
            )
        if frame.layout != "raw":
            raise ChainError(f"frame {frame.source or ''} is assembled already, its overscan is gone")
        result = []
        for amplifier in detector.amplifiers:
            level, variance = self._serial(frame, amplifier, limit)
            above, more = np.float32(0), np.float32(0)
            if self.parallel and amplifier.parallel is not None:
                above, more = self._parallel(frame.data, level, amplifier)
                # The parallel level is measured against the serial one, which so drops out where both are one
                # number; rows keep the noise of their own serial level.
                if np.ndim(variance) == 0:
                    variance = np.float32(0)
            result.append(OverscanLevel.of(amplifier.data.shape, level, above, variance, more))
        return result

    def stated(self, header: Header, levels: list[OverscanLevel]) -> Header:
        """Return a header that says which levels were subtracted."""
        header = header.copy()
        means = [
            float(level.rows.mean(dtype=np.float64) + level.columns.mean(dtype=np.float64))
            for level in levels
        ]
        errors = [
            float(np.sqrt(level.row_noise.mean(dtype=np.float64) + level.column_noise.mean(dtype=np.float64)))
            for level in levels
        ]
        header["OSCLEVEL"] = (round(float(np.mean(means)), 4), "[adu] mean overscan level subtracted")
        if self.method in ("row", "polynomial"):
            # It differs from row to row, so that the noise between frames holds it; see `measured_noise`.
            for i, error in enumerate(errors, start=1):
                header[f"OSCROW{i}"] = (error, "[adu] noise of the level along the rows")
        header["OSCNOISE"] = (round(float(np.mean(errors)), 5), "[adu] noise of the overscan level")
        return header

    def level(self, frame: FrameLike) -> tuple[tuple[float, float], ...]:
        """Clipped mean of the serial overscan and its standard error in ADU, for each amplifier."""
        frame = as_frame(frame)
        if frame.detector is None:
            raise ChainError("the frame has no detector, so no overscan is known")
        result = []
        for amplifier in frame.detector.amplifiers:
            if amplifier.overscan is None:
                raise ChainError(f"amplifier {amplifier.name} has no serial overscan")
            values = frame.data[self._box(amplifier).slices].astype(np.float64)
            kept = _clipped(values, self.clip)
            result.append((float(values[kept].mean()), float(values[kept].std() / np.sqrt(kept.sum()))))
        return tuple(result)

    @classmethod
    def test(cls, frames: Iterable[FrameLike], **options: Any) -> OverscanTest:
        """Find out whether the overscan follows the level of the data.

        Parameters
        ----------
        frames : iterable of Frame
            At least three equal exposures (biases), raw, with a detector that has an overscan.
        **options
            As for `Overscan`.

        Returns
        -------
        OverscanTest

        Raises
        ------
        FrameError
            For fewer than three frames.

        Notes
        -----
        Compares the scatter of the clipped mean of the data with that of its difference to the overscan. The
        ratio of two standard deviations of n values is uncertain by ``1/sqrt(n - 1)``.
        """
        overscan = cls(**options)
        data_levels, overscan_levels, errors = [], [], []
        for source in frames:
            frame = as_frame(source)
            level = overscan.level(frame)
            assert frame.detector is not None
            boxes = [a.data.slices for a in frame.detector.amplifiers]
            means = [
                float(v[_clipped(v, CLIP)].mean())
                for v in (frame.data[box].astype(np.float64) for box in boxes)
            ]
            data_levels.append(np.mean(means))
            overscan_levels.append(np.mean([value for value, _ in level]))
            errors.append(np.sqrt(np.sum([error**2 for _, error in level])) / len(level))
        n = len(data_levels)
        if n < 3:
            raise FrameError(f"{n} frames; whether the overscan helps shows from 3 frames on")
        before = float(np.std(data_levels, ddof=1))
        after = float(np.std(np.subtract(data_levels, overscan_levels), ddof=1))
        return OverscanTest(
            before, after, float(np.mean(errors)), bool(after < before * (1 - 1 / np.sqrt(n - 1)))
        )

    def _box(self, amplifier: Amplifier) -> Box:
        """Overscan columns that count; the side next to the data is where the data lie."""
        assert amplifier.overscan is not None
        box, (near, far) = amplifier.overscan, self.skip
        if amplifier.data.x0 >= box.x1:
            near, far = far, near
        if near + far >= box.x1 - box.x0:
            raise ParameterError(
                "skip", self.skip, f"fewer than the {box.x1 - box.x0} columns of the overscan"
            )
        return Box(box.x0 + near, box.x1 - far, box.y0, box.y1)

    def _serial(self, frame: Frame, amplifier: Amplifier, limit: float) -> tuple[Any, Any]:
        """Level and variance to subtract: scalars, or one a data row as a column vector."""
        if amplifier.overscan is None:
            return np.float32(0), np.float32(0)
        rows = slice(amplifier.data.y0, amplifier.data.y1)
        box = self._box(amplifier)
        values = frame.data[rows, box.x0 : box.x1].astype(np.float64)
        usable = ~_spilled(frame, amplifier, limit)
        if not usable.any():
            raise FrameError(f"all rows of amplifier {amplifier.name} are saturated next to the overscan")
        if self.method in ("row", "polynomial"):
            return self._along(values, usable)
        kept = _clipped(values, self.clip, usable[:, None])
        sigma2 = values[kept].var()
        if self.method == "mean":
            return np.float32(values[kept].mean()), np.float32(sigma2 / kept.sum())
        # The median of integers is an integer, wherever within half a step of it the level may be.
        rounding = 1 / 12 if (values[kept] % 1 == 0).all() else 0.0
        return np.float32(np.median(values[kept])), np.float32(np.pi / 2 * sigma2 / kept.sum() + rounding)

    def _along(self, values: npt.NDArray[np.float64], usable: npt.NDArray[np.bool_]) -> tuple[Any, Any]:
        """Level and variance of each row, as column vectors."""
        # What changes along the rows is no noise: rows are clipped and measured about their own level.
        kept = _clipped(values - np.median(values, axis=1, keepdims=True), self.clip, usable[:, None])
        row_means, counts, sigma2 = _lines(values, kept)
        good = counts > 0
        means = row_means[good]
        y = np.linspace(-1.0, 1.0, len(values))
        if self.method == "row":
            level = np.interp(y, y[good], means)
            variance = np.interp(y, y[good], sigma2 / counts[good])
        else:
            design = np.polynomial.legendre.legvander(y, min(self.order, int(good.sum()) - 1))
            root = np.sqrt(counts[good])[:, None]
            coefficients, *_ = np.linalg.lstsq(design[good] * root, means * root[:, 0], rcond=None)
            level = design @ coefficients
            inverse = np.linalg.pinv((design[good] * root).T @ (design[good] * root))
            variance = sigma2 * np.einsum("ij,jk,ik->i", design, inverse, design)
        return level.astype(np.float32)[:, None], variance.astype(np.float32)[:, None]

    def _parallel(self, data: npt.NDArray[Any], serial: Any, amplifier: Amplifier) -> tuple[Any, Any]:
        """Level of the parallel overscan above the serial one."""
        assert amplifier.parallel is not None
        values = data[amplifier.parallel.slices].astype(np.float64) - float(np.mean(serial))
        if self.method in ("mean", "median"):
            kept = _clipped(values, self.clip)
            return np.float32(values[kept].mean()), np.float32(values[kept].var() / kept.sum())
        kept = _clipped(values - np.median(values, axis=0), self.clip)
        level, counts, sigma2 = _lines(values.T, kept.T)
        return level.astype(np.float32)[None], (sigma2 / np.maximum(counts, 1)).astype(np.float32)[None]


def _lines(
    values: npt.NDArray[np.float64], kept: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], float]:
    """Mean and number of the kept values of each line, and their variance about these means."""
    counts = kept.sum(axis=1)
    means = np.where(kept, values, 0.0).sum(axis=1) / np.maximum(counts, 1)
    squares = (np.where(kept, values - means[:, None], 0.0) ** 2).sum()
    return means, counts, float(squares / max(int(counts.sum() - (counts > 0).sum()), 1))


def _clipped(
    values: npt.NDArray[np.float64], clip: float, usable: npt.NDArray[np.bool_] | None = None
) -> npt.NDArray[np.bool_]:
    kept = np.isfinite(values)
    if usable is not None:
        kept &= usable
    while True:
        inside = values[kept]
        if inside.size < 3:
            return kept
        center = np.median(inside)
        still = kept & (np.abs(values - center) <= clip * inside.std())
        if still.sum() in (0, kept.sum()):
            return kept
        kept = still


def _spilled(frame: Frame, amplifier: Amplifier, limit: float, *, columns: int = 3) -> npt.NDArray[np.bool_]:
    """Rows whose data columns next to the overscan are saturated, so that charge trails into it."""
    assert amplifier.overscan is not None
    box = amplifier.data
    left_side = amplifier.overscan.x1 <= box.x0
    edge = slice(box.x0, box.x0 + columns) if left_side else slice(box.x1 - columns, box.x1)
    flagged = frame.flags[box.y0 : box.y1, edge] & FLAG_DTYPE.type(Flags.SATURATED) != 0
    return np.asarray((flagged | (frame.data[box.y0 : box.y1, edge] >= limit)).any(axis=1))
