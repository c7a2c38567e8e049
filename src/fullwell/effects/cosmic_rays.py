"""Cosmic rays: tracks of charge when simulated, flags when corrected."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np
from astropy import units as u

from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage, in_unit
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
    grow : int
        Also flag pixels up to this many rows and columns away from a hit.

    Notes
    -----
    Detection is L.A.Cosmic (van Dokkum 2001, PASP 113, 1420) on the corrected frame with its own variance.
    """

    name: ClassVar[str] = "cosmic_rays"
    stage: ClassVar[Stage] = Stage.COSMIC_RAYS
    kind: ClassVar[Kind] = Kind.FLAG_ONLY
    undone_at: ClassVar[Stage | None] = Stage.LAST
    rate: float = attrs.field(default=2.0, converter=_rate)
    depth: float = attrs.field(default=15.0, converter=_micrometers)
    threshold: float = 5.0
    contrast: float = 4.0
    neighbors: float = 0.3
    grow: int = attrs.field(default=0, validator=attrs.validators.instance_of(int))

    def __attrs_post_init__(self) -> None:
        for name in ("rate", "depth", "threshold", "contrast", "neighbors", "grow"):
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
            If the frame has no variance.
        """
        from fullwell.kernels.lacosmic import find_cosmic_rays

        settled = frame.settled()
        if settled.variance is None:
            raise ChainError("finding cosmic rays needs the variance of the frame")
        hits = find_cosmic_rays(
            frame.data,
            np.maximum(settled.variance, 1e-3),  # without read noise, empty pixels may have none
            frame.mask,
            threshold=self.threshold,
            neighbors=self.neighbors,
            contrast=self.contrast,
            grow=self.grow,
        )
        found = np.where(hits, FLAG_DTYPE.type(Flags.COSMIC_RAY), FLAG_DTYPE.type(0))
        header = frame.header.copy()
        header["NCOSMIC"] = (int((found != 0).sum()), "pixels flagged as cosmic rays")
        return frame.with_(flags=frame.flags | found, header=header)
