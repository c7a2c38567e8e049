"""Photons and dark electrons come one by one."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from astropy import units as u

from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage
from fullwell.errors import ChainError
from fullwell.frame import Frame
from fullwell.kernels.combine import FLOOR
from fullwell.noise import Noise

__all__ = ["ShotNoise"]


@attrs.frozen(eq=False)
class ShotNoise(Effect):
    """Poisson noise of the photo-electrons.

    Backward it is the one place where the Poisson term enters the variance: from electrons with the bias
    taken out but the dark current still in, since dark electrons are Poisson too. The term is not clipped
    at zero, which would make the variance of faint pixels too large on average; only the sum with the
    variance that is there without signal is kept above a tenth of the latter.
    """

    name: ClassVar[str] = "shot_noise"
    stage: ClassVar[Stage] = Stage.SHOT_NOISE
    kind: ClassVar[Kind] = Kind.NOISE_ONLY
    undone_at: ClassVar[Stage | None] = Stage.DEFECTS

    def simulate(self, signal: Signal, *, noise: Noise) -> None:
        """Replace expected by counted photo-electrons."""
        signal.image = noise.stream(self.name).poisson(signal.image)

    def correct(self, frame: Frame, *, chain: Chain | None = None) -> Frame:  # noqa: ARG002
        """Add the Poisson term to the variance; data stay as they are.

        Raises
        ------
        ChainError
            If the frame is not in electrons.
        """
        if frame.unit != u.electron:
            raise ChainError(f"shot noise is counted in electrons, the frame is in {frame.unit}; add a Gain")
        quiet = np.zeros(frame.shape, np.float32) if frame.variance is None else frame.variance
        total = quiet + frame.data
        floor = FLOOR * quiet
        floored = int((total < floor).sum())
        header = frame.header
        if floored:
            header = header.copy()
            header["NVARFLR"] = (floored, "pixels whose variance was floored")
        return frame.with_(variance=np.maximum(total, floor), header=header)
