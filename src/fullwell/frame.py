"""One frame, or many: data with variance, flags, unit, header and detector."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.io.fits import Header

from fullwell.brief import Brief
from fullwell.detector import Detector
from fullwell.errors import FrameError, UnitError
from fullwell.flags import BAD_FOR_SCIENCE, FLAG_DTYPE, FlagImage, Flags, mask_of

if TYPE_CHECKING:
    from astropy.nddata import CCDData

__all__ = ["Frame", "FrameLike", "FrameSet", "Shared", "as_frame"]


@attrs.frozen(eq=False)
class Shared:
    """Noise that came in with a master and is the same in every frame corrected with it.

    Parameters
    ----------
    coefficient : float or ndarray
        Signed factor with which the noise of the master enters the data.
    variance : float or ndarray
        Variance of the master, in the square of the master's own unit.
    """

    coefficient: Any
    variance: Any

    @property
    def contribution(self) -> Any:
        """What this master adds to the variance of the data."""
        return self.coefficient * self.coefficient * self.variance


@dataclass(slots=True, eq=False, repr=False)
class Frame(Brief):
    """An image with all that is known of its pixels.

    Parameters
    ----------
    data : ndarray, shape (rows, columns)
        Pixel values in `unit`. Floating point types are kept, float32 stays float32.
    variance : ndarray or None
        Variance in the square of `unit`, same shape. While `shared` is not empty it is only
        the part that belongs to this frame alone; `settled` adds the rest.
    flags : ndarray of uint16
        Planes of `fullwell.Flags`; zeros if not given.
    unit : astropy unit
        ADU if not given.
    header : astropy.io.fits.Header
        Cards of the frame; empty if not given.
    detector : Detector or None
        Geometry; None is a single amplifier without overscan.
    exposure_time, dark_time : float or None
        Seconds open to light, and seconds in which dark current collected.
    applied : tuple of str
        Names of the effects that were taken out, in order.
    shared : dict of str to Shared
        Noise of masters, by the id of the master.
    source : str
        Name of the file it came from.
    temperature : float or None
        Of the detector while it collected, kelvin.

    Raises
    ------
    FrameError
        If the data are not two-dimensional, the planes differ in shape, or the temperature is not above 0 K.
    """

    data: npt.NDArray[Any]
    variance: npt.NDArray[Any] | None = None
    flags: FlagImage = None  # type: ignore[assignment]
    unit: u.UnitBase = u.adu
    header: Header = field(default_factory=Header)
    detector: Detector | None = None
    exposure_time: float | None = None
    dark_time: float | None = None
    applied: tuple[str, ...] = ()
    shared: dict[str, Shared] = field(default_factory=dict)
    source: str = ""
    temperature: float | None = None

    def __post_init__(self) -> None:
        self.data = np.asarray(self.data)
        if self.data.ndim != 2:
            raise FrameError(f"a frame has two dimensions, not {self.data.ndim} (shape {self.data.shape})")
        if self.flags is None:
            self.flags = np.zeros(self.data.shape, FLAG_DTYPE)  # type: ignore[unreachable]  # the default
        for label, plane in (("variance", self.variance), ("flags", self.flags)):
            if plane is not None and plane.shape != self.data.shape:
                raise FrameError(f"{label} of {plane.shape} does not fit data of {self.data.shape}")
        if self.flags.dtype != FLAG_DTYPE:
            raise FrameError(f"flags are {FLAG_DTYPE}, not {self.flags.dtype}")
        if self.temperature is not None and not 0 < self.temperature < np.inf:
            raise FrameError(f"the temperature of a frame is in kelvin, above 0, not {self.temperature}")
        self.unit = u.Unit(self.unit)
        if self.dark_time is None:
            self.dark_time = self.exposure_time

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.data.shape[0], self.data.shape[1]

    @property
    def layout(self) -> str:
        """``'raw'`` or ``'assembled'``; a detector that has nothing to trim has assembled frames only."""
        if self.detector is None or not self.detector.has_scans:
            return "assembled"
        return "raw" if self.shape == self.detector.raw_shape else self.detector.layout_of(self.shape)

    @property
    def mask(self) -> npt.NDArray[np.bool_]:
        """Pixels that are not fit for science, made anew from `flags`."""
        return mask_of(self.flags, bad=BAD_FOR_SCIENCE)

    @property
    def ccd(self) -> CCDData:
        """The frame as astropy ``CCDData`` that shares the memory of data and flags.

        The mask is a snapshot: edit `flags`, not the mask. The uncertainty is a
        ``VarianceUncertainty`` on the settled variance.
        """
        from astropy.nddata import CCDData, VarianceUncertainty

        total = self.settled().variance
        return CCDData(
            self.data,
            unit=self.unit,
            mask=self.mask,
            flags=self.flags,
            meta=self.header,
            uncertainty=None if total is None else VarianceUncertainty(total, copy=False),
            copy=False,
        )

    def settled(self) -> Frame:
        """Return the frame with the noise of the masters added to its variance; shares the data."""
        if not self.shared:
            return self
        total = np.zeros(self.shape, np.float32) if self.variance is None else self.variance.copy()
        for share in self.shared.values():
            total += share.contribution
        return replace(self, variance=total, shared={})

    def with_(self, **changes: Any) -> Frame:
        """Return a copy with some fields replaced; arrays not named are shared."""
        return replace(self, **changes)

    def same_shape(self, other: Frame, *, what: str = "frames") -> None:
        """Check that two frames fit together.

        Raises
        ------
        FrameError
            If their shapes differ.
        """
        if self.shape != other.shape:
            raise FrameError(f"{what} of different shape: {self.shape} and {other.shape}")


FrameLike = Any  # Frame, CCDData or a two-dimensional array; `as_frame` decides


def as_frame(value: FrameLike, *, unit: u.UnitBase | str | None = None) -> Frame:
    """Turn a Frame, a CCDData or an array into a Frame without copying the data.

    Parameters
    ----------
    value : Frame, CCDData or array
        A Frame is returned as it is. A Quantity keeps its unit, what a masked array masks is flagged MASKED.
    unit : unit, optional
        Unit of a bare array; ADU if not given. With what has a unit of its own it must agree.

    Raises
    ------
    UnitError
        If `unit` contradicts the unit of `value`.
    FrameError
        If `value` is none of the three.
    """
    if isinstance(value, Frame):
        frame = value
    elif hasattr(value, "uncertainty") and hasattr(value, "mask"):
        frame = _from_ccd(value)
    else:
        return _from_array(value, unit)
    if unit is not None and frame.unit != u.Unit(unit):
        raise UnitError(f"the frame is in {frame.unit}, not in {unit}")
    return frame


def _from_array(value: Any, unit: u.UnitBase | str | None) -> Frame:
    if isinstance(value, u.Quantity):
        if unit is not None and value.unit != u.Unit(unit):
            raise UnitError(f"the array is in {value.unit}, not in {unit}")
        unit, value = value.unit, value.value
    data = np.asarray(value)
    if data.dtype.kind not in "iufb":
        raise FrameError(f"not a frame: {type(value).__name__} of dtype {data.dtype}")
    frame = Frame(data, unit=u.adu if unit is None else u.Unit(unit))
    if isinstance(value, np.ma.MaskedArray):
        frame.flags[np.ma.getmaskarray(value)] |= FLAG_DTYPE.type(Flags.MASKED)
    return frame


def _from_ccd(ccd: CCDData) -> Frame:
    from astropy.nddata import VarianceUncertainty

    data = np.asarray(ccd.data)
    variance = None
    if ccd.uncertainty is not None:
        # Integers cannot hold a variance.
        dtype = data.dtype if data.dtype.kind == "f" else np.dtype(np.float32)
        variance = np.asarray(ccd.uncertainty.represent_as(VarianceUncertainty).array, dtype=dtype)
    flags = np.zeros(data.shape, FLAG_DTYPE)
    if getattr(ccd, "flags", None) is not None and np.shape(ccd.flags) == data.shape:
        flags = np.asarray(ccd.flags).astype(FLAG_DTYPE)
    if ccd.mask is not None:
        unexplained = np.asarray(ccd.mask, bool) & ~mask_of(flags)
        flags[unexplained] |= FLAG_DTYPE.type(Flags.MASKED)
    if ccd.unit is None:
        raise UnitError("the CCDData has no unit; give it one (ADU or electron)")
    return Frame(data, variance=variance, flags=flags, unit=ccd.unit, header=Header(ccd.header))


class FrameSet(Sequence[Frame]):
    """Many frames of one shape, loaded one at a time when asked for.

    Parameters
    ----------
    sources : sequence
        Frames, or whatever `load` turns into one (paths, arrays).
    load : callable
        ``load(source) -> Frame``; `as_frame` if not given.
    names : sequence of str, optional
        What to call the frames in messages and headers.
    """

    def __init__(
        self,
        sources: Iterable[Any],
        *,
        load: Callable[[Any], Frame] = as_frame,
        names: Sequence[str] | None = None,
    ) -> None:
        self._sources = list(sources)
        self._load = load
        self.names = list(names) if names is not None else [str(i) for i in range(len(self._sources))]
        if len(self.names) != len(self._sources):
            raise FrameError(f"{len(self.names)} names for {len(self._sources)} frames")

    def __len__(self) -> int:
        return len(self._sources)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return FrameSet(self._sources[index], load=self._load, names=self.names[index])
        return self._load(self._sources[index])

    def __iter__(self) -> Iterator[Frame]:
        return (self._load(source) for source in self._sources)

    def __repr__(self) -> str:
        return f"<FrameSet of {len(self)} frames>"

    def map(self, function: Callable[[Frame], Frame]) -> FrameSet:
        """Return a set whose frames go through `function` when they are loaded."""
        load = self._load
        return FrameSet(self._sources, load=lambda source: function(load(source)), names=self.names)
