"""The folder of rights -> the right of each name: `rights/query/shop/cart.json` is that of the
stored query `shop/cart`. Each must be the name of something: a slip of the pen opens nothing.

Nothing is read by halves: what is wrong with any file, or with a scope, is told of all together.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from apiql.access.right_document import read_right
from apiql.access.rights import Granted, Right, Rights, Word, matches
from apiql.errors import Code, Location, Problem, nearest
from apiql.ir.reach import Kind, Name
from apiql.query_files import FileProblem, FilesRefused, QueryFiles, order_of
from apiql.settings import Scope, Settings, place_of
from apiql.sources.addresses import AllowList
from apiql.template_files import NO_TEMPLATES, TemplateFiles, names_in

FOLDER, SUFFIX = "rights", ".json"
MOST_BYTES = 1024 * 1024
"""Of one file."""
MOST_FOLDERS = 8
"""Folders in the folder of a kind; a link that leads back to its own folder ends here."""
OLDER = (Kind.HTTPAPI, Kind.FLOW, Kind.SCHEDULE)
"""Kinds of definitions, which may mind their rights themselves."""
FLAT = (*OLDER, Kind.ENDPOINT)
"""Kinds that the file's own name is the name of, whatever folder it stands in; a definition may be
called by its folders too, as in `rights/flow/shop/cart.json` for the flow `shop/cart`.
"""
LISTS = {"queries": Kind.QUERY, "templates": Kind.TEMPLATE, "sources": Kind.SOURCE,
         "upstreams": Kind.UPSTREAM, "hosts": Kind.HOST}  # fmt: skip
"""The lists of a scope."""
WHAT = {Kind.QUERY: "stored query", Kind.TEMPLATE: "call template", Kind.SOURCE: "source",
        Kind.UPSTREAM: "upstream", Kind.HOST: "host of [security] allow_hosts",
        Kind.ENDPOINT: "endpoint", Kind.HTTPAPI: "httpapi", Kind.FLOW: "flow",
        Kind.SCHEDULE: "schedule"}  # fmt: skip

Known = Mapping[Kind, frozenset[str]]
NOTHING: Known = MappingProxyType({})


class RightsRefused(FilesRefused):
    """Rights that cannot be put in force, with every problem of every file."""


@dataclass(frozen=True, slots=True)
class RightsFiles:
    """The rights of a folder and their files, and what is wrong with those that are not taken."""

    named: Mapping[Name, Right] = field(default_factory=dict)
    problems: tuple[FileProblem, ...] = ()
    files: Mapping[Name, Path] = field(default_factory=dict)


NO_RIGHTS = RightsFiles()


def read_rights(
    conf: Path | None, environ: Mapping[str, str], settings: Settings, queries: QueryFiles,
    templates: TemplateFiles = NO_TEMPLATES, apart: bool = False, more: Known = NOTHING,
) -> RightsFiles:  # fmt: skip
    """The rights of `<conf>/rights`, held against what there is to have a right, and the scopes of
    the settings held against the same. `apart`: those of the older kinds are minded elsewhere;
    `more` are the names of other kinds, as far as they are known.
    """
    known = {**_known(settings, queries, templates), **more}
    problems = [*_of_scopes(conf, environ, settings, known)]
    named: dict[Name, Right] = {}
    files: dict[Name, Path] = {}
    root = (conf or Path()) / FOLDER
    for path in _paths(root if conf else None, problems):
        if apart and path.relative_to(root).parts[0] in OLDER:
            continue
        try:
            name = _name(path.relative_to(root), known)
            if files.setdefault(name, path) is not path:
                raise _refused(f"{files[name]} is of this name too", "take out one")
            named[name] = _right(path, name[0])
        except _Wrong as wrong:
            problems += (FileProblem(str(path), problem) for problem in wrong.problems)
    return RightsFiles(named, tuple(sorted(problems, key=order_of)), files)


class _Wrong(Exception):
    """A file that cannot be taken."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems


def rights_of(settings: Settings, files: RightsFiles = NO_RIGHTS) -> Rights:
    """What is in force.

    Raises:
        RightsRefused: with every problem of the files.
    """
    if files.problems:
        raise RightsRefused(files.problems)
    scopes = {name: _granted(scope) for name, scope in settings.rights.scopes.items()}
    return Rights(Word(settings.rights.default), files.named, scopes)


def _granted(scope: Scope) -> Granted:
    lists = {kind: getattr(scope, key) for key, kind in LISTS.items()}
    names = {kind: patterns for kind, patterns in lists.items() if patterns is not None}
    methods = None if scope.methods is None else frozenset(scope.methods)
    return Granted(names, methods, scope.texts)


def _known(settings: Settings, queries: QueryFiles, templates: TemplateFiles) -> Known:
    """All names that there are, by kind; of definitions and endpoints nothing is known here."""
    upstreams = settings.upstreams
    return {
        Kind.QUERY: frozenset(file.name for file in queries.files),
        Kind.TEMPLATE: names_in(templates),
        Kind.SOURCE: frozenset(name for found in upstreams.values() for name in found.sources),
        Kind.UPSTREAM: frozenset(upstreams),
        Kind.HOST: AllowList.parse(settings.security.allow_hosts).hosts,
    }


# -- files ----------------------------------------------------------------------------------------


def _paths(root: Path | None, problems: list[FileProblem]) -> Iterator[Path]:
    """The files in order; what begins with a dot is not looked at."""

    def unreadable(error: OSError) -> None:
        problems.append(_at(Path(error.filename), f"cannot be read: {error.strerror}"))

    if root is None or not root.exists():
        return
    for folder, folders, files in os.walk(root, onerror=unreadable, followlinks=True):
        inner = Path(folder)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if len(inner.relative_to(root).parts) > MOST_FOLDERS and folders:
            problems.append(_at(inner, f"folders go deeper than {MOST_FOLDERS}"))
            folders.clear()
        yield from (inner / name for name in sorted(files) if not name.startswith("."))


def _name(path: Path, known: Known) -> Name:
    """Whose right a file is, by its path in the folder of rights."""
    first, *folders = path.parts
    kinds = [kind.value for kind in Kind]
    if path.suffix != SUFFIX:
        raise _refused("this is no rights file", f"expected a name that ends in {SUFFIX}")
    if not folders:
        hint = f"put it into a folder: {', '.join(kinds)}"
        raise _refused("nothing says what kind of name this is", hint)
    if first not in kinds:
        meant = nearest(first, kinds)
        hint = f"did you mean {meant}?" if meant else f"expected one of {', '.join(kinds)}"
        raise _refused(f"there are no rights of the kind {first}", hint)
    kind = Kind(first)
    name = "/".join(folders).removesuffix(SUFFIX)
    if kind in FLAT and name not in known.get(kind, ()):
        name = path.name.removesuffix(SUFFIX)
    return kind, _existing(kind, name, known)


def _existing(kind: Kind, name: str, known: Known) -> str:
    if kind not in known or name in known[kind]:
        return name
    if kind is Kind.QUERY and "@" in name:
        raise _refused("a right is for all revisions", "leave out the @ and the number")
    meant = nearest(name, known[kind])
    hint = f"did you mean {meant}?" if meant else "take the file out, or give it another name"
    raise _refused(f"there is no {WHAT[kind]} {name}", hint)


def _right(path: Path, kind: Kind) -> Right:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise _refused(f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise _refused("is not UTF-8") from None
    if len(data) > MOST_BYTES:
        raise _refused(f"is longer than {MOST_BYTES} bytes")
    found = read_right(text, kind)
    if isinstance(found, Right):
        return found
    raise _Wrong(*found)


def _refused(message: str, hint: str | None = None) -> _Wrong:
    return _Wrong(_wrong(message, hint))


# -- scopes ---------------------------------------------------------------------------------------


def _of_scopes(
    conf: Path | None, environ: Mapping[str, str], settings: Settings, known: Known
) -> Iterator[FileProblem]:
    """Patterns that no name fits."""
    for scope_name, scope in settings.rights.scopes.items():
        for key, kind in LISTS.items():
            for number, pattern in enumerate(getattr(scope, key) or ()):
                if pattern == "*" or any(matches(pattern, name) for name in known[kind]):
                    continue
                keys = ("rights", "scopes", scope_name, key, number)
                place = place_of(conf, environ, keys)
                meant = nearest(pattern.removesuffix("*"), known[kind])
                hint = f"did you mean {meant}?" if meant else None
                message = f"rights.scopes.{scope_name}.{key}: no {WHAT[kind]} is called {pattern}"
                at = (Location(place.line, place.column or 1),) if place.line else ()
                problem = Problem(Code.VALIDATION, message, at, hint)
                yield FileProblem(place.variable or place.file or "settings", problem)


def _at(path: Path, message: str, hint: str | None = None) -> FileProblem:
    return FileProblem(str(path), _wrong(message, hint))


def _wrong(message: str, hint: str | None = None) -> Problem:
    line = "".join(c if c.isprintable() else "?" for c in message)
    return Problem(Code.VALIDATION, line, hint=hint)
