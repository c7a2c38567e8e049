"""SVG pictures made fit to stand inside of a page."""

from __future__ import annotations

import hashlib
import re
from xml.etree import ElementTree

from fullwell.errors import ParameterError

__all__ = ["inline_svg"]

_ACTIVE = frozenset({"script", "foreignObject", "iframe", "object", "embed", "animate", "set", "handler"})


def inline_svg(data: bytes) -> str:
    """Return the markup of an SVG file without prolog, after a look for anything active in it.

    Parameters
    ----------
    data : bytes
        An SVG file, such as those of `fullwell.report.plots`.

    Raises
    ------
    ParameterError
        If it is not XML, has entities, or holds scripts, event handlers or links to elsewhere.
    """
    text = data.decode("utf-8", "replace")
    # The type of document is dropped below; entities that it declares would be left dangling.
    if "<!ENTITY" in text:
        raise ParameterError("picture", "SVG with entities", "plain SVG")
    try:
        root = ElementTree.fromstring(re.sub(r"<!DOCTYPE[^>]*>", "", text))
    except ElementTree.ParseError as error:
        raise ParameterError("picture", f"SVG that is not XML ({error})", "plain SVG") from error
    for element in root.iter():
        _refuse_active(element)
    return _with_own_names(text[text.index("<svg") :].strip())


def _with_own_names(svg: str) -> str:
    """Put the hash of the picture before its ids, so that those of other pictures are not meant."""
    prefix = "s" + hashlib.sha256(svg.encode()).hexdigest()[:8] + "-"
    svg = re.sub(r'(\bid=")', rf"\g<1>{prefix}", svg)
    return re.sub(r'(url\(#|href="#)', rf"\g<1>{prefix}", svg)


def _refuse_active(element: ElementTree.Element) -> None:
    tag = element.tag.rpartition("}")[2]
    if tag in _ACTIVE:
        raise ParameterError("picture", f"SVG with <{tag}>", "an SVG that only draws")
    for name, value in element.attrib.items():
        plain = name.rpartition("}")[2].lower()
        if plain.startswith("on") or (plain == "href" and not value.startswith(("#", "data:image/png"))):
            raise ParameterError("picture", f"SVG with {plain}={value!r}", "an SVG that only draws")
