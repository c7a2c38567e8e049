from __future__ import annotations

import json

from fullwell.report import to_json


def test_numbers_are_there_in_full(report):
    document = json.loads(to_json(report))
    frames = document["sections"][0]["blocks"][1]

    assert document["format"] == "fullwell-report/1"
    assert frames["key"] == "frames"
    assert frames["columns"][1] == {"title": "Level", "unit": "ADU"}
    assert frames["rows"][0][1] == {"value": 1100.234, "error": 0.021, "key": "frame.1.level"}
    assert frames["rows"][1][1] == 1.5
    assert frames["rows"][2][1:] == [None, None, True]
    assert document["summary"][0]["value"] == 118


def test_what_is_not_finite_is_null_and_never_a_bare_nan(report):
    def refuse(constant):
        raise AssertionError(constant)

    document = json.loads(to_json(report), parse_constant=refuse)
    assert document["summary"][2]["value"] is None


def test_words_come_back_as_they_were(report):
    document = json.loads(to_json(report))
    assert document["title"] == report.title
    assert document["warnings"][0] == {
        "severity": "error",
        "text": "broken",
        "subject": report.title,
        "action": "",
    }


def test_every_kind_of_block_is_there(report):
    document = json.loads(to_json(report))
    kinds = {block["kind"] for section in document["sections"] for block in section["blocks"]}
    assert kinds == {"text", "facts", "table", "picture", "gallery", "pair", "warnings", "card", "listing"}
    pair = document["sections"][1]["blocks"][2]
    assert pair["changes"][0]["after"] == {"value": 12.9, "error": 0.1}
    assert len(pair["before"]["sha256"]) == 16


def test_a_card_has_all_that_is_known(report):
    card = json.loads(to_json(report))["sections"][4]["blocks"][0]
    assert card["badge"] == {"text": "made", "status": "ok"}
    assert card["file"] == "masters/" + report.title
    assert card["pictures"][0]["scale"] == {"black": 10.0, "middle": 20.0, "white": 90.0, "unit": "ADU"}
    assert [fact["value"] for fact in card["facts"]] == [report.title, 0.0123]
    assert [block["kind"] for block in card["blocks"]] == ["row", "listing"]
    assert [block["kind"] for block in card["blocks"][0]["blocks"]] == ["picture", "table"]


def test_the_same_report_gives_the_same_text(report):
    assert to_json(report) == to_json(report)
