"""Straight tracks of muons in darks, and the spread of charge that their widths tell.

A muon that crosses the silicon frees charge at all depths: where it passed the gates the track is sharp, at
the other end its charge drifted through the whole thickness.
"""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.errors import FrameError
from fullwell.frame import Frame

__all__ = ["Track", "TrackSigma", "find_tracks", "fit_track_sigma"]

Array = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_LIT = 5.0  # times the noise
_CROOKED = 0.5  # pixels rms about the line: what pixels do to the center of a sharp track stays below
_STEPS, _SETTLED = 100, 0.01  # the latter in standard errors
_TURNS = 8
#: Nearer to the gates, in thicknesses, a track is too sharp to tell its width.
_LOWEST = 0.15
_WHOLE_STEPS = 10
_ODD = 5.0  # robust standard deviations
_BAD_FIT = 5.0  # times the median chi^2 of a pixel
#: Places and weights in the width of a pixel over which the model is averaged.
_NODES, _WEIGHTS = (value / 2 for value in np.polynomial.legendre.leggauss(5))


@attrs.frozen(eq=False)
class Track:
    """Profiles across a track, one for each pixel along it.

    Parameters
    ----------
    along : ndarray, shape (profiles,)
        Places along the rows or columns that it crosses fewer of, pixels.
    across : ndarray, shape (profiles, 2 radius + 1)
        Centers of the pixels of each profile.
    profiles : ndarray, same shape
        Electrons above the level of the frame.
    ends : tuple of float
        Where the track begins and stops, in the numbers of `along`.
    line : tuple of float
        Its place at `along` = 0, and slope; a first guess.
    noise : float
        Of a pixel, electrons.
    """

    along: Array
    across: Array
    profiles: Array
    ends: tuple[float, float]
    line: tuple[float, float]
    noise: float


@attrs.frozen
class TrackSigma:
    """Spread of charge from the whole thickness and its standard error, pixels, from so many tracks."""

    sigma: float
    error: float
    tracks: int


def find_tracks(frame: Frame, *, shortest: float, radius: int) -> list[Track]:
    """Find straight tracks that lie alone.

    Parameters
    ----------
    frame : Frame
        Electrons, bias and dark taken out.
    shortest : float
        Rows or columns that a track crosses at least.
    radius : int
        Pixels to both sides of a track that belong to it. No bad pixel and no other hit may be among them.

    Notes
    -----
    Pixels five times the noise above the median that touch are one hit. Its centers must lie on a line, to
    half a pixel, without gap. Where it ends its charge says, in units of what it has along the way.
    """
    from scipy.ndimage import find_objects, label

    bad = frame.mask | ~np.isfinite(frame.data)
    if bad.all():
        return []
    good = frame.data[~bad].astype(np.float64)
    level = float(np.median(good))
    noise = max(float(1.4826 * np.median(np.abs(good - level))), 1e-3)
    image = np.where(bad, 0.0, frame.data - level)
    labels, _ = label(image > _LIT * noise, np.ones((3, 3)))
    labels = np.where(bad, -1, labels)
    tracks = []
    for number, box in enumerate(find_objects(np.maximum(labels, 0)), start=1):
        turned = box[0].stop - box[0].start > box[1].stop - box[1].start
        span = box[0] if turned else box[1]
        if span.stop - span.start < shortest:
            continue
        sides = (image.T, labels.T) if turned else (image, labels)
        track = _profiles(*sides, number, span, radius=radius, noise=noise)
        if track is not None:
            tracks.append(track)
    return tracks


def _profiles(
    image: Array, labels: npt.NDArray[np.int_], number: int, span: slice, *, radius: int, noise: float
) -> Track | None:
    """Cut out a hit that runs along the second axis; None where it is no lonely straight track."""
    beyond = radius  # charge of the ends may lie so far outside
    columns = np.arange(span.start - beyond, span.stop + beyond)
    if columns[0] < 0 or columns[-1] >= image.shape[1]:
        return None
    own = labels[:, span] == number
    rows = np.arange(image.shape[0])
    charge = np.where(own, image[:, span], 0.0)
    total = charge.sum(axis=0)
    if not (total > 0).all():
        return None
    center = rows @ charge / total
    slope, place = np.polyfit(columns[beyond:-beyond], center, 1)
    if np.std(center - (place + slope * columns[beyond:-beyond])) > _CROOKED:
        return None
    middle = np.rint(place + slope * columns).astype(int)
    if middle.min() < radius or middle.max() >= image.shape[0] - radius:
        return None
    across = middle[:, None] + np.arange(-radius, radius + 1)
    around = labels[across, columns[:, None]]
    if ((around != 0) & (around != number)).any() or (around == number).sum() != own.sum():
        return None
    profiles = image[across, columns[:, None]]
    sums = profiles.sum(axis=1)
    first, last = beyond + 2, columns.size - beyond - 3
    typical = float(sums[first : last + 1].mean())
    start = columns[first] - 0.5 - float(sums[:first].sum()) / typical
    stop = columns[last] + 0.5 + float(sums[last + 1 :].sum()) / typical
    # Where clouds hang over the end, or charge does not fill the pixel, profiles are not those of a line.
    margin = max(radius / 2, 1.5)
    whole = (columns > start + margin) & (columns < stop - margin)
    if whole.sum() < 3:
        return None
    return Track(
        columns[whole].astype(np.float64),
        across[whole].astype(np.float64),
        profiles[whole],
        (start, stop),
        (float(place), float(slope)),
        noise,
    )


def fit_track_sigma(tracks: list[Track]) -> TrackSigma:
    """Fit the width that all tracks have where their charge drifted farthest.

    Parameters
    ----------
    tracks : list of Track
        Two or more, of one radius.

    Returns
    -------
    TrackSigma
        Its error is that of the scatter from track to track.

    Raises
    ------
    FrameError
        If the fit does not converge.

    Notes
    -----
    Across the track its charge is a Gaussian of the variance ``sigma^2 z / thickness``, seen askew as the
    track is and integrated over the pixel both ways. To it comes the square of what this grows in a pixel
    along the track: more charge comes over from the wide side than from the sharp one. Each profile has a
    charge, each track its line, its level and an end at the gates of its own. Tracks whose own width or fit
    is odd are left out: not all that is straight went through the silicon.
    """
    kept = tracks
    for _ in range(2):
        fit = _Tracks(kept)
        sigma = fit.settle()
        own, chi2 = fit.widths(sigma), fit.chi2()
        off = np.abs(own - np.median(own))
        odd = (off > _ODD * 1.4826 * np.median(off)) | (chi2 > _BAD_FIT * np.median(chi2))
        if not odd.any() or (~odd).sum() < 2:
            break
        kept = [track for track, out in zip(kept, odd, strict=True) if not out]
    return TrackSigma(sigma, fit.error(), len(kept))


class _Tracks:
    """All profiles in a row, and what is fitted: the common width, and line and level of each track."""

    def __init__(self, tracks: list[Track]) -> None:
        counts = np.array([track.along.size for track in tracks])
        self.first = np.cumsum(counts) - counts
        self.owner = np.repeat(np.arange(len(tracks)), counts)
        self.data = np.concatenate([track.profiles for track in tracks])
        self.variance = np.array([track.noise**2 for track in tracks])[self.owner, None]
        middle = np.array([np.mean(track.along) for track in tracks])
        along = np.concatenate([track.along for track in tracks])
        self.along = (along - middle[self.owner])[:, None] + _NODES
        start, stop = np.array([track.ends for track in tracks]).T
        self.length = (stop - start)[self.owner, None]
        self.height = (along[:, None] + _NODES - start[self.owner, None]) / self.length
        across = np.concatenate([track.across for track in tracks])
        self.edges = np.concatenate([across - 0.5, across[:, -1:] + 0.5], axis=1)
        line = np.array([track.line for track in tracks])
        #: Place, slope, level of each track.
        self.values = np.stack([line[:, 0] + line[:, 1] * middle, line[:, 1], np.zeros(len(tracks))], axis=1)
        self.turned = self._moments() < 0
        self.score = self.information = np.zeros(len(tracks))

    def _moments(self) -> Array:
        """Return how the second moment of each track grows along it: away from the gates, most likely."""
        centers = (self.edges[:, 1:] + self.edges[:, :-1]) / 2
        charge = np.maximum(self.data, 0)
        total = charge.sum(axis=1)
        mean = (charge * centers).sum(axis=1) / total
        second = (charge * (centers - mean[:, None]) ** 2).sum(axis=1) / total
        return np.asarray(np.add.reduceat(second * self.along[:, _NODES.size // 2], self.first))

    def settle(self) -> float:
        """Fit, turning round what fits better with the gates at its other end; return the width."""
        sigma = self._steps(0.4)
        for _ in range(_TURNS):
            chi2, values = self.chi2(), self.values
            self.turned = ~self.turned
            self._steps(sigma, common=False)
            better = self.chi2() < chi2
            self.turned ^= ~better
            self.values = np.where(better[:, None], self.values, values)
            if not better.any():
                break
            sigma = self._steps(sigma)
        return self._steps(sigma)

    def _steps(self, sigma: float, *, common: bool = True) -> float:
        """Make Gauss-Newton steps on all parameters at once; without `common` the width stays."""
        settled = 0
        for count in range(_STEPS):
            normal, right = self._equations(sigma)
            own = np.linalg.solve(normal[:, :-1, :-1], np.stack([right[:, :-1], normal[:, :-1, -1]], axis=-1))
            cross = normal[:, -1, :-1]
            self.information = normal[:, -1, -1] - np.einsum("ti,ti->t", cross, own[:, :, 1])
            self.score = right[:, -1] - np.einsum("ti,ti->t", cross, own[:, :, 0])
            total = self.information.sum()
            step = float(np.clip(self.score.sum() / total, -0.2 * sigma, 0.2 * sigma)) if common else 0.0
            change = own[:, :, 0] - own[:, :, 1] * step
            change[:, :2] = np.clip(change[:, :2], -0.2, 0.2)
            if count >= _WHOLE_STEPS:  # what still jumps to and fro is calmed
                change *= 0.5
            self.values = self.values + change
            sigma += step
            small = abs(step) < _SETTLED / np.sqrt(total) and np.abs(change[:, :2]).max() < 1e-3
            settled = settled + 1 if small else 0
            if settled == 2 or (not common and settled):
                return sigma
        if not common:  # those that look the wrong way may wander
            return sigma
        raise FrameError(f"the width of {len(self.turned)} tracks does not converge; are they of muons?")

    def _equations(self, sigma: float) -> tuple[Array, Array]:
        """Return the normal matrices of all tracks and their right-hand sides; charges are eliminated."""
        shape, slopes = self._shapes(sigma)
        level = self.values[self.owner, 2, None]
        charge = _charges(self.data - level, shape, 1 / self.variance)
        weight = self._is_high()[:, None] / (self.variance + np.maximum(charge * shape, 0))
        charge = _charges(self.data - level, shape, weight)
        residual = self.data - level - charge * shape
        place, slope, width = charge * slopes
        by = np.stack([place, slope, np.ones_like(shape), width], axis=1)
        # What a profile's own charge can do for them is not theirs.
        by -= _charges(by, shape[:, None], weight[:, None]) * shape[:, None]
        normal = np.einsum("npr,nqr,nr->npq", by, by, weight, optimize=True)
        right = np.einsum("npr,nr,nr->np", by, residual, weight, optimize=True)
        self.misfit = (weight * residual**2).mean(axis=1)
        return np.add.reduceat(normal, self.first), np.add.reduceat(right, self.first)

    def _is_high(self) -> Bools:
        middle = self.height[:, _NODES.size // 2]
        return np.asarray(np.where(self.turned[self.owner], 1 - middle, middle) > _LOWEST)

    def _shapes(self, sigma: float) -> tuple[Array, Array]:
        """Return profiles of charge 1, and how they change with place, slope and width."""
        from scipy.special import ndtr

        place, slope = (self.values[self.owner, i] for i in (0, 1))
        height = np.where(self.turned[self.owner, None], 1 - self.height, self.height)
        skew = 1 + slope[:, None] ** 2
        drift = np.sqrt(np.maximum(height, _LOWEST) * skew + (sigma / self.length) ** 2)
        width = (sigma * drift)[:, :, None]
        center = place[:, None] + slope[:, None] * self.along
        t = (self.edges[:, None] - center[:, :, None]) / width
        density = np.exp(-0.5 * t**2) / np.sqrt(2 * np.pi)
        by_place = -np.diff(density / width, axis=2)
        mean = _WEIGHTS[:, None]
        shape = (np.diff(ndtr(t), axis=2) * mean).sum(axis=1)
        slopes = (
            (by_place * mean).sum(axis=1),
            (by_place * self.along[:, :, None] * mean).sum(axis=1),
            (-np.diff(t * density, axis=2) / sigma * mean).sum(axis=1),
        )
        return shape, np.stack(slopes)

    def chi2(self) -> Array:
        """Return chi^2 of a pixel of each track, as the last step found it."""
        counted = np.add.reduceat(self._is_high().astype(np.float64), self.first)
        return np.asarray(np.add.reduceat(self.misfit, self.first) / np.maximum(counted, 1.0))

    def widths(self, sigma: float) -> Array:
        """Return what each track by itself says of the width."""
        return np.asarray(sigma + self.score / self.information)

    def error(self) -> float:
        """Return the standard error of the common width."""
        return float(np.sqrt((self.score**2).sum()) / self.information.sum())


def _charges(data: Array, shape: Array, weight: Array) -> Array:
    """Return the charge of each profile that fits best; 0 where it does not count."""
    weighted = weight * shape
    square = np.maximum((weighted * shape).sum(axis=-1, keepdims=True), 1e-30)
    return np.asarray((weighted * data).sum(axis=-1, keepdims=True) / square)
