"""Amplifiers and detectors: where each pixel of a raw frame belongs.

Two layouts of the same detector exist. *Raw* is what is read out: one array in which every
amplifier has its data section and its prescan and overscan. *Assembled* is the light-sensitive
area alone, in the orientation of the sky side.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.detector.boxes import Box
from fullwell.errors import FrameError, ParameterError

__all__ = ["Amplifier", "Detector"]


@attrs.frozen
class Amplifier:
    """One read-out chain of a detector.

    Parameters
    ----------
    name : str
        Name of the amplifier, unique in its detector.
    box : Box
        Where its data lie in the assembled image.
    data : Box
        Where its data lie in the raw frame.
    raw : Box
        All of its pixels in the raw frame.
    prescan, overscan, parallel : Box or None
        Serial prescan, serial overscan and parallel overscan in the raw frame.
    flip_x, flip_y : bool
        Whether columns (rows) of the raw data run backwards in the assembled image.
    gain : float or None
        e-/ADU.
    read_noise : float or None
        e-.
    saturation : float or None
        ADU; raw values at or above it are saturated.
    corner : tuple of bool or None
        Whether the pixel that is read out first lies to the right, and at the top, of its `box` in the
        assembled image; None where prescan, overscan and the flips tell, see `read_out_corner`.
    lead : tuple of int or None
        Columns and rows that are read before the data, where the boxes do not tell any more; see
        `read_before`.
    """

    name: str
    box: Box
    data: Box
    raw: Box
    prescan: Box | None = None
    overscan: Box | None = None
    parallel: Box | None = None
    flip_x: bool = False
    flip_y: bool = False
    gain: float | None = None
    read_noise: float | None = None
    saturation: float | None = None
    corner: tuple[bool, bool] | None = None
    lead: tuple[int, int] | None = None

    def __attrs_post_init__(self) -> None:
        if self.box.shape != self.data.shape:
            raise ParameterError(
                f"amplifier {self.name}", (self.box.shape, self.data.shape), "box and data of one size"
            )
        for label, value in (("gain", self.gain), ("read_noise", self.read_noise)):
            if value is not None and not (np.isfinite(value) and value >= 0):
                raise ParameterError(f"{label} of amplifier {self.name}", value, "finite and not negative")
        if self.gain == 0:
            raise ParameterError(f"gain of amplifier {self.name}", self.gain, "above 0 e-/ADU")

    @property
    def scans(self) -> tuple[Box, ...]:
        """Return the boxes without light: prescan, serial and parallel overscan, where present."""
        return tuple(box for box in (self.prescan, self.overscan, self.parallel) if box is not None)

    @property
    def read_out_corner(self) -> tuple[bool, bool]:
        """Whether the pixel read out first is at the right, and at the top, of `box` in the assembled image.

        The prescan is read before the data, overscans behind them; where there are none, raw frames are
        understood to begin with the pixel that was read first.
        """
        if self.corner is not None:
            return self.corner
        right, top = self._first_in_raw
        return right != self.flip_x, top != self.flip_y

    @property
    def raw_corner(self) -> tuple[bool, bool]:
        """The same corner in the raw frame."""
        right, top = self.read_out_corner
        return right != self.flip_x, top != self.flip_y

    @property
    def read_before(self) -> tuple[int, int]:
        """Columns and rows that are read before the data: a packet needs that many transfers more."""
        if self.lead is not None:
            return self.lead
        right, top = self.raw_corner
        columns = self.raw.x1 - self.data.x1 if right else self.data.x0 - self.raw.x0
        rows = self.raw.y1 - self.data.y1 if top else self.data.y0 - self.raw.y0
        return columns, rows

    @property
    def _first_in_raw(self) -> tuple[bool, bool]:
        data = self.data
        left_of = self.overscan is not None and self.overscan.x1 <= data.x0
        after = self.prescan is not None and self.prescan.x0 >= data.x1
        below = self.parallel is not None and self.parallel.y1 <= data.y0
        return left_of or after, below


def _as_tuple(amplifiers: Iterable[Amplifier]) -> tuple[Amplifier, ...]:
    return tuple(amplifiers)


def _micrometers(value: Any) -> float | None:
    if value is None:
        return None
    try:
        size = float(u.Quantity(value, u.um).value)
    except (u.UnitConversionError, TypeError) as error:
        raise ParameterError("pixel_size", value, "a length, or a number of micrometers") from error
    if not (np.isfinite(size) and size > 0):
        raise ParameterError("pixel_size", value, "above 0 micrometers")
    return size


@attrs.frozen(eq=False)
class Detector:
    """Geometry and identity of one CCD.

    Parameters
    ----------
    name : str
        Such as ``'sbig-st402'``.
    shape : tuple of int
        Rows and columns of the assembled image.
    raw_shape : tuple of int
        Rows and columns of the raw frame.
    amplifiers : tuple of Amplifier
        At least one; their boxes tile the assembled image without overlap.
    adc_bits : int
        Bits of the analog-to-digital converter.
    pixel_size : Quantity, float or None
        Micrometers.
    serial : str
        Serial number, if known.
    defaults : dict
        Values of the other parameters of this detector, by effect (dark, full_well, ...).

    Raises
    ------
    ParameterError
        If boxes overlap, leave the frame or are missing.
    """

    name: str
    shape: tuple[int, int]
    raw_shape: tuple[int, int]
    amplifiers: tuple[Amplifier, ...] = attrs.field(converter=_as_tuple)
    adc_bits: int = 16
    pixel_size: float | None = attrs.field(default=None, converter=_micrometers)
    serial: str = ""
    defaults: dict[str, Any] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        if not self.amplifiers:
            raise ParameterError("amplifiers", self.amplifiers, "at least one")
        if not 8 <= self.adc_bits <= 24:
            raise ParameterError("adc_bits", self.adc_bits, "8 to 24")
        for amplifier in self.amplifiers:
            self._check_inside(amplifier)
        for label in ("box", "raw"):
            boxes = [(a.name, getattr(a, label)) for a in self.amplifiers]
            for i, (name, box) in enumerate(boxes):
                for other, second in boxes[i + 1 :]:
                    if box.overlaps(second):
                        raise ParameterError(
                            f"{label} of amplifier {other}", second, f"no overlap with {name}"
                        )

    def _check_inside(self, amplifier: Amplifier) -> None:
        if not amplifier.box.within(self.shape):
            raise ParameterError(f"box of amplifier {amplifier.name}", amplifier.box, f"within {self.shape}")
        for box in (amplifier.raw, amplifier.data, *amplifier.scans):
            if not box.within(self.raw_shape):
                raise ParameterError(
                    f"raw box of amplifier {amplifier.name}", box, f"within {self.raw_shape}"
                )

    @classmethod
    def single(
        cls,
        shape: tuple[int, int],
        *,
        name: str = "unnamed",
        gain: float | None = None,
        read_noise: float | None = None,
        adc_bits: int = 16,
        overscan: int = 0,
        prescan: int = 0,
        parallel: int = 0,
        pixel_size: u.Quantity | float | None = None,
    ) -> Detector:
        """Build a detector with one amplifier.

        Parameters
        ----------
        shape : tuple of int
            Rows and columns of the light-sensitive area.
        name, gain, read_noise, adc_bits
            As for `Amplifier` and `Detector`.
        overscan, prescan : int
            Columns behind and before the data in the raw frame.
        parallel : int
            Overscan rows above the data in the raw frame.
        pixel_size : Quantity or float, optional
            Micrometers.

        Returns
        -------
        Detector

        Raises
        ------
        ParameterError
            If a value is impossible.
        """
        rows, columns = shape
        for label, value, least in (
            ("shape", min(rows, columns), 1),
            ("overscan", overscan, 0),
            ("prescan", prescan, 0),
            ("parallel", parallel, 0),
        ):
            if value < least:
                raise ParameterError(label, value, f"{least} or more")
        raw_shape = (rows + parallel, prescan + columns + overscan)
        amplifier = Amplifier(
            name="A",
            box=Box(0, columns, 0, rows),
            data=Box(prescan, prescan + columns, 0, rows),
            raw=Box(0, raw_shape[1], 0, raw_shape[0]),
            prescan=Box(0, prescan, 0, rows) if prescan else None,
            overscan=Box(prescan + columns, raw_shape[1], 0, rows) if overscan else None,
            parallel=Box(prescan, prescan + columns, rows, rows + parallel) if parallel else None,
            gain=gain,
            read_noise=read_noise,
        )
        return cls(
            name=name,
            shape=shape,
            raw_shape=raw_shape,
            amplifiers=(amplifier,),
            adc_bits=adc_bits,
            pixel_size=pixel_size,
        )

    @classmethod
    def preset(cls, name: str) -> Detector:
        """Return a detector that comes with the package, such as ``'sbig-st402'``.

        Parameters
        ----------
        name : str
            One of `fullwell.detector.presets.preset_names`.

        Raises
        ------
        ParameterError
            If there is no preset of that name.
        """
        from fullwell.detector.presets import load_detector  # the reader of TOML is heavy

        return load_detector(name)

    @property
    def has_scans(self) -> bool:
        """Whether raw frames hold more than the light-sensitive area, or hold it rearranged."""
        if self.raw_shape != self.shape:
            return True
        return any(a.box != a.data or a.flip_x or a.flip_y for a in self.amplifiers)

    def assemble(self, raw: npt.NDArray[Any], *, fill: float = 0) -> npt.NDArray[Any]:
        """Trim a raw frame and put its amplifiers where they belong.

        Parameters
        ----------
        raw : ndarray, shape `raw_shape`
        fill : float
            Value of pixels that belong to no amplifier.

        Returns
        -------
        ndarray, shape `shape`, same dtype

        Raises
        ------
        FrameError
            If `raw` has another shape.
        """
        self._check_shape(raw, self.raw_shape, "raw frame")
        image = np.full(self.shape, fill, dtype=raw.dtype)
        for amp in self.amplifiers:
            image[amp.box.slices] = raw[amp.data.slices][_steps(amp)]
        return image

    def disassemble(self, image: npt.NDArray[Any], *, fill: float = 0) -> npt.NDArray[Any]:
        """Return the raw layout of an assembled image; prescan and overscan get `fill`.

        The inverse of `assemble`.

        Raises
        ------
        FrameError
            If `image` has another shape than `shape`.
        """
        self._check_shape(image, self.shape, "assembled image")
        raw = np.full(self.raw_shape, fill, dtype=image.dtype)
        for amp in self.amplifiers:
            raw[amp.data.slices] = image[amp.box.slices][_steps(amp)]
        return raw

    def without_scans(self) -> Detector:
        """Return the detector of assembled frames: the same amplifiers, prescan and overscan gone."""
        if not self.has_scans:
            return self
        amplifiers = [
            attrs.evolve(
                a,
                data=a.box,
                raw=a.box,
                prescan=None,
                overscan=None,
                parallel=None,
                flip_x=False,
                flip_y=False,
                corner=a.read_out_corner,
                lead=a.read_before,
            )
            for a in self.amplifiers
        ]
        return attrs.evolve(self, raw_shape=self.shape, amplifiers=tuple(amplifiers))

    def layout_of(self, shape: tuple[int, ...]) -> str:
        """Return ``'assembled'`` or ``'raw'``, whichever has this shape.

        Raises
        ------
        FrameError
            If neither has.
        """
        if tuple(shape) == self.shape:
            return "assembled"
        if tuple(shape) == self.raw_shape:
            return "raw"
        raise FrameError(
            f"an array of {shape} is no frame of detector {self.name}: "
            f"assembled is {self.shape}, raw is {self.raw_shape}"
        )

    def spread(
        self, values: float | npt.ArrayLike, *, layout: str = "assembled", fill: float = 0.0
    ) -> np.float32 | npt.NDArray[np.float32]:
        """Spread one value an amplifier over the pixels it reads.

        Parameters
        ----------
        values : float or sequence of float
            One for all, or one for each amplifier in order.
        layout : {'assembled', 'raw'}
            Where to.
        fill : float
            Value of pixels that belong to no amplifier.

        Returns
        -------
        float32 scalar if all are the same, else ndarray of float32

        Raises
        ------
        ParameterError
            If the number of values is neither 1 nor the number of amplifiers.
        """
        array = np.atleast_1d(np.asarray(values, dtype=np.float64))
        if array.size not in (1, len(self.amplifiers)):
            raise ParameterError("values per amplifier", array.size, f"1 or {len(self.amplifiers)}")
        if np.all(array == array[0]):
            return np.float32(array[0])
        image = np.full(self.shape if layout == "assembled" else self.raw_shape, fill, dtype=np.float32)
        for amp, value in zip(self.amplifiers, array, strict=True):
            image[(amp.box if layout == "assembled" else amp.raw).slices] = value
        return image

    def _check_shape(self, array: npt.NDArray[Any], expected: tuple[int, int], what: str) -> None:
        if array.shape != tuple(expected):
            raise FrameError(
                f"{what} of {array.shape} does not fit detector {self.name}, which has {expected}"
            )


def _steps(amplifier: Amplifier) -> tuple[slice, slice]:
    return slice(None, None, -1 if amplifier.flip_y else 1), slice(None, None, -1 if amplifier.flip_x else 1)
