"""Diffusion: on its way to the pixels charge spreads, the more the deeper the silicon."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Self

import attrs
import numpy as np
import numpy.typing as npt
from astropy import constants
from astropy import units as u

from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage
from fullwell.effects.silicon import in_kelvin
from fullwell.effects.track_widths import find_tracks, fit_track_sigma
from fullwell.effects.xray_clusters import find_clusters, fit_common_sigma
from fullwell.errors import ChainError, NotEnoughFrames, ParameterError
from fullwell.frame import Frame, FrameSet, as_frame
from fullwell.noise import Noise
from fullwell.quantities import number, quantity

__all__ = ["Diffusion"]

#: Depths over which light that is absorbed on its way is averaged; with 6 the mean variance is right to 1e-3.
_DEPTHS = 6
#: What a kernel may leave out.
_TAIL = 1e-7
_LEAST_CLUSTERS = 20
_LEAST_TRACKS = 10
_SHORTEST = 8.0  # pixels: shorter tracks have too few whole profiles


@attrs.frozen(eq=False)
class Diffusion(Effect):
    """Gaussian spread of charge whose width is that of the way it drifts.

    Parameters
    ----------
    sigma : Quantity or float
        Standard deviation for charge that drifts through the whole thickness, pixels; 0 to 20.
    absorption : float
        Absorption length of the light over the thickness: what is absorbed deeper has less far to go, and its
        variance is less in proportion. 0, as for blue light: all of it goes the whole way. Up to 1000.
    sigma_error : float
        Standard error, where it was measured.
    statistics : dict
        What happened when it was measured.

    Raises
    ------
    ParameterError
        If a value is out of range.

    Notes
    -----
    Charge that drifts for a time t in a constant field spreads with the variance 2 D t, and with Einstein's
    D/mobility = kT/q this is ``2 (kT/q) d z / V`` for a way z in silicon of thickness d under the voltage V
    (Holland et al. 2003, IEEE Trans. Electron Devices 50, 225). Expected light is spread, before it
    is counted: electrons that diffuse one by one leave Poisson numbers.

    The kernel is the discrete Gaussian ``exp(-t) I_n(t)``, t the variance (Lindeberg 1990, IEEE PAMI 12,
    234): unlike samples of a Gaussian it has exactly the variance t, and two make a third with the sum of
    their variances, however narrow they are. It knows as little as the image where in a pixel light fell: a
    star of 1.2 pixels comes out 1.3 % too high in its peak at sigma = 0.4, while its size is right. Edges are
    mirrors: all charge is kept.
    """

    name: ClassVar[str] = "diffusion"
    stage: ClassVar[Stage] = Stage.DIFFUSION
    kind: ClassVar[Kind] = Kind.REDISTRIBUTING
    sigma: float = attrs.field(**quantity(u.pix, least=0, most=20))
    absorption: float = attrs.field(default=0.0, **quantity(least=0, most=1000))
    sigma_error: float = attrs.field(default=0.0, **quantity(u.pix, least=0, infinite=True))
    statistics: dict[str, Any] = attrs.field(factory=dict)

    @classmethod
    def in_silicon(
        cls,
        *,
        thickness: u.Quantity | float,
        voltage: u.Quantity | float,
        temperature: u.Quantity | float,
        pixel_size: u.Quantity | float,
        absorption_length: u.Quantity | float = 0.0,
    ) -> Self:
        """Return the diffusion in fully depleted silicon.

        Parameters
        ----------
        thickness, pixel_size, absorption_length : Quantity or float
            Micrometers.
        voltage : Quantity or float
            Over the thickness, volts.
        temperature : Quantity or float
            Kelvin.

        Raises
        ------
        ParameterError
            If a value is out of range.
        """
        d = number(thickness, "thickness", u.um, least=1, most=1e4)
        pixel = number(pixel_size, "pixel_size", u.um, least=0.1, most=1000)
        absorbed = number(absorption_length, "absorption_length", u.um, least=0, most=1e6)
        volts = number(voltage, "voltage", u.V, least=0.1, most=1000)
        kelvin = in_kelvin(temperature, least=50.0, most=400.0)
        thermal = float((constants.k_B * kelvin * u.K / constants.e.si).to_value(u.V))
        spread = float(np.sqrt(2 * thermal / volts))
        return cls(sigma=spread * d / pixel, absorption=min(absorbed / d, 1000.0))

    def simulate(self, signal: Signal, *, noise: Noise) -> None:  # noqa: ARG002
        """Spread the expected light; ``signal.spread`` tells what comes later how far charge spreads.

        Raises
        ------
        ChainError
            If the light was counted before, or the image is in the raw layout.
        """
        if signal.counted or (signal.raw and signal.detector.has_scans):
            raise ChainError("diffusion spreads expected light: before it is counted, not in the raw layout")
        signal.spread = self.sigma
        if self.sigma == 0:
            return
        variances, weights = self._slices()
        total = np.zeros(signal.image.shape, np.float32)
        for variance, weight in zip(variances, weights, strict=True):
            total += np.float32(weight) * _spread(signal.image, float(variance))
        signal.image = total

    @property
    def mean_variance(self) -> float:
        """Variance of the charge of a point of light, averaged over the depths, pixels^2."""
        variances, weights = self._slices()
        return float(variances @ weights)

    def _slices(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return variances and weights of the depths at which light is absorbed."""
        if self.absorption == 0:
            return np.array([self.sigma**2]), np.ones(1)
        nodes, weights = np.polynomial.legendre.leggauss(_DEPTHS)
        # Equal shares of the light that is absorbed at all, from the side where it comes in.
        shares = (nodes + 1) / 2
        absorbed = -np.expm1(-1 / self.absorption)
        depth = -self.absorption * np.log1p(-shares * absorbed)
        return self.sigma**2 * (1 - depth), weights / 2

    @classmethod
    def measure(
        cls,
        frames: FrameSet | Iterable[Any],
        *,
        known: Chain | None = None,
        absorption: float = 0.0,
        radius: int = 3,
        noise: Noise | None = None,
    ) -> Self:
        """Measure the spread from hits of X-rays, such as those of Fe55: points that became clouds.

        Parameters
        ----------
        frames : FrameSet or iterable of Frame, CCDData or array
            With a few thousand hits in all, and few enough of them to lie apart.
        known : SignalChain, optional
            Effects to take out first: overscan, bias, dark, gain. The frames must come out in electrons.
        absorption : float
            Absorption length of the X-rays over the thickness (29 um for Fe55): their clouds are narrower
            than those of charge that goes the whole way. Each hit has one depth while all are fitted with one
            width: with 29 um in 100 um the result is 3 % low.
        radius : int
            Pixels around the brightest one that belong to a hit, 2 to 15.
        noise : Noise, optional
            For the hits that are simulated to see how far off the fit is; ``Noise(0)`` if not given.

        Returns
        -------
        Diffusion
            `sigma` of the whole way, with its error; `statistics` has the number of clusters, and
            ``sigma_of_clouds``, which is what was seen.

        Raises
        ------
        ChainError
            If the frames are not in electrons.
        NotEnoughFrames
            If there are fewer than 20 clusters by themselves.
        ParameterError
            If a value is out of range.
        """
        if not 2 <= radius <= 15:
            raise ParameterError("radius", radius, "2 to 15 pixels")
        stamps, noises = [], []
        for frame in _in_electrons(frames, known):
            found = find_clusters(frame, radius=radius)
            stamps.append(found.stamps)
            noises.append(np.full(len(found.stamps), found.noise))
        every = np.concatenate(stamps) if stamps else np.empty((0, 1, 1))
        if len(every) < _LEAST_CLUSTERS:
            raise NotEnoughFrames(
                f"{len(every)} clusters that lie alone; {_LEAST_CLUSTERS} are the least, a thousand is good"
            )
        fit = fit_common_sigma(every, np.concatenate(noises), random=Noise(0) if noise is None else noise)
        whole = np.sqrt(cls(sigma=1.0, absorption=absorption).mean_variance)
        return cls(
            sigma=float(fit.sigma / whole),
            absorption=absorption,
            sigma_error=float(fit.error / whole),
            statistics={"clusters": fit.clusters, "sigma_of_clouds": fit.sigma},
        )

    @classmethod
    def from_cosmic_rays(
        cls,
        frames: FrameSet | Iterable[Any],
        *,
        known: Chain | None = None,
        shortest: float = 10.0,
        radius: int = 4,
    ) -> Self:
        """Measure the spread from the tracks of muons in darks: sharp at the gates, wide at the other side.

        Parameters
        ----------
        frames : FrameSet or iterable of Frame, CCDData or array
            Darks, with a few dozen long tracks in all. Thin silicon has few: of the muons one in
            ``(1 + (shortest x pixel / thickness)^2)^2`` is slanted enough.
        known : SignalChain, optional
            Effects to take out first: overscan, bias, dark, gain. The frames must come out in electrons.
        shortest : float
            Rows or columns that a track crosses at least, 8 or more.
        radius : int
            Pixels to both sides of a track that belong to it, 3 to 15; 5 times `sigma` or more.

        Returns
        -------
        Diffusion
            `sigma` of the whole way, with its error; `statistics` has the number of tracks.

        Raises
        ------
        ChainError
            If the frames are not in electrons.
        NotEnoughFrames
            If there are fewer than 10 straight tracks by themselves.
        FrameError
            If the fit does not converge.
        ParameterError
            If a value is out of range.

        Notes
        -----
        The whole thickness has to be depleted, as for `simulate`: variance grows evenly along a track.
        """
        if not 3 <= radius <= 15:
            raise ParameterError("radius", radius, "3 to 15 pixels")
        if not _SHORTEST <= shortest < np.inf:
            raise ParameterError("shortest", shortest, f"{_SHORTEST:g} pixels or more")
        tracks = [
            track
            for frame in _in_electrons(frames, known)
            for track in find_tracks(frame, shortest=shortest, radius=radius)
        ]
        if len(tracks) < _LEAST_TRACKS:
            raise NotEnoughFrames(
                f"{len(tracks)} straight tracks that lie alone; {_LEAST_TRACKS} are the least, 100 are good"
            )
        fit = fit_track_sigma(tracks)
        return cls(sigma=fit.sigma, sigma_error=fit.error, statistics={"tracks": fit.tracks})


def _in_electrons(frames: FrameSet | Iterable[Any], known: Chain | None) -> Iterator[Frame]:
    for value in frames:
        frame = as_frame(value)
        frame = frame if known is None else known.correct(frame)
        if frame.unit != u.electron:
            raise ChainError(f"hits are fitted in electrons, the frame is in {frame.unit}; add a Gain")
        yield frame


def _spread(image: npt.NDArray[Any], variance: float) -> npt.NDArray[np.float32]:
    from scipy.ndimage import correlate1d
    from scipy.special import ive

    reach = 2
    while float(ive(0, variance) + 2 * ive(np.arange(1, reach + 1), variance).sum()) < 1 - _TAIL:
        reach += 1
    kernel = ive(np.abs(np.arange(-reach, reach + 1)), variance)
    kernel /= kernel.sum()
    # 'reflect' repeats the pixel at the edge: what would leave comes back.
    along = correlate1d(np.asarray(image, np.float32), kernel, axis=1, mode="reflect")
    return np.asarray(correlate1d(along, kernel, axis=0, mode="reflect"), np.float32)
