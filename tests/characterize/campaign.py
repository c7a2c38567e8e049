"""A campaign of calibration frames of a simulated detector, kept on disk, and what is true about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.chain import Exposure, SignalChain
from fullwell.detector.geometry import Detector
from fullwell.effects import ChargeTransfer, Flat, FullWell, PixelArea
from fullwell.effects.turnoff import linearity_turnoff
from fullwell.frame import Frame, FrameSet
from fullwell.noise import Noise
from fullwell.photon_transfer import find_turnoff
from fullwell.scene import Spots

#: e-/s/pixel: so faint that the shutter, 0.01 s from one edge to the other, matters little.
LAMP = 500.0
STACK = 80_000.0  # e-
SPOT = 90_000.0  # e-; below the blooming onset of both makes
DARK_TIMES = (30.0, 300.0)
#: Seconds between exposures: persistence of the one before is gone.
IDLE = 900.0


@attrs.frozen
class Size:
    """How many frames, and how large the spots are; a level that stands twice has two pairs of flats."""

    biases: int
    darks: int
    levels: tuple[float, ...]
    spots: int
    radius: float


class Campaign:
    """Frames of a detector with everything in it; each is made once and read when asked for."""

    def __init__(self, chain: SignalChain, size: Size, folder: Path, *, seed: int) -> None:
        assert chain.detector is not None
        self.chain, self.detector, self.folder, self.seed = chain, chain.detector, folder, seed
        self.levels = np.unique(size.levels)
        self._number, self._memory = 0, None
        lamp = np.full(self.detector.shape, LAMP, np.float32)
        self.biases = self._made((None, 0.0) for _ in range(size.biases))
        self.darks = self._made((None, time) for time in DARK_TIMES for _ in range(size.darks))
        self.flats = self._made((lamp, level / LAMP) for level in size.levels for _ in range(2))
        self.stack = self._made((lamp, STACK / LAMP) for _ in range(10))
        self.spots = self._made(
            (Spots.on_amplifiers(self.detector, SPOT / 10, names=[a.name], radius=size.radius), 10.0)
            for a in self.detector.amplifiers
            for _ in range(size.spots)
        )

    def science(self, electrons: float) -> tuple[Frame, npt.NDArray[np.float32]]:
        """Return a raw frame of even light, and that light."""
        light = np.full(self.detector.shape, electrons / 30, np.float32)
        return self._expose(light, 30.0, 100_000 + int(electrons)).frame, np.asarray(light * 30)

    @property
    def known(self) -> SignalChain:
        """What is known before: the converter with its codes, and how the overscan is taken out.

        Uneven codes are a walk that ends far from where it began: with widths that scatter by 5 percent it
        bends the response by some 100 electrons, more than the amplifiers do.
        """
        return _part(self.chain, "overscan", "code_errors", "adc")

    @property
    def typical(self) -> float:
        """Response of the typical pixel to even light."""
        flat, area = self.chain.get("flat"), self.chain.get("pixel_area")
        assert isinstance(flat, Flat)
        assert isinstance(area, PixelArea)
        return float(np.median(flat.response * area.boundaries.area))

    def _expose(self, scene: Any, seconds: float, number: int) -> Exposure:
        """Take one exposure after the one before."""
        exposure = self.chain.expose(
            scene, seconds, noise=Noise(self.seed, number), memory=self._memory, idle=IDLE
        )
        self._memory = exposure.memory
        return exposure

    def _made(self, takes: Iterable[tuple[Any, float]]) -> FrameSet:
        sources = []
        for scene, seconds in takes:
            path = self.folder / f"{self._number}.npy"
            np.save(path, self._expose(scene, seconds, self._number).frame.data)
            sources.append((path, seconds))
            self._number += 1
        return FrameSet(sources, load=self._load)

    def _load(self, source: tuple[Path, float]) -> Frame:
        path, seconds = source
        return Frame(np.load(path), detector=self.detector, exposure_time=seconds, source=path.name)


def true_linearity_turnoff(campaign: Campaign) -> npt.NDArray[np.float64]:
    """The rule of `FullWell.measure` on the curve without any noise, electrons, one an amplifier."""
    quiet = _part(campaign.chain, "flat", "pixel_area", "full_well")
    means = []
    for level in campaign.levels:
        image = quiet.expose(_ones(campaign.detector), level, noise=Noise(0)).frame.data
        means.append([image[a.data.slices].mean(dtype=np.float64) for a in campaign.detector.amplifiers])
    return np.array(
        [linearity_turnoff(campaign.levels, column, tolerance=0.02).value for column in np.transpose(means)]
    )


def true_variance_turnoff(campaign: Campaign, *, pairs: int) -> float:
    """The rule on the variance of many flats that are counted but read without noise, amplifiers together."""
    noisy = _part(campaign.chain, "flat", "pixel_area", "brighter_fatter", "shot_noise", "full_well")
    full_well: FullWell = campaign.chain.get("full_well")
    boxes = [a.data.slices for a in campaign.detector.amplifiers]
    onset, number = float(full_well.onset[0]), 0
    near = campaign.levels[(campaign.levels > 0.6 * onset) & (campaign.levels < 1.4 * onset)]
    means, variances = [], []
    for level in near:
        mean, variance = [], []
        for _ in range(pairs):
            one, two = (
                noisy.expose(_ones(campaign.detector), level, noise=Noise(99, number + k)).frame.data
                for k in (0, 1)
            )
            number += 2
            mean += [one[box].mean(dtype=np.float64) for box in boxes]
            variance += [np.var((one - two)[box].astype(np.float64)) / 2 for box in boxes]
        means.append(np.mean(mean))
        variances.append(np.mean(variance))
    turnoff = find_turnoff(means, variances)
    assert turnoff is not None
    return turnoff[0]


def true_edge_response(campaign: Campaign) -> ChargeTransfer:
    """Measure late charge on one flat without any noise."""
    names = ("flat", "pixel_area", "full_well", "cti", "nonlinearity", "crosstalk", "gain")
    quiet = _part(campaign.chain, *names)
    return ChargeTransfer.measure([quiet.expose(_ones(campaign.detector), STACK, noise=Noise(0)).frame])


def _part(chain: SignalChain, *names: str) -> SignalChain:
    found: Sequence[Any] = [effect for effect in chain if effect.name in names]
    return SignalChain(found, detector=chain.detector)


def _ones(detector: Detector) -> npt.NDArray[np.float32]:
    return np.ones(detector.shape, np.float32)
