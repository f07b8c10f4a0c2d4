"""Any text is a template or refused with a place; any template over any data ends within bounds."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from apiql.gotemplate import (
    Budget,
    Data,
    Kind,
    Mode,
    Template,
    TemplateRefused,
    compile_template,
)
from tests.gotemplate.corpus import FUNCTIONS, RECORDED

SMALL = Budget(output=2_000, rounds=300, steps=3_000, depth=10)
WORDS = """
{{ }} {{- -}} ( ) | := = , . $ $x $y .a .b.c nil true 1 -2 1.5 'c' "s" `r` %d%s if else end range
with define template block break continue index len slice print printf eq lt and or not html js
urlquery call md5 /* */ < > <a <b <script> </script> <style> url( <!-- --> " ' / // = title={{.a}}
href= src= onclick= style= {{end}} {{.a}} {{else}} é
"""
PIECES = st.sampled_from([*WORDS.split(), " ", "\n", "{{range .}}", "{{if .b}}"])
TEXTS = st.one_of(
    st.lists(PIECES, max_size=25).map("".join),
    st.lists(PIECES, max_size=25).map(" ".join),
    st.text(max_size=40),
    st.sampled_from([case["template"] for case in RECORDED["cases"]]),
)
VALUES = """
.;$;.a;.b;.a.b;$.b.c;0;1;-1;2.5;`s`;`%v%d`;nil;true;(len .a);(index .b 0);(slice .b 1);
(print .a .b);(printf `%5.2f%x` .a);(eq .a .b);(and .a .b);(.a | html)
"""
FUNCTION_NAMES = """
index len slice print println printf eq ne lt le gt ge and or not html js urlquery md5 call
"""
OPERANDS = st.sampled_from("".join(VALUES.split("\n")).split(";"))
CALLS = st.builds(
    lambda name, operands: f"{name} {' '.join(operands)}",
    st.sampled_from(FUNCTION_NAMES.split()),
    st.lists(OPERANDS, max_size=4),
)
ACTIONS = st.one_of(OPERANDS, CALLS).map(lambda inner: f"{{{{{inner}}}}}")
PAGE = """
text <b> <b|title=' '> <a|href=" "> <script> </script> / <style> </style> <!-- --> ` \\ ;
{{template|`t`|.}}
"""
MARKUP = st.sampled_from([piece.replace("|", " ") for piece in PAGE.split()])
BODIES = st.recursive(
    st.lists(st.one_of(ACTIONS, MARKUP), max_size=4).map("".join),
    lambda inner: st.one_of(
        st.builds(
            lambda word, value, body, other: (
                f"{{{{{word} {value}}}}}{body}{{{{else}}}}{other}{{{{end}}}}"
            ),
            st.sampled_from(["if", "with", "range", "range $i, $v :="]),
            st.one_of(OPERANDS, CALLS),
            inner,
            inner,
        ),
        st.lists(inner, max_size=3).map("".join),
        inner.map(lambda body: f"{{{{range .a}}}}{body}{{{{break}}}}{{{{end}}}}"),
    ),
    max_leaves=8,
)
DATA = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.decimals(allow_nan=False, allow_infinity=False).map(Decimal),
        st.text(max_size=8),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=8,
)
KINDS = st.sampled_from(Kind)


def compiled(text: str, mode: Mode) -> Template | None:
    """The template, None where it is refused as designed."""
    try:
        return compile_template(text, FUNCTIONS, mode)
    except TemplateRefused as refusal:
        fault = refusal.fault
        assert fault.message
        assert fault.place is not None
        assert 1 <= fault.place.line <= text.count("\n") + 1
        return None


def check_ends(template: Template, value: Any, kind: Kind) -> None:
    page = template.render(Data(value, kind, {"a": Kind.NUMBER}), SMALL)
    assert len(page.text) <= SMALL.output
    assert template.constant is None or page == (template.constant, None)
    if page.fault is not None:
        assert page.fault.message
    assert template.render(Data(value, kind, {"a": Kind.NUMBER}), SMALL) == page


@given(TEXTS, st.sampled_from(Mode), DATA, KINDS)
@example("{{", Mode.TEXT, None, Kind.INT)
@example("{{-}}", Mode.TEXT, None, Kind.INT)
@example("{{ - }}", Mode.TEXT, None, Kind.INT)
@example("{{/**/-}}", Mode.TEXT, None, Kind.INT)
@example("{{.a -}}", Mode.HTML, None, Kind.INT)
@example("{{\ud800}}\udfff", Mode.HTML, None, Kind.INT)
def test_any_text(text: str, mode: Mode, value: Any, kind: Kind) -> None:
    template = compiled(text, mode)
    if template is not None:
        check_ends(template, value, kind)


@given(BODIES, st.sampled_from(Mode), DATA, KINDS)
def test_any_template_over_any_data(body: str, mode: Mode, value: Any, kind: Kind) -> None:
    text = f"{{{{define `t`}}}}{{{{if .}}}}{{{{.}}}}{{{{end}}}}{{{{end}}}}{body}"
    template = compiled(text, mode)
    if template is not None:
        check_ends(template, value, kind)
