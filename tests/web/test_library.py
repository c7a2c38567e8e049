from __future__ import annotations

import numpy as np
import pytest
from asking import Asking
from astropy.io import fits

from fullwell.errors import UnreadableFile
from fullwell.frame import Frame
from fullwell.io import read, write
from fullwell.web.app import create_app
from fullwell.web.library import Library
from fullwell.web.store import Store


def test_new_files_come_and_old_ones_go(tmp_path, monkeypatch):
    monkeypatch.setattr("fullwell.web.library._FRESH", -1.0)
    frame = Frame(np.zeros((3, 4), np.uint16))
    write(frame, tmp_path / "a.fits")
    library = Library([tmp_path])

    def names():
        library.refresh()
        library.wait()
        return [entry.name for entry in library.entries()]

    assert names() == ["a.fits"]
    before = library.generation
    assert names() == ["a.fits"]
    assert library.generation == before
    write(frame, tmp_path / "b.fits")
    assert names() == ["a.fits", "b.fits"]
    assert library.generation > before
    (tmp_path / "a.fits").unlink()
    assert names() == ["b.fits"]


def test_a_root_that_is_not_there(tmp_path):
    with pytest.raises(UnreadableFile):
        create_app([tmp_path / "nowhere"])


def test_all_images_of_a_file_are_frames(start_server, tmp_path):
    one, two = np.arange(12.0).reshape(3, 4), np.arange(20, dtype=np.int32).reshape(4, 5)
    units = [fits.PrimaryHDU(), fits.ImageHDU(one, name="SCI"), fits.ImageHDU(two, name="OTHER")]
    fits.HDUList(units).writeto(tmp_path / "many.fits")
    fits.PrimaryHDU(np.zeros((2, 3, 4))).writeto(tmp_path / "cube.fits")
    ask = Asking(start_server(tmp_path))
    frames = ask.frames()
    assert set(frames) == {"many.fits", "many.fits [OTHER]", "cube.fits"}
    np.testing.assert_array_equal(ask.tile(frames["many.fits"]["id"]), one)
    np.testing.assert_array_equal(ask.tile(frames["many.fits [OTHER]"]["id"]), two)
    assert "3 dimensions" in frames["cube.fits"]["problem"]


def test_an_unknown_unit_is_shown_with_its_problem(start_server, tmp_path):
    unit = fits.PrimaryHDU(np.ones((3, 4), np.float32))
    unit.header["BUNIT"] = "furlong"
    unit.writeto(tmp_path / "odd.fits")
    ask = Asking(start_server(tmp_path))
    frame = ask.frames()["odd.fits"]
    assert (frame["unit"], frame["shape"]) == ("furlong", [3, 4])
    assert "furlong" in frame["problem"]
    assert ask.tile(frame["id"]).tolist() == [[1] * 4] * 3


@pytest.mark.real
def test_sixteen_amplifiers_are_one_frame_and_sixteen(start_server, data_folder):
    path = data_folder / "lsst-amplifiers" / "e2v_spot.fits.gz"
    ask = Asking(start_server(path))
    frames = ask.frames()
    assert len(frames) == 17
    whole = ask.get(f"frames/{frames['e2v_spot.fits.gz']['id']}")
    frame = read(path, verify=False)  # its DATASUM is that of other pixels
    assert (whole["layout"], len(whole["amplifiers"]), whole["shape"]) == ("raw", 16, list(frame.shape))
    np.testing.assert_array_equal(ask.tile(whole["id"], row=1, column=1), frame.data[512:1024, 512:1024])
    assembled = ask.get(f"frames/{whole['related']['layout']}")
    expected = frame.detector.assemble(frame.data)
    assert assembled["shape"] == list(expected.shape)
    np.testing.assert_array_equal(ask.tile(assembled["id"], row=2, column=2), expected[1024:1536, 1024:1536])


def test_a_store_lets_the_oldest_go():
    store = Store(10, size_of=len)
    made = []

    def make(key, size):
        return store.get(key, lambda: made.append(key) or "x" * size)

    make("a", 4), make("b", 4), make("a", 4), make("c", 4), make("a", 4), make("b", 4)
    assert made == ["a", "b", "c", "b"]
    assert store.held <= 10
    assert make("large", 50) == "x" * 50
    assert store.held <= 10


def test_a_store_that_fails_to_make_tries_again():
    store = Store(10, size_of=len)
    with pytest.raises(ValueError, match="once"):
        store.get("a", lambda: (_ for _ in ()).throw(ValueError("once")))
    assert store.get("a", lambda: "x") == "x"


def test_packed_pixels_of_a_file_that_has_changed_are_refused(tmp_path):
    import gzip

    from fullwell.detector import Box
    from fullwell.web.answers import Refusal
    from fullwell.web.opening import MAIN, open_file

    write(Frame(np.arange(12, dtype=np.uint16).reshape(3, 4)), tmp_path / "a.fits")
    packed = tmp_path / "a.fits.gz"
    packed.write_bytes(gzip.compress((tmp_path / "a.fits").read_bytes()))
    for path in (packed, tmp_path / "a.fits"):
        opened = open_file(path, Store(10**8, size_of=lambda array: array.nbytes)).frames[MAIN].data
        assert opened.read(Box(1, 3, 2, 3)).tolist() == [[9, 10]]
        path.write_bytes(path.read_bytes() + bytes(2880))
        with pytest.raises(Refusal, match="has changed") as error:
            opened.read(Box(0, 1, 0, 1))
        assert error.value.code == "changed"
