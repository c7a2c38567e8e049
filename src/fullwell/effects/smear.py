"""Light that falls while charge is shifted: streaks along the columns."""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.detector import Detector
from fullwell.detector.read_order import in_read_order
from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage
from fullwell.effects.converters import seconds
from fullwell.errors import ChainError, ParameterError
from fullwell.frame import Frame
from fullwell.noise import Noise

__all__ = ["Smear"]


@attrs.frozen(eq=False)
class Smear(Effect):
    """Exposure during transfer, without a shutter.

    Parameters
    ----------
    row_time : Quantity or float
        Seconds for which a packet stays in each row that it passes.
    transfer : {'frame', 'read-out'}
        ``'frame'``: the whole image is shifted behind a mask at once, and was cleared by a shift before: each
        packet passes every row of its column. ``'read-out'``: rows are read one by one under light: a packet
        passes the rows between it and the register.

    Raises
    ------
    ParameterError
        If a value is impossible.

    Notes
    -----
    The light of a row that a packet passes is ``k`` times what that row collects in the exposure, with
    k = row_time / exposure time. The equations are linear and are solved exactly, column by column and
    amplifier by amplifier (Iglesias, Feller & Nagaraju 2015, Applied Optics 54, 5970).
    """

    name: ClassVar[str] = "smear"
    stage: ClassVar[Stage] = Stage.SMEAR
    kind: ClassVar[Kind] = Kind.REDISTRIBUTING
    row_time: float = attrs.field(converter=seconds)
    transfer: Literal["frame", "read-out"] = "frame"

    def __attrs_post_init__(self) -> None:
        if not (np.isfinite(self.row_time) and self.row_time >= 0):
            raise ParameterError("row_time", self.row_time, "0 s or more")
        if self.transfer not in ("frame", "read-out"):
            raise ParameterError("transfer", self.transfer, "'frame' or 'read-out'")

    def simulate(self, signal: Signal, *, noise: Noise) -> None:  # noqa: ARG002
        """Add the light that each packet meets on its way; expected, since shot noise comes later."""
        k = self._ratio(signal.exposure_time)
        if k == 0:
            return
        image = signal.image.astype(np.float64)
        for part in in_read_order(image, signal.detector, layout="assembled"):
            if self.transfer == "frame":
                part += k * (part.sum(axis=0) - part)
            else:
                part[1:] += k * np.cumsum(part[:-1], axis=0)
        signal.image = image.astype(np.float32)

    def correct(self, frame: Frame, *, chain: Chain | None = None) -> Frame:  # noqa: ARG002
        """Solve for the light before the transfer.

        Pixels without a value are taken to be as bright as their neighbors in the column, for the sake of the
        others.
        The variance stays: the streaks are sums of many pixels, whose noise is k^2 times theirs.

        Raises
        ------
        ChainError
            If the frame has no exposure time, or the smear is so strong that it cannot be undone.
        """
        if frame.exposure_time is None:
            raise ChainError("the smear correction needs the exposure time of the frame")
        k = self._ratio(frame.exposure_time)
        if k == 0:
            return frame
        if k >= 1:
            raise ChainError(
                f"smear of {self.row_time:g} s a row drowns an exposure of {frame.exposure_time:g} s"
            )
        data = _filled(frame)
        detector = frame.detector or Detector.single(frame.shape)
        for part in in_read_order(data, detector, layout="assembled"):
            if self.transfer == "frame":
                total = part.sum(axis=0) / (1 + k * (part.shape[0] - 1))
                part -= k * total
                part /= 1 - k
            else:
                _undo_read_out(part, k)
        result = np.where(np.isfinite(frame.data), data, frame.data).astype(frame.data.dtype)
        return frame.with_(data=result)

    def _ratio(self, exposure_time: float) -> float:
        # A bias is in the same chain, and has no light that could be smeared.
        return self.row_time / exposure_time if exposure_time > 0 else 0.0


def _undo_read_out(part: npt.NDArray[np.float64], k: float) -> None:
    """S_y = I_y + k sum of I below: in terms of the sum C_y of I up to y, C_y = (1 - k) C_(y-1) + S_y."""
    before = np.zeros(part.shape[1])
    for row in part:
        row -= k * before
        before += row


def _filled(frame: Frame) -> npt.NDArray[np.float64]:
    data = frame.data.astype(np.float64)
    missing = ~np.isfinite(data)
    for column in np.flatnonzero(missing.any(axis=0)):
        bad = missing[:, column]
        rows = np.arange(data.shape[0])
        data[bad, column] = 0.0 if bad.all() else np.interp(rows[bad], rows[~bad], data[~bad, column])
    return data
