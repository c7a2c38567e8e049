"""Crosstalk between the detectors of a camera."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.detector.camera import Camera
from fullwell.detector.read_order import in_read_order
from fullwell.effects.crosstalk_fit import Patch, check_options, fit_patches, masked_data, patches_of
from fullwell.errors import ChainError, FrameError, NotEnoughFrames
from fullwell.frame import Frame
from fullwell.quantities import number

__all__ = ["add_crosstalk_between", "measure_crosstalk_between", "remove_crosstalk_between"]

_APPLIED = "camera_crosstalk"
_ROUNDS = 3  # each leaves an error smaller by the size of the coefficients


def add_crosstalk_between(camera: Camera, frames: Mapping[str, Frame]) -> dict[str, Frame]:
    """Add to frames that are read out together what leaks from one detector into another.

    Parameters
    ----------
    camera : Camera
    frames : mapping of str to Frame
        By detector, in electrons, all raw or all assembled.

    Returns
    -------
    dict of str to Frame
        New data; variance and flags as they were.

    Raises
    ------
    ChainError
        If a frame is not in electrons.
    FrameError
        If a frame belongs to no detector, or the layouts differ.
    """
    layout = _layout(camera, frames)
    added = camera.leakage({name: frame.data for name, frame in frames.items()}, layout=layout)
    return {name: frame.with_(data=frame.data + added[name]) for name, frame in frames.items()}


def remove_crosstalk_between(camera: Camera, frames: Mapping[str, Frame]) -> dict[str, Frame]:
    """Take out what `add_crosstalk_between` adds; parameters and errors as there.

    Detectors that are absent leak nothing. Of frames it was taken out of already it is not taken out again.

    As within a detector, the noise of an aggressor that leaked is subtracted with it. Noise that came in
    later stays, with the square of the coefficient, and where coefficients have errors these times the
    signal: both are added to the variance of frames that have one.
    """
    layout = _layout(camera, frames)
    for name, frame in frames.items():
        if _APPLIED in frame.applied:
            raise ChainError(f"crosstalk between detectors was taken out of the frame of {name} already")
    true = {name: frame.data for name, frame in frames.items()}
    for _ in range(_ROUNDS):
        leaked = camera.leakage(true, layout=layout)
        true = {name: frame.data - leaked[name] for name, frame in frames.items()}
    settled = {name: frame.settled().variance for name, frame in frames.items()}
    noisy = {name: variance for name, variance in settled.items() if variance is not None}
    more = camera.leakage_variance(true, noisy, layout=layout)
    return {
        name: frame.with_(
            data=true[name],
            variance=None if frame.variance is None else frame.variance + more[name],
            applied=(*frame.applied, _APPLIED),
        )
        for name, frame in frames.items()
    }


def measure_crosstalk_between(
    camera: Camera,
    exposures: Iterable[Mapping[str, Frame]],
    *,
    bright: u.Quantity | float = 10_000.0,
    quadratic: bool = False,
    clip: float = 3.0,
    margin: int = 10,
) -> Camera:
    """Measure what leaks from one detector into another, by regression on bright pixels.

    Parameters
    ----------
    camera : Camera
    exposures : iterable of mapping of str to Frame
        By detector, in electrons, all raw or all assembled, read out together; crosstalk within the detectors
        taken out. Spots or stars that are bright on some amplifiers and miss the others at that tick.
    bright : Quantity or float
        Electrons; pixels above are aggressors.
    quadratic : bool
        Fit a term with the square of the signal too.
    clip : float
        Residuals beyond so many standard deviations are left out, 2.5 or more, iterated.
    margin : int
        Pixels by which the box around each spot is larger than the spot.

    Returns
    -------
    Camera
        With matrices and errors for every pair of its detectors.

    Raises
    ------
    ChainError, FrameError
        If frames are not in electrons, belong to no detector, or nothing is bright.
    NotEnoughFrames
        If there is no exposure.
    ParameterError
        If an option is impossible.
    """
    check_options(bright, clip, margin)
    level = number(bright, "bright", u.electron, above=0)
    patches: list[Patch] = []
    count = 0
    for frames in exposures:
        layout = _layout(camera, frames)
        absent = sorted(set(camera.detectors) - set(frames))
        if absent:
            raise FrameError(f"exposure {count} lacks detector {', '.join(absent)}; all of them are needed")
        views = [
            view
            for name, detector in camera.detectors.items()
            for view in in_read_order(masked_data(frames[name]), detector, layout=layout)
        ]
        patches.extend(patches_of(views, level, margin))
        count += 1
    if not count:
        raise NotEnoughFrames("there is no exposure to measure crosstalk in")
    if not patches:
        raise FrameError(f"no pixel of {count} exposures is above {level:g} electrons")
    owners = np.repeat(
        np.arange(len(camera.detectors)), [len(d.amplifiers) for d in camera.detectors.values()]
    )
    names = [f"{name} {a.name}" for name, d in camera.detectors.items() for a in d.amplifiers]
    found = fit_patches(
        patches, allowed=owners[:, None] != owners, names=names, clip=clip, quadratic=quadratic
    )
    return attrs.evolve(
        camera,
        crosstalk=_by_pair(camera, owners, found.coefficients),
        errors=_by_pair(camera, owners, found.errors),
        quadratic=_by_pair(camera, owners, found.quadratic),
        quadratic_errors=_by_pair(camera, owners, found.quadratic_errors),
    )


def _by_pair(
    camera: Camera, owners: npt.NDArray[np.intp], matrix: npt.NDArray[np.float64] | None
) -> dict[tuple[str, str], npt.NDArray[np.float64]]:
    """Cut the matrix of all amplifiers into those of pairs of detectors."""
    if matrix is None:
        return {}
    each = list(enumerate(camera.detectors))
    return {
        (victim, aggressor): matrix[np.ix_(owners == i, owners == j)]
        for i, victim in each
        for j, aggressor in each
        if i != j
    }


def _layout(camera: Camera, frames: Mapping[str, Frame]) -> str:
    layouts = set()
    for name, frame in frames.items():
        if frame.unit != u.electron:
            raise ChainError(
                f"crosstalk is defined in electrons, frame {name} is in {frame.unit}; add a Gain"
            )
        if name not in camera.detectors:
            raise FrameError(f"camera {camera.name} has no detector {name}")
        detector = camera.detectors[name]
        layout = detector.layout_of(frame.shape)
        if detector.has_scans:  # else raw and assembled frames are the same
            layouts.add(layout)
    if len(layouts) > 1:
        raise FrameError("some of the frames are raw, others assembled; make them all one or the other")
    return layouts.pop() if layouts else "assembled"
