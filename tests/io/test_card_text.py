from __future__ import annotations

import warnings
from itertools import product

import numpy as np
import pytest
from astropy.io import fits
from astropy.io.fits import Card, Header
from hypothesis import example, given
from hypothesis import strategies as st

from fullwell.errors import FrameError
from fullwell.io.card_text import card_text, history_lines, whole_blocks
from fullwell.io.streaming import Pixels
from fullwell.io.structure_cards import header_text, plane_text

PRINTABLE = st.characters(min_codepoint=32, max_codepoint=126)
KEYWORDS = st.text("ABCXYZ019_-", min_size=1, max_size=8)


@example(keyword="A", value=False, comment=" ")
@given(
    keyword=KEYWORDS,
    value=st.booleans() | st.integers(-(10**19), 10**19) | st.text(PRINTABLE, min_size=1, max_size=30),
    comment=st.text(PRINTABLE, max_size=70),
)
def test_cards_are_those_of_astropy(keyword, value, comment):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of comments that are cut off
        want = str(Card(keyword, value, comment))

    if len(want) == 80:  # no CONTINUE, which nobody asks for here
        assert card_text(keyword, value, comment) == want


@pytest.mark.parametrize(
    ("keyword", "value", "comment"),
    [("NINELONGS", 1, ""), ("A", "x" * 69, ""), ("A", "ä", ""), ("A", 1, "ä"), ("A", "\n", "")],
)
def test_what_is_no_card_is_refused(keyword, value, comment):
    with pytest.raises(ValueError, match=r"fit|ASCII"):
        card_text(keyword, value, comment)


def test_history_in_printable_lines():
    assert history_lines(["a\nb", "c\td", "é"]) == ["a", "b", "c?d", "?"]


def test_headers_fill_whole_blocks():
    assert whole_blocks("").rstrip() == b"END"
    assert [len(whole_blocks(" " * 80 * n)) for n in (0, 35, 36)] == [2880, 2880, 5760]


def by_astropy(array, own, *, name, extended):
    """The header that astropy writes, without the cards of its sums."""
    if name:
        return fits.ImageHDU(array, own, name=name).header
    units = fits.HDUList([fits.PrimaryHDU(array, own), *[fits.ImageHDU()] * extended])
    units.update_extend()
    return units[0].header


@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"])
@pytest.mark.parametrize(("name", "extended"), [("", False), ("", True), ("USED", False), ("IT'S", False)])
def test_headers_of_images_are_those_of_astropy(dtype, name, extended):
    for shape, own in product([(3, 4), (5,), (2, 3, 4), (0, 3)], [[], [("EXPTIME", 5.0)]]):
        array = np.zeros(shape, dtype)
        want = [str(card) for card in by_astropy(array, Header(own), name=name, extended=extended).cards]

        text = header_text(Header(own).cards, Pixels(array, array.dtype, "a"), name=name, extended=extended)

        cards = [text[start : start + 80].decode() for start in range(0, len(text), 80)]
        sums = [card for card in cards if card[:8] in ("CHECKSUM", "DATASUM ")]
        assert len(sums) == 2
        assert [card for card in cards if card not in sums][: len(want) + 1] == [*want, "END".ljust(80)]


def test_an_image_without_dimensions_is_refused():
    with pytest.raises(FrameError, match="dimension"):
        plane_text((), "<f4", "A", "")
