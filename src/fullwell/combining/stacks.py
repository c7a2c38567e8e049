"""The stack itself: block by block through the kernel, and what came of it."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.brief import Brief
from fullwell.combining.blocks import Planes, combine_inputs
from fullwell.combining.fallback import check_inputs, with_fallback
from fullwell.combining.inputs import Inputs
from fullwell.combining.loading import load_inputs
from fullwell.combining.options import DEFAULT_MEMORY, Levels, NoiseModel, Options
from fullwell.errors import FullwellWarning
from fullwell.frame import Frame, FrameLike, FrameSet

__all__ = ["Combined", "combine", "stack"]


@attrs.frozen(eq=False, repr=False)
class Combined(Brief):
    """A combined frame and what went on in it.

    Parameters
    ----------
    frame : Frame
        Data (float32), variance, flags; its variance is `propagated` where the inputs or a noise model
        give one, else `empirical`.
    used, rejected : ndarray of uint16, shape (rows, columns)
        How many values the pixel is made of, and how many extrema and clipping threw away. Masked values are
        neither.
    propagated : ndarray of float32 or None
        Variance of the result expected from the inputs' variances or the noise model.
    empirical : ndarray of float32
        Variance of the result from the scatter of the values that were used (ddof 1); NaN for fewer than two.
    rejected_fraction : tuple of float
        Fraction of its valid pixels that each input lost to the clipping.
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
    workers: int | None = None,
) -> Combined:
    """Combine frames of one shape and unit to one.

    Parameters
    ----------
    frames : FrameSet or iterable of Frame, CCDData or array
        Each is loaded once. Masked and non-finite pixels are left out.
    method : {'mean', 'median'}
        What to take of the values that are left.
    clip : float or None
        Reject values further than `clip` spreads from the median, until nothing changes; None rejects
        nothing.
    spread : {'noise', 'std', 'mad'}
        The unit of `clip`: the noise model (`noise`, else the inputs' own variances: for each value their
        median over the inputs, never its own), the standard deviation (ddof 0) of the surviving values, or
        their MAD scaled to a standard deviation.
    noise : NoiseModel, optional
        Noise of one input before levelling; its pedestal is levelled along with the data.
    weights : sequence of float, optional
        Weights of the mean, one an input.
    scales, offsets : sequence of float, optional
        Each input is brought to one level as ``scale * data + offset`` before anything else.
    extrema : tuple of int
        How many of the lowest and of the highest values to drop in each pixel first.
    memory : int
        Ceiling in bytes for the working memory; inputs that do not fit wait in a temporary file.
    workers : int, optional
        Threads; one a core if not given. The result does not depend on it.

    Returns
    -------
    Combined

    Raises
    ------
    NotEnoughFrames
        If there is no frame, or `extrema` leaves none.
    FrameError, UnitError
        If shapes, units or the effects taken out before differ.
    ParameterError
        If a parameter is impossible, or ``spread='noise'`` has neither a model nor variances to go by.

    Warns
    -----
    FullwellWarning
        If the clipping cannot reject a lone outlier among so few frames, or if more than 1 % of a frame is
        rejected by the noise model (which then does not hold, and 'std' takes its place).

    Notes
    -----
    A lone outlier lies at most ``N / sqrt(N - 1)`` standard deviations (ddof 0) from the median of N values;
    'std' with a larger clip therefore never rejects one. A pixel of the result carries a flag when more than
    half of the inputs do. For the median, and for clipping that bites into the noise itself, variances are
    multiplied with the factors of `fullwell.kernels.order_statistics` for equal inputs.
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
        workers=workers,
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
    workers: int | None = None,
) -> Combined:
    """Combine as `combine` does, without warnings: what it would warn of stands in `Combined.remarks`.

    For code that runs in many threads, where warnings cannot be caught.
    """
    options = Options(method, clip, spread, noise, extrema, int(memory))
    with ExitStack() as resources:
        inputs, template = load_inputs(frames, memory=options.memory // 2, resources=resources)
        check_inputs(options, inputs)
        levels = Levels.of(len(inputs), weights, scales, offsets)
        result, remarks = with_fallback(
            inputs, options, lambda settled: _combine(inputs, template, settled, levels, workers)
        )
    return attrs.evolve(result, remarks=remarks)


def _combine(
    inputs: Inputs, template: Frame, options: Options, levels: Levels, workers: int | None
) -> Combined:
    known = inputs.variance is not None or options.noise is not None
    planes = Planes.empty(len(inputs), inputs.shape, propagated=known)
    rejected = combine_inputs(inputs, options, levels, planes, workers=workers)
    frame = template.with_(
        data=planes.data,
        variance=planes.empirical if planes.propagated is None else planes.propagated,
        flags=planes.flags,
        header=template.header.copy(),
        shared=inputs.shared_mean(levels.weights * levels.scales / levels.weights.sum()),
        source="",
    )
    return Combined(
        frame,
        planes.used,
        planes.rejected,
        planes.propagated,
        planes.empirical,
        rejected,
        "none" if options.clip is None else options.spread,
    )
