from __future__ import annotations

import pytest

from fullwell.errors import ParameterError
from fullwell.report.inline_svg import inline_svg

SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">{}</svg>'


def test_prolog_and_type_are_left_out():
    text = '<?xml version="1.0"?>\n<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x.dtd">\n' + SVG.format(
        "<g/>"
    )
    assert inline_svg(text.encode()).startswith("<svg ")


def test_names_of_two_pictures_do_not_meet():
    one = SVG.format('<path id="p"/><use xlink:href="#p"/><g clip-path="url(#p)"/>')
    other = SVG.format('<circle id="p"/><use xlink:href="#p"/>')
    first, second = inline_svg(one.encode()), inline_svg(other.encode())
    name = first.split('id="')[1].split('"')[0]
    assert first.count(name) == 3
    assert name not in second


@pytest.mark.parametrize(
    "inside",
    [
        "<script>1</script>",
        '<g onload="x"/>',
        "<foreignObject/>",
        '<a xlink:href="javascript:x"/>',
        '<image href="https://example.org/x.png"/>',
        '<image xlink:href="data:text/html,x"/>',
        "<g>",
    ],
)
def test_what_could_act_is_refused(inside):
    with pytest.raises(ParameterError, match="SVG"):
        inline_svg(SVG.format(inside).encode())


def test_entities_are_refused():
    text = '<!DOCTYPE svg [<!ENTITY a "aaaa">]>' + SVG.format("<text>&a;</text>")
    with pytest.raises(ParameterError, match="entities"):
        inline_svg(text.encode())
