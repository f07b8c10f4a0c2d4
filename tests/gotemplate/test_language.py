"""The language beyond the recorded cases: constructs, scopes, kinds, errors with their places."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from apiql.errors import Code, ValueRefused
from apiql.gotemplate import (
    Category,
    Data,
    Function,
    GoInt,
    Kind,
    Mode,
    Number,
    TemplateRefused,
    compile_template,
)
from tests.gotemplate.corpus import FUNCTIONS, rendered

SHOP: dict[str, Any] = {
    "name": "Ann",
    "list": [1, 2, 3],
    "map": {"b": 2, "a": {"x": "deep"}},
    "empty": [],
    "nil": None,
    "yes": True,
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{range .list}}{{if eq . 2.0}}{{continue}}{{end}}{{.}}{{end}}", "13"),
        ("{{range $i, $e := .list}}{{if ge $i 1}}{{break}}{{end}}{{$e}}{{else}}none{{end}}", "1"),
        ("{{range $k, $v := .map}}{{$k}};{{end}}", "a;b;"),
        ("{{with .map}}{{.b}}{{end}}{{.name}}", "2Ann"),
        ("{{len (slice .list 1 1)}}{{len (slice .list 3)}}", "00"),
        ("{{with .empty}}{{else}}{{.name}}{{end}}{{.yes}}", "Anntrue"),
        ("{{range $v := .list}}{{$v}}{{end}}", "123"),
        ("{{$x := 1}}{{range .list}}{{$x = .}}{{end}}{{$x}}", "3"),
        ("{{$x := 1}}{{if .yes}}{{$x := 2}}{{$x}}{{end}}{{$x}}", "21"),
        ("{{$x := 1}}{{$x := print $x 1}}{{$x}}", "1 1"),
        ("{{with $x := .name}}{{$x}}{{.}}{{end}}", "AnnAnn"),
        ("{{with .nil}}a{{else}}{{.name}}{{end}}", "Ann"),
        ("{{if .nil}}a{{else if .empty}}b{{else if .name}}c{{else}}d{{end}}", "c"),
        ("{{if $x := .nil}}a{{else if $y := .name}}{{$x}}{{$y}}{{end}}", "<no value>Ann"),
        ('{{define "t"}}[{{.}}]{{end}}{{template "t" .name}}{{template "t"}}', "[Ann][<no value>]"),
        ('{{define "t"}}{{$}}{{end}}{{range .list}}{{template "t" .}}{{end}}', "123"),
        ('{{block "b" .map}}{{.a.x}}{{end}}{{template "b" .map}}', "deepdeep"),
        ("{{(index .map `a`).x | printf `%s-%s` .name}}", "Ann-deep"),
        ("{{.name | len | printf `%d`}}", "3"),
        ("{{/* a comment */ -}}  x", "x"),
        ("x  {{- /* a\ncomment */}}", "x"),
        ("{{\n.name\n}}", "Ann"),
        ("{{0x1F}} {{1_000}} {{0b11}} {{0o17}} {{017}} {{-3}} {{+4}}", "31 1000 3 15 15 -3 4"),
        ("{{1e3}} {{.5}} {{1.}} {{0x1p4}}", "1000 0.5 1 16"),
        (r"{{'a'}} {{'\n'}} {{'\u00e9'}}", "97 10 233"),
        (r'{{"tab\t\x41\u00e9\101"}}', "tab\tAéA"),
        ("{{true}}{{false}}", "truefalse"),
        ("{{print nil}}", "<nil>"),
        ("{{.map}}", "map[a:map[x:deep] b:2]"),
        ("{{or .nil .empty 0}}", "0"),
        ("{{not 1}} {{not .nil}}", "false true"),
        ("{{index .map}}", "map[a:map[x:deep] b:2]"),
        ("{{slice .list 1}} {{slice .list 1 2}} {{slice .list}}", "[2 3] [2] [1 2 3]"),
        ("{{eq .nil .missing}}", "true"),
        ("{{println 1 `a` 2}}", "1 a 2\n"),
        ("{{-3}}", "-3"),
        ("{{- 3}}", "3"),
        ("}} {x} {", "}} {x} {"),
    ],
)
def test_constructs(template: str, text: str) -> None:
    page = rendered(template, SHOP)
    assert (page.text, page.fault) == (text, None)


@pytest.mark.parametrize(
    ("template", "line", "column", "message", "hint"),
    [
        ("a\n{{if .x}}b", 2, 11, "unexpected EOF", "{{end}}"),
        ("{{end}}", 1, 3, "unexpected {{end}}", "end of the template"),
        ("a\nb {{.x.y-z}}", 2, 9, "bad character U+002D '-'", 'index .x "a-b"'),
        ("{{$x}}", 1, 3, 'undefined variable "$x"', "$x := value"),
        ("{{$x = 1}}", 1, 3, 'undefined variable "$x"', "declare"),
        ("{{range .x}}{{$y := 1}}{{end}}{{$y}}", 1, 33, 'undefined variable "$y"', "declare"),
        ("{{break}}", 1, 3, "{{break}} outside {{range}}", "take it out"),
        ("{{nofunc 1}}", 1, 3, 'function "nofunc" not defined', "exist"),
        ("{{1 | 2}}", 1, 7, "non executable command in pipeline stage 2", "function"),
        ('{{"a}}', 1, 3, "unterminated quoted string", 'end it with "'),
        ("{{`a}}", 1, 3, "unterminated raw quoted string", "`"),
        ("{{'ab'}}", 1, 3, "malformed character constant: 'ab'", "one character"),
        (r'{{"\q"}}', 1, 4, "invalid escape", "Go knows"),
        ("{{(.x}}", 1, 6, "unclosed left paren", "expected )"),
        ("{{.x)}}", 1, 5, "unexpected right paren U+0029 ')'", "expected }}"),
        ("{{()}}", 1, 3, "missing value for parenthesized pipeline", "expected a value"),
        ("{{/* a", 1, 3, "unclosed comment", "*/}}"),
        ("{{/* a */ x}}", 1, 3, "comment ends before closing delimiter", "*/}}"),
        ("{{$a, $b := .x}}", 1, 3, "too many declarations in command", "range"),
        ("{{1x}}", 1, 3, 'bad number syntax: "1x"', "a number"),
        ("{{1i}}", 1, 3, "number 1i is complex", "integer"),
        ("{{9223372036854775808}}", 1, 3, "overflows int", "float"),
        ('{{print "a""b"}}', 1, 12, 'unexpected ""b"" in operand', "a space"),
        ("{{.x ; .y}}", 1, 6, 'unexpected ";" in operand', "expected"),
        ("{{print if}}", 1, 9, "unexpected <if> in operand", "expected"),
        ("{{if 1}}{{define `x`}}{{end}}{{end}}", 1, 11, "unexpected <define>", "expected"),
        ("{{.x \x00}}", 1, 6, "unrecognized character in action: U+0000", "take it out"),
        ("{{.x : .y}}", 1, 6, "expected :=", "declare"),
        ("{{template .x}}", 1, 12, "unexpected", "a quoted name"),
        ('{{define "a"}}x{{end}}{{define "a"}}y{{end}}', 1, 25, "multiple definition", "rename"),
    ],
)
def test_mistakes_have_a_place(
    template: str, line: int, column: int, message: str, hint: str
) -> None:
    with pytest.raises(TemplateRefused) as refusal:
        compile_template(template, FUNCTIONS)
    fault = refusal.value.fault
    assert fault.category is Category.PARSE
    assert message in fault.message
    assert hint in (fault.hint or "")
    assert fault.place is not None
    assert (fault.place.line, fault.place.column) == (line, column)
    assert fault.problem().code is Code.SYNTAX


@pytest.mark.parametrize(
    ("template", "text", "message"),
    [
        ("a{{.name.x}}", "a", "can't evaluate field x in type interface {}"),
        ("a{{.nil.x}}", "a", "nil pointer evaluating interface {}.x"),
        ("{{.name 1}}", "", "name is not a method but has arguments"),
        ("{{1 2}}", "", "can't give argument to non-function 1"),
        ("{{nil}}", "", "nil is not a command"),
        ("{{nil | print}}", "", "nil is not a command"),
        ("{{and}}", "", "wrong number of args for and: want at least 1 got 0"),
        ("{{len}}", "", "wrong number of args for len: want 1 got 0"),
        ("{{index}}", "", "wrong number of args for index: want at least 1 got 0"),
        ("{{index .map 1}}", "", "error calling index: value has type int; should be string"),
        ("{{index .list 3}}", "", "error calling index: reflect: slice index out of range"),
        ("{{index .yes 1}}", "", "error calling index: can't index item of type bool"),
        ("{{slice .list 2 1}}", "", "error calling slice: invalid slice index: 2 > 1"),
        ("{{lt .map 1}}", "", "error calling lt: invalid type for comparison"),
        ("{{lt true false}}", "", "error calling lt: invalid type for comparison"),
        ("{{eq .list .list}}", "", "uncomparable type []interface {}: [1 2 3]"),
        ("{{eq 1}}", "", "error calling eq: missing argument for comparison"),
        ("{{printf 1}}", "", "wrong type for value; expected string; got int"),
        ("{{call nil}}", "", "error calling call: call of nil"),
        ("{{range .yes}}{{end}}", "", "range can't iterate over true"),
        ('{{template "x"}}', "", 'template "x" not defined'),
        ("{{refuse}}", "", "error calling refuse: not today"),
    ],
)
def test_failures_keep_what_was_written(template: str, text: str, message: str) -> None:
    page = compile_template(template, {**FUNCTIONS, "refuse": Function(_refuse)}).render(
        Data(SHOP, Kind.FLOAT)
    )
    assert page.text == text
    assert page.fault is not None
    assert page.fault.category is Category.EXEC
    assert message in page.fault.message
    assert page.fault.place is not None


def _refuse() -> str:
    raise ValueRefused("not today")


def test_numbers_are_what_go_makes_of_them() -> None:
    value = {
        "f": [1000000, Decimal("1.50"), Decimal("1E+30"), 0, -1, 123456, 10**400],
        "n": [5, Decimal("1.50"), Decimal("1E+5")],
        "i": {"a": 7},
        "t": {"a": "x"},
        "own": [GoInt(3), Number("1.0"), 2.5],
    }
    kinds = {"n": Kind.NUMBER, "i": Kind.INT, "t": Kind.TEXT}
    show = "{{.f}} {{.n}} {{.i.a}} {{.i}} {{.own}} {{index .i `b`}} {{index .t `b`}}."
    page = rendered(show, value, Mode.TEXT, **kinds)
    assert page.text == (
        "[1e+06 1.5 1e+30 0 -1 123456 +Inf] [5 1.50 1e+5] 7 map[a:7] [3 1.0 2.5] 0 ."
    )
    fault = rendered("{{.i.a.x}}", value, Mode.TEXT, **kinds).fault
    assert fault is not None
    assert fault.message == "can't evaluate field x in type int"


def test_the_root_may_be_any_json() -> None:
    for value, text in (([1], "[1]"), ("x", "x"), (5, "5"), (None, "<no value>"), (True, "true")):
        template = compile_template("{{.}}", FUNCTIONS)
        assert template.render(Data(value)).text == text


@pytest.mark.parametrize(
    ("template", "reads"),
    [
        ("plain", []),
        ("{{.a.b}}{{index .c 0}}{{utc}}", [("a", "b"), ("c",)]),
        ("{{range .l}}{{.x}}{{$.y}}{{end}}", [("l",), ("y",)]),
        ("{{with .l}}{{.x}}{{else}}{{.z}}{{end}}", [("l",), ("z",)]),
        ("{{.}}", [()]),
        ("{{$.a}}{{$}}", [()]),
        ('{{define "t"}}{{.q}}{{$.r}}{{end}}{{template "t" .a}}', [("a",)]),
        ('{{define "t"}}{{.q}}{{end}}{{template "t" .}}', [()]),
        ("{{(index .a 0).b}}{{$v := .c}}{{$v.d}}", [("a",), ("c",)]),
    ],
)
def test_what_a_template_reads(template: str, reads: list[tuple[str, ...]]) -> None:
    assert compile_template(template, FUNCTIONS).reads == frozenset(reads)


def test_plain_templates_write_nothing_for_nil() -> None:
    show = "{{.no}}{{.nil}}<{{range .list}}{{.}}{{$.no}}{{end}}>{{with .map}}{{.a.y}}{{end}}"
    assert rendered(show, SHOP, Mode.PLAIN) == ("<123>", None)
    assert rendered("{{if .yes}}{{.name}}&{{.nil}}{{end}}", SHOP, Mode.PLAIN).text == "Ann&"
    called = '{{define "t"}}{{.}}{{end}}{{template "t" .nil}}{{print .nil}}'
    assert rendered(called, SHOP, Mode.PLAIN).text == "<nil>"


def test_constants_are_known() -> None:
    assert compile_template("a{{/* c */}}b", FUNCTIONS).constant == "ab"
    assert compile_template("", FUNCTIONS).constant == ""
    assert compile_template("a{{1}}", FUNCTIONS).constant is None


def test_only_data_can_be_reached() -> None:
    value = {"map": {"k": 1}, "text": "t", "list": [1]}
    for template in ("{{.__class__}}", "{{.map.keys}}", "{{.map.__len__}}"):
        assert rendered(template, value) == ("<no value>", None)
    for template in ("{{.text.upper}}", "{{.list.append}}", "{{(index .list 0).real}}"):
        page = rendered(template, value)
        assert page.fault is not None
        assert "can't evaluate field" in page.fault.message
