"""Files with queries and their one form, byte for byte; standard input is the file `-`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from apiql.documents.whole_file import put_in_place
from apiql.errors import QueryRefused
from apiql.frontends.text.format import format_text
from apiql.frontends.text.grammar import TextLimits
from apiql.frontends.text.parse import TextParser

OWN_FILES = TextLimits(
    text_bytes=2**24, tokens=2**20, name_length=2**12, number_digits=4_000,
    literal_bytes=2**20, url_bytes=2**16,
)  # fmt: skip
"""What is formatted is the caller's own; the limits of a server do not concern it."""


@dataclass(frozen=True, slots=True)
class Formatted:
    """A file, what it held, and its one form: None where there are problems."""

    file: Path
    before: str | None
    text: str | None = None
    problems: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What people call it."""
        return str(self.file)

    @property
    def is_readable(self) -> bool:
        """Whether it could be read at all."""
        return self.before is not None

    @property
    def changed(self) -> bool:
        """Whether its one form is another than its own."""
        return self.text is not None and self.text != self.before

    def rewrite(self) -> None:
        """Writes the one form, if it is another."""
        if self.changed and self.text is not None:
            put_in_place(self.file, self.text.encode())


def formatted(files: Iterable[Path]) -> list[Formatted]:
    """The one form of each file, or what is wrong with it, with the file's name in front."""
    parser = TextParser(OWN_FILES)
    return [_formatted(file, parser) for file in files]


def _formatted(file: Path, parser: TextParser) -> Formatted:
    standard = str(file) == "-"
    try:
        text = sys.stdin.read() if standard else file.read_bytes().decode()
    except OSError as error:
        return Formatted(file, None, problems=(f"{file}: {error.strerror}",))
    except UnicodeDecodeError:
        return Formatted(file, None, problems=(f"{file}: is not UTF-8",))
    try:
        return Formatted(file, text, format_text(text, parser))
    except QueryRefused as refused:
        place = "" if standard else f"{file}:"
        return Formatted(file, text, problems=tuple(f"{place}{p}" for p in refused.problems))
