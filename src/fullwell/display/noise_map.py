"""How much each pixel scatters from frame to frame, and how much it should."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.combining import NoiseModel
from fullwell.display.image import show_image
from fullwell.display.inputs import frames_of, good_pixels, value_words
from fullwell.display.plot import BLUE, ORANGE, RED, Plot, name_axes, plain
from fullwell.errors import NotEnoughFrames, ParameterError
from fullwell.picture import Limits

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["show_noise_map"]


def show_noise_map(
    frames: Any,
    *,
    expected: NoiseModel | float | None = None,
    limits: Limits = 99.5,
    title: str | None = None,
    ax: Axes | None = None,
    **options: Any,
) -> Plot:
    """Draw the standard deviation of each pixel through a stack of equal frames.

    Beside the map stands the distribution of the deviations over the expected ones. Even where the
    expectation is right they scatter, since n frames tell a deviation to one part in sqrt(2 n - 2) only:
    the curve is that of chi with n - 1 degrees of freedom.

    Parameters
    ----------
    frames : FrameSet, pattern, cube, or sequence of Frames, CCDData, arrays and paths
        Each is loaded once, one at a time; pixels that are not fit for science are left out.
    expected : NoiseModel or float, optional
        Noise of one frame. If not given it is that of the variance planes, where all frames have one.
    limits : {'zscale', 'minmax'}, float or (low, high)
        Of the map.
    title : str, optional
    ax : matplotlib Axes, optional
        For the map, which is then drawn alone.
    **options
        For `show_image`.

    Returns
    -------
    Plot
        Its facts are ``spread`` (ndarray, standard deviation of each pixel; NaN for fewer than two values),
        ``frames`` (how many) and, with an expectation, ``ratio`` (ndarray, deviation over expected).

    Raises
    ------
    NotEnoughFrames
        If there are fewer than two frames.
    ParameterError
        If the expectation is not above 0.
    """
    stack = _Stack()
    for _, frame in frames_of(frames):
        stack.add(frame)
    if stack.frames < 2:
        raise NotEnoughFrames(f"a scatter needs at least two frames, not {stack.frames}")
    spread, sigma = stack.spread(), _expected(expected, stack)
    words = f"standard deviation of {stack.frames} frames" if title is None else title
    facts: dict[str, Any] = {"spread": spread, "frames": stack.frames}
    if ax is None:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(10.4, 4.6), dpi=100, layout="constrained", facecolor="white")
        left, right = (plain(axes) for axes in figure.subplots(1, 2, width_ratios=(1.25, 1)))
    plot = show_image(
        spread, limits=limits, title=words, unit=stack.unit, ax=left if ax is None else ax, **options
    )
    if sigma is not None:
        facts["ratio"] = spread / sigma
    if ax is None:
        _draw_distribution(right, facts, stack.unit)
    return attrs.evolve(plot, facts={**plot.facts, **facts}, own=ax is None)


class _Stack:
    """Mean and scatter of each pixel, frame by frame (Welford 1962, Technometrics 4, 419)."""

    def __init__(self) -> None:
        self.frames = 0
        self.unit: Any = None
        self.variance: npt.NDArray[np.float64] | None = None
        self._has_variance = True

    def add(self, frame: Any) -> None:
        good = good_pixels(frame)
        if not self.frames:
            self.unit = frame.unit
            self.count = np.zeros(frame.shape, np.int32)
            self.mean, self._squares, self._variances = (np.zeros(frame.shape) for _ in range(3))
        self.frames += 1
        self.count += good
        data = np.where(good, frame.data, 0).astype(np.float64)
        away = np.where(good, data - self.mean, 0)
        self.mean += away / np.maximum(self.count, 1)
        self._squares += away * np.where(good, data - self.mean, 0)
        self._has_variance &= frame.variance is not None
        if frame.variance is not None:
            self._variances += np.where(good, frame.variance, 0)

    def spread(self) -> npt.NDArray[np.float64]:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.sqrt(np.where(self.count > 1, self._squares / (self.count - 1), np.nan)))

    def stated(self) -> npt.NDArray[np.float64] | None:
        """Noise of one frame as the variance planes have it."""
        return np.sqrt(self._variances / np.maximum(self.count, 1)) if self._has_variance else None


def _expected(expected: Any, stack: _Stack) -> Any:
    if expected is None:
        sigma = stack.stated()
        return None if sigma is None else np.where(sigma > 0, sigma, np.nan)
    if isinstance(expected, NoiseModel):
        light: Any = 0.0
        if expected.gain is not None:
            light = np.maximum(stack.mean - expected.pedestal, 0) / expected.gain
        sigma = np.sqrt(np.square(expected.read_noise) + light)
    else:
        sigma = np.asarray(expected, np.float64)
    if not np.all(sigma > 0):
        raise ParameterError("expected", expected, "a noise above 0")
    return sigma


def _draw_distribution(axes: Axes, facts: dict[str, Any], unit: Any) -> None:
    ratio = facts.get("ratio")
    values = facts["spread"] if ratio is None else ratio
    values = values[np.isfinite(values)]
    middle = float(np.median(values))
    edges = np.linspace(0.0, min(float(values.max()), 3 * middle) or 1.0, 121)
    counts, _ = np.histogram(values, edges)
    axes.stairs(counts, edges, color=BLUE, fill=True, alpha=0.28, linewidth=0)
    axes.stairs(
        counts, edges, color=BLUE, linewidth=1.2, label=f"{values.size:,} pixels, median {middle:.4g}"
    )
    if ratio is not None:
        x = np.linspace(max(edges[0], 1e-3), edges[-1], 400)
        y = values.size * (edges[1] - edges[0]) * _chi(x, facts["frames"] - 1)
        axes.plot(x[y > 0.05], y[y > 0.05], color=ORANGE, linewidth=1.5, label="if the noise is as expected")
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.7)
    what = value_words(unit, what="standard deviation") if ratio is None else "standard deviation / expected"
    name_axes(axes, what, "pixels")
    beyond = int(np.count_nonzero(values > edges[-1]))
    if beyond:
        axes.text(0.99, 0.02, f"{beyond:,} >", ha="right", fontsize=8, color=RED, transform=axes.transAxes)


def _chi(ratio: npt.NDArray[np.float64], freedom: int) -> npt.NDArray[np.float64]:
    """Density of s / sigma: sqrt(freedom) times it is chi with that many degrees of freedom."""
    from scipy.special import gammaln

    x = ratio * np.sqrt(freedom)
    log = (freedom - 1) * np.log(x) - x * x / 2 - (freedom / 2 - 1) * np.log(2) - gammaln(freedom / 2)
    return np.asarray(np.exp(log) * np.sqrt(freedom))
