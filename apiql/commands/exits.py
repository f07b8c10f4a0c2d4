"""How a command ends, and where it finds its conf folder and its variables."""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from apiql.dotenv_text import DotenvRefused, read_dotenv

REFUSED, USAGE, PARTIAL, NOTHING = 1, 2, 3, 4
"""Exit codes beside 0: the query was refused; the command or settings were; the answer is
partial; nothing was answered."""

Conf = Annotated[
    Path | None, typer.Option("--conf", help="The conf folder; ./conf if it holds an apiql.toml.")
]

Env = Annotated[
    Path | None, typer.Option("--env", help="A dotenv file; variables that are set win over it.")
]
MOST_BYTES = 1024 * 1024
"""Of a dotenv file."""


def fail(message: str, code: int) -> NoReturn:
    """Prints what is wrong and ends the process."""
    print(message, file=sys.stderr)
    raise SystemExit(code)


_DEFINITIONS = ("apis", "httpapis", "flows", "schedules")
"""Folders by which a conf folder is known that has no apiql.toml."""


def conf_folder(conf: Path | None) -> Path | None:
    """The folder of a command: the one that it names, or ./conf."""
    usual = Path("conf")
    if conf is None:
        is_one = (usual / "apiql.toml").is_file() or any((usual / f).is_dir() for f in _DEFINITIONS)
        return usual if is_one else None
    if not conf.is_dir():
        expected = "--conf names a folder with apiql.toml, or with definitions"
        fail(f"{conf}: there is no such folder ({expected})", USAGE)
    return conf


def the_defaults() -> str:
    """What stands in place of a conf folder, and whether one was passed by."""
    passed_by = " (conf has no apiql.toml: `--conf conf` reads what else is in it)"
    return f"the defaults{passed_by if Path('conf').is_dir() else ''}"


def set_missing(file: Path | None, environ: MutableMapping[str, str]) -> None:
    """Sets what a dotenv file names and the environment has not. It is the process's own that is
    changed, for its workers have it from there.
    """
    if file is None:
        return
    try:
        with file.open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            fail(f"{file}: is larger than {MOST_BYTES} bytes", USAGE)
        found = read_dotenv(data.decode("utf-8"), str(file))
    except OSError as error:
        fail(f"{file}: {error.strerror} (--env names a dotenv file)", USAGE)
    except UnicodeDecodeError:
        fail(f"{file}: is not UTF-8 (--env names a dotenv file)", USAGE)
    except DotenvRefused as refused:
        fail(str(refused), USAGE)
    for name, value in found.items():
        environ.setdefault(name, value)
