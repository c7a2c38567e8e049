from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from astropy.io.fits import Header
from astropy.nddata import CCDData, InverseVariance, StdDevUncertainty, VarianceUncertainty

from fullwell.detector import Detector
from fullwell.errors import FrameError, UnitError
from fullwell.flags import Flags
from fullwell.frame import Frame, FrameSet, Shared, as_frame

DATA = np.arange(12, dtype=np.float32).reshape(3, 4)


def test_what_is_not_given():
    frame = Frame(DATA, exposure_time=3.0)

    assert (frame.unit, frame.shape, frame.dark_time, frame.layout) == (u.adu, (3, 4), 3.0, "assembled")
    assert frame.flags.dtype == np.uint16
    assert not frame.mask.any()
    assert frame.data is DATA
    assert Frame(DATA).header is not Frame(DATA).header


@pytest.mark.parametrize(
    "fields",
    [
        {"data": np.zeros(3)},
        {"data": np.zeros((2, 2, 2))},
        {"data": DATA, "variance": np.zeros((4, 3))},
        {"data": DATA, "flags": np.zeros((1, 1), np.uint16)},
        {"data": DATA, "flags": np.zeros((3, 4), np.int64)},
    ],
)
def test_planes_that_do_not_fit_are_refused(fields):
    with pytest.raises(FrameError):
        Frame(**fields)


def test_the_mask_follows_the_flags():
    frame = Frame(DATA)
    frame.flags[1, 2] |= int(Flags.HOT)
    frame.flags[0, 0] |= int(Flags.EDGE)

    assert np.argwhere(frame.mask).tolist() == [[1, 2]]


def test_layout_follows_the_shape():
    detector = Detector.single((3, 4), overscan=2)

    assert Frame(np.zeros((3, 6)), detector=detector).layout == "raw"
    assert Frame(DATA, detector=detector).layout == "assembled"
    with pytest.raises(FrameError):
        Frame(np.zeros((9, 9)), detector=detector).layout  # noqa: B018


def test_settling_adds_the_noise_of_masters():
    frame = Frame(
        DATA, variance=np.ones((3, 4), np.float32), shared={"a": Shared(-2.0, 3.0), "b": Shared(DATA, 1.0)}
    )

    settled = frame.settled()

    np.testing.assert_array_equal(settled.variance, 1 + 12 + DATA**2)
    assert settled.variance.dtype == np.float32
    assert settled.shared == {}
    assert settled.data is DATA
    assert (frame.variance == 1).all()
    assert Frame(DATA).settled().variance is None
    assert (Frame(DATA, shared={"a": Shared(-2.0, 3.0)}).settled().variance == 12).all()


def test_shapes_are_compared():
    with pytest.raises(FrameError, match="flats of different shape"):
        Frame(DATA).same_shape(Frame(DATA.T), what="flats")


# --- CCDData and arrays


def test_the_ccd_shares_memory_and_its_mask_is_a_snapshot():
    frame = Frame(DATA.copy(), variance=np.full((3, 4), 4, np.float32), unit=u.electron)
    ccd = frame.ccd
    frame.flags[0, 0] = int(Flags.BAD)
    frame.data[0, 0] = 77

    assert ccd.unit == u.electron
    assert np.shares_memory(ccd.data, frame.data)
    assert np.shares_memory(ccd.flags, frame.flags)
    assert np.shares_memory(ccd.uncertainty.array, frame.variance)
    assert isinstance(ccd.uncertainty, VarianceUncertainty)
    assert not ccd.mask.any()
    assert (ccd.data[0, 0], ccd.flags[0, 0]) == (77, int(Flags.BAD))


def test_frame_to_ccd_and_back():
    header = Header({"OBJECT": "M 31"})
    flags = np.zeros((3, 4), np.uint16)
    flags[1, 1], flags[2, 2] = int(Flags.HOT), int(Flags.EDGE)
    frame = Frame(
        DATA, variance=DATA + 1, flags=flags, unit=u.electron, header=header, shared={"b": Shared(1.0, 2.0)}
    )

    back = as_frame(frame.ccd)

    assert back.data is DATA
    np.testing.assert_array_equal(back.variance, DATA + 3)
    np.testing.assert_array_equal(back.flags, flags)
    assert (back.unit, back.header["OBJECT"]) == (u.electron, "M 31")


@pytest.mark.parametrize(
    "uncertainty", [StdDevUncertainty(np.full((3, 4), 300.0)), InverseVariance(np.full((3, 4), 1 / 9e4))]
)
@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.float64])
def test_uncertainties_of_any_kind_become_variances_also_of_integers(uncertainty, dtype):
    frame = as_frame(CCDData(DATA.astype(dtype), unit="adu", uncertainty=uncertainty))

    np.testing.assert_allclose(frame.variance, 9e4, rtol=1e-6)
    assert frame.variance.dtype == (np.float64 if dtype == np.float64 else np.float32)


def test_a_mask_that_no_flag_explains_becomes_masked():
    mask = np.zeros((3, 4), bool)
    mask[0, :2] = True
    flags = np.zeros((3, 4), np.uint16)
    flags[0, 0] = int(Flags.HOT)
    ccd = CCDData(DATA, unit="adu", mask=mask, flags=flags)

    assert as_frame(ccd).flags[0].tolist() == [int(Flags.HOT), int(Flags.MASKED), 0, 0]


def test_arrays_are_adu_unless_said_otherwise():
    assert as_frame(DATA).data is DATA
    assert as_frame(DATA).unit == u.adu
    assert as_frame(DATA, unit="electron").unit == u.electron
    assert as_frame(DATA.tolist()).shape == (3, 4)
    frame = Frame(DATA)
    assert as_frame(frame) is frame


def test_quantities_keep_their_unit_and_masked_arrays_their_mask():
    assert as_frame(DATA * u.electron).unit == u.electron
    with pytest.raises(UnitError):
        as_frame(DATA * u.electron, unit=u.adu)
    assert as_frame(np.ma.masked_greater(DATA, 10)).flags[2].tolist() == [0, 0, 0, int(Flags.MASKED)]


def test_what_is_no_frame_is_refused():
    for value in ("text", [["a"]], DATA.astype(complex), object()):
        with pytest.raises(FrameError):
            as_frame(value)
    with pytest.raises(UnitError, match="not in electron"):
        as_frame(Frame(DATA), unit=u.electron)
    with pytest.raises(UnitError):
        as_frame(Frame(DATA).ccd, unit=u.electron)


# --- FrameSet


def test_a_set_loads_when_asked_and_not_before():
    loaded = []

    def load(i):
        loaded.append(i)
        return Frame(DATA + i)

    frames = FrameSet(range(4), load=load, names=list("abcd"))
    part = frames[1:3].map(lambda frame: frame.with_(data=frame.data * 2))
    assert (len(frames), len(part), loaded) == (4, 2, [])

    values = [float(frame.data[0, 0]) for frame in part]

    assert values == [2, 4]
    assert loaded == [1, 2]
    assert part.names == ["b", "c"]
    assert float(frames[-1].data[0, 0]) == 3
    assert "4 frames" in repr(frames)


def test_as_many_names_as_frames():
    with pytest.raises(FrameError, match="2 names for 1 frames"):
        FrameSet([DATA], names=["a", "b"])
    assert FrameSet([DATA, DATA]).names == ["0", "1"]
