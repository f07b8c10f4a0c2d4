"""`apiql check` on folders of definitions: all is listed at once, and the exit code says it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from apiql import cli
from tests.definitions.reading import DATA, write

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`apiql check` in this process: exit code, output, errors."""

    def check(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["apiql", "check", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return check


@pytest.mark.parametrize(("folder", "warnings"), [("real/v1", 10), ("real/v2", 30)])
def test_what_was_published_has_warnings_and_is_right(run: Run, folder: str, warnings: int) -> None:
    code, out, err = run("--conf", DATA / folder)
    assert code == 0
    assert f"warnings: {warnings}\n" in out
    assert err.count(": warning: ") == warnings
    assert str(DATA / folder / "flows") in err or folder == "real/v1"


def test_strict_makes_errors_of_warnings(run: Run) -> None:
    code, out, err = run("--strict", "--conf", DATA / "real/v1")
    assert (code, out) == (1, "")
    assert err.count(": error: ") == 10
    assert "warning" not in err


def test_errors_of_all_kinds_are_listed_at_once(run: Run, tmp_path: Path) -> None:
    files = {
        "apiql.toml": "",
        "queries/broken.apiql": "select * frm /ok",
        "apis/broken.json": "{",
        "flows/odd.json": json.dumps({"steps": [{"api": {"id": "nope"}}]}),
    }
    code, out, err = run("--conf", write(tmp_path, files))
    assert (code, out) == (1, "")
    assert "broken.apiql:1:10: SYNTAX" in err
    assert f"{tmp_path}/apis/broken.json:1:2: error: $: this is no JSON" in err
    assert (
        f'{tmp_path}/flows/odd.json:1:27: warning: $.steps[0].api.id: there is no api "nope"' in err
    )


def test_a_folder_without_definitions_says_nothing_of_them(run: Run, tmp_path: Path) -> None:
    for strict in ((), ("--strict",)):
        code, out, err = run(*strict, "--conf", write(tmp_path, {"apiql.toml": ""}))
        assert (code, out, err) == (0, f"{tmp_path}: settings are right\n", "")


def test_definitions_are_counted(run: Run) -> None:
    code, out, err = run("--conf", DATA / "v2_conf")
    assert code == 1
    assert not out
    assert err.count(": error: ") == 1
    assert err.endswith("    expected: one of api, loop, switch\n")


def test_a_template_that_does_not_parse_is_listed_with_its_place(run: Run) -> None:
    code, _, err = run("--conf", DATA / "v1_conf")
    assert code == 1
    assert f"{DATA}/v1_conf/apis/t_tmplsyntax.json:1:90: error: " in err
