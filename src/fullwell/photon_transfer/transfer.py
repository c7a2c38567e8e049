"""Photon transfer: gain, read noise, brighter-fatter and full well out of pairs of flats."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.brief import Brief
from fullwell.detector import Detector
from fullwell.errors import NotEnoughFrames, ParameterError
from fullwell.frame import Frame, FrameLike
from fullwell.photon_transfer.curves import Curve, measure_curves
from fullwell.photon_transfer.estimates import BrighterFatterMatrices, Estimate, FullWellEstimate
from fullwell.photon_transfer.fits import AmplifierFit, fit_curve, troubles
from fullwell.photon_transfer.lag_matrices import sum_of_all_lags
from fullwell.photon_transfer.models import B_LAGS, make_model
from fullwell.photon_transfer.pairing import TOLERANCE, match_pairs
from fullwell.quantities import number

if TYPE_CHECKING:
    from astropy.table import Table
    from matplotlib.axes import Axes

__all__ = ["SIGN", "PhotonTransfer"]

SIGN = "a_00 < 0: a pixel that holds charge shrinks; some programs print it positive"
MAX_SIGNAL = 100_000.0
MOST_LAGS = 64  # 4096 covariances of each pair: beyond, a fit takes hours and days


def _as_tuple(fits: Iterable[AmplifierFit]) -> tuple[AmplifierFit, ...]:
    return tuple(fits)


@attrs.frozen(eq=False, repr=False)
class PhotonTransfer(Brief):
    """What pairs of flats say of a detector, amplifier by amplifier.

    The sign: ``a_00`` is negative, here, in files and in plots, since a pixel that holds charge shrinks.

    Parameters
    ----------
    model : {'full', 'full-no-b', 'exponential', 'quadratic'}
        See `fullwell.photon_transfer.models`.
    amplifiers : tuple of AmplifierFit
        Curve, parameters and their full covariance matrix, one an amplifier.
    max_signal : float or None
        e-; brighter points were not fitted.
    unpaired : tuple of str
        Frames that had no partner.
    """

    model: str
    amplifiers: tuple[AmplifierFit, ...] = attrs.field(converter=_as_tuple)
    max_signal: float | None = MAX_SIGNAL
    unpaired: tuple[str, ...] = ()

    @classmethod
    def fit(
        cls,
        pairs: Iterable[Any],
        *,
        model: str = "full",
        by: str = "time",
        tolerance: float = TOLERANCE,
        detector: Detector | None = None,
        lags: int = 11,
        b_lags: int = B_LAGS,
        clip: float | None = 5.5,
        max_signal: float | None = MAX_SIGNAL,
        least_pixels: int = 1000,
        bias_subtracted: bool = False,
    ) -> Self:
        """Measure pairs of flats and fit a model.

        Parameters
        ----------
        pairs : FrameSet, sequence of frames, or iterable of two frames each
            Frames are matched two by two; what comes as twos is taken as it is, one after the other.
            Assembled, in ADU, bias or overscan taken out and nothing later (dark electrons are Poisson
            numbers too). Pairs of bias-subtracted biases may be among them; they settle the read noise.
        model : {'full', 'full-no-b', 'exponential', 'quadratic'}
            Covariances of all lags, with or without b (equation 20), or the variance alone (equation 16, or
            its first two terms) of Astier et al. 2019, A&A 629, A36; the latter two bias the gain.
        by, tolerance
            What makes a pair; see `match_pairs`.
        detector : Detector, optional
            Instead of that of the frames.
        lags : int
            Covariances to ``lags - 1`` columns and rows, 1 to 64; an amplifier is as wide and high at least.
        b_lags : int
            Lags with a b of their own.
        clip : float or None
            Differences beyond this many standard deviations are left out; the loss is corrected for.
        max_signal : float or None
            e-; brighter points serve the turnoff only. Equation 20 is a series, good to 0.1 % of the variance
            at 100 ke- and a_00 = -3.1e-6.
        least_pixels : int
            A pair with fewer good pixels on an amplifier is of no use there.
        bias_subtracted : bool
            Assurance that the bias is out, for arrays and frames that cannot say so.

        Returns
        -------
        PhotonTransfer

        Raises
        ------
        NotEnoughFrames
            If no amplifier can be fitted; see `fit_curves`.
        UnitError, ChainError, FrameError, ParameterError
            If the frames are not what they have to be; see `measure_curves`.
        """
        # Refused before hours of work.
        lags = number(lags, "lags", least=1, most=MOST_LAGS, whole=True)
        b_lags = number(b_lags, "b_lags", least=0, most=MOST_LAGS, whole=True)
        tolerance = number(tolerance, "tolerance", least=0, below=1)
        least_pixels = number(least_pixels, "least_pixels", least=1, whole=True)
        max_signal = number(max_signal, "max_signal", u.electron, above=0, infinite=True, optional=True)
        make_model(model, lags=lags, b_lags=b_lags)
        twos, unpaired = _twos(pairs, by=by, tolerance=tolerance)
        curves = measure_curves(
            twos,
            detector=detector,
            lags=lags,
            clip=clip,
            least_pixels=least_pixels,
            bias_subtracted=bias_subtracted,
        )
        return cls.fit_curves(curves, model=model, b_lags=b_lags, max_signal=max_signal, unpaired=unpaired)

    @classmethod
    def fit_curves(
        cls,
        curves: Sequence[Curve],
        *,
        model: str = "full",
        lags: int | None = None,
        b_lags: int = B_LAGS,
        max_signal: float | None = MAX_SIGNAL,
        unpaired: tuple[str, ...] = (),
    ) -> Self:
        """Fit a model to curves that were measured before.

        Parameters
        ----------
        curves : sequence of Curve
            Of `measure_curves`, one an amplifier.
        lags : int, optional
            Lags to fit; as many as the curves have if not given.
        model, b_lags, max_signal, unpaired
            As for `fit` and the class.

        Raises
        ------
        NotEnoughFrames
            If no amplifier can be fitted: fewer than four points, fewer than three levels of signal (four for
            the model `full`), or a gain whose error exceeds it.
        ParameterError
            If `lags` is more than the curves have, or a parameter is out of range.
        """
        if not curves:
            raise NotEnoughFrames("there is no curve to fit")
        have = min(curve.lags for curve in curves)
        if lags is not None and not 1 <= lags <= have:
            raise ParameterError("lags", lags, f"1 to {have}, which the curves have")
        max_signal = number(max_signal, "max_signal", u.electron, above=0, infinite=True, optional=True)
        fits = [
            fit_curve(curve, model=model, max_signal=max_signal, lags=lags or have, b_lags=b_lags)
            for curve in curves
        ]
        if all(fit.trouble for fit in fits):
            raise NotEnoughFrames(f"no amplifier can be fitted: {troubles(fits)}")
        return cls(model, fits, max_signal, unpaired)

    @property
    def gain(self) -> Estimate:
        """Gain at low signal, e-/ADU."""
        values = np.array([fit.values[0] for fit in self.amplifiers])
        return Estimate(values, np.array([fit.errors[0] for fit in self.amplifiers]), "electron / adu")

    @property
    def read_noise(self) -> Estimate:
        """Square root of n_00, e-; rounding and the dark current of a bias are in it. NaN where n_00 < 0."""
        parts = [fit.matrix("n") for fit in self.amplifiers]
        square = np.array([values[0, 0] for values, _ in parts])
        error = np.array([errors[0, 0] for _, errors in parts])
        noise = np.sqrt(np.where(square > 0, square, np.nan))
        return Estimate(noise, error / (2 * noise), "electron")

    @property
    def brighter_fatter(self) -> BrighterFatterMatrices:
        """The matrices a and b, 1/e-; a_00 is negative."""
        parts = [_matrices(fit) for fit in self.amplifiers]
        return BrighterFatterMatrices(*(np.stack(column) for column in zip(*parts, strict=True)))

    @property
    def full_well(self) -> FullWellEstimate:
        """Turnoff of the variance, e-; see `find_turnoff`; with the error of the gain."""
        turnoff = np.array([fit.turnoff for fit in self.amplifiers])
        half = np.array([fit.turnoff_error for fit in self.amplifiers])
        gain = self.gain
        limit = np.array([not fit.turned for fit in self.amplifiers])
        error = np.hypot(gain.value * half, gain.error * turnoff)
        return FullWellEstimate(gain.value * turnoff, error, "electron", lower_limit=limit)

    @property
    def curve(self) -> Table:
        """All points as an astropy Table: amplifier, frames, mean, variance, used or the reason why not."""
        from fullwell.photon_transfer.tables import curve_table

        return curve_table(self.amplifiers, self.model)

    def summary(self) -> dict[str, Any]:
        """Return the numbers for JSON: one entry an amplifier; None stands for what is not known."""
        from fullwell.photon_transfer.tables import summary

        return summary(self, sign=SIGN)

    def plot(self, ax: Axes | None = None, *, amplifier: str | None = None) -> Axes:
        """Draw variance over mean against the mean, points and model.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Made if not given.
        amplifier : str, optional
            Name of the only one to draw.

        Raises
        ------
        ParameterError
            If there is no such amplifier.
        """
        from fullwell.photon_transfer.plots import plot_curves

        return plot_curves(self.amplifiers, self.model, ax=ax, only=amplifier)

    def write(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write everything to FITS; the header states the sign of a_00.

        Raises
        ------
        AlreadyExists, FileError
            As `fullwell.write`.
        """
        from fullwell.photon_transfer.storage import write_transfer

        write_transfer(self, path, overwrite=overwrite, sign=SIGN)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `write` wrote.

        Raises
        ------
        FileError
            If the file cannot be read.
        FrameError
            If it holds something else.
        """
        from fullwell.photon_transfer.storage import read_transfer

        return cls(**read_transfer(path))


def _twos(
    pairs: Iterable[Any], *, by: str, tolerance: float
) -> tuple[Iterable[tuple[FrameLike, FrameLike]], tuple[str, ...]]:
    """Return twos of frames, loaded when it is their turn, and the names of what has no partner."""
    if isinstance(pairs, Frame):
        raise NotEnoughFrames("photon transfer needs pairs of flats, not a single frame")
    if isinstance(pairs, Iterator):
        return pairs, ()
    frames: Sequence[Any] = pairs if isinstance(pairs, Sequence) else list(pairs)
    if len(frames) and isinstance(frames[0], tuple | list):
        return frames, ()
    numbers, left = match_pairs(frames, by=by, tolerance=tolerance)
    return ((frames[i], frames[j]) for i, j in numbers), tuple(frames[k].source or str(k) for k in left)


def _matrices(fit: AmplifierFit) -> tuple[npt.NDArray[np.float64], ...]:
    """Return a, b, their errors, the sum of a and its error."""
    a, a_error = fit.matrix("a")
    c, c_error = fit.matrix("c")
    lags = a.shape[0]
    where, _ = fit.part("c")
    both = np.full_like(a, np.nan)
    for k in where:
        _, i, j = fit.names[k].split("_")
        both[int(i), int(j)] = fit.covariance[k, fit.names.index(f"a_{i}_{j}")]
    with np.errstate(divide="ignore", invalid="ignore"):
        b = c / a
        b_error = np.sqrt(c_error**2 + (b * a_error) ** 2 - 2 * b * both) / np.abs(a)
    _, covariance = fit.part("a")
    copies = np.array([sum_of_all_lags(unit.reshape(lags, lags)) for unit in np.eye(lags**2)])
    error = math.sqrt(copies @ covariance @ copies) if np.isfinite(covariance).all() else math.nan
    return a, a_error, b, b_error, sum_of_all_lags(a), np.array(error)
