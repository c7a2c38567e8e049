"""Detectors side by side in a focal plane, and what leaks from one to the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.detector.geometry import Detector
from fullwell.detector.read_order import in_read_order, tick_blocks
from fullwell.errors import FrameError, ParameterError

__all__ = ["Camera"]

Pair = tuple[str, str]


def _matrices(value: Mapping[Pair, Any]) -> dict[Pair, npt.NDArray[np.float64]]:
    return {key: np.array(matrix, np.float64) for key, matrix in value.items()}


@attrs.frozen(eq=False)
class Camera:
    """Detectors that are read out together.

    Parameters
    ----------
    name : str
    detectors : mapping of str to Detector
        By their place in the camera, such as ``'R22_S11'``.
    places : mapping of str to tuple of float
        Where the first pixel of each assembled image lies in the focal plane, (x, y) in pixels; may be empty.
    crosstalk : mapping of (str, str) to ndarray
        ``(victim, aggressor)`` to a matrix of shape (amplifiers of the victim, amplifiers of the aggressor):
        what each electron of the aggressor adds to the victim's pixel of the same clock tick, both in
        electrons. Crosstalk within a detector is a `fullwell.effects.Crosstalk`.
    quadratic : mapping of (str, str) to ndarray
        The same for the square of the aggressor's electrons, 1/electron; may lack pairs.
    errors, quadratic_errors : mapping of (str, str) to ndarray
        Standard errors, where they were measured; infinite where an amplifier was never bright.

    Raises
    ------
    ParameterError
        If a name is unknown, a matrix has another shape or a coefficient is not between -1 and 1.
    """

    name: str
    detectors: Mapping[str, Detector] = attrs.field(converter=dict)
    places: Mapping[str, tuple[float, float]] = attrs.field(factory=dict, converter=dict)
    crosstalk: Mapping[Pair, npt.NDArray[np.float64]] = attrs.field(factory=dict, converter=_matrices)

    quadratic: Mapping[Pair, npt.NDArray[np.float64]] = attrs.field(factory=dict, converter=_matrices)
    errors: Mapping[Pair, npt.NDArray[np.float64]] = attrs.field(factory=dict, converter=_matrices)
    quadratic_errors: Mapping[Pair, npt.NDArray[np.float64]] = attrs.field(factory=dict, converter=_matrices)

    def __attrs_post_init__(self) -> None:
        if not self.detectors:
            raise ParameterError("detectors", self.detectors, "at least one")
        for place in self.places:
            self._check_name("places", place)
        for name in ("crosstalk", "quadratic", "errors", "quadratic_errors"):
            for pair, matrix in getattr(self, name).items():
                self._check_matrix(name, pair, matrix)

    def _check_matrix(self, name: str, pair: Pair, matrix: npt.NDArray[np.float64]) -> None:
        label = f"{name} of {pair}"
        victim, aggressor = pair
        self._check_name(label, victim)
        self._check_name(label, aggressor)
        if victim == aggressor:
            raise ParameterError(label, victim, "two detectors; within one it is the effect Crosstalk")
        expected = len(self.detectors[victim].amplifiers), len(self.detectors[aggressor].amplifiers)
        if matrix.shape != expected:
            raise ParameterError(label, matrix.shape, f"a matrix of {expected} amplifiers")
        error = name.endswith("errors")
        bad = ~(matrix >= 0) if error else ~(np.abs(matrix) < 1)
        if bad.any():
            allowed = "0 or more" if error else "between -1 and 1, both excluded"
            raise ParameterError(label, float(matrix[bad][0]), allowed)

    def _check_name(self, label: str, name: str) -> None:
        if name not in self.detectors:
            raise ParameterError(label, name, f"one of {', '.join(self.detectors)}")

    def leakage(
        self, images: Mapping[str, npt.NDArray[Any]], *, layout: str
    ) -> dict[str, npt.NDArray[np.float32]]:
        """Return what the other detectors add to each image.

        Parameters
        ----------
        images : mapping of str to ndarray
            By detector, in electrons, read out together. Detectors that are absent leak nothing.
        layout : {'raw', 'assembled'}
            Of all images.

        Returns
        -------
        dict of str to ndarray of float32
            One of the shape of each image; zero where nothing leaks.

        Raises
        ------
        FrameError
            If an image belongs to no detector or does not fit its own.
        """
        unknown = sorted(set(images) - set(self.detectors))
        if unknown:
            raise FrameError(f"camera {self.name} has no detector {', '.join(unknown)}")
        added = {name: np.zeros(image.shape, np.float32) for name, image in images.items()}
        self._add(added, self.crosstalk, images, layout)
        if self.quadratic:
            self._add(added, self.quadratic, {name: image**2 for name, image in images.items()}, layout)
        return added

    def leakage_variance(
        self,
        images: Mapping[str, npt.NDArray[Any]],
        variances: Mapping[str, npt.NDArray[Any]],
        *,
        layout: str,
    ) -> dict[str, npt.NDArray[np.float32]]:
        """Return the variance that taking out what leaked brings into each image.

        The noise of an aggressor enters with the square of what one more electron leaks, ``c + 2 q S``, and
        where coefficients have errors these times the signal.

        Parameters
        ----------
        images, variances : mapping of str to ndarray
            Electrons and e-^2, by detector; images without a variance bring none of their own.
        layout : {'raw', 'assembled'}
        """
        added = {name: np.zeros(image.shape, np.float32) for name, image in images.items()}
        self._add(added, _squares(self.crosstalk), variances, layout)
        if self.quadratic:  # (c + 2 q S)^2 of the slope, less the c^2 above
            bent = {k: variances[k] * images[k] for k in variances}
            self._add(added, _slopes(self.crosstalk, self.quadratic), bent, layout)
            squared = {k: variances[k] * (2 * images[k]) ** 2 for k in variances}
            self._add(added, _squares(self.quadratic), squared, layout)
        for errors, power in ((self.errors, 2), (self.quadratic_errors, 4)):
            if errors:
                self._add(added, _squares(errors), {k: image**power for k, image in images.items()}, layout)
        return added

    def _add(
        self,
        added: Mapping[str, npt.NDArray[np.float32]],
        matrices: Mapping[Pair, npt.NDArray[np.float64]],
        images: Mapping[str, npt.NDArray[Any]],
        layout: str,
    ) -> None:
        for (victim, aggressor), matrix in matrices.items():
            if victim in added and aggressor in images:
                source = in_read_order(images[aggressor], self.detectors[aggressor], layout=layout)
                target = in_read_order(added[victim], self.detectors[victim], layout=layout)
                _leak(source, target, matrix.astype(np.float32))


def _squares(matrices: Mapping[Pair, npt.NDArray[np.float64]]) -> dict[Pair, npt.NDArray[np.float64]]:
    """Squares of what is finite; what was never measured counts nothing."""
    return {pair: np.where(np.isfinite(matrix), matrix, 0.0) ** 2 for pair, matrix in matrices.items()}


def _slopes(
    linear: Mapping[Pair, npt.NDArray[np.float64]], quadratic: Mapping[Pair, npt.NDArray[np.float64]]
) -> dict[Pair, npt.NDArray[np.float64]]:
    """Products ``4 c q`` of what is known: with the signal the middle term of ``(c + 2 q S)^2``."""
    none = np.float64(0.0)
    return {
        pair: 4 * np.nan_to_num(linear.get(pair, none)) * np.nan_to_num(quadratic[pair]) for pair in quadratic
    }


def _leak(
    source: list[npt.NDArray[Any]], target: list[npt.NDArray[Any]], matrix: npt.NDArray[np.float32]
) -> None:
    # Row blocks of both have one length, so that they go in step.
    for (_, signal), (parts, _) in zip(tick_blocks(source), tick_blocks(target), strict=False):
        leaked = np.tensordot(matrix, signal, 1)
        for part, plane in zip(parts, leaked, strict=True):
            rows, columns = (min(a, b) for a, b in zip(part.shape, plane.shape, strict=True))
            part[:rows, :columns] += plane[:rows, :columns]
