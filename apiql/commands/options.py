"""Options that commands have: what a query is, its parameters, where a server listens."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Text = Annotated[str | None, typer.Option("-e", "--expression", metavar="QUERY", help="Itself.")]
File = Annotated[Path | None, typer.Argument(help="A file with the query; - for standard input.")]
Files = Annotated[list[Path] | None, typer.Argument(metavar="FILES", help="Files with queries.")]
Param = Annotated[
    list[str] | None, typer.Option(metavar="NAME=VALUE", help="A parameter: JSON or text.")
]
Params = Annotated[str | None, typer.Option(metavar="JSON", help="All of them as an object.")]
KeepGoing = Annotated[
    bool, typer.Option("--keep-going", help="Serve what is whole where definitions are broken.")
]
Template = Annotated[str | None, typer.Option(metavar="NAME", help="Not a query: a call template.")]
Definition = Annotated[
    str | None, typer.Option(metavar="KIND/NAME", help="Not a query: a definition.")
]
Host = Annotated[str | None, typer.Option(metavar="ADDRESS", help="Where to listen.")]
Port = Annotated[
    int | None, typer.Option(min=0, max=65535, metavar="PORT", help="The port; 0 takes a free one.")
]
Dev = Annotated[bool, typer.Option("--dev", help="Show details, timings, plans and /openapi.json.")]
Workers = Annotated[int | None, typer.Option(min=1, metavar="N", help="Processes.")]


class Form(StrEnum):
    """How a plan is printed."""

    TEXT = "text"
    TREE = "tree"
    JSON = "json"
    MERMAID = "mermaid"
