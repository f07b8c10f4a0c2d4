"""The command `apiql convert`; what reads and prints is imported when it runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from apiql.commands.exits import PARTIAL, USAGE, Conf, Env, conf_folder, fail, set_missing


def convert(
    definition: Annotated[str, typer.Argument(metavar="KIND/NAME", help="Such as flow/weather.")],
    conf: Conf = None,
    env: Env = None,
    to: Annotated[Path | None, typer.Option("--to", help="The file; else standard output.")] = None,
) -> None:
    """Print a definition of APIHUB as a query; what has no equivalent is said, and ends with 3."""
    set_missing(env, os.environ)
    from apiql.commands import conversions

    folder = conf_folder(conf)
    if folder is None:
        fail("--conf names the folder with the definitions", USAGE)
    found = conversions.conversion(folder, definition, os.environ)
    if to is None:
        print(found.text, end="")
    else:
        _write(to, found.text)
    if found.missing:
        print("no equivalent for:", *found.missing, sep="\n", file=sys.stderr)
        raise typer.Exit(PARTIAL)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"{file}: {error.strerror}", USAGE)
