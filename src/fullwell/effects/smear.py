"""Light that falls while charge is shifted: streaks along the columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal, Self

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.detector import Amplifier, Detector
from fullwell.detector.read_order import in_read_order
from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage
from fullwell.errors import ChainError
from fullwell.frame import Frame, FrameSet
from fullwell.noise import Noise
from fullwell.quantities import choices, quantity

__all__ = ["Smear", "read_last", "undo_smear"]


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
    error : float
        Standard error of `row_time`, where it was measured.

    Raises
    ------
    ParameterError
        If a value is impossible.

    Notes
    -----
    The light of a row that a packet passes is ``k`` times what that row collects in the exposure, with
    k = row_time / exposure time. The equations are linear and are solved exactly, column by column and
    amplifier by amplifier (Iglesias, Feller & Nagaraju 2015, Applied Optics 54, 5970). The packets of
    parallel overscan rows pass every row of their column and hold nothing else, in exposures of 0 s too.
    """

    name: ClassVar[str] = "smear"
    stage: ClassVar[Stage] = Stage.SMEAR
    kind: ClassVar[Kind] = Kind.REDISTRIBUTING
    row_time: float = attrs.field(**quantity(u.s, least=0))
    transfer: Literal["frame", "read-out"] = attrs.field(default="frame", **choices("frame", "read-out"))
    error: float = 0.0
    sees_light_of_transfer: ClassVar[bool] = True

    def simulate(self, signal: Signal, *, noise: Noise) -> None:
        """Add the light that each packet meets on its way; expected, since shot noise comes later.

        What parallel overscan rows get is counted here, a Poisson number: no later effect looks at them
        before the read-out.
        """
        light_time = signal.exposure_time if signal.light_time is None else signal.light_time
        k = self._ratio(light_time)
        if k == 0:
            if signal.exposure_time == 0:
                signal.image = np.zeros_like(signal.image)
            return
        image = signal.image.astype(np.float64)
        own = 1.0 if signal.exposure_time > 0 else 0.0
        parts = in_read_order(image, signal.detector, layout="assembled")
        signal.behind = [
            self._behind(amplifier, k * part.sum(axis=0), noise.stream(f"{self.name}-{i}"))
            for i, (amplifier, part) in enumerate(zip(signal.detector.amplifiers, parts, strict=True))
        ]
        for part in parts:
            if self.transfer == "frame":
                met = k * part.sum(axis=0)
                part *= own - k
                part += met
            else:
                met = k * (np.cumsum(part, axis=0) - part)
                part *= own
                part += met
        signal.image = image.astype(np.float32)

    @staticmethod
    def _behind(amplifier: Amplifier, expected: Any, stream: Any) -> Any:
        if amplifier.parallel is None or not read_last(amplifier):
            return np.zeros((1, 1), np.float32)
        rows = amplifier.parallel.shape[0]
        return stream.poisson(np.broadcast_to(expected, (rows, expected.size)).astype(np.float32))

    @classmethod
    def measure(
        cls,
        frames: FrameSet | Iterable[Any],
        *,
        known: Chain | None = None,
        transfer: Literal["frame", "read-out"] = "frame",
        skip: int = 2,
    ) -> Self:
        """Find the row time from the parallel overscan of exposures that have something bright in them.

        Parameters
        ----------
        frames : FrameSet or iterable of Frame
            Raw, with exposure times above 0.
        known : SignalChain, optional
            Its bias gives the level of amplifiers without serial overscan, its converter and full well tell
            which columns are saturated.
        transfer : {'frame', 'read-out'}
            As for the class.
        skip : int
            Rows of the overscan next to the data that are left out: charge that was left behind comes out in
            them.

        Raises
        ------
        NotEnoughFrames
            Without a frame, or where no amplifier has parallel overscan behind its data.
        ChainError
            If a frame is not raw, has no exposure time, or its level is not known.
        """
        from fullwell.effects.smear_fit import fit_row_time

        row_time, error = fit_row_time(frames, known=known, transfer=transfer, skip=skip)
        return cls(row_time, transfer, error)

    def correct(self, frame: Frame, *, chain: Chain | None = None) -> Frame:  # noqa: ARG002
        """Solve for the light before the transfer.

        A frame of 0 s stays as it is: there is no light in it to tell the streaks from. The parallel level of
        the `Overscan` takes them away. Pixels without a value are taken to be as bright as their neighbors in
        the column, for the sake of the others.
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
            undo_smear(part, k, self.transfer)
        result = np.where(np.isfinite(frame.data), data, frame.data).astype(frame.data.dtype)
        return frame.with_(data=result)

    def _ratio(self, exposure_time: float) -> float:
        # A bias is in the same chain.
        return self.row_time / exposure_time if exposure_time > 0 else 0.0


def _undo_read_out(part: npt.NDArray[np.float64], k: float) -> None:
    """S_y = I_y + k sum of I below: in terms of the sum C_y of I up to y, C_y = (1 - k) C_(y-1) + S_y."""
    before = np.zeros(part.shape[1])
    for row in part:
        row -= k * before
        before += row


def read_last(amplifier: Amplifier) -> bool:
    """Whether the parallel overscan is read behind the data, so that its packets pass all rows."""
    if amplifier.parallel is None:
        return False
    above = amplifier.parallel.y0 >= amplifier.data.y1
    return above != amplifier.raw_corner[1]


def undo_smear(part: npt.NDArray[np.float64], k: float, transfer: str) -> None:
    """Take smear out of the data of one amplifier in read order, in place."""
    if transfer == "frame":
        total = part.sum(axis=0) / (1 + k * (part.shape[0] - 1))
        part -= k * total
        part /= 1 - k
    else:
        _undo_read_out(part, k)


def _filled(frame: Frame) -> npt.NDArray[np.float64]:
    data = frame.data.astype(np.float64)
    missing = ~np.isfinite(data)
    for column in np.flatnonzero(missing.any(axis=0)):
        bad = missing[:, column]
        rows = np.arange(data.shape[0])
        data[bad, column] = 0.0 if bad.all() else np.interp(rows[bad], rows[~bad], data[~bad, column])
    return data
