"""What every display promises, as tests: subclass, say how to open one, and pytest does the rest.

A class that tests a backend of your own looks like this::

    class TestMine(DisplayBackendContract):
        def open(self, number):
            return MyBackend(number)
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pytest

from fullwell.detector import Box
from fullwell.display import Display, DisplayBackend
from fullwell.display.shown import Scale
from fullwell.errors import DisplayError, ParameterError
from fullwell.flags import Flags
from fullwell.frame import Frame

__all__ = ["DisplayBackendContract"]

_NUMBERS = iter(range(9000, 10_000))


class DisplayBackendContract:
    """Tests that hold for every display.

    Attributes
    ----------
    pixel_exact : bool
        Whether pixels can be read back as they were sent.
    answers : bool
        Whether the display can say what it shows; one that cannot answers None.
    saves : bool
        Whether it writes pictures; one that does not raises `DisplayError`.
    suffix : str
        End of the name of a picture that it can write.
    """

    pixel_exact: ClassVar[bool] = True
    answers: ClassVar[bool] = True
    saves: ClassVar[bool] = True
    suffix: ClassVar[str] = ".png"

    def open(self, number: int) -> DisplayBackend:
        """Return a new backend."""
        raise NotImplementedError

    @pytest.fixture
    def display(self) -> Iterator[Display]:
        """Open a display, and close it whatever happens."""
        number = next(_NUMBERS)
        with Display(number, backend=self.open(number)) as display:
            yield display

    @pytest.fixture
    def frame(self) -> Frame:
        """Make a small frame whose pixels tell rows from columns, with flags."""
        frame = Frame(np.arange(24 * 40, dtype=np.uint16).reshape(24, 40), source="small.fits")
        frame.flags[3, 5] = Flags.HOT
        frame.flags[:, 8] = Flags.BAD
        return frame

    def seen_data(self, display: Display) -> npt.NDArray[np.float64]:
        """Return pixels that were read back; a test fails where there are none."""
        data = display.seen().data
        assert data is not None
        return np.asarray(data, np.float64)

    def test_contract_pixels_arrive_as_they_were(self, display: Display, frame: Frame) -> None:
        """Integers, floating point and missing values; row 0 first."""
        floats = frame.data.astype(np.float32) * np.float32(-0.37)
        floats[2, 7] = np.nan
        swapped = frame.data.astype(">u2")
        for data in (frame.data, floats, swapped, frame.data[::-1], frame.data.astype(np.float64)):
            display.mtv(data)
            if self.pixel_exact:
                np.testing.assert_array_equal(self.seen_data(display), np.asarray(data, np.float32))

    def test_contract_scale_is_kept_for_the_next_image(self, display: Display, frame: Frame) -> None:
        """Numbers as they were given; words are worked out anew."""
        display.mtv(frame).scale("asinh", (10.0, 250.5))
        if self.answers:
            assert display.seen().scale == Scale("asinh", 10.0, 250.5)
        display.mtv(frame.with_(data=frame.data + 5))
        if self.answers:
            assert display.seen().scale == Scale("asinh", 10.0, 250.5)
        for stretch in ("linear", "log", "sqrt"):
            display.scale(stretch, "minmax")
            low, high = float(frame.data.min() + 5), float(frame.data.max() + 5)
            if self.answers:
                assert display.seen().scale == Scale(stretch, low, high)

    def test_contract_marks_are_drawn_and_erased(self, display: Display, frame: Frame) -> None:
        """Every symbol, with labels that want to be something else."""
        display.mtv(frame)
        count = 0
        for symbol in ("o", "+", "x", "s", "d"):
            display.dot(10, 12, symbol=symbol, size=3, color="red", label="a$b {c}\nquit")
            count += 1
            self.check_marks(display, count)
        display.line([(1, 1), (30, 20)], color="#00ff00")
        display.box(Box(2, 9, 3, 7), label="here")
        self.check_marks(display, count + 2)
        display.erase()
        self.check_marks(display, 0)
        display.dot(3, 3).mtv(frame)
        self.check_marks(display, 0)

    def check_marks(self, display: Display, count: int) -> None:
        """Compare the number of marks with what the display says."""
        if self.answers:
            assert display.seen().marks == count

    def test_contract_zoom_and_pan(self, display: Display, frame: Frame) -> None:
        """What was asked for is what is seen; another shape is seen whole."""
        display.mtv(frame).zoom(20).pan(15, 10)
        if self.answers:
            view = display.seen().view
            assert view is not None
            assert view.zoom == pytest.approx(20, rel=0.05)
            assert view.center == pytest.approx((15, 10), abs=0.51)
        display.mtv(frame.data[:20, :30])
        display.zoom()

    def test_contract_planes_have_colors_and_opacity(self, display: Display, frame: Frame) -> None:
        """Of one plane or of all, before and after the image."""
        display.mask_color("HOT", "blue").mask_transparency(0.25)
        display.mtv(frame)
        display.mask_transparency(0.75, "BAD").mask_color("BAD", "#123456")
        planes = display.seen().planes
        if planes is not None:
            assert (planes["HOT"].color, planes["HOT"].opacity) == ("#0000ff", 0.75)
            assert (planes["BAD"].color, planes["BAD"].opacity) == ("#123456", 0.25)
        display.mtv(frame, planes=None)
        display.mtv(frame, mask=frame.data > 500)

    def test_contract_buffering_loses_nothing(self, display: Display, frame: Frame) -> None:
        """Many marks at once."""
        with display.buffering():
            display.mtv(frame)
            for k in range(25):
                display.dot(k, k % 20)
            display.scale("sqrt", (0.0, 99.0))
        self.check_marks(display, 25)
        if self.answers:
            assert display.seen().scale == Scale("sqrt", 0.0, 99.0)

    def test_contract_pictures_are_written_or_refused(
        self, display: Display, frame: Frame, tmp_path: Path
    ) -> None:
        """A file, or an error of ours."""
        path = (tmp_path / "picture").with_suffix(self.suffix)
        with pytest.raises(DisplayError):
            display.save(path)  # nothing is shown yet
        display.mtv(frame)
        if self.saves:
            display.save(path)
            assert path.stat().st_size > 0
        else:
            with pytest.raises(DisplayError):
                display.save(path)

    def test_contract_impossible_things_are_refused_before_they_arrive(
        self, display: Display, frame: Frame
    ) -> None:
        """The display goes on as it was."""
        display.mtv(frame).scale("linear", (0.0, 100.0))
        with pytest.raises(ParameterError):
            display.scale("cubic")  # type: ignore[arg-type]
        with pytest.raises(ParameterError):
            display.pan(1000, 5)
        with pytest.raises(ParameterError):
            display.dot(float("nan"), 5)
        with pytest.raises(ParameterError):
            display.mask_color("HOT", "no such color")
        self.check_marks(display, 0)
        if self.answers:
            assert display.seen().scale == Scale("linear", 0.0, 100.0)

    def test_contract_closed_is_closed(self, frame: Frame) -> None:
        """Again and again, and its number is free."""
        number = next(_NUMBERS)
        display = Display(number, backend=self.open(number))
        assert Display(number).backend is display.backend
        display.mtv(frame).close()
        display.close()
        assert not display.is_open
        with pytest.raises(DisplayError, match="closed"):
            display.mtv(frame)
        with Display(number, backend="virtual") as again:
            assert again.backend is not display.backend
