"""What `apiql check` tells about the definitions of a conf folder, of either generation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from apiql.definition_files import DefinitionFiles, known_with
from apiql.documents.problems import DefinitionProblem, Severity
from apiql.frontends.definitions.checks import check
from apiql.frontends.definitions.checks.pages import go_templates
from apiql.frontends.definitions.folder import Definitions
from apiql.frontends.definitions.kinds import Kind
from apiql.gateways import never_asked
from apiql.legacy_folders import missing_folders
from apiql.plug_in_files import PlugIns, left_alone
from apiql.settings import Settings

_WORDS = {
    Kind.PRIVATE: "privates",
    Kind.API: "apis",
    Kind.FLOW: "flows",
    Kind.SCHEDULE: "schedules",
    Kind.RIGHT: "rights",
}
_PAGES = "templates of pages"


class Folder(Protocol):
    """What was read of a conf folder, or of a bucket's."""

    @property
    def settings(self) -> Settings:
        """What is set."""

    @property
    def plug_ins(self) -> PlugIns:
        """The functions that are added."""

    @property
    def definitions(self) -> DefinitionFiles:
        """What it defines."""

    @property
    def buckets(self) -> Mapping[str, Folder]:
        """Those in it."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The texts of what breaks and of what is merely odd, and how many of each kind there are."""

    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    counts: tuple[tuple[int, str], ...] = ()


def checked(setup: Folder, is_strict: bool) -> Checked:
    """What is wrong with the definitions of a folder, of those that its settings name in their
    place, and of its buckets; where it is strict, what is odd breaks too.
    """
    problems: list[DefinitionProblem] = []
    count = dict.fromkeys((*_WORDS.values(), _PAGES), 0)
    for each in (setup, *setup.buckets.values()):
        problems += _missing(each.settings)
        found = each.definitions.found
        if found is None:
            continue
        for _, part in each.definitions.parts():
            problems += _problems_of(part, each)
        problems += _as_they_are(found)
        for kind, word in _WORDS.items():
            count[word] += len(found.names[kind])
        count[_PAGES] += len(go_templates(found))
    if is_strict:
        problems = [replace(problem, severity=Severity.ERROR) for problem in problems]
    told = {s: [str(p) for p in problems if p.severity is s] for s in Severity}
    texts = {s: tuple(dict.fromkeys(each)) for s, each in told.items()}  # buckets share some
    warnings = texts[Severity.WARNING]
    counts = (*((number, word) for word, number in count.items()), (len(warnings), "warnings"))
    return Checked(texts[Severity.ERROR], warnings, counts)


def _as_they_are(found: Definitions) -> Iterator[DefinitionProblem]:
    """What is wrong with files by themselves, in whatever bucket."""
    for problem in found.problems:
        yield replace(problem, file=str(Path(found.root) / problem.file))


def _problems_of(found: Definitions, setup: Folder) -> Iterator[DefinitionProblem]:
    """What is wrong, with files as whoever asks can open them."""
    names = (*setup.plug_ins.templates, *setup.plug_ins.values)
    known = known_with(names, setup.settings.limits.fanout)
    for problem in check(found, known):
        yield replace(problem, file=str(Path(found.root) / problem.file))


def unnamed_plug_ins(conf: Path | None, settings: Settings) -> tuple[str, ...]:
    """Warnings of files that lie there and are not loaded."""
    wrong, expected = "nothing names this plug-in: it is not loaded", "it among plugins.files"
    return tuple(
        str(DefinitionProblem(str(path), wrong, Severity.WARNING, expected=expected))
        for path in left_alone(conf, settings.plugins)
    )


def of_gateways(setup: Folder, is_strict: bool) -> Checked:
    """The same of the endpoints of gateways, those of the buckets too."""
    all_files = [each.definitions.gateways for each in (setup, *setup.buckets.values())]
    texts: dict[bool, list[str]] = {True: [], False: []}
    count = 0
    for files in all_files:
        count += sum(len(gateway.endpoints) for gateway in files.gateways)
        for problem in (*files.problems, *never_asked(files)):
            breaks = is_strict or problem.severity is Severity.ERROR
            severity = Severity.ERROR if breaks else problem.severity
            file = f"{files.root}/{problem.file}" if problem.file else files.root
            texts[breaks].append(str(replace(problem, file=file, severity=severity)))
    return Checked(tuple(texts[True]), tuple(texts[False]), ((count, "endpoints"),))


def _missing(settings: Settings) -> Iterator[DefinitionProblem]:
    for setting, folder in missing_folders(settings):
        wrong = f"{setting} names this, and it is no folder: the usual one is read"
        yield DefinitionProblem(str(folder), wrong, Severity.WARNING)
