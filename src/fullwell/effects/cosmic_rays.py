"""Cosmic rays: tracks of charge when simulated, flags when corrected."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np
from astropy import units as u

from fullwell.effects.base import Chain, Effect, Signal, Stage, in_unit
from fullwell.errors import ChainError, ParameterError
from fullwell.flags import FLAG_DTYPE, Flags
from fullwell.frame import Frame
from fullwell.noise import Noise

__all__ = ["CosmicRays"]


def _rate(value: Any) -> float:
    return float(in_unit(value, u.Unit("1 / (cm2 min)")))


def _micrometers(value: Any) -> float:
    return float(in_unit(value, u.um))


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

    Notes
    -----
    Detection is L.A.Cosmic (van Dokkum 2001, PASP 113, 1420), run by the optional package astroscrappy on the
    corrected frame with its own variance.
    """

    name: ClassVar[str] = "cosmic_rays"
    stage: ClassVar[Stage] = Stage.COSMIC_RAYS
    undone_at: ClassVar[Stage | None] = Stage.LAST
    rate: float = attrs.field(default=2.0, converter=_rate)
    depth: float = attrs.field(default=15.0, converter=_micrometers)
    threshold: float = 5.0
    contrast: float = 5.0
    neighbors: float = 0.3

    def __attrs_post_init__(self) -> None:
        for name in ("rate", "depth", "threshold", "contrast", "neighbors"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value >= 0):
                raise ParameterError(name, value, "finite and 0 or more")

    def simulate(self, signal: Signal, *, noise: Noise) -> None:
        """Add tracks; which pixels they hit goes to ``signal.truth['cosmic_rays']`` (bool, assembled)."""
        from fullwell.kernels.tracks import make_tracks

        stream = noise.stream(self.name)
        image, mask, count = make_tracks(
            signal.image.shape,
            uniform=lambda n, draw: stream.uniform(n, draw=draw),
            rate=self.rate,
            exposure_time=signal.dark_time,
            pixel_size_um=signal.detector.pixel_size or 15.0,
            depth_um=self.depth,
        )
        signal.image = signal.image + image
        signal.truth["cosmic_rays"] = mask
        signal.truth["cosmic_ray_count"] = count

    def correct(self, frame: Frame, *, chain: Chain | None = None) -> Frame:  # noqa: ARG002
        """Flag hits as COSMIC_RAY; values stay.

        Raises
        ------
        ChainError
            If astroscrappy is not installed or the frame has no variance.
        """
        try:
            from astroscrappy import detect_cosmics
        except ImportError as error:
            raise ChainError(
                "finding cosmic rays needs astroscrappy: pip install 'fullwell[cosmic]'"
            ) from error
        settled = frame.settled()
        if settled.variance is None:
            raise ChainError("finding cosmic rays needs the variance of the frame")
        masked = frame.mask
        data = np.where(np.isfinite(frame.data), frame.data, 0.0).astype(np.float32)
        # Hot pixels that were subtracted but are masked must not look like hits to their neighbors.
        hits, _ = detect_cosmics(
            data,
            inmask=masked,
            invar=np.maximum(settled.variance, 1e-3).astype(np.float32),
            sigclip=self.threshold,
            sigfrac=self.neighbors,
            objlim=self.contrast,
            satlevel=np.inf,
            niter=4,
            cleantype="medmask",
            gain=1.0,
            readnoise=0.0,
        )
        found = np.where(hits & ~masked, FLAG_DTYPE.type(Flags.COSMIC_RAY), FLAG_DTYPE.type(0))
        header = frame.header.copy()
        header["NCOSMIC"] = (int((found != 0).sum()), "pixels flagged as cosmic rays")
        return frame.with_(flags=frame.flags | found, header=header)
