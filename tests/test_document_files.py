"""The files of a folder of documents: which are read, in which order, and where that ends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from apiql.documents import files
from apiql.documents.files import Trouble, files_under, text_of


def written(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def names_under(root: Path) -> list[str]:
    return [
        found.wrong if isinstance(found, Trouble) else found.relative_to(root).as_posix()
        for found in files_under(root)
    ]


def test_files_come_in_order_without_what_begins_with_a_dot(tmp_path: Path) -> None:
    written(tmp_path, "b.json", "a.json", ".hidden", "z/c.json", "y/.d", ".git/e.json", "y/f")
    assert names_under(tmp_path) == ["a.json", "b.json", "y/f", "z/c.json"]
    assert names_under(tmp_path / "none") == []


def test_so_many_files_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_FILES", 3)
    written(tmp_path, "a", "b", "c", ".d", ".e")
    assert names_under(tmp_path) == ["a", "b", "c"]
    written(tmp_path, "f")
    assert names_under(tmp_path) == ["a", "b", "c", "there are more than 3 files"]


def test_folders_go_so_deep_and_no_deeper(tmp_path: Path) -> None:
    deep = "/".join("abcdefgh")
    written(tmp_path, f"{deep}/x")
    assert names_under(tmp_path) == [f"{deep}/x"]
    written(tmp_path, f"{deep}/i/y")
    assert names_under(tmp_path) == ["folders go deeper than 8", f"{deep}/x"]


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    written(tmp_path / "in", "x")
    (tmp_path / "in" / "again").symlink_to(tmp_path / "in")
    assert names_under(tmp_path / "in") == ["x"]


def test_what_is_too_large_or_no_file_or_no_text_is_told(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"x" * files.MOST_BYTES)
    assert isinstance(text_of(file), str)
    file.write_bytes(b"x" * (files.MOST_BYTES + 1))
    told = text_of(file)
    assert isinstance(told, Trouble)
    assert told.wrong == "is larger than 1048576 bytes"
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "none"):
        told = text_of(path)
        assert isinstance(told, Trouble)
        assert told.wrong == "is no file that can be read"
    file.write_bytes(b"a\nb\xff")
    told = text_of(file)
    assert isinstance(told, Trouble)
    assert told.at is not None
    assert (told.at.line, told.at.column) == (2, 2)
