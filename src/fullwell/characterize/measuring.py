"""The order of measuring: each needs others, so that a bootstrap pass comes before the final one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attrs
import numpy as np
from astropy import units as u

from fullwell.chain import SignalChain
from fullwell.characterize.characterization import Characterization
from fullwell.detector import Detector
from fullwell.effects import (
    ADC,
    Bias,
    ChargeTransfer,
    Crosstalk,
    Dark,
    Effect,
    Flat,
    FullWell,
    Gain,
    NonLinearity,
    Overscan,
    Polynomial,
    ReadNoise,
)
from fullwell.effects.brighter_fatter import BrighterFatter
from fullwell.effects.curves import Curve
from fullwell.errors import FrameError, NotEnoughFrames
from fullwell.frame import Frame, FrameSet
from fullwell.photon_transfer import PhotonTransfer, match_pairs

__all__ = ["characterize_detector"]

#: Electrons to which the gain of the bootstrap pass is fitted: the bend of the electronics is small there.
FAINT = 50_000.0
#: Part of the full well to which the non-linearity is fitted; nearer to it the brightest pixels are full.
STRAIGHT = 0.9
#: Full wells to which the fitted curve is extended, so that it does not cut the ramp off.
EXTENDED = 1.3
STEPS = (
    "bias",
    "gain, bootstrap",
    "crosstalk",
    "linearity, bootstrap",
    "charge transfer",
    "photon transfer",
    "linearity",
    "full well",
    "dark",
    "flat",
)


def characterize_detector(
    biases: FrameSet,
    darks: FrameSet | None,
    flats: FrameSet,
    *,
    stack: FrameSet | None = None,
    spots: FrameSet | None = None,
    known: SignalChain | None = None,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> Characterization:
    """Measure what a detector is like: gain, noise, linearity, full well, crosstalk, late charge.

    Parameters
    ----------
    biases : FrameSet
        Raw, ten or more.
    darks : FrameSet or None
        Raw, of one or two lengths.
    flats : FrameSet
        Raw flats from faint to beyond full well, two of each exposure time one after the other.
    stack : FrameSet, optional
        Raw flats of one level, ten or so, for charge transfer and the flat.
    spots : FrameSet, optional
        Raw frames with bright spots, each on some amplifiers only, for crosstalk.
    known : SignalChain, optional
        What is known: how the overscan is to be taken out, the converter. From the detector if not given.
    on_progress : callable, optional
        Called before each step with its name, its number from 0 on and the number of steps.

    Returns
    -------
    Characterization

    Raises
    ------
    NotEnoughFrames, FrameError
        If frames are missing, or do not tell what they should; says which.

    Notes
    -----
    The needs go in circles. Photon transfer wants straight frames without crosstalk and late charge, but all
    of these are told in electrons, and so want the gain. A bootstrap pass breaks the circle: a gain from
    faint flats as they are, then crosstalk and linearity in the electrons of this gain. A wrong unit there
    does no harm, since what is straightened in it is turned back into ADU with the same gain. Photon transfer
    then gives the gain at low signal; crosstalk is told in its electrons, linearity measured in them again.
    """
    known = known or _known_of(biases)
    enter = _announced(on_progress)
    enter("bias")
    bias = Bias.measure(biases, known=known)
    start = known.with_(bias)
    rough, turnoff = _bootstrap(flats, spots, start, enter)
    enter("charge transfer")
    cti = None if stack is None else ChargeTransfer.measure(stack)
    enter("photon transfer")
    transfer = _photon_transfer(biases, flats, rough.with_(*_these(cti)))
    gain = _gain_of(transfer)
    enter("linearity")
    chain = start.with_(gain, *_these(_in_electrons_of(gain, rough)))
    chain = chain.with_(_linearity(flats, chain, turnoff))
    enter("full well")
    full_well = _full_well(flats, chain)
    if full_well is not None:
        full_well = full_well.in_adu(gain=gain.values, bias=_levels(biases, start))
    enter("dark")
    dark = None if darks is None else Dark.measure(darks, known=start, gain=gain.values)
    noise = transfer.read_noise
    chain = chain.with_(
        ReadNoise(tuple(noise.value), digitized=True, errors=tuple(noise.error)),
        BrighterFatter.from_photon_transfer(transfer),
        *_these(full_well, dark, cti),
    )
    enter("flat")
    flat = None if stack is None else Flat.measure(stack, known=chain)
    return Characterization(chain.with_(*_these(flat)), transfer)


def _bootstrap(
    flats: FrameSet, spots: FrameSet | None, start: SignalChain, enter: Callable[[str], None]
) -> tuple[SignalChain, Sequence[float] | None]:
    """Add gain, crosstalk and linearity to a chain; and return the turnoff of the raw response in ADU."""
    enter("gain, bootstrap")
    chain = start.with_(_bootstrap_gain(flats, start))
    bent = _full_well(flats, start)
    turnoff = None if bent is None else bent.capacity
    enter("crosstalk")
    if spots is not None:
        chain = chain.with_(Crosstalk.measure(spots, known=chain))
    enter("linearity, bootstrap")
    return chain.with_(_linearity(flats, chain, turnoff)), turnoff


def _announced(on_progress: Callable[[str, int, int], None] | None) -> Callable[[str], None]:
    def enter(step: str) -> None:
        if on_progress is not None:
            on_progress(step, STEPS.index(step), len(STEPS))

    return enter


def _these(*effects: Effect | None) -> list[Effect]:
    return [effect for effect in effects if effect is not None]


def _known_of(biases: FrameSet) -> SignalChain:
    if not len(biases):
        raise NotEnoughFrames("there is no bias frame; ten or more are needed to characterize a detector")
    detector = biases[0].detector
    if detector is None:
        raise FrameError("the frames name no detector; say what is known of it with `known`")
    effects: list[Effect] = [ADC(bits=detector.adc_bits)]
    if any(amplifier.overscan for amplifier in detector.amplifiers):
        effects.append(Overscan())
    return SignalChain(effects, detector=detector)


def _pairs(flats: FrameSet, chain: SignalChain) -> Iterator[tuple[Frame, Frame]]:
    numbers, _ = match_pairs(flats)
    for one, two in numbers:
        yield chain.correct(flats[one]), chain.correct(flats[two])


def _bootstrap_gain(flats: FrameSet, start: SignalChain) -> Gain:
    """Gain of faint flats as they are, from their variance alone."""
    transfer = PhotonTransfer.fit(_pairs(flats, start), model="exponential", lags=1, max_signal=FAINT)
    return _gain_of(transfer)


def _gain_of(transfer: PhotonTransfer) -> Gain:
    gain = transfer.gain
    for fit in transfer.amplifiers:
        if fit.trouble:
            raise FrameError(f"no gain for amplifier {fit.curve.amplifier}: {fit.trouble}")
    return Gain(tuple(gain.value), errors=tuple(gain.error), source="photon transfer")


def _in_electrons_of(gain: Gain, rough: SignalChain) -> Crosstalk | None:
    """Return the same ghosts, in ADU, as parts of signals in the electrons of another gain."""
    crosstalk, before = rough.get("crosstalk"), rough.get("gain")
    if not isinstance(crosstalk, Crosstalk) or not isinstance(before, Gain):
        return None
    ratio = np.asarray(gain.values) / np.asarray(before.values)
    factor = ratio[:, None] / ratio
    errors = None if crosstalk.errors is None else crosstalk.errors * factor
    return attrs.evolve(crosstalk, coefficients=crosstalk.coefficients * factor, errors=errors)


def _photon_transfer(biases: FrameSet, flats: FrameSet, chain: SignalChain) -> PhotonTransfer:
    """Fit the full model to frames in ADU again, straight and without crosstalk and late charge."""
    gain: Any = chain.get("gain")

    def both() -> Iterator[tuple[Frame, Frame]]:
        for k in range(0, len(biases) - 1, 2):
            yield chain.correct(biases[k]), chain.correct(biases[k + 1])
        yield from _pairs(flats, chain)

    return PhotonTransfer.fit((_in_adu(one, gain), _in_adu(two, gain)) for one, two in both())


def _in_adu(frame: Frame, gain: Gain) -> Frame:
    """Take the gain back."""
    detector = frame.detector or Detector.single(frame.shape)
    applied = tuple(name for name in frame.applied if name not in ("gain", "shot_noise", "read_noise"))
    data = frame.data / gain.image(detector)
    return frame.with_(data=data, variance=None, unit=u.adu, applied=applied)


def _linearity(flats: FrameSet, chain: SignalChain, turnoff: Sequence[float] | None) -> NonLinearity:
    """Measure the curve below the turnoff (ADU), and let it go on beyond."""
    gain: Any = chain.get("gain")
    maximum = None if turnoff is None else STRAIGHT * np.asarray(turnoff) * np.asarray(gain.values)
    found = NonLinearity.measure(flats, known=chain, maximum=maximum)
    return attrs.evolve(found, curves=tuple(_extended(curve) for curve in found.curves))


def _extended(curve: Curve) -> Curve:
    longer = curve.limit * EXTENDED / STRAIGHT
    return attrs.evolve(curve, limit=longer) if isinstance(curve, Polynomial) else curve


def _full_well(flats: FrameSet, chain: SignalChain) -> FullWell | None:
    try:
        return FullWell.measure(flats, known=chain)
    except FrameError:  # the ramp ends before
        return None


def _levels(biases: FrameSet, start: SignalChain) -> Any:
    """Levels of raw biases in ADU, one each amplifier."""
    frame = biases[0]
    overscan = start.get("overscan")
    if isinstance(overscan, Overscan):
        return [level for level, _ in overscan.level(frame)]
    detector = frame.detector or Detector.single(frame.shape)
    return [float(np.median(frame.data[amplifier.raw.slices])) for amplifier in detector.amplifiers]
