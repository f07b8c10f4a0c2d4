"""A conf folder and the environment -> what the server runs on: settings, stored queries, rights,
those of its buckets, and the name of the whole. Read apart from the event loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from apiql.defined import names_of
from apiql.definition_files import DefinitionFiles
from apiql.engine import NO_DEFINITIONS, all_functions
from apiql.errors import ApiqlError
from apiql.gateways import read_gateways
from apiql.legacy_folders import definitions_of, templates_of
from apiql.plug_in_files import NO_PLUG_INS, PlugIns, plug_in_paths, read_plug_ins
from apiql.query_files import FileProblem, FilesRefused, QueryFiles, read_query_files
from apiql.remote.state import remote_folder
from apiql.rights_files import NO_RIGHTS, RightsFiles, read_rights
from apiql.server.bucket_folders import inheriting, read_buckets
from apiql.server.conf_folder import Look, look_at, revision_of
from apiql.server.tls import certificates_of
from apiql.settings import SettingProblem, Settings, SettingsError, load_settings, private_key_files
from apiql.template_files import NO_TEMPLATES, TemplateFiles

FILE = "apiql.toml"
MOST_LINES, MOST_LETTERS = 20, 300
"""Of what is told about a configuration that is refused."""
RESTART = (
    "server.host", "server.port", "server.workers", "admin.host", "admin.port", "log.format",
    "limits.cache_entries", "limits.cache_bytes",
    "store.url", "store.prefix", "store.timeout", "store.verify",
    "telemetry.traces", "telemetry.service",
)  # fmt: skip
"""Settings that a running process cannot take: sockets and stores outlive a reload."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a configuration comes from; `dev` shows everything, `keep_going` serves what can be
    where definitions are broken.
    """

    conf: Path | None
    environ: Mapping[str, str]
    dev: bool = False
    keep_going: bool = False


@dataclass(frozen=True, slots=True)
class Configuration:
    """What was read. `revision` names it by its contents; `others` are files beside the folder
    that it or one of its `buckets` names.
    """

    settings: Settings
    queries: QueryFiles
    revision: str
    others: tuple[str, ...] = ()
    rights: RightsFiles = NO_RIGHTS
    plug_ins: PlugIns = NO_PLUG_INS
    templates: TemplateFiles = NO_TEMPLATES
    definitions: DefinitionFiles = NO_DEFINITIONS
    buckets: Mapping[str, Configuration] = field(default_factory=dict)

    @property
    def cold(self) -> frozenset[str]:
        """Files that are not put in force as soon as they change."""
        own = frozenset(self.definitions.gateways.cold)
        return own.union(*(bucket.cold for bucket in self.buckets.values()))


def read_configuration(place: Place, *, file_needed: bool = False) -> Configuration:
    """Reads all of it. `file_needed`: that there is no `apiql.toml` is a mistake, where there was
    one: not all settings are to become defaults because a file is just being replaced.

    Raises:
        SettingsError: with every problem of the settings.
        CertificateRefused: the server's certificate cannot be used.
        PlugInsRefused: a plug-in cannot be used.
    """
    if file_needed and place.conf is not None and place.conf.is_dir():
        file = place.conf / FILE
        if not file.exists():
            raise SettingsError((SettingProblem("", "the file is gone", file=str(file)),))
    settings = load_settings(place.conf, place.environ)
    certificates_of(settings.server)
    folders = read_buckets(place.conf, settings, place.environ)
    inside = [inner for _, inner in folders.values()]
    others = (
        *named_files(settings, *inside), *private_key_files(place.environ),
        *named_folders(settings, place.conf),
        *map(str, plug_in_paths(place.conf, settings.plugins).values()),
    )  # fmt: skip
    revision = revision_of(place.conf, others)
    plug_ins = read_plug_ins(place.conf, settings.plugins, all_functions())
    main = _of_folder(place.conf, settings, place, revision, plug_ins)
    buckets = {
        name: _of_folder(*found, place, revision, plug_ins) for name, found in folders.items()
    }
    if settings.buckets.inherit:
        buckets = {name: _inheriting(found, main, name) for name, found in buckets.items()}
    return replace(main, others=others, buckets=buckets)


def _of_folder(
    folder: Path | None, settings: Settings, place: Place, revision: str, plug_ins: PlugIns
) -> Configuration:
    """What stands in the main folder, or in that of a bucket."""
    shown = developing(settings) if place.dev else settings
    queries = read_query_files(folder)
    definitions = replace(
        definitions_of(settings, folder, place.environ, plug_ins.templates, plug_ins.values),
        keep_going=place.keep_going,
        gateways=read_gateways(folder, settings.endpoints, place.environ),
    )  # fmt: skip
    templates = templates_of(settings, folder, definitions)
    apart = definitions.own_rights
    more = names_of(definitions)
    rights = read_rights(folder, place.environ, settings, queries, templates, apart, more)
    return Configuration(
        shown, queries, revision, rights=rights, plug_ins=plug_ins, templates=templates,
        definitions=definitions,
    )  # fmt: skip


def _inheriting(own: Configuration, main: Configuration, name: str) -> Configuration:
    queries = inheriting(own.queries, main.queries, name)
    return replace(own, queries=queries, templates=own.templates.over(main.templates, name))


def has_file(place: Place) -> bool:
    """Whether there is an `apiql.toml`."""
    return place.conf is not None and (place.conf / FILE).exists()


def look(place: Place, others: tuple[str, ...]) -> Look:
    """The state of all files that are read."""
    return look_at(place.conf, others)


def named_files(main: Settings, *buckets: Settings) -> tuple[str, ...]:
    """The files of certificates and keys that the settings name."""
    server = main.server
    upstreams = [u for settings in (main, *buckets) for u in settings.upstreams.values()]
    found: list[object] = [u.verify for u in upstreams]
    found += [file for u in upstreams for file in (u.client_cert, u.client_key)]
    found += [server.certificate, server.private_key]
    for each in server.certificates:
        found += [each.certificate, each.private_key]
    found += [issuer.keys_file for issuer in main.access.tokens.values()]
    return tuple(sorted({file for file in found if isinstance(file, str)}))


def named_folders(settings: Settings, conf: Path | None) -> tuple[str, ...]:
    """The folders of definitions that the settings name, and that of those that are fetched."""
    found = [str(folder) for folder in settings.legacy.folders.values()]
    if settings.remote.url is not None:
        found.append(str(remote_folder(settings, conf)))
    return tuple(found)


def developing(settings: Settings) -> Settings:
    """The settings of `--dev`: everything is shown."""
    answer = settings.answer.model_copy(update={"details": "full", "plan": True, "timings": True})
    server = settings.server.model_copy(update={"docs": True})
    return settings.model_copy(update={"answer": answer, "server": server})


def restart_needed(begun: Settings, new: Settings) -> tuple[str, ...]:
    """The settings that differ from those the process began with, and need a new one."""
    found = [name for name in RESTART if _value(begun, name) != _value(new, name)]
    if (begun.server.certificate is None) != (new.server.certificate is None):
        found.append("server.certificate")  # others are taken by the next handshake
    return tuple(found)


def _value(settings: Settings, name: str) -> Any:
    section, key = name.split(".")
    return getattr(getattr(settings, section), key)


def told(refused: BaseException, place: Place) -> tuple[str, ...]:
    """What is wrong, a line each: file, line, column and reason. No line of a file is repeated: a
    query may hold what is nobody's business who only asks whether we are ready.
    """
    match refused:
        case SettingsError(problems=settings):
            lines = [_of_setting(problem) for problem in settings]
        case FilesRefused(problems=found):
            lines = [_of_file(problem) for problem in found]
        case ApiqlError() | OSError():
            lines = [str(refused)]
        case _:
            lines = [f"it cannot be used ({type(refused).__name__}); the log knows more"]
    root = f"{place.conf}/"
    shown = [line.replace(root, "")[:MOST_LETTERS] for line in lines[:MOST_LINES]]
    left = len(lines) - len(shown)
    return (*shown, f"and {left} more") if left else tuple(shown)


def _of_setting(problem: SettingProblem) -> str:
    head, *more = str(problem).split("\n")
    return "; ".join([head, *(line.strip() for line in more)])


def _of_file(found: FileProblem) -> str:
    problem = found.problem
    at = "".join(f":{p.line}:{p.column}" for p in problem.locations[:1])
    return f"{found.file}{at}: {problem.code}: {problem.message}"
