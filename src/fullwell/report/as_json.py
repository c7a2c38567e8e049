"""A report as JSON, for programs: every number in full, no picture."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

from fullwell.report.cells import Badge, Brief, Cell, Code, Link, Number
from fullwell.report.facts import Fact, Facts
from fullwell.report.figures import Gallery, Pair, Picture
from fullwell.report.model import Block, Card, Listing, Report, Row, TableBlock, Text, Warnings

__all__ = ["to_json"]

#: Version of the layout of the file; programs that read it look here first.
_FORMAT = "fullwell-report/1"


def to_json(report: Report) -> str:
    """Write a report as JSON.

    Numbers have their full precision; a value that is not finite becomes null, because JSON has
    none. A picture is represented by its caption and the hash of its bytes.

    Returns
    -------
    str
        The same report gives the same text.
    """
    document = {
        "format": _FORMAT,
        "title": report.title,
        "subtitle": report.subtitle,
        "verdict": None if report.verdict is None else _cell(report.verdict),
        "summary": [_fact(fact) for fact in report.summary],
        "warnings": _block(report.warnings)["items"],
        "sections": [
            {
                "title": section.title,
                "lead": section.lead,
                "blocks": [_block(block) for block in section.blocks],
            }
            for section in report.sections
        ],
        "provenance": [_fact(fact) for fact in report.provenance.facts],
    }
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _block(block: Block) -> dict[str, Any]:
    match block:
        case Text():
            return {"kind": "text", "text": block.text}
        case Listing():
            return {"kind": "listing", "title": block.title, "items": list(block.items)}
        case Row():
            return {"kind": "row", "blocks": [_block(part) for part in block.blocks]}
        case Card():
            return _card(block)
        case Facts():
            return {"kind": "facts", "facts": [_fact(fact) for fact in block.facts]}
        case TableBlock():
            return _table(block)
        case Picture():
            return {"kind": "picture", **_picture(block)}
        case Gallery():
            return {"kind": "gallery", "pictures": [_picture(picture) for picture in block.pictures]}
        case Pair():
            return _pair(block)
        case Warnings():
            items = [
                {
                    "severity": item.severity,
                    "text": item.text,
                    "subject": item.subject,
                    "action": item.action,
                }
                for item in block.items
            ]
            return {"kind": "warnings", "items": items}


def _table(table: TableBlock) -> dict[str, Any]:
    return {
        "kind": "table",
        "key": table.key,
        "caption": table.caption,
        "columns": [{"title": column.title, "unit": column.unit} for column in table.columns],
        "rows": [[_cell(cell) for cell in row] for row in table.rows],
    }


def _card(card: Card) -> dict[str, Any]:
    return {
        "kind": "card",
        "title": card.title,
        "badge": _cell(card.badge),
        "file": _cell(card.link),
        "pictures": [_picture(picture) for picture in card.pictures],
        "facts": [_fact(fact) for fact in card.facts.facts],
        "blocks": [_block(block) for block in card.blocks],
    }


def _pair(pair: Pair) -> dict[str, Any]:
    return {
        "kind": "pair",
        "title": pair.title,
        "before": _picture(pair.before),
        "after": _picture(pair.after),
        "changes": [
            {
                "label": change.label,
                "unit": change.unit,
                "before": _cell(change.before),
                "after": _cell(change.after),
            }
            for change in pair.changes
        ],
        "badge": _cell(pair.badge),
        "file": _cell(pair.link),
        "facts": [_fact(fact) for fact in pair.facts.facts],
        "note": pair.note,
    }


def _picture(picture: Picture) -> dict[str, Any]:
    scale = picture.scale
    grays = (
        None
        if scale is None
        else {"black": scale.black, "middle": scale.middle, "white": scale.white, "unit": scale.unit}
    )
    return {
        "alt": picture.alt,
        "caption": picture.caption,
        "scale": grays,
        "media_type": picture.media_type,
        "sha256": hashlib.sha256(picture.data).hexdigest()[:16],
    }


def _fact(fact: Fact) -> dict[str, Any]:
    value = _cell(fact.cell)
    parts = value if isinstance(value, dict) else {"value": value}
    return {"label": fact.label, **parts, "source": fact.source} | ({"key": fact.key} if fact.key else {})


def _cell(cell: Cell) -> Any:
    match cell:
        case Number():
            parts = {"value": _finite(cell.value), "error": _finite(cell.error)}
            return parts | {name: text for name in ("unit", "key") if (text := getattr(cell, name))}
        case Badge():
            return {"text": cell.text, "status": cell.status}
        case Brief():
            return cell.full
        case Code():
            return cell.text
        case Link():
            return cell.path
        case float():
            return _finite(cell)
        case _:
            return cell


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
