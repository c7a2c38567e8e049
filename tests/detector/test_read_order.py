from __future__ import annotations

import numpy as np
import pytest

from fullwell.detector import Amplifier, Box, Detector
from fullwell.detector.read_order import in_read_order, tick_blocks
from fullwell.errors import FrameError


def four_corners(*, scans: bool) -> Detector:
    """Four amplifiers of 3 x 5 pixels, each read from its own corner, in place in raw frames."""
    amplifiers = []
    width, height = (8, 5) if scans else (5, 3)
    for right in (False, True):
        for top in (False, True):
            x, y = width * right, height * top
            data = Box(x + (2 if right else 1) * scans, x + (2 if right else 1) * scans + 5,
                       y + 2 * scans * top, y + 2 * scans * top + 3)  # fmt: skip
            rows = (data.y0, data.y1)
            low, high = Box(x, data.x0, *rows), Box(data.x1, x + width, *rows)
            amplifiers.append(
                Amplifier(
                    f"{'LR'[right]}{'BT'[top]}",
                    box=Box(5 * right, 5 * right + 5, 3 * top, 3 * top + 3),
                    data=data,
                    raw=Box(x, x + width, y, y + height),
                    prescan=(high if right else low) if scans else None,
                    overscan=(low if right else high) if scans else None,
                    corner=None if scans else (right, top),
                    parallel=Box(data.x0, data.x1, y, data.y0)
                    if scans and top
                    else Box(data.x0, data.x1, data.y1, y + height)
                    if scans
                    else None,
                )
            )
    return Detector("corners", (6, 10), (2 * height, 2 * width), amplifiers)


@pytest.mark.parametrize("scans", [True, False])
def test_the_corner_follows_from_what_lies_around_the_data(scans):
    detector = four_corners(scans=scans)
    assert [a.read_out_corner for a in detector.amplifiers] == [
        (False, False), (False, True), (True, False), (True, True)
    ]  # fmt: skip


def test_presets_are_read_at_their_edges():
    for name in ("lsst-itl", "lsst-e2v"):
        detector = Detector.preset(name)
        for amplifier in detector.amplifiers:
            assert amplifier.raw_corner == (False, False)
            # The register lies at the near edge of the detector.
            assert amplifier.read_out_corner[1] == (amplifier.box.y0 > 0)
        trimmed = detector.without_scans()
        assert [a.read_out_corner for a in trimmed.amplifiers] == [
            a.read_out_corner for a in detector.amplifiers
        ]
    assert [a.read_out_corner[0] for a in Detector.preset("lsst-e2v").amplifiers] == [True] * 8 + [False] * 8


@pytest.mark.parametrize("scans", [True, False])
def test_one_index_is_one_tick(scans):
    detector = four_corners(scans=scans)
    # The value of each pixel is its distance from the corner where it is read out, rows and columns.
    image = np.zeros(detector.shape)
    y, x = np.indices((3, 5))
    for amplifier in detector.amplifiers:
        right, top = amplifier.read_out_corner
        image[amplifier.box.slices] = 10 * (2 - y if top else y) + (4 - x if right else x)

    for view in in_read_order(image, detector.without_scans(), layout="assembled"):
        np.testing.assert_array_equal(view, 10 * y + x)
    raw = detector.disassemble(image, fill=-1)
    for view in in_read_order(raw, detector, layout="raw"):
        assert view[0, 0] == (-1 if scans else 0)
        np.testing.assert_array_equal(view[:3, 1:6] if scans else view, 10 * y + x)


@pytest.mark.parametrize("name", ["lsst-itl", "lsst-e2v"])
def test_raw_and_assembled_agree_on_the_tick(name):
    from fullwell.detector.shrinking import with_amplifiers_of

    detector = with_amplifiers_of(Detector.preset(name), (4, 5))
    image = np.arange(np.prod(detector.shape)).reshape(detector.shape)
    raw = in_read_order(detector.disassemble(image), detector, layout="raw")
    assembled = in_read_order(image, detector.without_scans(), layout="assembled")
    first = detector.amplifiers[0]
    skip = first.data.x0 - first.raw.x0
    for one, other in zip(raw, assembled, strict=True):
        np.testing.assert_array_equal(one[:4, skip : skip + 5], other)


def test_views_share_memory_and_shapes_are_checked():
    detector = four_corners(scans=True)
    raw = np.zeros(detector.raw_shape)
    in_read_order(raw, detector, layout="raw")[3][0, 0] = 7
    assert raw[-1, -1] == 7
    with pytest.raises(FrameError, match="no assembled image"):
        in_read_order(raw, detector, layout="assembled")


def test_blocks_cover_everything_once():
    views = [np.arange(130.0 * 3).reshape(130, 3), np.ones((100, 2)), np.full((130, 3), np.nan)]
    seen = []
    for parts, stacked in tick_blocks(views):
        assert stacked.shape[0] == 3
        assert (stacked[2] == 0).all()
        assert stacked[1, : len(parts[1]), :2].sum() == parts[1].size
        assert stacked[1].sum() == parts[1].size
        seen.append(stacked[0])
    np.testing.assert_array_equal(np.concatenate(seen), views[0])
