"""How a command ends, and where it finds its conf folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

REFUSED, USAGE, PARTIAL, NOTHING = 1, 2, 3, 4
"""Exit codes beside 0: the query was refused; the command or settings were; the answer is
partial; nothing was answered."""

Conf = Annotated[
    Path | None, typer.Option("--conf", help="The conf folder; ./conf if there is one.")
]


def fail(message: str, code: int) -> NoReturn:
    """Prints what is wrong and ends the process."""
    print(message, file=sys.stderr)
    raise SystemExit(code)


def conf_folder(conf: Path | None) -> Path | None:
    """The folder of a command: the one that it names, or ./conf."""
    usual = Path("conf")
    if conf is None:
        return usual if (usual / "apiql.toml").is_file() else None
    if not conf.is_dir():
        fail(f"{conf}: there is no such folder (--conf names a folder with apiql.toml)", USAGE)
    return conf
