"""What a pixel can hold: blooming onset, full well, and where the rest goes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar, Self

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.detector import Detector
from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage
from fullwell.effects.full_well_columns import Segment, segments_of
from fullwell.effects.full_well_flags import flag_full
from fullwell.effects.ramp import Ramp, ramp_of
from fullwell.effects.turnoff import Turnoff, linearity_turnoff
from fullwell.errors import ChainError, FrameError, ParameterError
from fullwell.flags import FlagImage
from fullwell.frame import Frame, FrameSet
from fullwell.noise import Noise
from fullwell.photon_transfer import find_turnoff
from fullwell.quantities import numbers, quantity, several, switches

__all__ = ["FullWell"]

_MOST_SHARING = 0.25  # with more, a pixel could give away more than it has above the onset


Levels = tuple[float, ...]


def _capacities(value: Any) -> Any:
    return several(value, "capacity", u.electron, above=0)


def _onsets(value: Any) -> Any:
    return several(value, "onset", u.electron, above=0, optional=True)


def _ramp(value: Any) -> Any:
    return several(value, "ramp", u.electron, above=0, optional=True)


def _saturation(value: Any) -> Any:
    return several(value, "saturation", u.adu, above=0, optional=True)


def _suspect(value: Any) -> Any:
    return several(value, "suspect", u.adu, above=0, optional=True)


@attrs.frozen(eq=False)
class FullWell(Effect):
    """Two levels: from the onset on neighbors share charge along the column, at full well it runs over.

    Between the two the mean of a flat stays linear while its variance falls; above the second the mean bends
    too. What a pixel cannot hold runs along its column both ways, half and half, and fills what it passes to
    the full well. At a register it is lost, at the other end of the column, and at a midline stop, it turns
    round.

    Parameters
    ----------
    capacity : Quantity, float or sequence
        Full well in electrons, for all amplifiers or one for each.
    onset : Quantity, float, sequence or None
        Blooming onset in electrons; None where there is none below full well.
    sharing : float
        Greatest part of a difference that flows between two neighbors, 0 to 0.25.
    ramp : Quantity, float, sequence or None
        Charge above the onset at which the sharing is greatest, in electrons: it grows with the charge. None
        is half the onset, with which the variance turns at the onset and falls to full well.
    midline_stop : bool
        Whether an implant keeps charge from one half of the column from the other (Teledyne e2v).
    anti_blooming : float
        Part of the excess that goes down a drain in its own pixel, 0 to 1.
    saturation, suspect : Quantity, float, sequence or None
        Levels of *raw* values in ADU, bias included, one for all amplifiers or one each: what is SATURATED
        and what is SUSPECT; `in_adu` makes them. Without `saturation` nothing is flagged.
    trail : int
        A saturated run along a column of so many pixels is BLEED as well: by then most of it is not light
        that fell there. So is the pixel before and behind each run.
    unit : astropy unit
        Of `capacity`, `onset` and `ramp`; ADU only for what was measured without a gain.
    capacity_error, onset_error : tuple of float
        Standard errors, where it was measured.
    statistics : dict
        What happened when it was measured.

    Raises
    ------
    ParameterError
        If a level is not positive, the onset lies above the full well, or a fraction is out of range.
    """

    name: ClassVar[str] = "full_well"
    stage: ClassVar[Stage] = Stage.FULL_WELL
    kind: ClassVar[Kind] = Kind.FLAG_ONLY
    capacity: Levels = attrs.field(converter=_capacities)
    onset: Levels | None = attrs.field(default=None, converter=_onsets)
    sharing: float = attrs.field(default=_MOST_SHARING, **quantity(least=0, most=_MOST_SHARING))
    ramp: Levels | None = attrs.field(default=None, converter=_ramp)
    midline_stop: bool = attrs.field(default=False, **switches())
    anti_blooming: float = attrs.field(default=0.0, **quantity(least=0, most=1))
    saturation: Levels | None = attrs.field(default=None, converter=_saturation)
    suspect: Levels | None = attrs.field(default=None, converter=_suspect)
    trail: int = attrs.field(default=5, **quantity(least=1, most=1_000_000, whole=True))
    unit: u.UnitBase = u.electron
    capacity_error: Levels = ()
    onset_error: Levels = ()
    statistics: dict[str, Any] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        for low, high in (("onset", "capacity"), ("suspect", "saturation")):
            self._check_order(low, high)

    def _check_order(self, low: str, high: str) -> None:
        first, second = getattr(self, low), getattr(self, high)
        if first is None or second is None:
            return
        if len(first) != len(second) and 1 not in (len(first), len(second)):
            raise ParameterError(low, len(first), f"as many values as {high}, {len(second)}, or one")
        for value, limit in zip(*np.broadcast_arrays(first, second), strict=True):
            if value > limit:
                raise ParameterError(low, float(value), f"at most the {high}, {limit:g}")

    @classmethod
    def of(cls, detector: Detector, **changes: Any) -> Self:
        """Return the full well that the defaults of a detector state.

        Parameters
        ----------
        detector : Detector
            With ``defaults["full_well"]``.
        **changes
            Other parameters.

        Raises
        ------
        ParameterError
            If the detector does not state one.
        """
        known = detector.defaults.get("full_well")
        if known is None:
            raise ParameterError("detector", detector.name, "one whose defaults hold a full_well")
        stated = {"capacity": known["capacity"], "onset": known.get("ptc_turnoff")}
        stated["midline_stop"] = known.get("midline_stop", False)
        return cls(**(stated | changes))

    def in_adu(self, *, gain: Any, bias: Any, margin: float = 0.01) -> Self:
        """Return the same with the levels of raw values that belong to onset and full well.

        Parameters
        ----------
        gain : float, Quantity or sequence
            e-/ADU, for all amplifiers or one each.
        bias : float, Quantity or sequence
            Level in ADU.
        margin : float
            What lies this fraction below full well counts as full: read noise scatters a plateau, and
            non-linearity and transfer take their part.

        Raises
        ------
        ParameterError
            If the gain is not positive or `margin` is not a fraction.
        """
        if not 0 <= margin < 1:
            raise ParameterError("margin", margin, "0 to below 1")
        in_electrons = self.unit == u.electron
        scale = numbers(gain, "gain", u.electron / u.adu, above=0) if in_electrons else np.ones(1)
        level = numbers(bias, "bias", u.adu, least=0)
        full = level + (1 - margin) * np.asarray(self.capacity) / scale
        near = None if self.onset is None else np.minimum(level + np.asarray(self.onset) / scale, full)
        return attrs.evolve(
            self, saturation=tuple(full.tolist()), suspect=None if near is None else tuple(near.tolist())
        )

    def simulate(self, signal: Signal, *, noise: Noise) -> None:  # noqa: ARG002
        """Share and spill charge; the truth holds what was lost, and which pixels were full or reached.

        Raises
        ------
        ChainError
            If the full well is known in ADU only, or the image is in the raw layout.
        """
        if self.unit != u.electron:
            raise ChainError("a full well in ADU cannot be simulated; measure it in electrons, with a gain")
        if signal.raw and signal.detector.has_scans:
            raise ChainError("charge is shared and spilled before it is read out, not in the raw layout")
        image = np.array(signal.image, np.float32)
        full, reached = np.zeros(image.shape, bool), np.zeros(image.shape, bool)
        lost = drained = 0.0
        for segment in self._segments(signal.detector):
            from fullwell.kernels.bleeding import bleed

            done = bleed(
                image[segment.slices],
                capacity=segment.capacity,
                onset=segment.onset,
                ramp=segment.ramp,
                largest=0.0 if self.onset is None else self.sharing,
                drain=self.anti_blooming,
                open_low=segment.open_low,
                open_high=segment.open_high,
            )
            full[segment.slices], reached[segment.slices] = done.full, done.reached
            lost, drained = lost + done.lost, drained + done.drained
        signal.image = image
        signal.truth[self.name] = {
            "lost": lost,
            "drained": drained,
            "saturated": np.flatnonzero(full).astype(np.int32),
            "bleed": np.flatnonzero(reached).astype(np.int32),
        }

    def _segments(self, detector: Detector) -> Iterator[Segment]:
        count = len(detector.amplifiers)
        capacity = _each("capacity", self.capacity, count)
        onset = capacity if self.onset is None else _each("onset", self.onset, count)
        ramp = 0.5 * onset if self.ramp is None else _each("ramp", self.ramp, count)
        return segments_of(
            detector, capacity=capacity, onset=onset, ramp=ramp, midline_stop=self.midline_stop
        )

    @classmethod
    def measure(
        cls,
        frames: FrameSet | Iterable[Any],
        *,
        known: Chain | None = None,
        light: Sequence[float] | None = None,
        tolerance: float = 0.02,
        midline_stop: bool = False,
    ) -> Self:
        """Find both levels in a ramp of pairs of flats.

        Parameters
        ----------
        frames : FrameSet or iterable of Frame, CCDData or array
            Raw flats from faint to beyond full well; neighbors of one light are pairs.
        known : SignalChain, optional
            Effects to take out first: overscan, bias, gain, non-linearity. With a gain the levels come out in
            electrons, else in ADU above bias.
        light : sequence of float, optional
            Photodiode reading of each frame; the exposure times if not given.
        tolerance : float
            Deviation from the line that is the linearity turnoff, 0.01 or 0.02.
        midline_stop : bool
            Whether there is one, which flats do not show.

        Returns
        -------
        FullWell
            `capacity` is the linearity turnoff, `onset` the turnoff of the variance as photon transfer has it
            (`fullwell.photon_transfer.find_turnoff`); where the variance does not turn before, the onset is
            the full well.

        Raises
        ------
        NotEnoughFrames, FrameError
            If the ramp has too few points, no pair, or does not reach full well.
        """
        ramp = ramp_of(frames, known=known, light=light)
        if len(ramp.pair_light) < 3:
            raise FrameError(f"{len(ramp.pair_light)} pairs of flats of one light; 3 are the least")
        full = [_capacity(ramp, i, tolerance) for i in range(len(ramp.detector.amplifiers))]
        turns = [_onset(ramp, i) for i in range(len(full))]
        onset = [cap if turn is None else turn for cap, turn in zip(full, turns, strict=True)]
        names = [a.name for a in ramp.detector.amplifiers]
        return cls(
            capacity=tuple(cap.value for cap in full),
            onset=tuple(min(turn.value, cap.value) for turn, cap in zip(onset, full, strict=True)),
            midline_stop=midline_stop,
            unit=ramp.unit,
            capacity_error=tuple(cap.error for cap in full),
            onset_error=tuple(turn.error for turn in onset),
            statistics={
                "pairs": len(ramp.pair_light),
                "tolerance": tolerance,
                "variance_never_turned": [n for n, turn in zip(names, turns, strict=True) if turn is None],
            },
        )

    def flag(self, frame: Frame) -> FlagImage | None:
        """Flag raw values: SATURATED, BLEED and SUSPECT; None without levels in ADU."""
        if self.saturation is None:
            return None
        return flag_full(frame, saturation=self.saturation, suspect=self.suspect, trail=self.trail)


def _capacity(ramp: Ramp, i: int, tolerance: float) -> Turnoff:
    try:
        errors = np.broadcast_to(ramp.mean_errors, ramp.means.shape)[:, i]
        return linearity_turnoff(ramp.light, ramp.means[:, i], errors=errors, tolerance=tolerance)
    except FrameError as error:
        raise FrameError(f"amplifier {ramp.detector.amplifiers[i].name}: {error}") from error


def _onset(ramp: Ramp, i: int) -> Turnoff | None:
    found = find_turnoff(ramp.pair_means[:, i], ramp.variances[:, i], ramp.variance_errors[:, i])
    return None if found is None else Turnoff(*found)


def _each(name: str, values: Levels, count: int) -> npt.NDArray[np.float64]:
    if len(values) not in (1, count):
        raise ParameterError(name, len(values), f"one value, or one for each of {count} amplifiers")
    return np.broadcast_to(np.asarray(values, np.float64), count).copy()
