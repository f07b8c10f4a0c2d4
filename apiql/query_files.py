"""The folder of stored queries -> named texts: `queries/shop/cart@2.apiql` is revision 2 of
`shop/cart`. Knows names and files, and nothing of what the texts mean.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from apiql.documents.problems import DefinitionProblem
from apiql.errors import ApiqlError, Code, Problem

FOLDER, SUFFIX = "queries", ".apiql"
MOST_FOLDERS = 8
"""Folders in folders; a link that leads back to its own folder ends here."""

_NAME = re.compile(r"\w[\w-]{0,127}")
_REVISION = re.compile(r"[1-9][0-9]{0,8}")
_NAMES = "letters, digits, _ and -, not only digits; behind @ a revision from 1: cart@2.apiql"


@dataclass(frozen=True, slots=True)
class QueryFile:
    """A text, the query it is a revision of (`shop/cart`), and the file it stands in."""

    name: str
    revision: int
    file: str
    text: str


@dataclass(frozen=True, slots=True)
class FileProblem:
    """What is wrong with a file."""

    file: str
    problem: Problem

    def __str__(self) -> str:
        return f"{self.file}:{'' if self.problem.locations else ' '}{self.problem}"


def order_of(found: FileProblem) -> tuple[str, int, int]:
    """Where a problem stands, to put several in order."""
    locations = found.problem.locations
    return found.file, *((locations[0].line, locations[0].column) if locations else (0, 0))


def of_document(found: DefinitionProblem, root: str) -> FileProblem:
    """A problem of a document as one of its file; `root` is the folder that was read."""
    text = f"{found.path}: {found.wrong}" if found.path else found.wrong
    hint = f"did you mean {found.nearest}?" if found.nearest else None
    hint = hint or (f"expected {found.expected}" if found.expected else None)
    at = () if found.at is None else (found.at,)
    file = f"{root}/{found.file}" if found.file else root
    return FileProblem(file, Problem(Code.VALIDATION, text, at, hint))


@dataclass(frozen=True, slots=True)
class QueryFiles:
    """All files of a folder, and what is wrong with those that cannot be taken."""

    files: tuple[QueryFile, ...] = ()
    problems: tuple[FileProblem, ...] = ()


class FilesRefused(ApiqlError):
    """Files of the conf folder that cannot be used, with every problem of every file."""

    def __init__(self, problems: tuple[FileProblem, ...]) -> None:
        super().__init__("\n\n".join(map(str, problems)))
        self.problems = problems


class StoredRefused(FilesRefused):
    """Stored queries that cannot be run."""


def read_query_files(conf: Path | None) -> QueryFiles:
    """The texts of `<conf>/queries` and of its folders; other files there are left alone."""
    if conf is None:
        return QueryFiles()
    root = conf / FOLDER
    files: list[QueryFile] = []
    problems: list[FileProblem] = []
    for path in _paths(root, problems):
        found = _read(root, path)
        if isinstance(found, QueryFile):
            files.append(found)
        else:
            problems.append(found)
    return QueryFiles(tuple(files), tuple(problems))


def _paths(root: Path, problems: list[FileProblem]) -> Iterator[Path]:
    """The files in order; what begins with a dot is not looked at."""

    def unreadable(error: OSError) -> None:
        problems.append(_problem(Path(error.filename), f"cannot be read: {error.strerror}"))

    if not root.exists():
        return
    for folder, folders, files in os.walk(root, onerror=unreadable, followlinks=True):
        inner = Path(folder)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if len(inner.relative_to(root).parts) >= MOST_FOLDERS and folders:
            problems.append(_problem(inner, f"folders go deeper than {MOST_FOLDERS}"))
            folders.clear()
        for name in sorted(files):
            if name.endswith(SUFFIX) and not name.startswith("."):
                yield inner / name


def _read(root: Path, path: Path) -> QueryFile | FileProblem:
    *folders, last = path.relative_to(root).with_suffix("").parts
    name, mark, digits = last.partition("@")
    wrong = [part for part in (*folders, name) if not _NAME.fullmatch(part)]
    if wrong or name.isdigit() or (mark and not _REVISION.fullmatch(digits)):
        return _problem(path, "this is no name of a stored query", f"expected {_NAMES}")
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        return _problem(path, f"cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        return _problem(path, "is not UTF-8")
    return QueryFile("/".join((*folders, name)), int(digits or 1), str(path), text)


def _problem(path: Path, message: str, hint: str | None = None) -> FileProblem:
    return FileProblem(str(path), Problem(Code.VALIDATION, message, hint=hint))
