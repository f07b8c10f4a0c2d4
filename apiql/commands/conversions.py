"""A definition of a conf folder as a text of APIQL in its one form, ready to be printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from apiql.commands.format_files import OWN_FILES
from apiql.definition_files import known_with
from apiql.documents.problems import Severity
from apiql.errors import ApiqlError, nearest
from apiql.frontends.definitions.checks import Known, check
from apiql.frontends.definitions.convert.convert import convert
from apiql.frontends.definitions.folder import Definitions, read_folder
from apiql.frontends.definitions.kinds import Kind
from apiql.frontends.text.format import format_text
from apiql.frontends.text.parse import TextParser
from apiql.legacy_folders import folders_of
from apiql.plug_in_files import read_plug_ins
from apiql.runtime.every_function import all_functions
from apiql.settings import load_settings

KINDS = {"api": Kind.API, "httpapi": Kind.API, "flow": Kind.FLOW, "schedule": Kind.SCHEDULE}


class NotConverted(ApiqlError):
    """A definition that is not there, or is broken."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """What is printed, and what is missing in it: a line each."""

    text: str
    missing: tuple[str, ...]


def conversion(folder: Path, path: str, environ: Mapping[str, str]) -> Conversion:
    """The text for a definition, as in `flow/weather`, read as a server of this folder reads it.

    Raises:
        NotConverted: there is no such definition, or it is broken.
        SettingsError, PlugInsRefused: what stands around it cannot be used.
    """
    settings = load_settings(folder, environ)
    plug_ins = read_plug_ins(folder, settings.plugins, all_functions())
    definitions = read_folder(folder, folders_of(settings, folder))
    kind, name = _named(definitions, path)
    known = known_with((*plug_ins.templates, *plug_ins.values))
    _refuse_broken(definitions, kind, name, known)
    found = convert(definitions, kind, name)
    text = format_text(str(found), TextParser(OWN_FILES)) if found.text else str(found)
    return Conversion(text, tuple(map(str, found.gaps)))


def _named(definitions: Definitions, path: str) -> tuple[Kind, str]:
    word, _, name = path.partition("/")
    kind = KINDS.get(word)
    if kind is not None and name in definitions.names[kind]:
        return kind, name
    known = [f"{word}/{name}" for word, kind in KINDS.items() for name in definitions.names[kind]]
    meant = nearest(path, known)
    hint = f"did you mean {meant}?" if meant else "expected its kind and name, as in flow/weather"
    raise NotConverted(f"{definitions.root}: there is no definition {path}: {hint}")


def _refuse_broken(definitions: Definitions, kind: Kind, name: str, known: Known) -> None:
    errors = [
        f"{definitions.root}/{problem}" for problem in check(definitions, known)
        if problem.severity is Severity.ERROR and problem.owner == (kind.value, name)
    ]  # fmt: skip
    if errors:
        raise NotConverted("\n\n".join(errors))
