"""All that was found out about one detector."""

from __future__ import annotations

from typing import TypeVar

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
from fullwell.errors import ChainError
from fullwell.photon_transfer import PhotonTransfer

__all__ = ["Characterization"]

E = TypeVar("E", bound=Effect)


@attrs.frozen(eq=False)
class Characterization:
    """What was measured of one detector, amplifier by amplifier; None where the frames for it were not given.

    Parameters
    ----------
    chain : SignalChain
        What was known before and all that was measured: corrects science frames.
    photon_transfer : PhotonTransfer
        Of frames without crosstalk, straightened, and with late charge put back.
    """

    chain: SignalChain
    photon_transfer: PhotonTransfer

    @property
    def gain(self) -> Gain:
        """e-/ADU at low signal."""
        return self._there(Gain)

    @property
    def read_noise(self) -> ReadNoise:
        """Electrons; noise of rows and of rounding are in it."""
        return self._there(ReadNoise)

    @property
    def bias(self) -> Bias:
        """Structure in ADU."""
        return self._there(Bias)

    @property
    def dark(self) -> Dark | None:
        """In ADU; hot pixels are flagged."""
        return self._effect(Dark)

    @property
    def linearity(self) -> NonLinearity:
        """In electrons, with slope 1 at low signal."""
        return self._there(NonLinearity)

    @property
    def full_well(self) -> FullWell | None:
        """Both turnoffs in electrons, raw levels to flag in ADU; None where the ramp does not reach them."""
        return self._effect(FullWell)

    @property
    def brighter_fatter(self) -> BrighterFatter:
        """Coefficients, the mean over the amplifiers."""
        return self._there(BrighterFatter)

    @property
    def crosstalk(self) -> Crosstalk | None:
        """Between the amplifiers, as parts of signals in electrons."""
        return self._effect(Crosstalk)

    @property
    def cti(self) -> ChargeTransfer | None:
        """Late charge, serial and parallel, and the local offset."""
        return self._effect(ChargeTransfer)

    @property
    def flat(self) -> Flat | None:
        """Response to the light of the stack."""
        return self._effect(Flat)

    def _effect(self, kind: type[E]) -> E | None:
        found = self.chain.get(kind.name)
        return found if isinstance(found, kind) else None

    def _there(self, kind: type[E]) -> E:
        found = self._effect(kind)
        if found is None:
            raise ChainError(f"the chain of this characterization has no {kind.name}; measure it again")
        return found
