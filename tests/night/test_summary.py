"""The report of a night: its outline, what it must say, and names that want to be more than names."""

from __future__ import annotations

import copy
import io
import json
import os
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote_to_bytes

import attrs
import numpy as np
import pytest
from astropy.io import fits

from fullwell.config import parse_config
from fullwell.night import NightResult, ReduceConfig, reduce
from fullwell.night.summary import night_report
from fullwell.report import Card, Pair, Picture, Row, render_html, to_json

PICTURES = {"report": {"pictures": True, "width": 64}}

#: What the report of the whole night is made of. A change here is a change that every reader sees.
OUTLINE = """\
What was found
  table types: Type | Frames |  | How the type was found
  table frames: File | Type | Type from | Exposure s | Filter | Temperature °C | Level ADU | Noise ADU | \
Gradient x ADU | Gradient y ADU | Saturated % | Use
Overscan and gain
  facts
  table gains: Flats | Pairs | Amplifier | Gain measured e-/ADU | Read noise measured e- | \
Gain used e-/ADU | which comes from
Masters
  table masters: Master | Frames | Median | Std | Unit | Rejected % | Scatter / model | Masked % |
  card Bias 1x1-m10C [made] masters/bias-1x1-m10C.fits: Level, Read noise, Structure, Drift of the level, \
Rejected, Scatter / model, Masked
    listing Made from 5 frames: 5
  card Dark 1x1-m10C [made] masters/dark-1x1-m10C.fits: Dark current, Offset, Line, slope, Line, offset, \
Hot pixels, Rejected, Scatter / model, Masked, Bias used
    row
      picture
      table levels.dark-1x1-m10C: Time s | Frames | Median ADU | Off the line ADU | Rejected % | Clipped by
    listing Made from 10 frames: 10
  card Flat V-1x1-m10C [made] masters/flat-V-1x1-m10C.fits: Level, Drift of the lamp, Structure, \
Dead pixels, Dark subtracted, Rejected, Scatter / model, Masked, Bias used, Dark used
    listing Made from 5 frames: 5
  card Defects 1x1-m10C [made] masters/defects-1x1-m10C.fits: Hot pixels, United from
Science frames
  table calibrated: Raw frame | Filter | Exposure s | Bias | Dark | Flat | Background | Noise | \
Noise / predicted | Unit |
  pair field_1.fits: Background e-, Sigma of the frame e-, Noise of a pixel e-, \
Noise predicted, median e-, Noise / predicted, Gradient in x e-, Gradient in y e-, Hot outliers pixels
  pair field_2.fits: Background e-, Sigma of the frame e-, Noise of a pixel e-, \
Noise predicted, median e-, Noise / predicted, Gradient in x e-, Gradient in y e-, Hot outliers pixels
Settings
  table settings: Setting | Value
"""


class Page(HTMLParser):
    """Elements and words of a page."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.words = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module")
def pictured(whole_folder, tmp_path_factory):
    return reduce(whole_folder, tmp_path_factory.mktemp("out"), config=parse_config(PICTURES, ReduceConfig))


@pytest.fixture
def changed(pictured):
    """A copy of the result whose data can be changed."""
    return attrs.evolve(pictured, data=copy.deepcopy(pictured.data))


def _outline(block, depth=1):
    lead = "  " * depth
    match block["kind"]:
        case "table":
            columns = " | ".join(f"{c['title']} {c['unit']}".rstrip() for c in block["columns"])
            yield f"{lead}table {block['key']}: {columns}".rstrip()
        case "card":
            labels = ", ".join(fact["label"] for fact in block["facts"])
            yield f"{lead}card {block['title']} [{block['badge']['text']}] {block['file']}: {labels}"
        case "pair":
            changes = ", ".join(f"{c['label']} {c['unit']}".rstrip() for c in block["changes"])
            yield f"{lead}pair {block['title']}: {changes}"
        case "listing":
            yield f"{lead}listing {block['title']}: {len(block['items'])}"
        case kind:
            yield f"{lead}{kind}"
    for part in block.get("blocks", ()):
        yield from _outline(part, depth + 1)


def _blocks(report):
    """All blocks, those inside of others too."""
    waiting = [block for section in report.sections for block in section.blocks]
    while waiting:
        block = waiting.pop(0)
        yield block
        waiting += getattr(block, "blocks", ())


def _cells(report, key):
    table = next(block for block in _blocks(report) if getattr(block, "key", "") == key)
    return {column.title: [row[i] for row in table.rows] for i, column in enumerate(table.columns)}


def test_the_outline(pictured):
    document = json.loads(to_json(night_report(pictured)))
    lines = []
    for section in document["sections"]:
        lines.append(section["title"])
        for block in section["blocks"]:
            lines += _outline(block)
    assert "\n".join(lines) + "\n" == OUTLINE


def test_the_summary_counts(pictured):
    report = night_report(pictured)
    assert [(fact.label, fact.value, fact.source) for fact in report.summary] == [
        ("Frames found", 22, "5 bias, 10 dark, 5 flat, 2 science"),
        ("Files set aside", 0, ""),
        ("Masters made", 4, "1 bias, 1 dark, 1 defects, 1 flat"),
        ("Frames calibrated", 2, "of 2 science frames"),
    ]
    assert report.verdict.status == "ok"
    assert report.subtitle == "tiny, 2024-03-09"


def test_numbers_are_those_of_the_results(pictured):
    report = night_report(pictured)
    bias = next(b for b in _blocks(report) if isinstance(b, Card) and b.title.startswith("Bias"))
    noise = next(fact for fact in bias.facts.facts if fact.label == "Read noise")
    master = next(one for one in pictured.data["masters"] if one["kind"] == "bias")
    assert (noise.value, noise.error, noise.unit) == (
        master["read_noise"][0],
        master["read_noise_error"][0],
        "ADU",
    )
    ratios = _cells(report, "calibrated")["Noise / predicted"]
    # 3000 differences of neighbors: a median absolute value is good to 1.2 / sqrt(3000) = 0.02; five of them.
    assert all(abs(ratio.value - 1) < 0.1 for ratio in ratios)


def test_a_frame_becomes_flatter_and_loses_its_hot_pixel(pictured):
    for frame in pictured.data["calibrated"]:
        before, after = frame["before"], frame["after"]
        assert (before["hot_outliers"], after["hot_outliers"]) == (1, 0)
        assert abs(after["gradient_x"]) < 0.5 * abs(before["gradient_x"])


def test_every_picture_says_what_its_grays_mean(pictured):
    report = night_report(pictured)
    pictures = [p for b in _blocks(report) for p in getattr(b, "pictures", ()) if "defects" not in p.alt]
    pairs = [block for block in _blocks(report) if isinstance(block, Pair)]
    pictures += [picture for pair in pairs for picture in (pair.before, pair.after)]
    assert len(pictures) == 4 + 4
    for picture in pictures:
        assert picture.scale.black < picture.scale.middle < picture.scale.white, picture.alt
    assert {pair.after.scale.unit for pair in pairs} == {"e-"}
    for pair in pairs:
        spans = [p.scale.white - p.scale.black for p in (pair.before, pair.after)]
        assert spans[0] == pytest.approx(spans[1]), "a raw frame and what became of it, in one contrast"


def test_files_are_linked_and_where_the_links_say(pictured):
    html = render_html(night_report(pictured))
    targets = {attrs["href"] for tag, attrs in Page(html).elements if tag == "a"}
    files = {target for target in targets if not target.startswith("#")}
    assert len(files) == 1 + 4 + 2
    assert all((pictured.out / target).is_file() for target in files)


def test_each_input_is_named(pictured):
    words = Page(render_html(night_report(pictured))).words
    for name in [f"dark_{t}s_{i}.fits" for t in (60, 120) for i in range(1, 6)]:
        assert words.count(name) == 2, "in the table of frames and in the list of the master"


def test_the_same_night_gives_the_same_bytes(pictured, whole_folder):
    page = (pictured.out / "report.html").read_bytes()
    again = reduce(whole_folder, pictured.out, config=parse_config(PICTURES, ReduceConfig))
    assert (again.out / "report.html").read_bytes() == page == render_html(night_report(again)).encode()


def test_without_pictures_the_numbers_stay(whole):
    report = night_report(whole.result)
    assert not [p for block in _blocks(report) for p in getattr(block, "pictures", ())]
    card = next(b for b in _blocks(report) if isinstance(b, Card) and b.title == "field_1.fits")
    assert [row[0] for row in card.blocks[0].rows][:2] == ["Background", "Sigma of the frame"]


def test_guesses_are_seen_as_guesses(night, run, out):
    for i in range(5):
        night.add(f"bias_{i}.fits", "bias", IMAGETYP=None)
    night.add("dark.fits", "dark", seconds=60.0)
    report = night_report(run(night.folder, out).result)
    cells = _cells(report, "frames")
    assert [cell.text for cell in cells["Type from"]] == ["guess: name"] * 5 + ["card IMAGETYP"]
    assert {cell.status for cell in cells["Type from"][:5]} == {"warning"}
    assert cells["Type from"][5].full == "the card IMAGETYP = 'Dark Frame'"
    assert cells["Use"][0] == "used"
    assert cells["Use"][5].text == "set aside"
    kinds = _cells(report, "types")
    assert [badge.text for badge in kinds[""]] == ["guess", "told"]


def test_what_is_said_of_many_is_said_once(changed):
    text = "not flat-fielded: there is no flat"
    changed.data["warnings"] = [
        {"severity": "warning", "subject": f"f{i}.fits", "text": text} for i in range(50)
    ]
    (item,) = night_report(changed).warnings.items
    assert item.subject == "f0.fits, f1.fits, f2.fits and 47 more"


def test_a_master_that_failed_says_why(changed):
    failed = {
        "name": "flat-R",
        "kind": "flat",
        "label": "R",
        "path": "masters/flat-R.fits",
        "status": "failed",
    }
    changed.data["masters"].append(failed | {"reason": "no light", "inputs": ["a.fits"], "why": []})
    science = changed.data["calibrated"][0]
    changed.data["calibrated"][0] = {
        key: science[key] for key in ("raw", "path", "bias", "dark", "flat", "why", "exposure_time", "filter")
    } | {"status": "failed", "reason": "needs flat-R, which failed: no light"}
    report = night_report(changed)
    cards = {block.title: block for block in _blocks(report) if isinstance(block, Card)}
    assert cards["Flat R"].badge.status == cards["field_1.fits"].badge.status == "error"
    assert cards["Flat R"].blocks[0].text == "no light"
    assert "which failed: no light" in render_html(report)


def test_many_amplifiers_make_a_table(changed):
    bias = next(one for one in changed.data["masters"] if one["kind"] == "bias")
    bias["read_noise"], bias["read_noise_error"] = [5.0 + i for i in range(16)], [0.01] * 16
    html = render_html(night_report(changed))
    assert "Read noise, amplifier" not in html
    assert "20.000" in html


def test_when_nothing_can_be_used_every_file_is_named(tmp_path, run):
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "text.fits").write_text("hello\n")
    (raw / "empty.fits").touch()
    (raw / "notes.txt").write_text("clear sky")
    ran = run(raw, tmp_path / "out", **PICTURES)
    report = night_report(ran.result)
    assert ran.code == 3
    assert report.verdict.text == "Nothing could be used"
    assert report.warnings.count("error") == 2
    aside = _cells(report, "set_aside")
    assert [code.text for code in aside["File"]] == ["empty.fits", "text.fits", "notes.txt"]
    assert [badge.text for badge in aside[""]] == ["unusable", "unusable", "left alone"]
    page = (ran.out / "report.html").read_text(encoding="utf-8")
    assert "No frame was found that could be used." in page
    assert "No master could be made." in page


HOSTILE = (
    "<script>alert(1)<!--.fits",
    "\"><img src=x onerror='alert(2)'>.fits",
    "two\nlines\tand a tab.fits",
    "\u202egnp.exe\u2066.fits",
    "שלום_1.fits",
    f"{'long' * 60}.fits",
    "%2e%2e#hash?query&amp;.fits",
    "{{ 7 * 7 }}{% raw %}.fits",
    os.fsdecode(b"no_utf8_\xff\xfe.fits"),
)


@pytest.fixture(scope="module")
def hostile(whole_folder, tmp_path_factory):
    """Science frames with all these names, and a broken file with each as well."""
    folder = tmp_path_factory.mktemp("hostile")
    raw = Path(shutil.copytree(whole_folder, folder / "raw"))
    pixels, header = fits.getdata(raw / "field_1.fits", header=True)
    (raw / "broken").mkdir()
    try:
        for i, name in enumerate(HOSTILE):
            other = io.BytesIO()
            fits.PrimaryHDU(pixels + np.uint16(i + 1), header).writeto(other)  # no duplicates of each other
            (raw / name).write_bytes(other.getvalue())
            (raw / "broken" / name).write_bytes(b"no FITS")
    except OSError as error:
        pytest.skip(f"this file system takes no such names: {error}")
    return reduce(raw, folder / "out", config=parse_config(PICTURES, ReduceConfig))


def test_hostile_names_are_only_names(hostile: NightResult):
    html = (hostile.out / "report.html").read_bytes().decode("utf-8")
    page = Page(html)
    tags = [tag for tag, _ in page.elements]
    assert tags.count("script") == 1, "the page's own"
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on")]
    assert {attrs["src"][:5] for tag, attrs in page.elements if tag == "img"} == {"data:"}
    assert not re.search("[\u202a-\u202e\u2066-\u2069\ud800-\udfff]", html), "nothing turns words around"


def test_hostile_names_are_shown(hostile: NightResult):
    words = Page((hostile.out / "report.html").read_text(encoding="utf-8")).words
    shown = {
        HOSTILE[2]: r"two\nlines\tand a tab.fits",
        HOSTILE[3]: r"\u202egnp.exe\u2066.fits",
        HOSTILE[8]: r"no_utf8_\udcff\udcfe.fits",
    }
    for name in HOSTILE:
        assert shown.get(name, name) in words
        assert f"broken/{shown.get(name, name)}" in words


def test_links_lead_to_hostile_names_too(hostile: NightResult):
    page = Page((hostile.out / "report.html").read_text(encoding="utf-8"))
    links = [a["href"] for tag, a in page.elements if tag == "a" and a["href"].startswith("calibrated/")]
    assert len(links) == len(HOSTILE) + 2
    for link in links:
        assert (hostile.out / os.fsdecode(unquote_to_bytes(link))).is_file()


def test_plots_are_pictures(pictured):
    (row,) = (block for block in _blocks(night_report(pictured)) if isinstance(block, Row))
    assert isinstance(row.blocks[0], Picture)
    assert row.blocks[0].media_type == "image/svg+xml"
