"""The command line: serve, run, explain, check, id, fmt, key, private, import, convert, export,
demo. Imports what a command needs when it runs, so that `apiql --help` is quick.
"""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apiql import __version__
from apiql.convert_command import convert
from apiql.errors import ApiqlError, QueryRefused
from apiql.exits import NOTHING, PARTIAL, REFUSED, USAGE, Conf, conf_folder, fail
from apiql.import_command import import_
from apiql.key_commands import keys
from apiql.private_commands import private
from apiql.query_files import FilesRefused

if TYPE_CHECKING:
    from apiql.format_files import Formatted
    from apiql.run_once import Setup

cli = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
cli.add_typer(keys, name="key")

cli.add_typer(private, name="private")

Text = Annotated[str | None, typer.Option("-e", "--expression", help="The query itself.")]
File = Annotated[Path | None, typer.Argument(help="A file with the query; - for standard input.")]
Param = Annotated[list[str] | None, typer.Option(help="name=value; JSON or text.")]
Params = Annotated[str | None, typer.Option(help="All parameters as a JSON object.")]


class Form(StrEnum):
    """How a plan is printed."""

    TEXT = "text"
    TREE = "tree"
    JSON = "json"
    MERMAID = "mermaid"


class Exported(StrEnum):
    """What an export describes stored queries as."""

    OPENAPI = "openapi"


def main() -> None:
    """The entry point of `apiql`."""
    try:
        cli()
    except ApiqlError as error:
        refused = isinstance(error, QueryRefused | FilesRefused)
        fail(str(error), REFUSED if refused else USAGE)


@cli.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """APIQL: a SQL-like query engine for backend-for-frontend aggregation."""
    if version:
        print(f"apiql {__version__}")
        raise typer.Exit


@cli.command()
def serve(
    conf: Conf = None,
    host: Annotated[str | None, typer.Option(help="Where to listen.")] = None,
    port: Annotated[int | None, typer.Option(help="The port; 0 takes a free one.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes.")] = None,
    dev: Annotated[bool, typer.Option("--dev", help="Show details and timings.")] = False,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Serve what is whole where definitions are broken.")
    ] = False,
) -> None:
    """Answer queries over HTTP at /apiql."""
    setup = _setup(conf, keep_going)
    from apiql import run_once
    from apiql.server.serve import serve_forever

    _refuse(run_once.checked(setup, []))  # what is wrong is told here, not by each worker
    chosen = {"host": host, "port": port, "workers": workers}
    update = {name: value for name, value in chosen.items() if value is not None}
    chosen_server = setup.settings.server.model_copy(update=update)
    serve_forever(
        setup.settings.model_copy(update={"server": chosen_server}), conf_folder(conf), dev,
        keep_going,
    )  # fmt: skip


@cli.command()
def run(
    file: File = None,
    expression: Text = None,
    param: Param = None,
    params: Params = None,
    conf: Conf = None,
) -> None:
    """Run a query without a server and print its answer."""
    text, setup = _text(file, expression), _setup(conf)
    from apiql import run_once

    given = run_once.parameters(params, param or [])
    body, code = run_once.answer(setup, text, given, {3: PARTIAL, 4: NOTHING})
    print(body)
    raise typer.Exit(code)


@cli.command()
def explain(
    file: File = None,
    expression: Text = None,
    form: Annotated[Form, typer.Option("--format", help="How to print it.")] = Form.TEXT,
    analyze: Annotated[bool, typer.Option("--analyze", help="Run it; print its times.")] = False,
    param: Param = None,
    params: Params = None,
    of: Annotated[str | None, typer.Option(help="A definition instead: flow/weather.")] = None,
    conf: Conf = None,
) -> None:
    """Print the plan of a query; nothing is called, unless it is to be analyzed."""
    from apiql import run_once

    if of is not None:
        print(run_once.explained_definition(_setup(conf), of, form.value), end="")
        return
    text, setup = _text(file, expression), _setup(conf)
    given = run_once.parameters(params, param or [])
    print(run_once.explained(setup, text, form.value, given, analyze), end="")


@cli.command()
def check(
    files: Annotated[list[Path] | None, typer.Argument(help="Files with queries.")] = None,
    conf: Conf = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings are errors.")] = False,
) -> None:
    """Check settings, rights, stored queries, definitions and, if given, files."""
    setup, where = _setup(conf, keep_going=True), conf_folder(conf)
    from apiql import checked_definitions, run_once

    definitions = checked_definitions.checked(where, strict)
    if definitions.warnings:
        print("\n\n".join(definitions.warnings), file=sys.stderr)
    _refuse([*run_once.checked(setup, files or []), *definitions.errors])
    counts = (
        (len(setup.queries.files), "stored queries"), (len(setup.rights.named), "rights"),
        (len(setup.buckets), "buckets"), (len(files or ()), "files"), *definitions.counts,
    )  # fmt: skip
    told = "".join(f"; {what}: {count}" for count, what in counts if count)
    print(f"{where or 'the defaults'}: settings are right{told}")


@cli.command("id")
def show_id(file: File = None, expression: Text = None, conf: Conf = None) -> None:
    """Print the id of a query: clients may send it in place of the text."""
    text, setup = _text(file, expression), _setup(conf)
    from apiql import run_once

    print(run_once.id_of(setup, text))


@cli.command()
def fmt(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files with queries; - for standard input.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Name files that would change.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Rewrite the files.")] = False,
) -> None:
    """Print queries in their one form; comments stay."""
    chosen = files or [Path("-")]
    if write and (check or Path("-") in chosen):
        fail("--write takes files, and no --check", USAGE)
    from apiql import format_files

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


cli.command("import")(import_)
cli.command()(convert)


@cli.command()
def export(
    form: Annotated[Exported, typer.Argument(metavar="FORMAT", help="openapi.")],
    conf: Conf = None,
    out: Annotated[Path | None, typer.Option(help="The file; else standard output.")] = None,
) -> None:
    """Describe stored queries and definitions: OpenAPI 3.1 of /query/<name>, /flow/<name>, …"""
    setup = _setup(conf)
    from apiql import run_once

    text = run_once.described(setup)
    if out is None:
        print(text, end="")
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"{out}: {error.strerror}", USAGE)


@cli.command()
def demo(
    stay: Annotated[bool, typer.Option("--serve", help="Stay up and print the URL.")] = False,
    port: Annotated[int, typer.Option(help="The engine's port; 0 takes a free one.")] = 0,
    conf: Annotated[
        Path | None, typer.Option(help="A folder whose queries and definitions are served too.")
    ] = None,
) -> None:
    """Start a small shop and the engine, run three queries, show plans, calls and answers."""
    from apiql.demo.show import show

    raise typer.Exit(show(stay, port, conf_folder(conf) if conf else None))


def _rewrite(file: Formatted) -> None:
    try:
        file.rewrite()
    except OSError as error:
        fail(f"{file.name}: {error.strerror}", USAGE)


def _refuse(problems: list[str]) -> None:
    if problems:
        fail("\n\n".join(problems), REFUSED)


def _setup(conf: Path | None, keep_going: bool = False) -> Setup:
    from apiql.run_once import Setup
    from apiql.server.configuration import Place, read_configuration

    place = Place(conf_folder(conf), os.environ, keep_going=keep_going)
    found = read_configuration(place)
    inside = {
        name: Setup(each.settings, each.queries, each.rights, definitions=each.definitions)
        for name, each in found.buckets.items()
    }
    return Setup(found.settings, found.queries, found.rights, inside, found.definitions)


def _text(file: Path | None, expression: str | None) -> str:
    if (file is None) == (expression is None):
        fail("give a query: a FILE, - for standard input, or -e 'select …'", USAGE)
    if expression is not None:
        return expression
    assert file is not None
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    except OSError as error:
        fail(f"{file}: {error.strerror}", USAGE)
    except UnicodeDecodeError:
        fail(f"{file}: is not UTF-8", USAGE)
