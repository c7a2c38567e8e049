"""Photons and dark electrons come one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs
from astropy import units as u

from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage
from fullwell.effects.pointwise import PoissonTerm
from fullwell.errors import ChainError
from fullwell.frame import Frame
from fullwell.kernels.simulate import Op, Step
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

    def steps(self, signal: Signal, *, noise: Noise) -> Sequence[Step]:
        """Replace expected by counted photo-electrons, unless an effect before has counted them."""
        if signal.counted:
            return []
        return [Step(Op.COUNT, stream=noise.stream(self.name).key())]

    def affine(
        self,
        frame: Frame,  # noqa: ARG002
        *,
        unit: u.UnitBase,
        chain: Chain | None = None,  # noqa: ARG002
    ) -> PoissonTerm:
        """Add the Poisson term to the variance; data stay as they are.

        Raises
        ------
        ChainError
            If the frame is not in electrons.
        """
        if unit != u.electron:
            raise ChainError(f"shot noise is counted in electrons, the frame is in {unit}; add a Gain")
        return PoissonTerm()
