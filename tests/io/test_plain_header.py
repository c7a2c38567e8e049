from __future__ import annotations

import pytest
from astropy.io.fits import Header

from fullwell.io.hygiene import legal_header
from fullwell.io.plain_header import NotPlain, plain_header


def padded(*cards):
    return b"".join(card.encode("latin-1").ljust(80) for card in cards)


PLAIN = [
    "SIMPLE  =                    T / conforms to FITS standard",
    "NAXIS1  =                 4096",
    "BZERO   =                32768 / offset",
    "EXPTIME =                 30.5 / [s]",
    "CRVAL1  =        -1.25E-03",
    "CCD-TEMP= -1.020308403674E+001",
    "OBJECT  = 'NGC 1234'           / what was looked at",
    "DATE-OBS= '2024-01-02T03:04:05.678'",
    "FILTER  = 'V'",
    "COMMENT   FITS (Flexible Image Transport System) format is defined in 'Astronomy",
    "HISTORY one / two",
]


def test_plain_cards_are_read_as_astropy_reads_them():
    text = padded(*PLAIN)
    want = legal_header(Header.fromstring(text.decode()))

    header = plain_header(text)

    assert [(card.keyword, str(card)) for card in header.cards] == [(c.keyword, str(c)) for c in want.cards]
    for card in header.cards:
        if card.keyword not in ("COMMENT", "HISTORY"):
            assert header[card.keyword] == want[card.keyword]
            assert type(header[card.keyword]) is type(want[card.keyword])
            assert card.comment == want.comments[card.keyword]
    assert len(header) == len(list(header)) == 9
    assert header.get("NOTHING") is None


@pytest.mark.parametrize(
    "card",
    [
        "lower   =                    1",
        "NOVALUE =",
        "BLANK   =                      / nothing",
        "EMPTY   = '        '",
        "QUOTES  = 'it''s'",
        "OPEN    = 'no end",
        "LONG    = 'goes on&'",
        "CONTINUE  'and on'",
        "CONTINUE=                  1.0 / x",
        "BZERO   =                    F",
        "BSCALE  =                    T",
        "HIERARCH ESO DET OUT1 GAIN = 1.5",
        "DP1     = 'NAXES: 2'",
        "COMPLEX =           (1.0, 2.0)",
        "NOTANUM =                  NaN",
        "HUGE    = 1.0E999",
        "ENDLESS = 1.0E9999",
        "DOUBLE  =               1.0D+3",
        "NOSPACE =1",
        "UNIT    =              1.5 sec",
        "",
        "no card at all",
        "UMLAUT  = 'ä'",
        "NAXIS1  =                    1\n",
        "OBJECT\t = 'tab'",
    ],
)
def test_anything_else_is_left_to_astropy(card):
    with pytest.raises(NotPlain):
        plain_header(padded("SIMPLE  =                    T", card))


def test_a_keyword_that_is_there_twice_is_left_to_astropy():
    with pytest.raises(NotPlain):
        plain_header(padded("GAIN    = 1.0", "GAIN    = 2.0"))
