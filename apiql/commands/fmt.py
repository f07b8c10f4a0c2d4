"""`apiql fmt`: prints queries in their one form."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apiql.commands.exits import REFUSED, USAGE, fail

if TYPE_CHECKING:
    from apiql.commands.format_files import Formatted


def fmt(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILES", help="Files with queries; - for standard input."),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Name files that would change.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Rewrite the files.")] = False,
) -> None:
    """Print queries in their one form; comments stay."""
    chosen = files or [Path("-")]
    if write and (check or Path("-") in chosen):
        fail("--write takes files, and no --check", USAGE)
    from apiql.commands import format_files

    found = format_files.formatted(chosen)
    for file in found:
        if write:
            _rewrite(file)
        elif file.text is not None and (not check or file.changed):
            print(file.name if check else file.text, end="\n" if check else "")
    problems = [problem for file in found for problem in file.problems]
    if problems:
        fail("\n\n".join(problems), REFUSED if all(file.is_readable for file in found) else USAGE)
    raise typer.Exit(REFUSED if check and any(file.changed for file in found) else 0)


def _rewrite(file: Formatted) -> None:
    try:
        file.rewrite()
    except OSError as error:
        fail(f"{file.name}: {error.strerror}", USAGE)
