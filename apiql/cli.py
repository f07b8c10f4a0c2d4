"""The command line: serve, run, explain, check, id, fmt, key, private, import, convert, export,
demo. Imports what a command needs when it runs, so that `apiql --help` is quick.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apiql import __version__
from apiql.commands.convert import convert
from apiql.commands.exits import (
    NOTHING,
    PARTIAL,
    REFUSED,
    USAGE,
    Conf,
    Env,
    conf_folder,
    fail,
    set_missing,
    the_defaults,
)  # fmt: skip
from apiql.commands.fetch import fetch
from apiql.commands.fmt import fmt
from apiql.commands.help import Commands, shown
from apiql.commands.import_ import import_
from apiql.commands.keys import keys
from apiql.commands.options import (
    Definition,
    Dev,
    File,
    Files,
    Form,
    Host,
    KeepGoing,
    Param,
    Params,
    Port,
    Template,
    Text,
    Workers,
)
from apiql.commands.privates import private
from apiql.errors import ApiqlError, QueryRefused
from apiql.query_files import FilesRefused

if TYPE_CHECKING:
    from apiql.commands.run_once import Setup

cli = typer.Typer(
    cls=Commands,
    epilog=shown(""),
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
cli.add_typer(keys, name="key")
cli.add_typer(private, name="private")


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
    env: Env = None,
    host: Host = None,
    port: Port = None,
    workers: Workers = None,
    dev: Dev = False,
    keep_going: KeepGoing = False,
) -> None:
    """Answer queries at /apiql, and what the conf folder holds at paths of its own."""
    set_missing(env, os.environ)
    from apiql.commands import run_once
    from apiql.server.before_start import fetch_at_start
    from apiql.server.serve import serve_forever

    fetch_at_start(conf_folder(conf), os.environ)
    setup = _setup(conf, None, keep_going)
    _refuse(run_once.checked(setup, []))  # what is wrong is told here, not by each worker
    chosen = {"host": host, "port": port, "workers": workers}
    update = {name: value for name, value in chosen.items() if value is not None}
    chosen_server = setup.settings.server.model_copy(update={**setup.listening, **update})
    serve_forever(
        setup.settings.model_copy(update={"server": chosen_server}), conf_folder(conf), dev,
        keep_going,
    )  # fmt: skip


@cli.command()
def run(
    file: File = None,
    expression: Text = None,
    template: Template = None,
    param: Param = None,
    params: Params = None,
    conf: Conf = None,
    env: Env = None,
) -> None:
    """Run a query without a server and print its answer."""
    text, setup = _text(file, expression, template), _setup(conf, env)
    from apiql.commands import run_once

    given = run_once.parameters(params, param or [])
    asked = run_once.Asked(text, template)
    body, code = run_once.answer(setup, asked, given, {3: PARTIAL, 4: NOTHING})
    print(body)
    raise typer.Exit(code)


@cli.command()
def explain(
    file: File = None,
    expression: Text = None,
    template: Template = None,
    form: Annotated[Form, typer.Option("--format", help="How to print it.")] = Form.TEXT,
    analyze: Annotated[bool, typer.Option("--analyze", help="Run it; print its times.")] = False,
    param: Param = None,
    params: Params = None,
    of: Definition = None,
    conf: Conf = None,
    env: Env = None,
) -> None:
    """Print the plan of a query; nothing is called, unless it is to be analyzed."""
    from apiql.commands import run_once

    if of is not None:
        print(run_once.explained_definition(_setup(conf, env, True), of, form.value), end="")
        return
    text, setup = _text(file, expression, template), _setup(conf, env)
    given = run_once.parameters(params, param or [])
    asked = run_once.Asked(text, template)
    print(run_once.explained(setup, asked, form.value, given, analyze), end="")


@cli.command()
def check(
    files: Files = None,
    conf: Conf = None,
    env: Env = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings are errors.")] = False,
) -> None:
    """Check settings, rights, stored queries, templates, definitions and, if given, files."""
    setup, where = _setup(conf, env, keep_going=True), conf_folder(conf)
    from apiql.commands import checked_definitions, open_ways, run_once

    definitions = checked_definitions.checked(setup, strict)
    gateways = checked_definitions.of_gateways(setup, strict)
    ways = open_ways.told(setup, where, os.environ, "error" if strict else "warning")
    odd = [*ways, *run_once.odd(setup)]
    warnings = [*([] if strict else odd), *definitions.warnings, *gateways.warnings]
    warnings += checked_definitions.unnamed_plug_ins(where, setup.settings)
    print("\n\n".join(warnings), file=sys.stderr, end="\n\n" if warnings else "")
    wrong = run_once.checked(setup, files or []) + (odd if strict else [])
    _refuse([*wrong, *definitions.errors, *gateways.errors])
    counts = (*run_once.counts(setup), (len(files or ()), "files"), *definitions.counts,
              *gateways.counts)  # fmt: skip
    print(f"{where or the_defaults()}: settings are right{_counted(counts)}")


def _counted(counts: Iterable[tuple[int, str]]) -> str:
    return "".join(f"; {what}: {count}" for count, what in counts if count)


@cli.command("id")
def show_id(file: File = None, expression: Text = None, conf: Conf = None, env: Env = None) -> None:
    """Print the id of a query: clients may send it in place of the text."""
    text, setup = _text(file, expression), _setup(conf, env)
    from apiql.commands import run_once

    print(run_once.id_of(setup, text))


cli.command()(fmt)
cli.command("import")(import_)
cli.command("fetch")(fetch)
cli.command()(convert)


@cli.command()
def export(
    form: Annotated[Exported, typer.Argument(metavar="FORMAT", help="openapi.")],
    conf: Conf = None,
    env: Env = None,
    out: Annotated[Path | None, typer.Option(help="The file; else standard output.")] = None,
) -> None:
    """Describe stored queries, definitions, endpoints: OpenAPI 3.1 of /query/<name>, …"""
    setup = _setup(conf, env)
    from apiql.commands import run_once

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
    port: Annotated[
        int, typer.Option(metavar="PORT", help="The engine's port; 0 takes a free one.")
    ] = 0,
    conf: Annotated[
        Path | None, typer.Option(help="A folder that is served too, in front of the shop.")
    ] = None,
) -> None:
    """Start a small shop and the engine, run three queries, show plans, calls and answers."""
    from apiql.demo.show import show

    raise typer.Exit(show(stay, port, conf_folder(conf) if conf else None))


def _refuse(problems: list[str]) -> None:
    if problems:
        fail("\n\n".join(problems), REFUSED)


def _setup(conf: Path | None, env: Path | None, keep_going: bool = False) -> Setup:
    set_missing(env, os.environ)
    from apiql.commands.run_once import Setup
    from apiql.server.configuration import Place, read_configuration

    place = Place(conf_folder(conf), os.environ, keep_going=keep_going)
    found = read_configuration(place)
    inside = {
        name: Setup(
            each.settings, each.queries, each.rights, each.plug_ins,
            templates=each.templates, definitions=each.definitions,
        )
        for name, each in found.buckets.items()
    }  # fmt: skip
    return Setup(
        found.settings, found.queries, found.rights, found.plug_ins, inside, found.templates,
        found.definitions,
    )  # fmt: skip


def _text(file: Path | None, expression: str | None, template: str | None = None) -> str:
    if [file, expression, template].count(None) != 2:
        fail("give a query: a FILE, - for standard input, or -e 'select …'", USAGE)
    if template is not None:
        return ""
    if expression is not None:
        return expression
    assert file is not None
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    except OSError as error:
        fail(f"{file}: {error.strerror}", USAGE)
    except UnicodeDecodeError:
        fail(f"{file}: is not UTF-8", USAGE)
