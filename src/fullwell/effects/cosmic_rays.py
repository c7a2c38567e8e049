"""Cosmic rays: tracks of charge when simulated, flags when corrected."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Self

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage
from fullwell.effects.interpolation import interpolated
from fullwell.errors import ChainError, NotEnoughFrames
from fullwell.flags import FLAG_DTYPE, Flags
from fullwell.frame import Frame, FrameSet, as_frame
from fullwell.noise import Noise
from fullwell.quantities import quantity, switches

__all__ = ["CosmicRays"]


_RATE = u.Unit("1 / (cm2 min)")


@attrs.frozen(eq=False)
class CosmicRays(Effect):
    """Hits by cosmic rays.

    Parameters
    ----------
    rate : Quantity or float
        Hits per cm^2 and minute; 1.5 to 5 at usual heights.
    depth : Quantity or float
        Depth of the sensitive silicon in micrometers.
    threshold : float
        Detection threshold in sigma of the Laplacian (L.A.Cosmic ``sigclip``).
    contrast : float
        Least contrast between Laplacian and fine structure (``objlim``).
    neighbors : float
        Fraction of `threshold` for neighbors of a hit (``sigfrac``).
    grow : int
        Also flag pixels up to this many rows and columns away from a hit.
    replace : bool
        Whether hits get the median of the good pixels around them; they stay flagged, and are INTERPOLATED.
    diffusion : float, optional
        Standard deviation in pixels of charge that drifts the whole depth, 0 to 20: a slanted track is so
        wide at one end and sharp at the other. None is that of the chain's `Diffusion`; without one, 0.286.
    rate_error : float
        Standard error of `rate`, where it was measured.

    Notes
    -----
    Detection is L.A.Cosmic (van Dokkum 2001, PASP 113, 1420) on the corrected frame with its own variance.
    """

    name: ClassVar[str] = "cosmic_rays"
    stage: ClassVar[Stage] = Stage.COSMIC_RAYS
    kind: ClassVar[Kind] = Kind.FLAG_ONLY
    undone_at: ClassVar[Stage | None] = Stage.LAST
    rate: float = attrs.field(default=2.0, **quantity(_RATE, least=0, most=1e6))
    depth: float = attrs.field(default=15.0, **quantity(u.um, above=0, most=1e4))
    threshold: float = attrs.field(default=5.0, **quantity(least=0))
    contrast: float = attrs.field(default=2.0, **quantity(least=0))
    neighbors: float = attrs.field(default=0.3, **quantity(least=0, most=1))
    grow: int = attrs.field(default=0, **quantity(least=0, most=1000, whole=True))
    replace: bool = attrs.field(default=False, kw_only=True, **switches())
    diffusion: float | None = attrs.field(
        default=None,
        kw_only=True,
        **quantity(u.pix, least=0, most=20, optional=True),
    )
    rate_error: float = attrs.field(default=0.0, kw_only=True)

    def simulate(self, signal: Signal, *, noise: Noise) -> None:
        """Add tracks; which pixels they hit goes to ``signal.truth['cosmic_rays']`` (bool, assembled)."""
        from fullwell.kernels.tracks import SIGMA, make_tracks

        stated = signal.spread if self.diffusion is None else self.diffusion
        stream = noise.stream(self.name)
        image, mask, count = make_tracks(
            signal.image.shape,
            uniform=lambda n, draw: stream.uniform(n, draw=draw),
            rate=self.rate,
            exposure_time=signal.dark_time,
            pixel_size_um=signal.detector.pixel_size or 15.0,
            depth_um=self.depth,
            sigma=SIGMA if stated is None else stated,
        )
        signal.image = signal.image + image
        signal.truth["cosmic_rays"] = mask
        signal.truth["cosmic_ray_count"] = count

    def correct(self, frame: Frame, *, chain: Chain | None = None) -> Frame:  # noqa: ARG002
        """Flag hits as COSMIC_RAY; values stay unless `replace` is set.

        Raises
        ------
        ChainError
            If the frame has no variance.
        """
        found = np.where(self._hits(frame), FLAG_DTYPE.type(Flags.COSMIC_RAY), FLAG_DTYPE.type(0))
        header = frame.header.copy()
        header["NCOSMIC"] = (int((found != 0).sum()), "pixels flagged as cosmic rays")
        flagged = frame.with_(flags=frame.flags | found, header=header)
        return interpolated(flagged, planes=Flags.COSMIC_RAY) if self.replace else flagged

    @classmethod
    def measure(cls, frames: FrameSet | Iterable[Any], *, known: Chain | None = None, **search: Any) -> Self:
        """Count the hits in darks.

        Parameters
        ----------
        frames : FrameSet or iterable of Frame
            Darks, with a detector that states the size of its pixels.
        known : SignalChain, optional
            Takes out bias and dark, and gives the variance.
        **search
            `threshold`, `contrast` and the like.

        Returns
        -------
        CosmicRays
            With the rate per cm^2 and minute and its Poisson error. Pixels that touch are one hit; hits too
            weak for the threshold are not counted.

        Raises
        ------
        NotEnoughFrames
            If there is no frame.
        ChainError
            If a frame has no variance, no dark time, or pixels of unknown size.
        """
        from scipy.ndimage import label

        seeker, count, exposed = cls(**search), 0, 0.0
        for source in frames:
            frame = as_frame(source) if known is None else known.correct(as_frame(source))
            size = None if frame.detector is None else frame.detector.pixel_size
            if not frame.dark_time or size is None:
                raise ChainError("a rate of hits needs the dark time and the size of the pixels")
            count += int(label(seeker._hits(frame), np.ones((3, 3)))[1])
            exposed += frame.dark_time / 60 * (~frame.mask).sum() * (size * 1e-4) ** 2
        if not exposed:
            raise NotEnoughFrames("cosmic rays are counted in darks, and there is none")
        return attrs.evolve(seeker, rate=count / exposed, rate_error=float(np.sqrt(max(count, 1))) / exposed)

    def _hits(self, frame: Frame) -> npt.NDArray[np.bool_]:
        from fullwell.kernels.lacosmic import find_cosmic_rays

        settled = frame.settled()
        if settled.variance is None:
            raise ChainError("finding cosmic rays needs the variance of the frame")
        return find_cosmic_rays(
            frame.data,
            np.maximum(settled.variance, 1e-3),  # without read noise, empty pixels may have none
            frame.mask,
            threshold=self.threshold,
            neighbors=self.neighbors,
            contrast=self.contrast,
            grow=self.grow,
        )
