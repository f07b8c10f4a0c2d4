"""What `--help` shows beside options: the commands by what they are for, and examples of each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from typer.core import TyperGroup

GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "Try and serve": ("demo", "run", "explain", "serve"),
    "Look after queries and settings": ("check", "fmt", "id", "export"),
    "Move over from elsewhere": ("import", "convert", "fetch"),
    "Keep secrets": ("key", "private"),
})  # fmt: skip
"""The commands of `apiql` under their headings, in the order in which a newcomer needs them."""

EXAMPLES: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "": (
        "apiql demo --serve --conf conf",
        "apiql run --conf conf -e 'select name from users where id = 3'",
    ),
    "demo": ("apiql demo", "apiql demo --serve --port 8000 --conf conf"),
    "run": (
        "apiql run --conf conf -e 'select name from users where id = $id' --param id=3",
        "apiql run --conf conf page.apiql --params '{\"ids\": [1, 2]}'",
        "apiql run --conf conf --template shop/order --param id=7",
    ),
    "explain": (
        "apiql explain --conf conf -e 'select name from users where id = 3'",
        "apiql explain --conf conf page.apiql --analyze --format mermaid",
        "apiql explain --conf conf --of flow/city",
    ),
    "serve": (
        "apiql serve --conf conf --dev",
        "apiql serve --conf conf --host 0.0.0.0 --port 8000 --workers 2",
    ),
    "check": ("apiql check --conf conf", "apiql check --conf conf --strict page.apiql"),
    "fmt": ("apiql fmt < page.apiql", "apiql fmt --write conf/queries/user.apiql"),
    "id": ("apiql id page.apiql",),
    "export": ("apiql export openapi --conf conf --out shop.json",),
    "import": (
        "apiql import openapi shop.yaml --to conf --dry-run",
        "apiql import curl - --to conf < calls.txt",
    ),
    "convert": ("apiql convert flow/city --conf conf --to city.apiql",),
    "fetch": ("apiql fetch --conf conf --env production.env",),
    "key": ("apiql key new shop",),
    "key new": ("apiql key new shop",),
    "key hash": ("apiql key hash --password < password.txt",),
    "private": ("apiql private encrypt --conf conf",),
    "private encrypt": (
        "apiql private encrypt --conf conf",
        "apiql private encrypt --value shop.key < key.txt",
    ),
    "private decrypt": ("apiql private decrypt conf/privates/shop.json",),
    "private rotate": ("apiql private rotate --conf conf",),
})  # fmt: skip
"""By the names of the commands; the conf folder and the files are those of the reader."""


class Commands(TyperGroup):
    """Commands with examples; those of `apiql` itself, whose name is empty, under headings."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, with its examples at the end of its help."""
        found = super().get_command(ctx, cmd_name)
        if found is not None:
            found.epilog = shown(f"{self.name} {cmd_name}".strip())
        return found

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Writes the headings with their commands, whose texts are not cut off."""
        groups = {"Commands": tuple(self.commands)} if self.name else GROUPS
        for heading, names in groups.items():
            with formatter.section(heading):
                formatter.write_dl([(name, self.commands[name].help) for name in names])


def shown(path: str) -> str:
    """The examples of a command; `\\b` keeps their lines as they are."""
    return "\n".join(("\b", "Examples:", *(f"  {line}" for line in EXAMPLES[path])))
