from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fullwell as fw
from fullwell.errors import AlreadyExists, FrameError, ParameterError
from fullwell.io import write_by_rows


def a_frame(shape):
    random = np.random.default_rng(1)
    flags = np.zeros(shape, np.uint16)
    flags[0, -1] = int(fw.Flags.HOT)
    data, variance = random.normal(100, 9, shape).astype(np.float32), random.random(shape).astype(np.float32)
    return fw.Frame(data, variance=variance, flags=flags, exposure_time=3.0)


def template_of(frame):
    zeros = np.broadcast_to(np.float32(0), frame.shape)
    return frame.with_(data=zeros, variance=zeros, flags=np.broadcast_to(np.uint16(0), frame.shape))


def put(writer, frame, used, part):
    writer.put(
        part, data=frame.data[part], UNCERT=frame.variance[part], flags=frame.flags[part], USED=used[part]
    )


@given(st.integers(1, 9), st.integers(1, 9), st.randoms(use_true_random=False))
def test_the_bytes_are_those_of_write_whatever_the_order(tmp_path_factory, rows, columns, random):
    """Planes of one byte a pixel make rows begin within the words that are summed."""
    folder = tmp_path_factory.mktemp("rows")
    frame = a_frame((rows, columns))
    used = np.arange(rows * columns, dtype=np.uint16).reshape(rows, columns)
    edges = sorted({0, rows, *(random.randrange(rows + 1) for _ in range(3))})
    parts = [slice(*pair) for pair in pairwise(edges)]
    random.shuffle(parts)

    write_by_rows(
        template_of(frame),
        folder / "a.fits",
        lambda writer: [put(writer, frame, used, part) for part in parts],
        extra={"USED": np.uint16},
        cards={"NCOMBINE": 3},
        history=lambda: ["one", "two"],
    )

    fw.write(frame, folder / "b.fits", extra={"USED": used}, cards={"NCOMBINE": 3}, history=["one", "two"])
    assert (folder / "a.fits").read_bytes() == (folder / "b.fits").read_bytes()


def test_what_is_written_again_counts_once_and_history_is_final(tmp_path):
    frame = a_frame((7, 5))
    used, said = np.ones((7, 5), np.uint16), ["noise"]

    def fill(writer):
        put(writer, frame.with_(data=frame.data + 1), used, slice(0, 7))
        put(writer, frame, used, slice(0, 7))
        said[0] = "std"

    write_by_rows(
        template_of(frame), tmp_path / "a.fits", fill, extra={"USED": np.uint16}, history=lambda: list(said)
    )

    fw.write(frame, tmp_path / "b.fits", extra={"USED": used}, history=["std"])
    assert (tmp_path / "a.fits").read_bytes() == (tmp_path / "b.fits").read_bytes()


def test_an_error_leaves_nothing_behind(tmp_path):
    frame = a_frame((7, 5))
    bad = frame.with_(variance=-frame.variance)

    with pytest.raises(FrameError, match="negative"):
        write_by_rows(
            template_of(frame),
            tmp_path / "a.fits",
            lambda writer: put(writer, bad, np.ones((7, 5), np.uint16), slice(0, 7)),
            extra={"USED": np.uint16},
        )

    assert not list(tmp_path.iterdir())


def test_targets_are_refused_as_by_write(tmp_path):
    frame = template_of(a_frame((2, 2)))
    (tmp_path / "a.fits").write_bytes(b"mine")

    with pytest.raises(AlreadyExists):
        write_by_rows(frame, tmp_path / "a.fits", lambda writer: None, extra={})
    with pytest.raises(ParameterError, match="compression"):
        write_by_rows(frame, tmp_path / "a.fits.gz", lambda writer: None, extra={})
    assert (tmp_path / "a.fits").read_bytes() == b"mine"
