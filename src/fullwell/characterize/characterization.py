"""All that was found out about one detector."""

from __future__ import annotations

from functools import cached_property

import attrs

from fullwell.chain import SignalChain
from fullwell.effects import (
    Bias,
    ChargeTransfer,
    Crosstalk,
    Dark,
    Effect,
    Flat,
    FullWell,
    Gain,
    NonLinearity,
    ReadNoise,
)
from fullwell.effects.brighter_fatter import BrighterFatter
from fullwell.photon_transfer import PhotonTransfer

__all__ = ["Characterization"]


@attrs.frozen(eq=False)
class Characterization:
    """Effects of one detector, as measured, amplifier by amplifier.

    Parameters
    ----------
    known : SignalChain
        What was known before and taken out first: overscan, converter.
    gain : Gain
        e-/ADU at low signal.
    read_noise : ReadNoise
        Electrons; rounding is in it.
    bias : Bias
    dark : Dark or None
        In ADU; None, as all the others, where the frames for it were not given.
    photon_transfer : PhotonTransfer
        Of frames without crosstalk, straightened, and with late charge put back.
    linearity : NonLinearity
        In electrons, with slope 1 at low signal.
    full_well : FullWell or None
        Both turnoffs in electrons, raw levels to flag in ADU; None where the ramp does not reach them.
    brighter_fatter : BrighterFatter
        Mean over the amplifiers.
    crosstalk : Crosstalk or None
    cti : ChargeTransfer or None
    flat : Flat or None
    """

    known: SignalChain
    gain: Gain
    read_noise: ReadNoise
    bias: Bias
    dark: Dark | None
    photon_transfer: PhotonTransfer
    linearity: NonLinearity
    full_well: FullWell | None
    brighter_fatter: BrighterFatter
    crosstalk: Crosstalk | None
    cti: ChargeTransfer | None
    flat: Flat | None

    @property
    def effects(self) -> tuple[Effect, ...]:
        """Everything that was measured."""
        found: tuple[Effect | None, ...] = (
            self.gain,
            self.read_noise,
            self.bias,
            self.dark,
            self.linearity,
            self.full_well,
            self.brighter_fatter,
            self.crosstalk,
            self.cti,
            self.flat,
        )
        return tuple(effect for effect in found if effect is not None)

    @cached_property
    def chain(self) -> SignalChain:
        """The chain to correct science frames with: what was known, and what was measured."""
        return self.known.with_(*self.effects)
