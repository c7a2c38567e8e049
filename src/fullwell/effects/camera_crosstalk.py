"""Crosstalk between the detectors of a camera."""

from __future__ import annotations

from collections.abc import Mapping

from astropy import units as u

from fullwell.detector.camera import Camera
from fullwell.errors import ChainError, FrameError
from fullwell.frame import Frame

__all__ = ["add_crosstalk_between", "remove_crosstalk_between"]

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

    As within a detector, the noise of an aggressor that leaked is subtracted with it.
    """
    layout = _layout(camera, frames)
    true = {name: frame.data for name, frame in frames.items()}
    for _ in range(_ROUNDS):
        leaked = camera.leakage(true, layout=layout)
        true = {name: frame.data - leaked[name] for name, frame in frames.items()}
    return {name: frame.with_(data=true[name]) for name, frame in frames.items()}


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
