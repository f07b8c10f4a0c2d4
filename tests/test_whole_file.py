"""Files that are put in place as a whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from apiql.documents.whole_file import put_in_place


def test_a_new_file_and_one_that_is_there(tmp_path: Path) -> None:
    file = tmp_path / "a[1].toml"
    put_in_place(file, b"old", 0o600)
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"old", 0o600)
    file.chmod(0o640)
    put_in_place(file, b"new")
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"new", 0o640)
    assert os.listdir(tmp_path) == [file.name]


def test_what_was_left_behind_is_taken_away(tmp_path: Path) -> None:
    """That of a writer who was killed, or of one before us of our number; of nobody else."""
    file = tmp_path / "a[1].toml"
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    gone = {f".{file.name}.{number}.new" for number in (ended.pid, os.getpid(), "9" * 30)}
    kept = {f".{file.name}.1.new", f".{file.name}.x.new", ".a1.toml.2.new", file.name}
    for name in gone | kept:
        (tmp_path / name).write_bytes(b"?")
    put_in_place(file, b"new")
    assert set(os.listdir(tmp_path)) == kept
    assert file.read_bytes() == b"new"


def test_where_it_cannot_be_written_nothing_changes(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="directory"):
        put_in_place(tmp_path / "folder", b"new")
    assert os.listdir(tmp_path) == ["folder"]
