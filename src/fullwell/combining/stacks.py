"""Stacks of frames to one: mean or median, with rejection, uncertainty and counts."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.errors import FrameError, FullwellWarning, NotEnoughFrames, ParameterError, UnitError
from fullwell.flags import BAD_FOR_SCIENCE, FLAG_DTYPE, FlagImage, Flags, mask_of
from fullwell.frame import Frame, FrameLike, FrameSet, Shared, as_frame
from fullwell.kernels.combine import BlockResult, Rule, combine_block
from fullwell.kernels.order_statistics import clipping_factors, median_variance_factor

__all__ = ["Combined", "NoiseModel", "combine", "stack"]

DEFAULT_MEMORY = 512 * 2**20
MODEL_LIMIT = 0.01  # of a frame's pixels; above it the noise model does not hold


@attrs.frozen
class NoiseModel:
    """Expected noise of a single frame, in the unit of its data.

    Parameters
    ----------
    read_noise : float or ndarray, shape (rows, columns)
        Standard deviation without light.
    gain : float, ndarray or None
        Electrons per unit of the data (1 for data in electrons); None leaves out shot noise.
    pedestal : float
        Level without electrons, on top of which the signal counts.
    """

    read_noise: float | npt.NDArray[Any]
    gain: float | npt.NDArray[Any] | None = None
    pedestal: float = 0.0

    def __attrs_post_init__(self) -> None:
        if not (np.all(np.isfinite(self.read_noise)) and np.all(np.asarray(self.read_noise) >= 0)):
            raise ParameterError("read_noise", self.read_noise, "finite and 0 or more")
        if self.gain is not None and not np.all(np.asarray(self.gain) > 0):
            raise ParameterError("gain", self.gain, "above 0, or None")

    def rows(self, part: slice) -> NoiseModel:
        """Return the model for some rows, flattened."""

        def cut(value: Any) -> Any:
            return value[part].ravel().astype(np.float64) if np.ndim(value) else value

        return NoiseModel(cut(self.read_noise), cut(self.gain), self.pedestal)


@attrs.frozen(eq=False)
class Combined:
    """A combined frame and what went on in it.

    Parameters
    ----------
    frame : Frame
        Data (float32), variance, flags; its variance is `propagated` where the inputs or a noise model
        give one, else `empirical`.
    used, rejected : ndarray of uint16, shape (rows, columns)
        How many values the pixel is made of, and how many the clipping threw away. Masked values are neither.
    propagated : ndarray of float32 or None
        Variance of the result expected from the inputs' variances or the noise model.
    empirical : ndarray of float32
        Variance of the result from the scatter of the values that were used (ddof 1); NaN for fewer than two.
    rejected_fraction : tuple of float
        Fraction of its valid pixels that each input lost.
    spread : str
        What the clipping was counted in at last: 'noise', 'std', 'mad' or 'none'.
    remarks : tuple of str
        What a person should know, such as a noise model that did not hold.
    """

    frame: Frame
    used: npt.NDArray[np.uint16]
    rejected: npt.NDArray[np.uint16]
    propagated: npt.NDArray[np.float32] | None
    empirical: npt.NDArray[np.float32]
    rejected_fraction: tuple[float, ...]
    spread: str
    remarks: tuple[str, ...] = ()


def combine(
    frames: FrameSet | Iterable[FrameLike],
    *,
    method: Literal["mean", "median"] = "mean",
    clip: float | None = 5.0,
    spread: Literal["noise", "std", "mad"] = "noise",
    noise: NoiseModel | None = None,
    weights: Sequence[float] | None = None,
    scales: Sequence[float] | None = None,
    offsets: Sequence[float] | None = None,
    extrema: tuple[int, int] = (0, 0),
    memory: int = DEFAULT_MEMORY,
) -> Combined:
    """Combine frames of one shape and unit to one.

    Parameters
    ----------
    frames : FrameSet or iterable of Frame, CCDData or array
        Each is loaded once. Masked and non-finite pixels are left out.
    method : {'mean', 'median'}
        What to take of the values that are left.
    clip : float or None
        Reject values further than `clip` spreads from the median, until nothing changes; None rejects nothing.
    spread : {'noise', 'std', 'mad'}
        The unit of `clip`: the noise model (`noise`, else the inputs' own variance), the standard
        deviation (ddof 0) of the surviving values, or their MAD scaled to a standard deviation.
    noise : NoiseModel, optional
        Noise of one input before levelling.
    weights : sequence of float, optional
        Weights of the mean, one an input.
    scales, offsets : sequence of float, optional
        Each input is brought to one level as ``scale * data + offset`` before anything else.
    extrema : tuple of int
        How many of the lowest and of the highest values to drop in each pixel first.
    memory : int
        Ceiling in bytes for the working memory; inputs that do not fit wait in a temporary file.

    Returns
    -------
    Combined

    Raises
    ------
    NotEnoughFrames
        If there is no frame, or `extrema` leaves none.
    FrameError, UnitError
        If shapes or units differ.
    ParameterError
        If a parameter is impossible, or ``spread='noise'`` has neither a model nor variances to go by.

    Warns
    -----
    FullwellWarning
        If the clipping cannot reject anything for so few frames, or if more than 1 % of a frame is rejected by
        the noise model (which then does not hold, and 'std' takes its place).

    Notes
    -----
    A lone outlier is at most ``(N - 1)/sqrt(N)`` standard deviations (ddof 0) from the mean of N values and
    ``sqrt(N - 1)`` of those from the rest; 'std' with ``clip >= N / sqrt(N - 1)`` therefore never rejects.
    A pixel of the result carries a flag when more than half of the inputs do. For the median, and for values
    clipped in units of their own scatter, variances are multiplied with the factors of
    `fullwell.kernels.order_statistics`.
    """
    result = stack(
        frames,
        method=method,
        clip=clip,
        spread=spread,
        noise=noise,
        weights=weights,
        scales=scales,
        offsets=offsets,
        extrema=extrema,
        memory=memory,
    )
    for remark in result.remarks:
        warnings.warn(remark, FullwellWarning, stacklevel=2)
    return result


def stack(
    frames: FrameSet | Iterable[FrameLike],
    *,
    method: Literal["mean", "median"] = "mean",
    clip: float | None = 5.0,
    spread: Literal["noise", "std", "mad"] = "noise",
    noise: NoiseModel | None = None,
    weights: Sequence[float] | None = None,
    scales: Sequence[float] | None = None,
    offsets: Sequence[float] | None = None,
    extrema: tuple[int, int] = (0, 0),
    memory: int = DEFAULT_MEMORY,
) -> Combined:
    """Combine as `combine` does, without warnings: what it would warn of stands in `Combined.remarks`.

    For code that runs in many threads, where warnings cannot be caught.
    """
    options = _Options(method, clip, spread, noise, tuple(extrema), int(memory))
    with ExitStack() as resources:
        held = _Stack.load(frames, options.memory, resources)
        options.check(held)
        levels = _Levels.of(len(held), weights, scales, offsets)
        result = _combine(held, options, levels)
        if result.spread == "noise" and max(result.rejected_fraction) > MODEL_LIMIT:
            worst = int(np.argmax(result.rejected_fraction))
            remark = (
                f"{100 * result.rejected_fraction[worst]:.1f} % of frame {held.names[worst]} lie outside of the noise "
                "model, which does not hold for this stack; clipped in units of the scatter (std) instead"
            )
            options = attrs.evolve(options, spread="std")
            result = attrs.evolve(_combine(held, options, levels), remarks=(remark,))
        remark = options.toothless(len(held))
        if remark:
            result = attrs.evolve(result, remarks=(*result.remarks, remark))
    return result


@attrs.frozen
class _Options:
    method: Literal["mean", "median"]
    clip: float | None
    spread: Literal["noise", "std", "mad"]
    noise: NoiseModel | None
    extrema: tuple[int, int]
    memory: int

    def __attrs_post_init__(self) -> None:
        if self.method not in ("mean", "median"):
            raise ParameterError("method", self.method, "'mean' or 'median'")
        if self.spread not in ("noise", "std", "mad"):
            raise ParameterError("spread", self.spread, "'noise', 'std' or 'mad'")
        if self.clip is not None and not self.clip > 0:
            raise ParameterError("clip", self.clip, "above 0, or None for no rejection")
        if len(self.extrema) != 2 or min(self.extrema) < 0:
            raise ParameterError("extrema", self.extrema, "two counts of 0 or more")
        if self.memory < 2**20:
            raise ParameterError("memory", self.memory, "at least 1 MiB (1048576 bytes)")

    def check(self, stack: _Stack) -> None:
        if sum(self.extrema) >= len(stack):
            raise NotEnoughFrames(f"dropping {sum(self.extrema)} values of {len(stack)} leaves nothing")
        if self.clip is not None and self.spread == "noise" and self.noise is None and stack.variance is None:
            raise ParameterError(
                "spread",
                "noise",
                "only with noise=NoiseModel(...) or frames that have a variance; else 'std' or 'mad'",
            )

    def toothless(self, n: int) -> str | None:
        """Say so when clipping in units of the standard deviation can never reject."""
        limit = n / np.sqrt(n - 1) if n > 1 else np.inf
        if self.clip is None or self.spread != "std" or self.clip < limit:
            return None
        return (
            f"a {self.clip:g} sigma clip cannot reject anything among {n} values (a lone outlier lies at most at "
            f"{limit:.2f} standard deviations); use spread='noise' or a clip below that"
        )


@attrs.frozen(eq=False)
class _Levels:
    weights: npt.NDArray[np.float64]
    scales: npt.NDArray[np.float64]
    offsets: npt.NDArray[np.float64]

    @classmethod
    def of(cls, n: int, weights: Any, scales: Any, offsets: Any) -> _Levels:
        def vector(name: str, values: Any, default: float, *, positive: bool) -> npt.NDArray[np.float64]:
            array = np.full(n, default) if values is None else np.asarray(values, np.float64)
            if array.shape != (n,):
                raise ParameterError(name, array.shape, f"{n} numbers, one for each frame")
            if not np.isfinite(array).all() or (positive and (array <= 0).any()):
                raise ParameterError(name, list(array), "finite numbers" + (" above 0" if positive else ""))
            return array

        return cls(
            vector("weights", weights, 1.0, positive=True),
            vector("scales", scales, 1.0, positive=True),
            vector("offsets", offsets, 0.0, positive=False),
        )


class _Stack:
    """The inputs, loaded once, in memory or in a temporary file, served by blocks of rows."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.data: list[npt.NDArray[Any]] = []
        self.flags: list[FlagImage | None] = []
        self.variance: list[npt.NDArray[Any]] | None = None
        self.shared: list[dict[str, Shared]] = []
        self.first: Frame

    def __len__(self) -> int:
        return len(self.data)

    @classmethod
    def load(cls, frames: FrameSet | Iterable[FrameLike], memory: int, resources: ExitStack) -> _Stack:
        sources: Any = frames if isinstance(frames, FrameSet) else [as_frame(frame) for frame in frames]
        if len(sources) == 0:
            raise NotEnoughFrames("there is nothing to combine")
        names = (
            frames.names
            if isinstance(frames, FrameSet)
            else [f.source or str(i) for i, f in enumerate(sources)]
        )
        stack = cls(names)
        held, folder = 0, None
        for i, frame in enumerate(sources):
            if i == 0:
                stack.first = frame
                stack.variance = None if frame.variance is None else []
            stack._check(frame, i)
            planes = [frame.data, frame.flags if frame.flags.any() else None]
            if stack.variance is not None:
                planes.append(frame.variance)
            size = sum(plane.nbytes for plane in planes if plane is not None)
            if isinstance(frames, FrameSet) and held + size > memory // 2:
                folder = folder or Path(
                    resources.enter_context(tempfile.TemporaryDirectory(prefix="fullwell-"))
                )
                planes = [_spill(plane, folder / f"{i}-{j}.npy") for j, plane in enumerate(planes)]
            else:
                held += size
            stack.data.append(planes[0])  # type: ignore[arg-type]
            stack.flags.append(planes[1])
            stack.shared.append(frame.shared)
            if stack.variance is not None:
                stack.variance.append(planes[2])  # type: ignore[arg-type]
        return stack

    def _check(self, frame: Frame, i: int) -> None:
        first = self.first
        if frame.shape != first.shape:
            raise FrameError(f"frame {self.names[i]} has shape {frame.shape}, the first one {first.shape}")
        if frame.unit != first.unit:
            raise UnitError(f"frame {self.names[i]} is in {frame.unit}, the first one in {first.unit}")
        if (frame.variance is None) != (self.variance is None):
            raise FrameError(f"frame {self.names[i]}: either all frames have a variance or none")

    def shared_mean(self, factors: npt.NDArray[np.float64]) -> dict[str, Shared]:
        """Average the coefficients of the masters that the inputs have in common."""
        result: dict[str, Shared] = {}
        for factor, shared in zip(factors, self.shared, strict=True):
            for key, share in shared.items():
                known = result.get(key)
                coefficient = share.coefficient * factor
                if known is not None:
                    coefficient = known.coefficient + coefficient
                result[key] = Shared(coefficient, share.variance)
        return result


def _spill(plane: npt.NDArray[Any] | None, path: Path) -> npt.NDArray[Any] | None:
    if plane is None:
        return None
    np.save(path, plane)
    return np.asanyarray(np.load(path, mmap_mode="r"))


def _combine(stack: _Stack, options: _Options, levels: _Levels) -> Combined:
    rows, columns = stack.first.shape
    n = len(stack)
    data = np.empty((rows, columns), np.float32)
    flags = np.empty((rows, columns), FLAG_DTYPE)
    used = np.empty((rows, columns), np.uint16)
    rejected = np.empty((rows, columns), np.uint16)
    empirical = np.empty((rows, columns), np.float32)
    model = stack.variance is not None or options.noise is not None
    propagated = np.empty((rows, columns), np.float32) if model else None
    lost, counted = np.zeros(n, np.int64), np.zeros(n, np.int64)
    # About ten float64 planes of N x block are alive at once inside of the kernel.
    step = max(1, int(options.memory // 2 // (columns * n * 8 * 10)))
    for top in range(0, rows, step):
        part = slice(top, min(top + step, rows))
        block = _Block.read(stack, part, options, levels)
        result = combine_block(block.values, block.valid, block.rule)
        shape = data[part].shape
        out_of = block.valid & ~result.kept
        data[part] = result.value.reshape(shape)
        used[part] = result.used.reshape(shape)
        rejected[part] = out_of.sum(axis=0).reshape(shape)
        empirical[part] = _empirical(block, result, levels.weights, options).reshape(shape)
        flags[part] = block.master_flags(result.used).reshape(shape)
        lost += out_of.sum(axis=1)
        counted += block.valid.sum(axis=1)
        if propagated is not None:
            propagated[part] = block.propagate(result.kept, result.center, options, levels.weights).reshape(
                shape
            )
    share = levels.weights * levels.scales / levels.weights.sum()
    frame = stack.first.with_(
        data=data,
        variance=propagated if propagated is not None else empirical,
        flags=flags,
        header=stack.first.header.copy(),
        shared=stack.shared_mean(share),
        source="",
    )
    fraction = tuple(float(f) for f in lost / np.maximum(counted, 1))
    return Combined(
        frame,
        used,
        rejected,
        propagated,
        empirical,
        fraction,
        "none" if options.clip is None else options.spread,
    )


@attrs.frozen(eq=False)
class _Block:
    """A few rows of every input, levelled, as (N, pixels)."""

    values: npt.NDArray[np.float64]
    valid: npt.NDArray[np.bool_]
    flags: list[FlagImage | None]
    variance: npt.NDArray[np.float64] | None
    rule: Rule

    @classmethod
    def read(cls, stack: _Stack, part: slice, options: _Options, levels: _Levels) -> _Block:
        n = len(stack)
        scale, offset = levels.scales[:, None], levels.offsets[:, None]
        values = np.stack([plane[part].ravel() for plane in stack.data]).astype(np.float64)
        values = values * scale + offset
        valid = np.isfinite(values)
        flags = [None if plane is None else np.asarray(plane[part]).ravel() for plane in stack.flags]
        for row, plane in zip(valid, flags, strict=True):
            if plane is not None:
                row &= ~mask_of(plane, bad=BAD_FOR_SCIENCE)
        variance = None
        if stack.variance is not None:
            variance = (
                np.stack([plane[part].ravel() for plane in stack.variance]).astype(np.float64) * scale**2
            )
        read_variance, slope, pedestal = np.zeros((n, 1)), np.zeros((n, 1)), 0.0
        if options.noise is not None:
            model = options.noise.rows(part)
            read_variance = (scale * model.read_noise) ** 2
            slope = slope if model.gain is None else scale / model.gain
            pedestal = model.pedestal
        elif variance is not None:
            # The typical variance of the input, never that of the single value (which would follow outliers).
            typical = [np.median(v[ok]) if ok.any() else 0.0 for v, ok in zip(variance, valid, strict=True)]
            read_variance = np.asarray(typical)[:, None]
        rule = Rule(
            options.method,
            options.clip,
            options.spread,
            options.extrema,
            levels.weights,
            read_variance,
            slope,
            pedestal,
        )
        return cls(values, valid, flags, variance, rule)

    def master_flags(self, used: npt.NDArray[np.int32]) -> FlagImage:
        """Flags that more than half of the inputs carry; UNCALIBRATED where nothing could be used."""
        result = np.zeros(used.shape, FLAG_DTYPE)
        planes = [plane for plane in self.flags if plane is not None]
        for plane in Flags if planes else ():
            bit = FLAG_DTYPE.type(plane)
            count = np.zeros(used.shape, np.int32)
            for flags in planes:
                count += (flags & bit) != 0
            result[2 * count > len(self.flags)] |= bit
        result[(used == 0) & ~mask_of(result)] |= FLAG_DTYPE.type(Flags.UNCALIBRATED)
        return result

    def propagate(
        self,
        kept: npt.NDArray[np.bool_],
        center: npt.NDArray[np.float64],
        options: _Options,
        weights: npt.NDArray[np.float64],
    ) -> npt.NDArray[np.float64]:
        """Variance of the result from the noise of each input."""
        if self.variance is not None:
            variance = self.variance
        else:
            signal = np.where(np.isfinite(center), np.maximum(center - self.rule.pedestal, 0.0), 0.0)
            variance = self.rule.read_variance + self.rule.slope * signal
        keep = np.where(kept.any(axis=0), kept, np.isfinite(self.values))
        if options.method == "median":
            w = np.where(keep, 1.0, 0.0)
        else:
            w = np.where(keep, weights[:, None], 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            total = (w * w * variance).sum(axis=0) / w.sum(axis=0) ** 2
        return total * _factor(kept.sum(axis=0), self.valid.sum(axis=0), options, empirical=False)


def _empirical(
    block: _Block, result: BlockResult, weights: npt.NDArray[np.float64], options: _Options
) -> npt.NDArray[np.float64]:
    w = (
        np.where(result.kept, weights[:, None], 0.0)
        if options.method == "mean"
        else result.kept.astype(np.float64)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (w * w).sum(axis=0) / w.sum(axis=0) ** 2
        return result.scatter * share * _factor(result.used, block.valid.sum(axis=0), options, empirical=True)


def _factor(
    used: npt.NDArray[Any], offered: npt.NDArray[Any], options: _Options, *, empirical: bool
) -> npt.NDArray[np.float64]:
    """Finite-N factor on the variance of a plain mean of `used` values out of `offered`."""
    factor = np.ones(used.shape)
    if options.method == "median":
        for n in np.unique(used[used > 2]):
            factor[used == n] *= median_variance_factor(int(n))
    if options.clip is not None and options.spread != "noise":
        for n in np.unique(offered[offered > 2]):
            mean_factor, scatter_factor = clipping_factors(int(n), float(options.clip), options.spread)
            # The propagated variance of a clipped mean already counts the used values; on average that is N.
            change = mean_factor if options.method == "mean" else 1.0
            factor[offered == n] *= change / scatter_factor if empirical else change
    return factor
