"""Pairs of flats drawn from a model: Gaussian fields with its covariances, to see what a fit says."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.errors import ParameterError
from fullwell.frame import Frame
from fullwell.noise import Noise
from fullwell.photon_transfer.lag_matrices import four_quadrants, sum_of_all_lags
from fullwell.photon_transfer.models import FullCovariance

__all__ = ["GaussianFlats"]

Array = npt.NDArray[np.float64]


@attrs.frozen(eq=False)
class GaussianFlats:
    """An amplifier whose flats have exactly the covariances of `FullCovariance`.

    Not the physics of single electrons, which the effects simulate: the statistics that a model claims, with
    a linear signal, so that a fit can be held against the numbers that went in.

    Parameters
    ----------
    a, b : ndarray, shape (lags, lags)
        1/e-; ``[i, j]`` i columns and j rows apart, a_00 negative.
    gain : float
        e-/ADU.
    read_noise : float
        e-.
    shape : tuple of int
        Rows and columns; left and right, top and bottom are neighbors.

    Raises
    ------
    ParameterError
        If a_00 is positive, the matrices do not fit each other, or gain or noise cannot be.
    """

    a: Array
    b: Array
    gain: float
    read_noise: float
    shape: tuple[int, int] = (200, 200)

    def __attrs_post_init__(self) -> None:
        if self.a.ndim != 2 or self.a.shape[0] != self.a.shape[1] or self.a.shape != self.b.shape:
            raise ParameterError("a and b", (self.a.shape, self.b.shape), "two square matrices of one size")
        if not self.a[0, 0] <= 0:
            raise ParameterError("a_00", self.a[0, 0], "0 or negative: a pixel that holds charge gets less")
        if not (self.gain > 0 and self.read_noise >= 0):
            raise ParameterError("gain, read noise", (self.gain, self.read_noise), "above 0, 0 or more")

    @classmethod
    def like_lsst(cls, *, a00: float = -3.09e-6, lags: int = 11, **others: Any) -> GaussianFlats:
        """Return one with an a that falls off with distance, is stronger along columns and sums up to zero.

        Parameters
        ----------
        a00 : float
            1/e-.
        lags : int
        **others
            Gain, read noise, shape; 1.5 e-/ADU and 5.4 e- if not given.
        """
        i, j = np.meshgrid(np.arange(lags), np.arange(lags), indexing="ij")
        away = 1.6 * i**2 + 0.8 * j**2
        a = np.where(away > 0, np.maximum(away, 0.1) ** -1.45, 0.0)
        a *= -a00 / sum_of_all_lags(a)
        a[0, 0] = a00
        b = np.where(away > 0, 1.5e-6, 1.0e-6)
        return cls(a, b, **({"gain": 1.5, "read_noise": 5.4} | others))

    def covariances(self, mean: npt.ArrayLike) -> Array:
        """Return what `Curve` has without noise: C_ij in ADU^2 at means in e-, shape (points, lags, lags)."""
        lags = self.a.shape[0]
        noise = np.zeros_like(self.a)
        noise[0, 0] = self.read_noise**2
        model = FullCovariance(lags, lags)
        parameters = np.concatenate([part.ravel() for part in (self.a, self.a * self.b, noise)])
        k = model.covariances(parameters, np.atleast_1d(np.asarray(mean, np.float64)))
        return k.reshape(-1, lags, lags) / self.gain**2

    def pair(self, mean: float, *, noise: Noise) -> tuple[Frame, Frame]:
        """Draw two flats in ADU above bias, float32, not rounded.

        Parameters
        ----------
        mean : float
            e-.
        noise : Noise
            Names the pair.

        Raises
        ------
        ParameterError
            If the shape is too small, or no noise can have these covariances.
        """
        lags = self.a.shape[0]
        if min(self.shape) < 2 * lags - 1:
            raise ParameterError("shape", self.shape, f"{2 * lags - 1} or more, for {lags} lags")
        kernel = np.zeros(self.shape)
        # [i, j] is columns, rows; an image is rows, columns.
        kernel[: 2 * lags - 1, : 2 * lags - 1] = four_quadrants(self.covariances(mean)[0].T)
        kernel = np.roll(kernel, (1 - lags, 1 - lags), axis=(0, 1))
        power = np.fft.fft2(kernel).real
        if power.min() < 0:
            raise ParameterError("covariances", float(power.min()), "those of a noise (no negative power)")
        stream = noise.stream("gaussian_flats")
        white = stream.normal(self.shape, draw=0) + 1j * stream.normal(self.shape, draw=1)
        # Real and imaginary part are independent fields: two flats of one transform.
        field = np.fft.ifft2(np.fft.fft2(white) * np.sqrt(power)) + mean / self.gain * (1 + 1j)
        return tuple(  # type: ignore[return-value]
            Frame(part.astype(np.float32), unit=u.adu, exposure_time=mean, applied=("bias",))
            for part in (field.real, field.imag)
        )
