"""The criteria: is the residual zero within its predicted error, and is its square the variance plane?

Let ``r = calibrated - truth`` over the n unflagged pixels of a region, v the settled variance plane.

**Mean.** The predicted variance of mean(r) is

- ``sum v / n^2``: noise of single pixels, of the masters' too (c^2 V in v, see below);
- ``(W_a s_a)^2`` for each amplifier a: noise of the overscan level of this frame. ``s_a^2 = (R_a^2/g_a^2 + 1/12)/m``
  with read noise R, gain g and m overscan pixels, ADU^2; ``W_a = sum_{i in a} g_a/f_i / n``;
- ``(C_ka L_ka)^2`` for each amplifier and master k: level noise that a master brings along from the overscan of its
  own frames. A master of N frames has ``L^2 = s_a^2 / N``, a flat ``s_a^2 / (N counts^2)``;
  ``C_ka = sum_{i in a} c_ki / n``, where c is the coefficient with which the master enters, taken from the frame
  before it is settled: for the bias ``-(1 - s - r (1 - s_F)) g / f``, for the dark ``-(s - r s_F) g / f``, for
  the flat ``-y / f``;
- ``(mean(y) q)^2``: error of the flat's normalization. The median of independent values F_i with errors d_i is
  where ``sum Phi((m - F_i)/d_i) = n/2``, so that ``q^2 = sum Phi (1 - Phi) / (sum phi / d_i)^2`` at the median.

Criterion: |mean(r)| below 4 of these errors. One check raises false alarm once in 15 800.

**Variance.** For Poisson plus Gaussian noise the fourth cumulant adds to var(r^2) = 2 v^2 + k4, and the plane itself,
whose Poisson term is the measured signal, goes up and down with r (third cumulant): in all
``var(r^2 - plane) = 2 v^2 + R^2/f^4``; k4 and k3 of the counts cancel but for the read noise. The read noise, measured on
the biases to the relative error e_a, moves the part of v that it makes up, ``Q_a``. So

``var(mean(r^2)/mean(v)) = [sum (2 v^2 + R^2/f^4) + sum_a (2 e_a Q_a)^2] / (sum v)^2``,

which is 2/n where v is the same everywhere and the read noise exact. Criterion: mean(r^2)/mean(v) is 1 within 4 of
these errors; one in 15 800 again.

**Pooled** over the frames of a setting, 2e6 pixels or more: |mean(r)| < 0.01 sqrt(mean v), |mean(r^2)/mean(v) - 1| < 0.01.
These limits are fixed; how many predicted errors they are is in `Pool`.
"""

from __future__ import annotations

import attrs
import numpy as np
from scipy.special import ndtr

from fullwell.flags import mask_of

LIMIT = 4.0
POOLED_PIXELS = 2_000_000
POOLED_MEAN, POOLED_RATIO = 0.01, 0.01


@attrs.frozen
class Check:
    """The two numbers of one region in one frame, and what they may be off."""

    region: str
    pixels: int
    mean: float
    mean_error: float
    ratio: float
    ratio_error: float

    @property
    def mean_score(self):
        return self.mean / self.mean_error

    @property
    def ratio_score(self):
        return (self.ratio - 1) / self.ratio_error

    @property
    def complaints(self):
        found = []
        if not abs(self.mean_score) < LIMIT:
            found.append(f"{self.region}: mean {self.mean:+.4g} e- is {self.mean_score:+.1f} predicted errors off")
        if not abs(self.ratio_score) < LIMIT:
            found.append(f"{self.region}: mean(r^2)/mean(v) = {self.ratio:.4f} is {self.ratio_score:+.1f} errors off")
        return found


@attrs.frozen(eq=False)
class Budget:
    """Errors common to many pixels.

    Parameters
    ----------
    own : sequence of float
        Error of the overscan level of one frame for each amplifier, ADU.
    masters : dict of str to sequence of float
        The same of each master in its own unit, by id.
    normalization : float
        Relative error of the flat's median.
    read_noise : sequence of float
        Relative error of the measured read noise of each amplifier.
    flat : str
        Id of the flat.
    """

    own: tuple
    masters: dict
    normalization: float
    read_noise: tuple
    flat: str


def level_errors(detector, *, skip=3):
    """Error of the overscan level of each amplifier, ADU, from the true gain and read noise."""
    errors = []
    for amplifier in detector.amplifiers:
        rows, columns = amplifier.overscan.shape
        variance = (amplifier.read_noise / amplifier.gain) ** 2 + 1 / 12
        errors.append(np.sqrt(variance / (rows * (columns - skip))))
    return np.array(errors)


def budget(bias, dark, flat, detector, response):
    """Collect the common errors of a set of masters; `response` is the true flat."""
    own = level_errors(detector) if detector.has_scans else np.zeros(len(detector.amplifiers))
    masters = {bias.id: own / np.sqrt(bias.count)}
    masters |= {level.id: own / np.sqrt(level.count) for level in dark.levels}
    masters[flat.id] = own / np.sqrt(flat.count) / flat.counts
    relative = tuple(error / noise for noise, error in zip(bias.read_noise, bias.read_noise_error, strict=True))
    return Budget(tuple(own), masters, normalization_error(flat, response), relative, flat.id)


def normalization_error(flat, response):
    """Standard error of the median of the measured flat, whose pixels scatter about the true response."""
    good = ~mask_of(flat.flags)
    true = response[good].astype(np.float64)
    true /= np.median(true)
    error = np.sqrt(np.broadcast_to(flat.variance, response.shape)[good].astype(np.float64))
    score = (1 - true) / error
    below = ndtr(score)
    density = (np.exp(-score * score / 2) / np.sqrt(2 * np.pi) / error).sum()
    return float(np.sqrt((below * (1 - below)).sum()) / density)


def regions(frame, stars, sky, read_noise=8.0):
    """Sky, wings of stars (up to 5 sigma of the sky), and each amplifier, unflagged pixels only."""
    good = ~frame.mask
    sigma = np.sqrt(sky + read_noise**2)
    found = {"sky": good & (stars < 0.3 * sigma), "wings": good & (stars >= 0.3 * sigma) & (stars < 5 * sigma)}
    for amplifier in frame.detector.amplifiers:
        own = np.zeros_like(good)
        own[amplifier.box.slices] = good[amplifier.box.slices]
        found[f"amplifier {amplifier.name}"] = own
    return found


def examine(frame, truth, chosen, errors, *, gains, read_noises, response):
    """Judge one corrected frame.

    Parameters
    ----------
    frame : Frame
        From ``chain.correct(raw, settle=False)``.
    truth : ndarray
        Electrons.
    chosen : dict of str to ndarray of bool
        Regions.
    errors : Budget
    gains, read_noises : sequence of float
        True ones, e-/ADU and e-.
    response : ndarray
        Measured flat.
    """
    spread = frame.detector.spread
    gain, read2 = spread(gains), spread(np.square(read_noises))
    variance = frame.settled().variance.astype(np.float64)
    residual = frame.data.astype(np.float64) - truth
    inverse = 1.0 / np.where(response > 0, response, 1.0).astype(np.float64)
    # What the read noise makes up: all but the Poisson noise of this frame and of the flat.
    quiet = read2 * inverse**2
    for key, share in frame.shared.items():
        if key != errors.flat:
            quiet = quiet + share.contribution
    planes = {"own": (gain * inverse, errors.own)}
    for key, share in frame.shared.items():
        if key in errors.masters:
            planes[key] = (np.broadcast_to(share.coefficient, frame.shape), errors.masters[key])
    fourth = 2 * variance**2 + read2 * inverse**4
    checks = []
    for name, where in chosen.items():
        n = int(where.sum())
        total = variance[where].sum()
        mean2 = total / n**2 + (truth[where].mean() * errors.normalization) ** 2
        ratio2 = fourth[where].sum()
        for i, amplifier in enumerate(frame.detector.amplifiers):
            inside = np.zeros_like(where)
            inside[amplifier.box.slices] = where[amplifier.box.slices]
            if not inside.any():
                continue
            mean2 += sum((plane[inside].sum() / n * sizes[i]) ** 2 for plane, sizes in planes.values())
            ratio2 += (2 * errors.read_noise[i] * quiet[inside].sum()) ** 2
        r = residual[where]
        checks.append(
            Check(name, n, float(r.mean()), float(np.sqrt(mean2)), float((r * r).sum() / total), float(np.sqrt(ratio2) / total))
        )
    return checks


@attrs.define
class Pool:
    """Sums over all unflagged pixels of the frames of a setting."""

    pixels: int = 0
    residual: float = 0.0
    square: float = 0.0
    variance: float = 0.0

    def add(self, frame, truth):
        good = ~frame.mask
        residual = (frame.data.astype(np.float64) - truth)[good]
        self.pixels += residual.size
        self.residual += residual.sum()
        self.square += (residual**2).sum()
        self.variance += frame.settled().variance[good].sum(dtype=np.float64)

    @property
    def mean(self):
        """Mean residual in units of the predicted standard deviation of a pixel."""
        return self.residual / self.pixels / np.sqrt(self.variance / self.pixels)

    @property
    def ratio(self):
        return self.square / self.variance

    @property
    def complaints(self):
        found = []
        if self.pixels < POOLED_PIXELS:
            found.append(f"only {self.pixels} pixels")
        if not abs(self.mean) < POOLED_MEAN:
            found.append(f"pooled mean {self.mean:+.4f} sigma")
        if not abs(self.ratio - 1) < POOLED_RATIO:
            found.append(f"pooled mean(r^2)/mean(v) = {self.ratio:.4f}")
        return found
