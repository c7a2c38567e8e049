from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullwell.report.words import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain näme שלום 星.fits", "plain näme שלום 星.fits"),
        ("bell\x07", r"bell\x07"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        (os.fsdecode(b"\xff.fits"), r"\udcff.fits"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_what_cannot_be_seen_is_written_out(text, shown):
    assert visible(text) == shown


def test_names_stay_on_one_line():
    assert visible("a\nb\tc\r", lines=False) == r"a\nb\tc\x0d"


@given(st.text(st.characters(codec=None)))
def test_everything_can_be_encoded_and_nothing_changes_twice(text):
    once = visible(text)
    once.encode("utf-8")
    assert visible(once) == once
