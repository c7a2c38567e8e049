"""Response of each pixel to light: vignetting, dust, pixel response."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from typing import Any, ClassVar, Self

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.combining import DEFAULT_MEMORY, stack
from fullwell.effects.affine import Affine, MasterTerm
from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage
from fullwell.effects.bias import variance_ratio
from fullwell.effects.converters import checked_image, matrix_of
from fullwell.effects.stacking import (
    bias_noise,
    detector_of,
    identity,
    load_corrected,
    measured_noise,
    noise_model,
)
from fullwell.errors import ChainError, FrameError, NotEnoughFrames, ParameterError
from fullwell.flags import FLAG_DTYPE, FlagImage, Flags, mask_of
from fullwell.frame import Frame, FrameSet, Shared
from fullwell.kernels.buffers import room
from fullwell.kernels.simulate import Op, Step
from fullwell.kernels.spread import median_of
from fullwell.noise import Noise
from fullwell.quantities import numbers

__all__ = ["Flat"]


def _response(value: Any) -> npt.NDArray[np.float32]:
    """Return an image; one that was measured may have values below 0, or none, which is looked at later."""
    plain = matrix_of("response", value)
    if plain.ndim != 2 or not plain.size:
        raise ParameterError("response", plain.shape, "a two-dimensional image with pixels")
    with np.errstate(over="ignore"):
        return np.asarray(value, np.float32)


@attrs.frozen(eq=False)
class Flat(Effect):
    """Relative response to light.

    Parameters
    ----------
    response : ndarray of float32, shape (rows, columns)
        1 for the typical pixel; a measured flat has median 1 over its unmasked pixels, all amplifiers
        together.
    variance : float or ndarray
        Own variance of `response`.
    shared : dict of str to Shared
        Masters taken out of its frames; coefficients relative to `counts`.
    counts : float
        Level that `response` was divided by, in `unit` of its frames.
    flags : ndarray of uint16 or None
    filter : str
        Name of the filter.
    applied : tuple of str
        Effects taken out of its frames.
    count : int
        Number of frames it was made of.
    id : str
        Names a measured flat by its content.
    statistics : dict
        What happened when it was measured.
    """

    name: ClassVar[str] = "flat"
    stage: ClassVar[Stage] = Stage.FLAT
    kind: ClassVar[Kind] = Kind.POINTWISE
    response: npt.NDArray[np.float32] = attrs.field(converter=_response)
    variance: Any = 0.0
    shared: dict[str, Shared] = attrs.field(factory=dict)
    counts: float = 0.0
    flags: FlagImage | None = None
    filter: str = ""
    applied: tuple[str, ...] = ()
    count: int = 0
    id: str = ""
    statistics: dict[str, Any] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        if self.count:  # noise makes the response of a dead pixel fall below 0
            return
        checked_image(
            "response", self.response, least=0.0, unknown=None if self.flags is None else mask_of(self.flags)
        )
        if not self.response.any():
            raise ParameterError("response", 0.0, "above 0 in some pixel at least; 0 is a dead one")

    def steps(self, signal: Signal, *, noise: Noise) -> Sequence[Step]:  # noqa: ARG002
        """Multiply the light by the response."""
        return [Step(Op.MULTIPLY, self.response)]

    @classmethod
    def measure(
        cls,
        frames: FrameSet | Iterable[Any],
        *,
        known: Chain | None = None,
        clip: float = 5.0,
        gain: float | tuple[float, ...] | None = None,
        read_noise: float | tuple[float, ...] | None = None,
        filter: str = "",
        dead_below: float = 0.5,
        memory: int = DEFAULT_MEMORY,
    ) -> Self:
        """Combine flat frames.

        Parameters
        ----------
        frames : FrameSet or iterable of Frame, CCDData or array
            Raw flats.
        known : SignalChain, optional
            Effects to take out first: overscan, bias, dark.
        clip : float
            Values further than this many sigma from the median, at one level, are rejected.
        gain : float or tuple, optional
            e-/ADU; 1 is understood for frames in electrons. Without it the noise is measured on the frames.
            Amplifiers of different gain are brought to their mean gain, so that the response holds no gain.
        read_noise : float or tuple, optional
            In the unit of the frames; else that of the bias in `known`, else left out.
        filter : str
            Name of the filter.
        dead_below : float
            Pixels with less than this share of the response around them are DEAD.
        memory : int
            Ceiling of the working memory in bytes.

        Returns
        -------
        Flat

        Raises
        ------
        NotEnoughFrames
            Without frames, or with one frame and no gain.
        FrameError
            If a frame has no light in it.
        """
        gain = None if gain is None else tuple(numbers(gain, "gain", u.electron / u.adu, above=0).tolist())
        with ExitStack() as resources:
            held = load_corrected(
                frames, known, memory=memory // 2, resources=resources, then=_equalizer(gain)
            )
            if not held:
                raise NotEnoughFrames("there is no flat frame")
            detector = detector_of(held)
            levels = [_light(frame) for frame in held]
            scales = np.mean(levels) / np.asarray(levels)
            mean_gain = 1.0 if held[0].unit == u.electron else None if gain is None else float(np.mean(gain))
            if mean_gain is None and len(held) < 2:
                raise NotEnoughFrames("a single flat needs a gain for its noise")
            if mean_gain is None:
                equal = [f.with_(data=f.data * np.float32(s)) for f, s in zip(held, scales, strict=True)]
                model = noise_model(measured_noise(equal)[0], None, detector)
            else:
                noise = (
                    _noise_of(held, known)
                    if read_noise is None
                    else numbers(read_noise, "read_noise", held[0].unit, least=0)
                )
                noise = np.zeros(1) if noise is None else noise * _relative(gain, held[0].unit)
                model = noise_model(tuple(noise), mean_gain, detector)
            result = stack(held, clip=clip, noise=model, scales=list(scales), memory=memory // 2)
        frame = result.frame
        assert frame.variance is not None
        masked = frame.mask
        counts = median_of(frame.data, ~masked)
        if not counts > 0:
            raise FrameError("no unmasked pixel of the combined flat has light")
        response: npt.NDArray[np.float32] = (frame.data / np.float32(counts)).astype(np.float32)
        # A hot pixel responds to light as others do; that it is hot the dark of each frame says.
        flags = frame.flags & ~FLAG_DTYPE.type(Flags.HOT) | _dead(response, masked, dead_below)
        return cls(
            response=response,
            variance=frame.variance / np.float32(counts**2),
            shared={key: Shared(s.coefficient / counts, s.variance) for key, s in frame.shared.items()},
            counts=counts,
            flags=flags,
            filter=filter,
            applied=frame.applied,
            count=len(held),
            id=identity(response, frame.variance, filter or "flat"),
            statistics={
                "levels": [float(level) for level in levels],
                "rejected_fraction": list(result.rejected_fraction),
                "spread": result.spread,
                "remarks": list(result.remarks),
                "dead_pixels": int((flags & FLAG_DTYPE.type(Flags.DEAD) != 0).sum()),
                "empirical_to_predicted": variance_ratio(result.empirical, frame),
            },
        )

    def affine(self, frame: Frame, *, unit: u.UnitBase, chain: Chain | None = None) -> Affine:  # noqa: ARG002
        """Divide by the response.

        To first order ``dy/y = -dF/F``: the noise of the flat, and of the masters within it, enters in
        proportion to the corrected value.

        Raises
        ------
        ChainError
            If shapes differ.
        """
        if self.response.shape != frame.shape:
            raise ChainError(
                f"the flat has shape {self.response.shape}, the frame {frame.shape}; "
                "crop the one or the other"
            )
        useful = self.response > 0
        inverse = room(self.response.shape, self.response.dtype)
        with np.errstate(all="ignore"):
            np.divide(1.0, self.response, out=inverse)
        inverse[~useful] = 0
        against = np.negative(inverse, out=room(inverse.shape, inverse.dtype))
        masters = {}
        if self.id:
            masters[self.id] = MasterTerm(0.0, against, self.variance)
            for key, share in self.shared.items():
                masters[key] = MasterTerm(0.0, against * share.coefficient, share.variance)
        flags = np.where(useful, FLAG_DTYPE.type(0), FLAG_DTYPE.type(Flags.DEAD | Flags.UNCALIBRATED))
        return Affine(
            scale=inverse, masters=masters, flags=flags if self.flags is None else flags | self.flags
        )


def _noise_of(held: list[Frame], known: Chain | None) -> npt.NDArray[np.float64] | None:
    """Noise of a flat without its light: that of the bias, else of a dark that holds the bias."""
    noise = bias_noise(known, held[0].unit)
    dark: Any = None if known is None else known.get("dark")
    if noise is None and dark is not None and dark.bias_included:
        noise = dark.noise_at(float(np.mean([frame.dark_time or 0.0 for frame in held])))
    return noise


def _light(frame: Frame) -> float:
    level = median_of(frame.data, ~frame.mask)
    if not level > 0:
        raise FrameError(
            f"flat {frame.source or ''} has no light: its median above bias and dark is {level:.4g}"
        )
    return level


def _relative(gain: Any, unit: u.UnitBase) -> npt.NDArray[np.float64]:
    """Gain of each amplifier over their mean; 1 where the frames are in electrons or no gain is known."""
    values = np.atleast_1d(np.asarray(1.0 if gain is None or unit != u.adu else gain, np.float64))
    return np.asarray(values / values.mean())


def _equalizer(gain: Any) -> Callable[[Frame], Frame]:
    """Bring the amplifiers of a frame in ADU to their mean gain.

    The chain multiplies by the gains before it divides by the flat: a response must not hold them.
    """

    def equalize(frame: Frame) -> Frame:
        relative = _relative(gain, frame.unit)
        if np.all(relative == 1):
            return frame
        return Affine(scale=detector_of([frame]).spread(relative)).apply(frame)

    return equalize


def _dead(
    response: npt.NDArray[np.float32], masked: npt.NDArray[np.bool_], below: float, *, cell: int = 32
) -> FlagImage:
    """DEAD where the response is less than `below` times the median of the surrounding cell."""
    columns = response.shape[1]
    values = np.where(masked, np.float32(np.nan), response)
    flags = np.zeros(response.shape, FLAG_DTYPE)
    for top in range(0, len(values), cell):
        strip = values[top : top + cell]
        # Cells side by side as rows; what is missing of the last one is masked.
        padded = np.pad(strip, ((0, 0), (0, -columns % cell)), constant_values=np.nan)
        cells = padded.reshape(len(strip), -1, cell).swapaxes(0, 1).reshape(-1, len(strip) * cell)
        around = np.repeat(_medians(cells), cell)[:columns]
        flags[top : top + cell][response[top : top + cell] < below * around] = Flags.DEAD
    return flags


def _medians(cells: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Median of each row without its NaN; 1 where there is nothing else."""
    ordered = np.sort(cells, axis=1)  # NaN come last
    counts = np.count_nonzero(~np.isnan(cells), axis=1)
    each = np.arange(len(cells))
    low, high = (ordered[each, np.maximum(places, 0)] for places in ((counts - 1) // 2, counts // 2))
    return np.where(counts > 0, (low + high) / 2, np.float32(1)).astype(np.float32)
