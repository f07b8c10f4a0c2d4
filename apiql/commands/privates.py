"""The commands that change files of private values: `apiql private encrypt` and its like."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apiql.commands.exits import USAGE, Conf, Env, conf_folder, fail, set_missing
from apiql.commands.help import Commands

if TYPE_CHECKING:
    from apiql.commands.private_files import Change

private = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    help="Encrypt and decrypt the private values of a conf folder.",
)

Files = Annotated[
    list[Path] | None, typer.Argument(metavar="FILES", help="Files of conf/privates; all of them.")
]
Value = Annotated[
    str | None,
    typer.Option(
        "--value",
        metavar="NAME",
        help="Not files: the value of this full name, from standard input.",
    ),
]


@private.command()
def encrypt(files: Files = None, value: Value = None, conf: Conf = None, env: Env = None) -> None:
    """Encrypt values with the key of APIQL_PRIVATES_KEY, in place."""
    set_missing(env, os.environ)
    from apiql.commands import private_files

    key = private_files.key_of(os.environ)
    _change(private_files.sealing(key, os.urandom), files, value, conf)


@private.command()
def decrypt(files: Files = None, value: Value = None, conf: Conf = None, env: Env = None) -> None:
    """Decrypt values with the key of APIQL_PRIVATES_KEY, in place."""
    set_missing(env, os.environ)
    from apiql.commands import private_files

    _change(private_files.opening(private_files.key_of(os.environ)), files, value, conf)


@private.command()
def rotate(files: Files = None, conf: Conf = None, env: Env = None) -> None:
    """Encrypt values with the key of APIQL_PRIVATES_KEY_NEW, in place."""
    set_missing(env, os.environ)
    from apiql.commands import private_files

    old, new = (private_files.key_of(os.environ, suffix) for suffix in ("", private_files.NEW))
    _change(private_files.turning(old, new, os.urandom), files, None, conf)


def _change(change: Change, files: list[Path] | None, value: str | None, conf: Path | None) -> None:
    from apiql.commands import private_files

    if value is not None:
        if files:
            fail("--value takes its value from standard input, and no files", USAGE)
        if not all(value.rpartition(".")):
            fail("--value takes a full name (map.key); its value comes from standard input", USAGE)
        print(change(value, sys.stdin.read().removesuffix("\n")))
        return
    folder = conf_folder(conf)
    if folder is None:
        fail("there is no conf folder (--conf names one)", USAGE)
    for name in private_files.rewrite_privates(folder, change, files or ()):
        print(name)
