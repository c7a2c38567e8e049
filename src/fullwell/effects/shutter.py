"""A shutter that takes its time: not every pixel is exposed for as long."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any, ClassVar, Self

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.effects.affine import Affine, MasterTerm
from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage
from fullwell.effects.converters import fits, number_or_image
from fullwell.effects.stacking import identity, load_corrected
from fullwell.errors import ChainError, NotEnoughFrames, ParameterError
from fullwell.flags import FLAG_DTYPE, FlagImage, Flags
from fullwell.frame import Frame, FrameSet
from fullwell.noise import Noise
from fullwell.quantities import checked_shape, number

__all__ = ["Shutter", "line_through"]


def _seconds(value: Any) -> Any:
    return number_or_image("delay", value, u.s)


@attrs.frozen(eq=False)
class Shutter(Effect):
    """Seconds that each pixel is exposed longer than the header says.

    Parameters
    ----------
    delay : Quantity, float or ndarray
        Seconds; negative where the pixel is exposed shorter.
    variance : float or ndarray
        Of a measured `delay`, s^2.
    flags : ndarray of uint16 or None
        Pixels without a measurement are UNCALIBRATED.
    times : tuple of float
        Exposure times that it was measured with, seconds.
    id : str
        Names a measured shutter by its content.
    statistics : dict
        What happened when it was measured together with the non-linearity.

    Notes
    -----
    With light of a constant rate L a pixel collects L (t + d). A mean d over the detector looks like a
    non-linearity of short exposures, and the other way round: `measure` needs the non-linearity, and
    `measure_shutter_and_linearity` measures both.
    """

    name: ClassVar[str] = "shutter"
    stage: ClassVar[Stage] = Stage.SHUTTER
    kind: ClassVar[Kind] = Kind.POINTWISE
    delay: Any = attrs.field(converter=_seconds)
    variance: Any = 0.0
    flags: FlagImage | None = None
    times: tuple[float, ...] = ()
    id: str = ""
    statistics: dict[str, Any] = attrs.field(factory=dict)

    @classmethod
    def iris(
        cls, shape: tuple[int, int], *, travel: u.Quantity | float, offset: u.Quantity | float = 0.0
    ) -> Self:
        """Blades that open from the middle and close toward it: the middle is exposed longest.

        Parameters
        ----------
        shape : tuple of int
            Rows and columns.
        travel : Quantity or float
            Seconds that the blades take from the middle to the corners and back, together.
        offset : Quantity or float
            Seconds that every pixel gets on top; the corners get just that.
        """
        shape = checked_shape(shape)
        travel = number(travel, "travel", u.s, least=0)
        offset = number(offset, "offset", u.s)
        y, x = (np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in shape)
        return cls(offset + travel * (1 - np.hypot(y[:, None], x) / np.sqrt(2)))

    @classmethod
    def curtain(
        cls,
        shape: tuple[int, int],
        *,
        skew: u.Quantity | float,
        offset: u.Quantity | float = 0.0,
        axis: int = 0,
    ) -> Self:
        """Two curtains that follow each other: exposure grows along an axis if the second one is slower.

        Parameters
        ----------
        shape : tuple of int
            Rows and columns.
        skew : Quantity or float
            Seconds between the exposure of the last and that of the first row (column).
        offset : Quantity or float
            Seconds that the middle gets on top.
        axis : {0, 1}
            0: the curtains run along a column; 1: along a row.
        """
        shape = checked_shape(shape)
        n = shape[number(axis, "axis", least=0, most=1, whole=True)]
        skew, offset = number(skew, "skew", u.s), number(offset, "offset", u.s)
        ramp = skew * ((np.arange(n) + 0.5) / n - 0.5) + offset
        return cls(np.broadcast_to(ramp[:, None] if axis == 0 else ramp, shape).copy())

    def simulate(self, signal: Signal, *, noise: Noise) -> None:  # noqa: ARG002
        """Multiply the light by the true over the nominal exposure time."""
        self._check(signal.image.shape)
        if signal.exposure_time > 0:
            factor = np.maximum(1 + np.asarray(self.delay) / signal.exposure_time, 0)
            signal.image = (signal.image * factor).astype(np.float32)

    @classmethod
    def measure(
        cls,
        frames: FrameSet | Iterable[Any],
        *,
        known: Chain | None = None,
        memory: int = 2**29,
    ) -> Self:
        """Fit a line through the flats of a steady lamp: d is where it meets no light, over time.

        Parameters
        ----------
        frames : FrameSet or iterable of Frame
            Raw flats of at least two exposure times, the lamp constant.
        known : SignalChain, optional
            Takes out overscan, bias, dark, gain and the non-linearity, which else goes into the mean delay:
            `measure_shutter_and_linearity` fits both.
        memory : int
            Ceiling of the working memory in bytes.

        Returns
        -------
        Shutter
            With the variance that follows from the shot and read noise of the fitted frames.

        Raises
        ------
        NotEnoughFrames
            If there are not two exposure times.
        ParameterError
            If a frame has no exposure time.

        Notes
        -----
        Weighted least squares of S = a + b t for each pixel, weights from the mean level of each frame, not
        from single pixels (whose own noise would bias the line); d = a / b with the error of a ratio.
        """
        with ExitStack() as resources:
            held = load_corrected(frames, known, memory=memory, resources=resources)
            times = [_time_of(frame) for frame in held]
            if len(set(times)) < 2:
                raise NotEnoughFrames(
                    f"a shutter needs flats of two exposure times, there is {sorted(set(times))}"
                )
            weighted = ((frame.data, ~frame.mask / _variance_of(frame)) for frame in held)
            delay, variance, bad = line_through(weighted, np.asarray(times), held[0].shape)
        flags = np.where(bad, FLAG_DTYPE.type(Flags.UNCALIBRATED), FLAG_DTYPE.type(0))
        return cls(delay, variance, flags, tuple(sorted(set(times))), identity(delay, variance, "shutter"))

    def affine(self, frame: Frame, *, unit: u.UnitBase, chain: Chain | None = None) -> Affine:  # noqa: ARG002
        """Bring every pixel to the nominal exposure time.

        To first order ``dy/y = -dd/(t + d)``: the noise of a measured delay enters in proportion to the
        corrected value.

        Raises
        ------
        ChainError
            If the frame has no exposure time, or a pixel was not exposed at all.
        """
        self._check(frame.shape)
        time = frame.exposure_time
        if time is None:
            raise ChainError("the shutter correction needs the exposure time of the frame")
        ratio = np.asarray(1 + np.asarray(self.delay) / time if time > 0 else 1.0)
        dark = ~(ratio > 0)
        if dark.all():
            raise ChainError(
                f"no pixel is exposed in {time:g} s: the shutter takes {np.max(self.delay):.3g} s"
            )
        unexposed = np.where(dark, FLAG_DTYPE.type(Flags.NO_DATA), FLAG_DTYPE.type(0)) if dark.any() else None
        scale = np.divide(1.0, ratio, out=np.zeros_like(ratio), where=~dark).astype(np.float32)
        flags = [one for one in (self.flags, unexposed) if one is not None]
        return Affine(
            scale=scale,
            masters=self._masters(scale, time),
            flags=np.bitwise_or.reduce(flags) if flags else None,
        )

    def _check(self, shape: tuple[int, ...]) -> None:
        if np.ndim(self.delay):
            fits(self.name, self.delay, shape)

    def _masters(self, scale: npt.NDArray[np.float32], time: float) -> dict[str, MasterTerm]:
        if not self.id or not time > 0:
            return {}
        # Pixels without a measurement are flagged; they have no error to give.
        known = np.where(np.isfinite(self.variance), self.variance, 0).astype(np.float32)
        return {self.id: MasterTerm(0.0, -scale / np.float32(time), known)}


def _time_of(frame: Frame) -> float:
    if frame.exposure_time is None or not frame.exposure_time > 0:
        raise ParameterError(f"exposure time of {frame.source or 'a flat'}", frame.exposure_time, "above 0 s")
    return frame.exposure_time


def line_through(
    frames: Iterable[tuple[npt.NDArray[Any], Any]], times: npt.NDArray[np.float64], shape: tuple[int, int]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Fit a line through flats; return the delay of each pixel, its variance, and where there is none.

    Parameters
    ----------
    frames : iterable of (data, weight)
        Weights are inverse variances, 0 where a pixel does not count; shape (rows, columns), or one number.
    times : ndarray
        Exposure times, s.
    shape : tuple of int
    """
    sums = np.zeros((5, *shape))
    for (image, weight), t in zip(frames, times, strict=True):
        good = np.broadcast_to(weight, shape)
        data = np.where(good > 0, image, 0).astype(np.float64)
        for k, term in enumerate((1.0, t, t * t, data, t * data)):
            sums[k] += good * term
    one, sx, sxx, sy, sxy = sums
    determinant = one * sxx - sx * sx
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = (one * sxy - sx * sy) / determinant
        intercept = (sxx * sy - sx * sxy) / determinant
        delay = intercept / slope
        # var(a/b), with var and cov of the weighted line
        variance = (sxx + 2 * delay * sx + delay**2 * one) / determinant / slope**2
    bad = ~((determinant > 1e-12 * one * sxx) & (slope > 0) & np.isfinite(delay) & np.isfinite(variance))
    return (
        np.where(bad, 0, delay).astype(np.float32),
        np.where(bad, np.inf, variance).astype(np.float32),
        bad,
    )


def _variance_of(frame: Frame) -> float:
    """Variance of a typical pixel, from the scatter of neighbors in a row, which no slow pattern enters."""
    data = np.where(frame.mask, np.nan, frame.data)
    steps = np.diff(data, axis=1)
    steps = steps[np.isfinite(steps)]
    if steps.size < 10:
        raise NotEnoughFrames(f"flat {frame.source or ''} has no unmasked pixels")
    middle = np.median(steps)
    return max(float((1.4826 * np.median(np.abs(steps - middle))) ** 2 / 2), 1e-12)
