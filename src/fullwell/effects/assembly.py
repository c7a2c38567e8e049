"""From what was read out to the light-sensitive area."""

from __future__ import annotations

from astropy.io.fits import Header

from fullwell.flags import Flags
from fullwell.frame import Frame
from fullwell.io.hygiene import trimmed_header

__all__ = ["assembled", "assembled_header"]


def assembled(frame: Frame) -> Frame:
    """Return the frame trimmed and put together; one that is so already comes back as it is.

    Parameters
    ----------
    frame : Frame
        With the detector that says which pixel goes where.
    """
    detector = frame.detector
    if detector is None or not detector.has_scans or frame.layout != "raw":
        return frame
    return frame.with_(
        data=detector.assemble(frame.data),
        variance=None if frame.variance is None else detector.assemble(frame.variance),
        flags=detector.assemble(frame.flags, fill=int(Flags.NO_DATA)),
        header=assembled_header(frame),
        detector=detector.without_scans(),
    )


def assembled_header(frame: Frame) -> Header:
    """Return the header that a frame has once it is assembled; what the trim moves is moved."""
    detector = frame.detector
    if detector is None or frame.layout != "raw" or len(detector.amplifiers) != 1:
        return frame.header
    return trimmed_header(frame.header, detector.amplifiers[0].data, shape=detector.raw_shape)
