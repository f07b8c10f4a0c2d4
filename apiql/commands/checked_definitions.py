"""What `apiql check` tells about the definitions of a conf folder, of either generation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from apiql.definition_files import DefinitionFiles, known_with
from apiql.documents.problems import DefinitionProblem, Severity
from apiql.frontends.definitions.checks import check
from apiql.frontends.definitions.folder import Definitions, read_folder
from apiql.frontends.definitions.kinds import Kind
from apiql.frontends.definitions.layout import Layout
from apiql.frontends.endpoints.problems import Severity as Broken
from apiql.gateways import never_asked
from apiql.legacy_folders import folders_of, missing_folders
from apiql.plug_in_files import NO_PLUG_INS, PlugIns, left_alone
from apiql.settings import Settings

NO_SETTINGS = Settings()

_WORDS = {
    Kind.PRIVATE: "privates",
    Kind.API: "apis",
    Kind.FLOW: "flows",
    Kind.SCHEDULE: "schedules",
    Kind.RIGHT: "rights",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """The texts of what breaks and of what is merely odd, and how many of each kind there are."""

    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    counts: tuple[tuple[int, str], ...] = ()


def checked(
    conf: Path | None, is_strict: bool, settings: Settings = NO_SETTINGS,
    plug_ins: PlugIns = NO_PLUG_INS,
) -> Checked:  # fmt: skip
    """Looks at all definitions of a folder, and of those that the settings name in its place; where
    it is strict, what is odd breaks too.
    """
    if conf is None:
        return Checked()
    definitions = read_folder(conf, folders_of(settings, conf))
    if definitions.layout is Layout.NONE:
        return Checked()
    severity = Severity.ERROR if is_strict else Severity.WARNING
    problems = [_missing(*each, severity) for each in missing_folders(settings)]
    problems += [
        _told_from(conf, problem, is_strict)
        for problem in check(definitions, known_with((*plug_ins.templates, *plug_ins.values)))
    ]
    texts = {s: tuple(str(p) for p in problems if p.severity is s) for s in Severity}
    warnings = texts[Severity.WARNING]
    counts = (*_counts(definitions), (len(warnings), "warnings"))
    return Checked(texts[Severity.ERROR], warnings, counts)


def unnamed_plug_ins(conf: Path | None, settings: Settings) -> tuple[str, ...]:
    """Warnings of files that lie there and are not loaded."""
    wrong, expected = "nothing names this plug-in: it is not loaded", "it among plugins.files"
    return tuple(
        str(DefinitionProblem(str(path), wrong, Severity.WARNING, expected=expected))
        for path in left_alone(conf, settings.plugins)
    )


class HasGateways(Protocol):
    """A conf folder, or that of a bucket."""

    @property
    def definitions(self) -> DefinitionFiles:
        """What it defines."""

    @property
    def buckets(self) -> Mapping[str, HasGateways]:
        """Those in it."""


def of_gateways(setup: HasGateways, is_strict: bool) -> Checked:
    """The same of the endpoints of gateways, those of the buckets too."""
    all_files = [each.definitions.gateways for each in (setup, *setup.buckets.values())]
    texts: dict[bool, list[str]] = {True: [], False: []}
    count = 0
    for files in all_files:
        count += sum(len(gateway.endpoints) for gateway in files.gateways)
        for problem in (*files.problems, *never_asked(files)):
            breaks = is_strict or problem.severity is Broken.ERROR
            severity = Broken.ERROR if breaks else problem.severity
            file = f"{files.root}/{problem.file}" if problem.file else files.root
            texts[breaks].append(str(replace(problem, file=file, severity=severity)))
    return Checked(tuple(texts[True]), tuple(texts[False]), ((count, "endpoints"),))


def _missing(setting: str, folder: Path, severity: Severity) -> DefinitionProblem:
    wrong = f"{setting} names this, and it is no folder: the usual one is read"
    return DefinitionProblem(str(folder), wrong, severity)


def _told_from(conf: Path, problem: DefinitionProblem, is_strict: bool) -> DefinitionProblem:
    severity = Severity.ERROR if is_strict else problem.severity
    return replace(problem, file=str(conf / problem.file), severity=severity)


def _counts(definitions: Definitions) -> Iterator[tuple[int, str]]:
    for kind, word in _WORDS.items():
        yield len(definitions.names[kind]), word
