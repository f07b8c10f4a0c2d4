"""What a template may cost: output, rounds, steps, depth; and how large a template may be."""

from __future__ import annotations

from typing import Any

import pytest

from apiql.gotemplate import (
    Budget,
    Category,
    Data,
    Kind,
    Mode,
    TemplateRefused,
    compile_template,
)
from tests.gotemplate.corpus import FUNCTIONS

TINY = Budget(output=100, rounds=10, steps=50, depth=5)
LONG = list(range(1000))
SHRINKING = '{{define "t"}}{{with slice . 1}}{{template "t" .}}{{end}}{{end}}'
DOUBLING = "{{$x := `0123456789`}}{{range .l}}{{$x = print $x $x}}{{end}}"


def deep(levels: int) -> Any:
    """A list in a list in a list."""
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("template", "what"),
    [
        ("{{range .l}}0123456789012345678901234567890{{end}}", "100 characters"),
        ("{{range .l}}{{end}}", "10 rounds"),
        ("{{range .l}}{{range $.l}}{{end}}{{end}}", "10 rounds"),
        ("{{range $i, $v := .m}}{{end}}", "50 steps"),
        ("{{range slice .l 0 9}}{{" + "not (" * 20 + "1" + ")" * 20 + "}}{{end}}", "50 steps"),
        ('{{define "t"}}{{template "t"}}{{end}}{{template "t"}}', "maximum template depth (5)"),
        ('{{define "t"}}{{template "t"}}{{template "t"}}{{end}}{{template "t"}}', "depth"),
        (DOUBLING, "characters made by one function"),
        ('{{printf "%1000d" 1}}', "100 characters"),
        ("{{.l}}", "100 characters"),
        ("{{.l | html}}", "100 characters"),
        ("{{range slice .l 0 9}}" + "{{len $.text}}" * 10 + "{{end}}", "50 steps"),
    ],
)
def test_what_is_too_much_ends(template: str, what: str) -> None:
    data = Data({"l": LONG, "m": {str(n): n for n in LONG}, "text": "x" * 200}, Kind.INT)
    page = compile_template(template, FUNCTIONS).render(data, TINY)
    assert page.fault is not None
    assert what in page.fault.message
    assert len(page.text) <= 100
    limit = Category.EXEC if "depth" in what else Category.LIMIT
    assert page.fault.category is limit


@pytest.mark.parametrize(
    ("fits", "over"),
    [
        ("{{range slice .l 0 10}}{{end}}", "{{range slice .l 0 11}}{{end}}"),
        ("x" * 90 + "{{.ten}}", "x" * 91 + "{{.ten}}"),
        (SHRINKING + '{{template "t" .five}}', SHRINKING + '{{template "t" .six}}'),
    ],
)
def test_what_just_fits_is_carried_out(fits: str, over: str) -> None:
    data = Data({"l": LONG, "ten": "y" * 10, "five": [0] * 5, "six": [0] * 6}, Kind.INT)
    whole, cut = (compile_template(t, FUNCTIONS).render(data, TINY) for t in (fits, over))
    assert whole.fault is None
    assert cut.fault is not None


def test_the_text_up_to_the_limit_is_kept() -> None:
    page = compile_template("{{range .}}12345678901{{end}}", FUNCTIONS).render(Data(LONG), TINY)
    assert page.text == ("12345678901" * 10)[:100]


@pytest.mark.parametrize(
    "template",
    [
        "{{range .l}}{{range $.l}}{{range $.l}}{{range $.l}}{{.}}{{end}}{{end}}{{end}}{{end}}",
        DOUBLING,
        '{{define "t"}}{{template "t"}}{{template "t"}}{{end}}{{template "t"}}',
        "{{range .l}}" + "{{print $.text $.text $.text}}" * 100 + "{{end}}",
        '{{printf "' + "%999999d" * 1000 + '"' + " 1" * 1000 + "}}",
        "{{printf `%v` .deep}}",
        "{{range .l}}{{range $.l}}{{$x := eq $.text $.text}}{{end}}{{end}}",
        "{{range .l}}{{range $.l}}{{$x := md5 $.text $.l}}{{end}}{{end}}",
        "{{.deep}}",
    ],
)
def test_the_usual_budget_holds(template: str) -> None:
    data = Data({"l": LONG, "text": "x" * 100_000, "deep": deep(5000)}, Kind.FLOAT)
    for mode in Mode:
        page = compile_template(template, FUNCTIONS, mode).render(data)
        assert page.fault is not None
        assert len(page.text) <= 1024 * 1024


@pytest.mark.parametrize(
    ("template", "what"),
    [
        ("x" * (256 * 1024 + 1), "characters"),
        ("{{.}}" * 20_000, "tokens"),
        ("{{if 1}}" * 101 + "{{end}}" * 101, "nested deeper than 100"),
        ("{{" + "(" * 200 + "1" + ")" * 200 + "}}", "nested deeper than 100"),
    ],
)
def test_templates_have_a_size(template: str, what: str) -> None:
    with pytest.raises(TemplateRefused) as refusal:
        compile_template(template, FUNCTIONS)
    assert refusal.value.fault.category is Category.LIMIT
    assert what in refusal.value.fault.message


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(
    "template",
    [
        "{{if 1}}" * 99 + "x" + "{{end}}" * 99,
        "{{range $.l}}<b>" * 99 + "x" + "{{end}}" * 99,
        "{{" + "(" * 99 + "1" + ")" * 99 + "}}",
        "{{if 0}}" + "{{else if 0}}" * 5000 + "{{else}}y{{end}}",
        "".join(f"{{{{$v{n} := {n}}}}}" for n in range(900)),
    ],
)
def test_the_largest_can_be_carried_out(template: str, mode: Mode) -> None:
    page = compile_template(template, FUNCTIONS, mode).render(Data({"l": [1]}))
    assert page.fault is None


def test_too_many_variables() -> None:
    template = "".join(f"{{{{$v{n} := {n}}}}}" for n in range(1100))
    with pytest.raises(TemplateRefused, match="more than 1000 variables"):
        compile_template(template, FUNCTIONS)
