"""Each threat of docs/security.md has its line there and a test; each test that is named exists."""

from __future__ import annotations

import ast
import re

import pytest

from tests.security.threats import BESIDE, ELSEWHERE, TESTS, THREATS, own_file

PAGE = (TESTS.parent / "docs" / "security.md").read_text("utf-8")
LINES = dict(re.findall(r"^\| (T\d+) \| (.*) \|$", PAGE, re.MULTILINE))
OWN = [threat for threat in THREATS if own_file(threat) is not None]


@pytest.mark.parametrize("threat", THREATS)
def test_a_threat_has_its_line(threat: str) -> None:
    happens, does, setting, shown = LINES[threat].split(" | ")
    assert len(happens) > 10
    assert len(does) > 10
    assert setting
    assert shown


@pytest.mark.parametrize("threat", THREATS)
def test_a_threat_has_a_test_or_the_page_says_why_not(threat: str) -> None:
    shown = LINES[threat].rpartition(" | ")[2]
    file = own_file(threat)
    if file is not None:
        assert f"`{file.stem}`" in shown
    else:
        assert threat in BESIDE


def test_what_stands_on_the_page_exists() -> None:
    for threat, line in LINES.items():
        for name in re.findall(r"`(test_\w+)`", line):
            assert list(TESTS.rglob(f"{name}.py")), (threat, name)


@pytest.mark.parametrize("threat", OWN)
def test_a_file_says_its_threat(threat: str) -> None:
    file = own_file(threat)
    assert file is not None
    told = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""
    assert threat in told


@pytest.mark.parametrize("threat", BESIDE)
def test_the_tests_beside_exist(threat: str) -> None:
    for name in BESIDE[threat]:
        path, _, function = name.partition("::")
        text = (TESTS / path).read_text("utf-8")
        assert not function or f"def {function}(" in text, name
    assert threat in THREATS
    assert threat in OWN or threat in ELSEWHERE or int(threat[1:]) <= 11
