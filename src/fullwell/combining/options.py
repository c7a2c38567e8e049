"""How to combine: what may be asked for, checked once."""

from __future__ import annotations

from typing import Any, Literal

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.errors import ParameterError

__all__ = ["COMMAND_LINE", "DEFAULT_MEMORY", "PYTHON", "Levels", "NoiseModel", "Options", "Words"]

DEFAULT_MEMORY = 512 * 2**20


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

    Raises
    ------
    ParameterError
        If the noise is negative or not finite, the gain not above 0, or the pedestal not finite.
    """

    read_noise: float | npt.NDArray[Any]
    gain: float | npt.NDArray[Any] | None = None
    pedestal: float = 0.0

    def __attrs_post_init__(self) -> None:
        if not (np.all(np.isfinite(self.read_noise)) and np.all(np.asarray(self.read_noise) >= 0)):
            raise ParameterError("read_noise", self.read_noise, "finite and 0 or more")
        if self.gain is not None and not np.all(np.asarray(self.gain) > 0):
            raise ParameterError("gain", self.gain, "above 0, or None")
        if np.ndim(self.pedestal) or not np.isfinite(self.pedestal):
            raise ParameterError("pedestal", self.pedestal, "one finite number")

    def rows(self, part: slice) -> NoiseModel:
        """Return the model for some rows, flattened."""

        def cut(value: Any) -> Any:
            return value[part].ravel().astype(np.float64) if np.ndim(value) else value

        return NoiseModel(cut(self.read_noise), cut(self.gain), self.pedestal)


@attrs.frozen
class Words:
    """What options are called where somebody has set them.

    Parameters
    ----------
    clip, spread, memory : str
        Their names.
    no_clip : str
        How to ask for no rejection.
    by_noise : str
        How to ask for a spread from the noise model.
    model : str
        How to give one.
    """

    clip: str
    spread: str
    memory: str
    no_clip: str
    by_noise: str
    model: str


PYTHON = Words("clip", "spread", "memory", "None", "spread='noise'", "noise=NoiseModel(...)")
COMMAND_LINE = Words("--clip", "--spread", "--memory", "0", "--spread noise", "--read-noise and --gain")


@attrs.frozen
class Options:
    """Options of `fullwell.combining.combine`, apart from levels.

    Raises
    ------
    ParameterError
        If one is impossible.
    """

    method: Literal["mean", "median"]
    clip: float | None
    spread: Literal["noise", "std", "mad"]
    noise: NoiseModel | None
    extrema: tuple[int, int]
    memory: int
    words: Words = PYTHON

    def __attrs_post_init__(self) -> None:
        if self.method not in ("mean", "median"):
            raise ParameterError("method", self.method, "'mean' or 'median'")
        if not isinstance(self.noise, NoiseModel | None):
            raise ParameterError("noise", self.noise, "a NoiseModel, such as NoiseModel(read_noise=5.0)")
        if self.spread not in ("noise", "std", "mad"):
            raise ParameterError(self.words.spread, self.spread, "'noise', 'std' or 'mad'")
        if self.clip is not None and not (np.isfinite(self.clip) and self.clip > 0):
            allowed = f"finite and above 0, or {self.words.no_clip} for no rejection"
            raise ParameterError(self.words.clip, self.clip, allowed)
        whole = all(isinstance(count, int | np.integer) for count in self.extrema)
        if len(self.extrema) != 2 or not whole or min(self.extrema) < 0:
            raise ParameterError("extrema", self.extrema, "two counts of 0 or more")
        if self.memory < 2**20:
            raise ParameterError(self.words.memory, self.memory, "at least 1 MiB (1048576 bytes)")

    def toothless(self, n: int) -> str | None:
        """Say so when clipping in units of the standard deviation can never reject a lone outlier."""
        limit = n / np.sqrt(n - 1) if n > 1 else np.inf
        if self.clip is None or self.spread != "std" or self.clip < limit:
            return None
        return (
            f"a {self.clip:g} sigma clip cannot reject a lone outlier among {n} values (it lies at most "
            f"{limit:.2f} standard deviations from their median); "
            f"use {self.words.by_noise} or a {self.words.clip} below that"
        )


@attrs.frozen(eq=False)
class Levels:
    """Weight of each input, and what brings it to the common level: ``scale * data + offset``."""

    weights: npt.NDArray[np.float64]
    scales: npt.NDArray[np.float64]
    offsets: npt.NDArray[np.float64]

    @classmethod
    def of(cls, n: int, weights: Any, scales: Any, offsets: Any) -> Levels:
        """Check what was given for `n` inputs; None is 1, 1 and 0.

        Raises
        ------
        ParameterError
            If there is not one finite number an input, or a weight or scale is not above 0.
        """
        return cls(
            _vector("weights", weights, n, default=1.0, positive=True),
            _vector("scales", scales, n, default=1.0, positive=True),
            _vector("offsets", offsets, n, default=0.0, positive=False),
        )


def _vector(name: str, values: Any, n: int, *, default: float, positive: bool) -> npt.NDArray[np.float64]:
    array = np.full(n, default) if values is None else np.asarray(values, np.float64)
    if array.shape != (n,):
        raise ParameterError(name, array.shape, f"{n} numbers, one for each frame")
    if not np.isfinite(array).all() or (positive and (array <= 0).any()):
        raise ParameterError(name, array.tolist(), "finite numbers" + (" above 0" if positive else ""))
    return array
