"""The criteria: is the residual zero within its predicted error, and is its square the variance plane?

Let ``r = calibrated - truth`` over the n unflagged pixels of a region, v the settled variance plane, y the
truth, f the flat, g the gain.

**Mean.** The predicted variance of mean(r) is the sum of

- ``sum v / n^2``: noise of single pixels, that of the masters included, since it is in v;
- ``(W_a s_a)^2`` for each amplifier a: noise of the overscan level of this frame, common to all pixels of the
  amplifier. ``s_a^2 = (R_a^2/g_a^2 + 1/12)/m`` in ADU^2, R the read noise, m the number of overscan pixels,
  1/12 the noise of rounding; ``W_a = sum_{i in a} g_a/f_i / n``;
- ``(C_ka L_ka)^2`` for each amplifier and each master k: level noise that the master brings along from the
  overscan of its own N frames, ``L^2 = s_a^2/N`` (for a flat ``s_a^2/(N counts^2)``).
  ``C_ka = sum_{i in a} c_ki / n`` with c the coefficient of the master's noise, as the frame has it before it
  is settled: ``-(1 - s - r (1 - s_F)) g/f`` for the bias, ``-(s - r s_F) g/f`` for the dark, ``-y/f`` for the
  flat, with ``r = y/counts`` here;
- ``(mean(y) q)^2``: error of the flat's normalization. The median m of independent values F_i with errors d_i
  is where ``sum Phi((m - F_i)/d_i) = n/2``, so ``q^2 = sum Phi (1 - Phi) / (sum phi/d_i)^2`` at the median.

Criterion: |mean(r)| below 4 of these errors; right code fails one check in 15 800.

**Variance.** For Poisson plus Gaussian noise var(r^2) = 2 v^2 + k4. The plane itself, whose Poisson term is
the measured signal, goes up and down with r (third cumulant), and the cumulants of the counts cancel:
``var(r^2 - plane) = 2 v^2 + R^2/f^4``. The read noise, measured on the biases to a relative error e_a, moves
the part Q of v that it makes up. So the predicted variance of ``mean(r^2)/mean(v)`` is

    ``[sum (2 v^2 + R^2/f^4) + sum_a (2 e_a sum_a Q)^2] / (sum v)^2``,

which is 2/n where v is the same everywhere and the read noise exact. Criterion: mean(r^2)/mean(v) is 1 within
4 of these errors; one in 15 800 again.

**Pooled** over the frames of a setting, 2e6 pixels or more: |mean(r)| < 0.01 sqrt(mean v) and
|mean(r^2)/mean(v) - 1| < 0.01. In the narrow filter, where the overscan counts most, these are 5 predicted
errors or more (one false alarm in 1.7 million), in the broad one more than 6.
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
    """The two numbers of one region in one frame, and their predicted errors."""

    region: str
    pixels: int
    mean: float
    mean_error: float
    ratio: float
    ratio_error: float

    @property
    def scores(self):
        """Mean, and ratio less 1, in units of their errors."""
        return self.mean / self.mean_error, (self.ratio - 1) / self.ratio_error

    @property
    def complaints(self):
        mean, ratio = self.scores
        found = []
        if not abs(mean) < LIMIT:
            found.append(f"{self.region}: mean {self.mean:+.4g} e- is {mean:+.1f} predicted errors off")
        if not abs(ratio) < LIMIT:
            found.append(f"{self.region}: mean(r^2)/mean(v) = {self.ratio:.4f} is {ratio:+.1f} errors off")
        return found


@attrs.frozen(eq=False)
class Common:
    """Errors that pixels of a corrected frame have in common.

    Parameters
    ----------
    levels : list of (ndarray, sequence of float)
        Coefficient image of a level, and the error of the level in each amplifier.
    normalization : float
        Relative error of the flat's median.
    quiet : ndarray
        Part of the variance plane that goes with the square of the read noise.
    own : ndarray
        Variance of the frame's own read noise, e-^2.
    read_noise : sequence of float
        Relative error of the measured read noise of each amplifier.
    """

    levels: list
    normalization: float
    quiet: np.ndarray
    own: np.ndarray
    read_noise: tuple


def level_errors(detector, *, skip=3):
    """Error of the overscan level of each amplifier of a raw frame, ADU."""
    errors = []
    for amplifier in detector.amplifiers:
        rows, columns = amplifier.overscan.shape
        variance = (amplifier.read_noise / amplifier.gain) ** 2 + 1 / 12
        errors.append(np.sqrt(variance / (rows * (columns - skip))))
    return np.array(errors)


def normalization_error(flat, response):
    """Relative error of the median of a measured flat, whose pixels scatter about the true `response`."""
    good = ~mask_of(flat.flags)
    true = response[good].astype(np.float64)
    true /= np.median(true)
    error = np.sqrt(np.broadcast_to(flat.variance, response.shape)[good].astype(np.float64))
    score = (1 - true) / error
    below = ndtr(score)
    density = (np.exp(-score * score / 2) / np.sqrt(2 * np.pi) / error).sum()
    return float(np.sqrt((below * (1 - below)).sum()) / density)


def common_errors(frame, bias, dark, flat, *, detector, response):
    """Collect the common errors of a frame that was corrected with ``settle=False``.

    Parameters
    ----------
    frame : Frame
    bias, dark, flat : Bias, Dark, Flat
    detector : Detector
        With overscan, true gains and read noises.
    response : ndarray
        True flat.
    """
    gains, noises = ([getattr(a, name) for a in detector.amplifiers] for name in ("gain", "read_noise"))
    level = level_errors(detector)
    inverse = 1.0 / np.where(flat.response > 0, flat.response, 1.0).astype(np.float64)
    own = detector.spread(np.square(noises)) * inverse**2
    sizes = {bias.id: level / np.sqrt(bias.count), flat.id: level / np.sqrt(flat.count) / flat.counts}
    sizes |= {part.id: level / np.sqrt(part.count) for part in dark.levels}
    levels, quiet = [(detector.spread(gains) * inverse, level)], own.copy()
    for key, share in frame.shared.items():
        if key in sizes:
            levels.append((np.broadcast_to(share.coefficient, frame.shape), sizes[key]))
        if key != flat.id:
            quiet += share.contribution
    relative = tuple(e / noise for noise, e in zip(bias.read_noise, bias.read_noise_error, strict=True))
    return Common(levels, normalization_error(flat, response), quiet, own * inverse**2, relative)


def regions(frame, stars, sky, *, read_noise=8.0):
    """Sky, wings of stars (up to 5 sigma of the sky), and each amplifier; unflagged pixels only."""
    good = ~frame.mask
    sigma = np.sqrt(sky + read_noise**2)
    found = {
        "sky": good & (stars < 0.3 * sigma),
        "wings": good & (stars >= 0.3 * sigma) & (stars < 5 * sigma),
    }
    for amplifier in frame.detector.amplifiers:
        found[f"amplifier {amplifier.name}"] = good & _inside(frame, amplifier)
    return found


def examine(frame, truth, chosen, common):
    """Judge one corrected frame in each of the `chosen` regions (dict of name to ndarray of bool)."""
    variance = frame.settled().variance.astype(np.float64)
    residual = frame.data.astype(np.float64) - truth
    scatter = 2 * variance**2 + common.own
    amplifiers = [_inside(frame, amplifier) for amplifier in frame.detector.amplifiers]
    checks = []
    for name, where in chosen.items():
        n, total = int(where.sum()), variance[where].sum()
        mean2 = total / n**2 + (truth[where].mean(dtype=np.float64) * common.normalization) ** 2
        ratio2 = scatter[where].sum()
        for i, inside in enumerate(amplifiers):
            part = where & inside
            mean2 += sum(
                (plane[part].sum(dtype=np.float64) / n * sizes[i]) ** 2 for plane, sizes in common.levels
            )
            ratio2 += (2 * common.read_noise[i] * common.quiet[part].sum()) ** 2
        r = residual[where]
        ratio, ratio_error = (r * r).sum() / total, np.sqrt(ratio2) / total
        checks.append(Check(name, n, r.mean(), np.sqrt(mean2), ratio, ratio_error))
    return checks


def _inside(frame, amplifier):
    inside = np.zeros(frame.shape, bool)
    inside[amplifier.box.slices] = True
    return inside


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
