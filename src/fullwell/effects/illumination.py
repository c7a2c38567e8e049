"""A lamp does not light the detector as the sky does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from typing import Any, ClassVar, Self

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.effects.affine import Affine, MasterTerm
from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage
from fullwell.effects.converters import checked_image, fits
from fullwell.effects.sky_frames import combined_sky
from fullwell.effects.stacking import identity, load_corrected
from fullwell.errors import ChainError, ParameterError
from fullwell.frame import Frame, FrameSet
from fullwell.noise import Noise

__all__ = ["Illumination"]


def _pattern(value: Any) -> npt.NDArray[np.float32]:
    image = checked_image("pattern", value)
    if not (image > 0).all():
        raise ParameterError("pattern", float(image.min()), "above 0 everywhere")
    return image


@attrs.frozen(eq=False)
class Illumination(Effect):
    """Light of the lamp over light of the sky, which a flat of the lamp holds too much.

    Parameters
    ----------
    pattern : ndarray of float32, shape (rows, columns)
        Smooth, 1 for the typical pixel.
    variance : float or ndarray
        Of a measured pattern.
    order : int
        Degree of the polynomials that it was smoothed with, if measured.
    id : str
        Names a measured pattern by its content.

    Notes
    -----
    Forward it acts where ``state['illumination']['source']`` is ``'lamp'``. Backward it acts on sky frames
    divided by such a flat: they come out too faint where the lamp is brighter than the sky, and are
    multiplied by the pattern.
    """

    name: ClassVar[str] = "illumination"
    stage: ClassVar[Stage] = Stage.ILLUMINATION
    kind: ClassVar[Kind] = Kind.POINTWISE
    settable: ClassVar[Mapping[str, type[float] | type[str]]] = {"source": str}
    pattern: npt.NDArray[np.float32] = attrs.field(converter=_pattern)
    variance: Any = 0.0
    order: int = 0
    id: str = ""

    def simulate(self, signal: Signal, *, noise: Noise) -> None:  # noqa: ARG002
        """Multiply the light of a lamp by the pattern.

        Raises
        ------
        ParameterError
            If the state names another source than 'lamp' or 'sky'.
        """
        source = signal.state.get(self.name, {}).get("source", "sky")
        if source not in ("lamp", "sky"):
            raise ParameterError("state['illumination']['source']", source, "'lamp' or 'sky'")
        if source == "lamp":
            fits(self.name, self.pattern, signal.image.shape)
            signal.image = (signal.image * self.pattern).astype(np.float32)

    @classmethod
    def measure(
        cls,
        frames: FrameSet | Iterable[Any],
        *,
        known: Chain | None = None,
        order: int = 4,
        memory: int = 2**29,
    ) -> Self:
        """Fit a smooth surface to dithered frames of the empty sky.

        Parameters
        ----------
        frames : FrameSet or iterable of Frame
            Raw sky frames, three or more, the telescope moved between them.
        known : SignalChain, optional
            Takes out bias, dark and the flat of the lamp.
        order : int
            Degree of the Chebyshev polynomials along each axis.
        memory : int
            Ceiling of the working memory in bytes.

        Raises
        ------
        NotEnoughFrames
            With fewer than three frames: stars could not be told from the sky.
        """
        if not 0 <= order <= 12:
            raise ParameterError("order", order, "0 to 12")
        with ExitStack() as resources:
            held = load_corrected(frames, known, memory=memory, resources=resources)
            sky = combined_sky(held)
        surface, variance = _smooth(sky.data, sky.variance, ~sky.mask, order)
        middle = float(np.median(surface))
        pattern = (middle / surface).astype(np.float32)
        # d(1/s) = ds / s^2
        own = (variance * middle**2 / surface**4).astype(np.float32)
        return cls(pattern, own, order, identity(pattern, own, "illumination"))

    def affine(self, frame: Frame, *, unit: u.UnitBase, chain: Chain | None = None) -> Affine:  # noqa: ARG002
        """Multiply by the pattern; the noise of a measured one enters in proportion to the corrected value.

        Raises
        ------
        ChainError
            If shapes differ.
        """
        if self.pattern.shape != frame.shape:
            raise ChainError(f"the illumination has shape {self.pattern.shape}, the frame {frame.shape}")
        masters = {self.id: MasterTerm(0.0, 1 / self.pattern, self.variance)} if self.id else {}
        return Affine(scale=self.pattern, masters=masters)

    def correct(self, frame: Frame, *, chain: Chain | None = None) -> Frame:
        """Multiply by the pattern; frames of the lamp itself come without this step."""
        return self.affine(frame, unit=frame.unit, chain=chain).apply(frame)


def _smooth(data: Any, variance: Any, good: Any, order: int) -> tuple[Any, Any]:
    """Weighted least squares of products of Chebyshev polynomials, and the variance of the surface."""
    from numpy.polynomial import chebyshev

    rows, columns = data.shape
    py = chebyshev.chebvander(np.linspace(-1, 1, rows), order)
    px = chebyshev.chebvander(np.linspace(-1, 1, columns), order)
    weight = np.where(good & np.isfinite(variance) & (variance > 0), 1 / np.maximum(variance, 1e-30), 0)
    terms = (order + 1) ** 2
    # Sums over columns first: the matrix of all pixels and terms would be far larger than the image.
    pairs = px[:, :, None] * px[:, None, :]
    inner = np.tensordot(weight.astype(np.float64), pairs, axes=(1, 0))
    normal = np.einsum("yi,yj,yab->iajb", py, py, inner).reshape(terms, terms)
    moment = np.where(weight > 0, weight * data, 0.0).astype(np.float64) @ px
    vector = np.einsum("yi,ya->ia", py, moment).ravel()
    covariance = np.linalg.pinv(normal, hermitian=True)
    coefficients = (covariance @ vector).reshape(order + 1, order + 1)
    surface = py @ coefficients @ px.T
    spread = covariance.reshape(order + 1, order + 1, order + 1, order + 1)
    by_row = np.einsum("yi,yj,iajb->yab", py, py, spread)
    return surface, np.einsum("xa,xb,yab->yx", px, px, by_row)
