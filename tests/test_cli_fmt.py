"""`apiql fmt`: what it prints, writes and leaves alone, and how it ends."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from apiql import cli

ROUGH = "SELECT *  FROM /a WHERE id=1 -- c\n"
FINE = "select * from /a where id = 1 -- c\n"
WRONG = "select * from /b;\nselect * frm /a\n"
PROBLEM = "2:10: SYNTAX: unexpected `frm`\nselect * frm /a\n         ^^^\nexpected "

Apiql = Callable[..., tuple[int, str, str]]


@pytest.fixture
def fmt(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Apiql:
    """Runs the command in a folder of its own: its exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    for name, text in {"rough": ROUGH, "fine": FINE, "wrong": WRONG}.items():
        (tmp_path / f"{name}.apiql").write_bytes(text.encode())

    def run(*args: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["apiql", "fmt", *args])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


@pytest.mark.parametrize("args", [(), ("-",)])
def test_standard_input_is_printed(fmt: Apiql, args: tuple[str, ...]) -> None:
    assert fmt(*args, stdin=ROUGH) == (0, FINE, "")


def test_files_are_printed_and_left_alone(fmt: Apiql, tmp_path: Path) -> None:
    assert fmt("rough.apiql", "fine.apiql") == (0, FINE + FINE, "")
    assert (tmp_path / "rough.apiql").read_text() == ROUGH


def test_check_names_what_would_change(fmt: Apiql, tmp_path: Path) -> None:
    assert fmt("--check", "fine.apiql", "rough.apiql") == (1, "rough.apiql\n", "")
    assert fmt("--check", "fine.apiql") == (0, "", "")
    assert fmt("--check", stdin=ROUGH) == (1, "-\n", "")
    assert (tmp_path / "rough.apiql").read_text() == ROUGH


def test_write_rewrites_what_changes(fmt: Apiql, tmp_path: Path) -> None:
    os.utime(tmp_path / "fine.apiql", (0, 0))
    assert fmt("--write", "rough.apiql", "fine.apiql") == (0, "", "")
    assert (tmp_path / "rough.apiql").read_text() == FINE
    assert (tmp_path / "fine.apiql").stat().st_mtime == 0


def test_a_file_that_cannot_be_written(fmt: Apiql, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert fmt("--write", "rough.apiql") == (2, "", "rough.apiql: No space left on device\n")


def test_line_ends_of_windows_go(fmt: Apiql, tmp_path: Path) -> None:
    (tmp_path / "crlf.apiql").write_bytes(FINE.replace("\n", "\r\n").encode())
    assert fmt("--check", "crlf.apiql")[0] == 1
    fmt("--write", "crlf.apiql")
    assert (tmp_path / "crlf.apiql").read_bytes() == FINE.encode()


def test_a_text_that_does_not_parse_is_left_alone(fmt: Apiql, tmp_path: Path) -> None:
    code, out, err = fmt("--write", "wrong.apiql", "rough.apiql")
    assert (code, out) == (1, "")
    assert err.startswith(f"wrong.apiql:{PROBLEM}")
    assert (tmp_path / "wrong.apiql").read_text() == WRONG
    assert (tmp_path / "rough.apiql").read_text() == FINE


def test_standard_input_that_does_not_parse(fmt: Apiql) -> None:
    code, out, err = fmt(stdin=WRONG)
    assert (code, out) == (1, "")
    assert err.startswith(PROBLEM)


def test_the_limits_of_a_server_do_not_concern_files(fmt: Apiql) -> None:
    text = "select * from /a\n  where x = '" + "x" * 100_000 + "'\n"
    assert fmt(stdin=text) == (0, text, "")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("nosuch.apiql",), "nosuch.apiql: No such file"),
        (("bytes.apiql",), "bytes.apiql: is not UTF-8"),
        (("--write",), "--write takes files"),
        (("--write", "-"), "--write takes files"),
        (("--write", "--check", "fine.apiql"), "--write takes files"),
    ],
)
def test_what_cannot_be_done(fmt: Apiql, tmp_path: Path, args: tuple[str, ...], words: str) -> None:
    (tmp_path / "bytes.apiql").write_bytes(b"select \xff")
    code, out, err = fmt(*args)
    assert (code, out) == (2, "")
    assert err.startswith(words)


def test_as_a_process(tmp_path: Path) -> None:
    root = Path(__file__).parents[1]
    found = subprocess.run(
        [sys.executable, "-m", "apiql", "fmt"], input=ROUGH.encode(),
        cwd=root, capture_output=True, check=True,
    )  # fmt: skip
    assert found.stdout == FINE.encode()
