"""Every recorded template gives what Go gave: outputs, prefixes before an error, and the errors."""

from __future__ import annotations

from typing import Any

import pytest

from apiql.gotemplate import Fault, Mode, TemplateRefused, compile_template
from tests.gotemplate.corpus import FUNCTIONS, RECORDED, recorded_data

MODES = {"text": Mode.TEXT, "html": Mode.HTML}
RUNS = [(case, mode) for case in RECORDED["cases"] for mode in MODES]


def test_the_corpus_is_whole() -> None:
    assert len(RECORDED["cases"]) == 130
    assert len(RECORDED["times"]) == 22


@pytest.mark.parametrize(("case", "mode"), RUNS, ids=[f"{m}-{c['template']}" for c, m in RUNS])
def test_as_recorded(case: dict[str, Any], mode: str) -> None:
    text, fault = _outcome(case, MODES[mode])
    assert text == case[f"{mode}_out"]
    error = case.get(f"{mode}_err")
    assert (fault is None) == (error is None)
    if fault is not None and error is not None:
        _check_essence(fault, error)


def _outcome(case: dict[str, Any], mode: Mode) -> tuple[str, Fault | None]:
    try:
        template = compile_template(case["template"], FUNCTIONS, mode)
    except TemplateRefused as refusal:
        return "", refusal.fault
    return template.render(recorded_data(case["data"]))


def _check_essence(fault: Fault, error: str) -> None:
    """Category and words; the part of the template and its line where Go names them."""
    assert error.lower().startswith(f"{fault.category} ")
    assert error.endswith(fault.message)
    assert fault.place is not None
    assert f"key:{fault.place.line}:" in error
    if fault.at is not None:
        assert f"key:1:{fault.place.column - 1}:" in error
        assert f"at <{fault.at}>: " in error
