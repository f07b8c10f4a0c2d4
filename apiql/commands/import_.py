"""The command `apiql import`; what reads and writes is imported when it runs."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Described(StrEnum):
    """What a description from elsewhere is."""

    AUTO = "auto"
    OPENAPI = "openapi"
    SWAGGER = "swagger"
    POSTMAN = "postman"
    CURL = "curl"
    HAR = "har"


class Target(StrEnum):
    """What an import writes."""

    SOURCES = "sources"
    HTTPAPI = "httpapi"


def import_(
    form: Annotated[Described, typer.Argument(metavar="FORMAT", help="What the file is, or auto.")],
    file: Annotated[Path, typer.Argument(help="The file; - for standard input.")],
    to: Annotated[Path, typer.Option("--to", help="The conf folder to write to.")],
    as_: Annotated[Target, typer.Option("--as", help="What is written.")] = Target.SOURCES,
    upstream: Annotated[
        str | None, typer.Option(metavar="NAME", help="What the upstream is called.")
    ] = None,
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="Its address, not the file's.")
    ] = None,
    host: Annotated[
        list[str] | None, typer.Option(metavar="HOST", help="Of a recording: only these.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print it.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an earlier import.")] = False,
) -> None:
    """Turn a description (openapi, swagger, postman, curl, har) into sources or definitions."""
    from apiql.importers import bring

    content = bring.content_of(file)
    chosen = bring.Choice(str(file), url, tuple(host or ()))
    plan = bring.plan(content, form.value, chosen, to, as_.value, upstream, force, os.environ)
    print(bring.done(plan, dry_run))
    print(bring.told(plan), end="", file=sys.stderr)
