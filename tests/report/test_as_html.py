from __future__ import annotations

import base64
import hashlib
import itertools
import re
from html.parser import HTMLParser
from importlib.resources import files
from urllib.parse import unquote

import pytest

from fullwell.report import Report, Section, Text, render_html

VOID = {"meta", "link", "img", "br", "input", "hr"}


class Page(HTMLParser):
    """Elements with their attributes, and a check that what is opened is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        assert len(attrs) == len(dict(attrs)), f"an attribute twice in <{tag}>"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]


@pytest.fixture(scope="module")
def html(report) -> str:
    return render_html(report)


@pytest.fixture(scope="module")
def page(html) -> Page:
    return Page(html)


def test_the_page_is_well_formed(page):
    assert page.open == []
    for tag in ("html", "head", "body", "main", "h1", "title"):
        assert len(page.all(tag)) == 1


def test_hostile_names_are_only_words(page, html):
    assert len(page.all("script")) == 1, "the page's own"
    assert all(not name.startswith("on") for _, attrs in page.elements for name in attrs)
    assert all(img["src"].startswith("data:") for img in page.all("img"))
    assert "<script>alert(1)" not in html
    assert sum("<script>alert(1)</script>" in words for words in page.words) > 10, "but they are shown"


def test_nothing_is_fetched_from_elsewhere(page, html):
    for tag, attrs in page.elements:
        if tag == "a" and attrs.get("class") == "file":
            continue  # a file beside the report, fetched when somebody clicks
        for name in ("src", "href", "xlink:href", "action", "poster", "srcset"):
            target = attrs.get(name)
            assert target is None or target.startswith(("#", "data:")), target
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL).group(1)
    assert "url(" not in style
    assert "@import" not in style
    assert not page.all("link")


def test_the_page_forbids_itself_everything_else(page, html):
    (policy,) = (m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    script = re.search(r"<script>(.*?)</script>", html[html.index("<dialog") :], re.DOTALL).group(1)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}'" in policy


def test_names_are_unique_and_links_lead_somewhere(page):
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    links = [link["href"][1:] for link in page.all("a") if link.get("class") != "file"]
    assert set(links) <= set(ids)
    assert {"warnings", "frames", "frames-2", "warnings-2", "provenance"} <= set(links)


def test_the_page_can_be_used_without_eyes_and_without_a_mouse(page):
    assert page.all("html")[0]["lang"] == "en"
    assert all(img.get("alt") is not None for img in page.all("img"))
    assert all("scope" in head for head in page.all("th"))
    regions = [d for d in page.all("div") if d.get("role") == "region"]
    assert regions
    assert all(d["tabindex"] == "0" and d["aria-label"] for d in regions)
    drawings = [d for d in page.all("div") if d.get("role") == "img"]
    assert len(drawings) == len(page.all("svg")) - 1 == 3
    assert all(d["aria-label"] for d in drawings)
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(below - above <= 1 for above, below in itertools.pairwise(levels))


def test_numbers_can_be_found_and_are_there_in_full(page, html):
    numbers = {span["data-key"]: span["data-value"] for span in page.all("span") if "data-key" in span}
    assert float(numbers["frame.1.level"]) == 1100.234
    assert float(numbers["gain"]) == 1.951
    assert numbers["frames.count"] == "118"
    assert '1100.234 <span class="error">± 0.021</span>' in html


def test_a_picture_says_what_black_and_white_are(page):
    (scale,) = (span for span in page.all("span") if span.get("class") == "grays")
    assert scale["role"] == "img"
    assert scale["aria-label"] == "black is 10.0, white is 90.0 ADU"
    assert {"10.0", "20.0", "90.0 ADU"} <= set(page.words)


def test_links_lead_to_files_beside_the_page(page):
    (link,) = (link["href"] for link in page.all("a") if link.get("class") == "file")
    assert link.startswith("masters/%3Cscript%3E")
    assert unquote(link).startswith("masters/<script>")


def test_the_whole_sentence_stands_behind_few_words(page):
    (brief,) = (span for span in page.all("span") if span.get("class") == "brief")
    assert brief["title"].startswith("<script>")
    assert "card" in page.words


def test_lists_of_names_are_folded(page):
    lists = [d for d in page.all("details") if d.get("class") == "fold listing"]
    assert len(lists) == 1
    assert "open" not in lists[0]


def test_numeric_columns_are_aligned_and_sort_by_value(page):
    cells = page.all("td")
    level = next(cell for cell in cells if cell.get("data-value") == "1100.234")
    assert level["class"] == "right"
    heads = [head.get("class") for head in page.all("th")][:4]
    assert heads == [None, "right", None, None]


def test_warnings_come_first_and_errors_before_them(html):
    assert html.index("broken") < html.index("number 0") < html.index(">Frames<", html.index("<main"))
    assert html.index("number 19") < html.index("1 note")
    assert "9 more" in html


def test_no_warning_is_said_too():
    text = render_html(Report("Quiet", [Section("Only", [Text("Words.")])]))
    assert "Nothing needs your attention" in text
    assert Page(text).open == []


def test_the_same_report_gives_the_same_page(report, html):
    assert render_html(report) == html


def _colors(theme: str) -> dict[str, str]:
    style = (files("fullwell.report") / "page" / "report.css").read_text()
    block = re.search(re.escape(theme) + r" \{(.*?)\}", style, re.DOTALL).group(1)
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


def _luminance(color: str) -> float:
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [":root", ':root[data-theme="dark"]'])
def test_words_stand_out_from_their_ground(theme):
    """Contrast of at least 4.5, as WCAG 2.2 asks at level AA."""
    colors = _colors(theme)
    tones = ("ok", "warning", "error", "note", "unknown")
    grounds = [(ink, ground) for ink in ("ink", "soft", "accent") for ground in ("bg", "panel")]
    grounds += [(tone, f"{tone}-soft") for tone in tones] + [("ink", "accent-soft"), ("soft", "accent-soft")]
    for ink, ground in grounds:
        low, high = sorted((_luminance(colors[ink]), _luminance(colors[ground])))
        assert (high + 0.05) / (low + 0.05) >= 4.5, (ink, ground)


def test_without_a_script_the_dark_colors_are_there_as_well(html):
    assert html.count("--bg: #0d1218") == 2
    assert "@media (prefers-color-scheme: dark) { :root:not([data-theme])" in html
