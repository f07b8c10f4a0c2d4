"""The commands that make keys and hashes for the settings: `apiql key new`, `apiql key hash`. They
read what is secret from standard input and never from the arguments, which others can see.
"""

from __future__ import annotations

import getpass
import re
import sys
from typing import Annotated

import typer

from apiql.commands.help import Commands

keys = typer.Typer(
    cls=Commands, no_args_is_help=True, help="Make keys, and the hashes that settings hold."
)

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TABLE = """
# for conf/apiql.toml:
[access.keys.{name}]
hashes = ["{hash}"]
scopes = []
"""


@keys.command("new")
def new(name: Annotated[str, typer.Argument(help="Whose key it is.")] = "caller") -> None:
    """Print a new key, once, and the table that lets it in."""
    if _NAME.fullmatch(name) is None:
        raise typer.BadParameter("1 to 64 letters, digits, _ and -", param_hint="NAME")
    from apiql.access.minting import key_hash, new_key

    key = new_key()
    print(key)
    print(_TABLE.format(name=name, hash=key_hash(key)), end="")


@keys.command("hash")
def hash_(
    password: Annotated[
        bool, typer.Option("--password", help="It is a user's password, not a key.")
    ] = False,
) -> None:
    """Read a key (or a password) from standard input and print its hash."""
    from apiql.access.minting import key_hash, password_hash

    shown = _asked("Password: " if password else "Key: ")
    print(password_hash(shown) if password else key_hash(shown))


def _asked(prompt: str) -> str:
    """One line, which no terminal shows."""
    if sys.stdin.isatty():
        return getpass.getpass(prompt)
    return sys.stdin.readline().rstrip("\r\n")
