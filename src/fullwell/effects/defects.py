"""Pixels that cannot be trusted whatever is done to them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Self

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.detector import Detector
from fullwell.detector.read_order import in_read_order
from fullwell.effects.affine import Affine
from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage
from fullwell.effects.converters import checked_image, matrix_of
from fullwell.effects.dark import Dark
from fullwell.effects.defects_find import DefectRules, find_defects
from fullwell.effects.flat import Flat
from fullwell.effects.interpolation import interpolated
from fullwell.errors import ChainError, ParameterError
from fullwell.flags import FLAG_DTYPE, FlagImage, Flags
from fullwell.frame import Frame, FrameSet
from fullwell.noise import FIXED_PATTERN, Noise
from fullwell.quantities import number, pair, quantity, switches

__all__ = ["Defects"]

#: Planes that interpolation on request replaces.
REPLACED = Flags.HOT | Flags.DEAD | Flags.BAD


def _traps(value: Any) -> npt.NDArray[np.float64]:
    array = matrix_of("traps", value)
    array = np.zeros((0, 3)) if not array.size and array.ndim else array
    if array.ndim != 2 or array.shape[1] != 3 or not (np.isfinite(array) & (array >= 0)).all():
        raise ParameterError("traps", array.shape, "row, column and electrons of each, 0 or more")
    return array


def _throughput(value: Any) -> npt.NDArray[np.float32]:
    array = checked_image("throughput", value, least=0.0)
    if array.max() > 1:
        raise ParameterError("throughput", float(array.max()), "a two-dimensional image of 0 to 1")
    return array


@attrs.frozen(eq=False)
class Defects(Effect):
    """Map of bad pixels, and what is wrong with them.

    Parameters
    ----------
    flags : ndarray of uint16, shape (rows, columns)
        Planes HOT, DEAD, BAD.
    throughput : ndarray or None, shape (rows, columns)
        Part of its charge that a pixel of low quantum efficiency keeps, 0 to 1. DEAD pixels keep nothing.
    traps : array of float, shape (n, 3)
        Row, column and electrons of flaws that swallow so much of every packet that passes on its way to the
        register, or that begins there: the column is dark from the trap on.
    interpolate : bool
        Whether `correct` replaces the pixels by the median of the good ones around them, when everything else
        is done. They keep their flags and get INTERPOLATED.
    size : int
        Side of the square around a pixel that is looked at, an odd number.

    Raises
    ------
    ParameterError
        If shapes differ or a value is impossible.
    """

    name: ClassVar[str] = "defects"
    stage: ClassVar[Stage] = Stage.DEFECTS
    kind: ClassVar[Kind] = Kind.FLAG_ONLY
    flags: FlagImage = attrs.field()
    throughput: npt.NDArray[np.float32] | None = attrs.field(
        default=None, kw_only=True, converter=attrs.converters.optional(_throughput)
    )
    traps: npt.NDArray[np.float64] = attrs.field(
        factory=lambda: np.zeros((0, 3)), kw_only=True, converter=_traps
    )
    interpolate: bool = attrs.field(default=False, kw_only=True, **switches())
    size: int = attrs.field(default=5, kw_only=True, **quantity(least=3, most=1001, whole=True))

    def __attrs_post_init__(self) -> None:
        value = self.flags
        if (
            not isinstance(value, np.ndarray)
            or value.dtype != FLAG_DTYPE
            or value.ndim != 2
            or not value.size
        ):
            seen = (getattr(value, "dtype", type(value).__name__), np.shape(value))
            raise ParameterError("flags", seen, f"a two-dimensional image of {FLAG_DTYPE}")
        if self.throughput is not None and self.throughput.shape != value.shape:
            raise ParameterError("throughput", self.throughput.shape, f"{value.shape}, as flags")
        if (self.traps[:, :2] >= value.shape).any():
            raise ParameterError(
                "traps", self.traps[:, :2].max(axis=0), f"rows and columns within {value.shape}"
            )
        if self.size % 2 == 0:
            raise ParameterError("size", self.size, "an odd number of 3 pixels or more")

    @property
    def counts(self) -> dict[str, int]:
        """Number of pixels in each plane that is used."""
        found = {p.name: int((self.flags & FLAG_DTYPE.type(p) != 0).sum()) for p in Flags if p.name}
        return {name: count for name, count in found.items() if count}

    @property
    def clusters(self) -> tuple[int, ...]:
        """Sizes of the groups of two or more touching pixels, largest first; without BAD columns."""
        from scipy.ndimage import label

        single = (self.flags != 0) & (self.flags & FLAG_DTYPE.type(Flags.BAD) == 0)
        groups, number = label(single, structure=np.ones((3, 3)))
        sizes = np.bincount(groups.ravel(), minlength=number + 1)[1:]
        return tuple(sorted((int(size) for size in sizes if size > 1), reverse=True))

    @classmethod
    def random(
        cls,
        detector: Detector,
        *,
        seed: int,
        dead: float = 0.0,
        low: float = 0.0,
        low_throughput: tuple[float, float] = (0.3, 0.8),
        clusters: int = 0,
        cluster_radius: float = 2.5,
        columns: int = 0,
        traps: int = 0,
        trap_depth: tuple[float, float] = (100.0, 1000.0),
    ) -> Self:
        """Scatter defects over a detector.

        Parameters
        ----------
        detector : Detector
        seed : int
        dead, low : float
            Parts of the pixels that are dead, and that are weak.
        low_throughput : tuple of float
            Lowest and highest of those.
        clusters, columns, traps : int
            Number of round groups of dead pixels, of dead columns, of traps.
        cluster_radius : float
            Pixels.
        trap_depth : tuple of float
            Lowest and highest depth, e-.

        Raises
        ------
        ParameterError
            If a value is impossible.
        """
        dead, low = (number(v, n, least=0, most=1) for n, v in (("dead", dead), ("low", low)))
        clusters, columns, traps = (
            number(value, name, least=0, most=1_000_000, whole=True)
            for name, value in (("clusters", clusters), ("columns", columns), ("traps", traps))
        )
        low_throughput = pair(low_throughput, "low_throughput", least=0, most=1)
        cluster_radius = number(cluster_radius, "cluster_radius", u.pix, least=0, most=1e5)
        trap_depth = pair(trap_depth, "trap_depth", u.electron, least=0)
        shape = rows, width = detector.shape
        stream = Noise(seed, FIXED_PATTERN).stream(cls.name)
        bad = stream.uniform(shape) < dead
        y, x = np.arange(rows)[:, None], np.arange(width)
        for row, column in stream.uniform((clusters, 2), draw=1) * shape if clusters else ():
            bad |= np.hypot(y - int(row), x - int(column)) <= cluster_radius
        bad[:, np.argsort(stream.uniform(width, draw=2), kind="stable")[:columns]] = True
        weak = (stream.uniform(shape, draw=3) < low) & ~bad
        kept = np.interp(stream.uniform(shape, draw=4), (0, 1), low_throughput)
        places = np.floor(stream.uniform((traps, 2), draw=5) * shape) if traps else np.zeros((0, 2))
        depths = np.interp(stream.uniform(traps, draw=6), (0, 1), trap_depth) if traps else np.zeros(0)
        return cls(
            np.where(bad, FLAG_DTYPE.type(Flags.DEAD), FLAG_DTYPE.type(0)),
            throughput=np.where(weak, kept, 1.0),
            traps=np.column_stack([places, depths]),
        )

    def simulate(self, signal: Signal, *, noise: Noise) -> None:
        """Dead pixels collect nothing, weak ones less, and traps darken their columns.

        Of counted charge a weak pixel keeps a binomial part, so that what is left is a Poisson number again.

        Raises
        ------
        ChainError
            If shapes differ.
        """
        self._fits(signal.image.shape)
        image = np.where(self.flags & FLAG_DTYPE.type(Flags.DEAD) != 0, np.float32(0), signal.image)
        if self.throughput is not None:
            weak = np.nonzero(self.throughput < 1)
            charge, kept = image[weak], self.throughput[weak]
            spread = np.sqrt(np.maximum(charge, 0) * kept * (1 - kept))
            scatter = noise.stream(self.name).normal(charge.shape) * spread
            image[weak] = np.maximum(charge * kept + scatter, 0)
        if len(self.traps):
            depth = np.zeros(image.shape)
            np.add.at(depth, tuple(self.traps[:, :2].astype(np.intp).T), self.traps[:, 2])
            held = in_read_order(depth, signal.detector, layout="assembled")
            for part, trap in zip(
                in_read_order(image, signal.detector, layout="assembled"), held, strict=True
            ):
                lost = np.cumsum(trap, axis=0)
                part[:] = np.where(lost > 0, np.maximum(part - lost, 0), part)
        signal.image = image

    @classmethod
    def measure(cls, frames: FrameSet | Iterable[Any], *, known: Chain | None = None) -> Self:  # noqa: ARG003
        """Refuse: use `from_products` or `by_thresholds`.

        Raises
        ------
        ChainError
            Always; defects show in darks and flats, not in frames of their own.
        """
        raise ChainError(
            "defects are found in a measured dark and flats: Defects.from_products(dark, *flats)"
        )

    @classmethod
    def from_products(cls, *products: Dark | Flat, column_fraction: float = 0.5) -> Self:
        """Unite the HOT and DEAD pixels of darks and flats, and the columns that are full of them.

        Parameters
        ----------
        *products : Dark or Flat
            At least one that has flags; all of one shape.
        column_fraction : float
            A column with more than this share of such pixels is BAD as a whole.

        Raises
        ------
        ParameterError
            If no product has flags, or shapes differ.
        """
        planes = [product.flags for product in products if product.flags is not None]
        if not planes:
            raise ParameterError("products", len(products), "at least one measured dark or flat")
        shapes = {plane.shape for plane in planes}
        if len(shapes) > 1:
            raise ParameterError("products", sorted(shapes), "products of one shape")
        wanted = FLAG_DTYPE.type(Flags.HOT | Flags.DEAD | Flags.BAD)
        flags = np.zeros(planes[0].shape, FLAG_DTYPE)
        for plane in planes:
            flags |= plane & wanted
        flags[:, _bad_columns(flags, column_fraction)] |= FLAG_DTYPE.type(Flags.BAD)
        return cls(flags)

    @classmethod
    def by_thresholds(
        cls,
        *,
        dark: Dark | None = None,
        flat: Flat | None = None,
        detector: Detector | None = None,
        gain: Any = 1.0,
        rules: DefectRules | None = None,
    ) -> Self:
        """Judge dark current and response by fixed thresholds, and find bad columns, partial ones too.

        Parameters
        ----------
        dark : Dark, optional
            With an image of rates.
        flat : Flat, optional
            A faint one shows traps: the column behind a trap is dark.
        detector : Detector, optional
            In which order columns are read; one amplifier if not given.
        gain : float or ndarray
            e-/ADU, for a dark in ADU.
        rules : DefectRules, optional
            Thresholds; those of LSST if not given.

        Raises
        ------
        ParameterError
            If there is neither dark nor flat, or their shapes differ.
        """
        rate = None if dark is None else np.asarray(dark.rate) * (1.0 if dark.unit == u.electron else gain)
        response = None if flat is None else np.asarray(flat.response)
        images = [image for image in (rate, response) if image is not None]
        if not images or any(image.ndim != 2 for image in images):
            raise ParameterError(
                "dark and flat", [i.shape for i in images], "a rate or a response image at least"
            )
        chosen = Detector.single(images[0].shape) if detector is None else detector.without_scans()
        if any(image.shape != chosen.shape for image in images):
            raise ParameterError(
                "dark and flat", [i.shape for i in images], f"{chosen.shape}, as the detector"
            )
        return cls(find_defects(rate, response, chosen, DefectRules() if rules is None else rules))

    def affine(self, frame: Frame, *, unit: u.UnitBase, chain: Chain | None = None) -> Affine:  # noqa: ARG002
        """Flag the pixels; values stay.

        Raises
        ------
        ChainError
            If shapes differ.
        """
        self._fits(frame.shape)
        return Affine(flags=self.flags)

    def correct(self, frame: Frame, *, chain: Chain | None = None) -> Frame:
        """Flag the pixels and, where that is asked for, replace them."""
        return self.finish(self.affine(frame, unit=frame.unit, chain=chain).apply(frame))

    def finish(self, frame: Frame) -> Frame:
        """Replace the pixels that this map flags, where that is asked for."""
        if not self.interpolate:
            return frame
        return interpolated(frame, planes=REPLACED, size=self.size)

    def _fits(self, shape: tuple[int, ...]) -> None:
        if self.flags.shape != shape:
            raise ChainError(f"the defect map has shape {self.flags.shape}, the frame {shape}")


def _bad_columns(flags: FlagImage, fraction: float) -> npt.NDArray[np.bool_]:
    return np.asarray((flags != 0).mean(axis=0) > fraction)
