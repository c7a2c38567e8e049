from __future__ import annotations

import numpy as np
import pytest
from asking import Asking
from astropy.io import fits

from fullwell.io import read


def test_a_pixel_says_where_it_is_and_what_it_holds(ask, folder):
    frame_id = ask.frames()["field_1.fits"]["id"]
    data = read(folder / "field_1.fits").data
    seen = ask.get(f"frames/{frame_id}/value", x=100, y=20)
    assert seen["value"] == data[20, 100]
    assert (seen["amplifier"], seen["section"]) == ("1", "overscan")
    assert (seen["amplifier_x"], seen["amplifier_y"]) == (100, 20)
    level = float(np.median(data[:, 96:]))
    assert seen["electrons"] == pytest.approx(1.5 * (int(data[20, 100]) - level))
    assembled = ask.get(f"frames/{frame_id}")["related"]["layout"]
    seen = ask.get(f"frames/{assembled}/value", x=50, y=20)
    assert seen["electrons"] == pytest.approx(1.5 * (int(data[20, 50]) - level))
    assert ask.get(f"frames/{frame_id}/value", x=95, y=20)["section"] == "data"


def test_a_calibrated_pixel_has_variance_and_flags_by_name(ask, folder):
    frame_id = ask.frames()["clean.fits"]["id"]
    seen = ask.get(f"frames/{frame_id}/value", x=20, y=10)
    assert seen["flags"] == ["HOT", "SUSPECT"]
    assert seen["variance"] == pytest.approx(25)
    assert seen["electrons"] == seen["value"] == read(folder / "other" / "clean.fits").data[10, 20]
    hole = ask.get(f"frames/{frame_id}/value", x=4, y=3)
    assert (hole["value"], hole["flags"]) == (None, ["NO_DATA"])


def test_electrons_are_given_only_where_the_bias_level_is_known(tmp_path, start_server):
    data = np.full((4, 5), 1300, np.float32)
    for name, extra in (("raw", {}), ("done", {"PRODUCT": "calibrated"})):
        header = fits.Header({"GAIN": 1.5, "BUNIT": "adu", "IMAGETYP": "light", **extra})
        fits.PrimaryHDU(data.astype(np.uint16) if name == "raw" else data, header).writeto(
            tmp_path / f"{name}.fits"
        )
    ask = Asking(start_server(tmp_path))
    found = {name: frame["id"] for name, frame in ask.frames().items()}
    assert ask.get(f"frames/{found['raw.fits']}/value", x=1, y=1)["electrons"] is None
    assert ask.get(f"frames/{found['done.fits']}/value", x=1, y=1)["electrons"] == 1950


def test_neighbors_end_at_the_edge(ask, folder):
    frame_id = ask.frames()["field_1.fits"]["id"]
    data = read(folder / "field_1.fits").data
    square = ask.get(f"frames/{frame_id}/value", x=0, y=0, size=3)["neighbors"]
    assert square[0] == [None, None, None]
    assert square[1] == [None, *data[0, :2]]
    assert square[2] == [None, *data[1, :2]]


@pytest.mark.parametrize(
    "query",
    [{"x": 1}, {"x": -1, "y": 0}, {"x": 108, "y": 0}, {"x": "1.5", "y": 0}, {"x": 1, "y": 1, "size": 99}],
)
def test_pixels_that_are_not_there_are_refused(ask, query):
    assert ask.refuses(f"frames/{ask.frames()['field_1.fits']['id']}/value", **query) == "bad-request"
