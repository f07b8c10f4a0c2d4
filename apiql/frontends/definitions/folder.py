"""A folder of definitions -> its documents, and what is wrong with those that are none.

Reads files and changes none; one that is broken does not keep the others away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from apiql.documents.files import Trouble, files_under, text_of
from apiql.documents.problems import DefinitionProblem, Severity, in_order
from apiql.documents.shape import Shape
from apiql.frontends.definitions.document import Document, Origin
from apiql.frontends.definitions.kinds import Generation, Kind
from apiql.frontends.definitions.layout import (
    KINDS,
    MAIN,
    RIGHTS,
    TEMPLATES,
    Layout,
    generation_of,
    layout_of,
    usual_generation,
)
from apiql.frontends.definitions.names import SAFE, SUFFIX, is_safe, key_of
from apiql.frontends.definitions.opening import Opening, as_it_is, opened
from apiql.frontends.definitions.reading import read_document
from apiql.json_nodes import quoted
from apiql.json_text import NoJson, read_json

_NO_FOLDERS: Mapping[str, Path] = MappingProxyType({})
_RIGHTS_OF = ("httpapi", "flow", "schedule")


@dataclass(frozen=True, slots=True)
class Template:
    """A text of the folder `templates`, as it is."""

    file: str
    text: str


@dataclass(frozen=True, slots=True)
class Definitions:
    """What a folder holds.

    `documents` by kind and name (a right's is `flow/weather`), `names` those of all files that are
    there, broken or not; `problems` in the order of the files.
    """

    root: str
    layout: Layout
    documents: Mapping[Kind, Mapping[str, Document[Shape]]]
    templates: Mapping[str, Template]
    names: Mapping[Kind, frozenset[str]]
    problems: tuple[DefinitionProblem, ...] = ()

    @property
    def buckets(self) -> Iterator[str]:
        """The folders that stand in front of names, each with a slash behind it."""
        names = {n for kind, each in self.names.items() if kind is not Kind.RIGHT for n in each}
        for bucket in sorted({name.partition("/")[0] for name in names if "/" in name}):
            yield f"{bucket}/"

    def within(self, bucket: str) -> Definitions:
        """Those of a bucket, under the names that they call each other by. In the second generation
        what is in none is in each, where it has nothing of that name itself.
        """
        shares = self.layout is Layout.V2
        inside = {kind: _inside(kind, each, bucket, shares) for kind, each in self.names.items()}
        documents = {
            kind: {n: _named(each[full], n) for n, full in inside[kind].items() if full in each}
            for kind, each in self.documents.items()
        }
        names = {kind: frozenset(each) for kind, each in inside.items()}
        owners = {(k.value, full): (k.value, n) for k in inside for n, full in inside[k].items()}
        problems = tuple(
            replace(found, owner=found.owner and owners[found.owner])
            for found in self.problems
            if found.owner is None or found.owner in owners
        )
        return replace(self, documents=documents, names=names, problems=problems)

    def without(self, broken: frozenset[tuple[str, str]]) -> Definitions:
        """The same without those that are broken, which keep their names: nobody calls them."""
        documents = {
            kind: {name: d for name, d in each.items() if d.origin.owner not in broken}
            for kind, each in self.documents.items()
        }
        return replace(self, documents=documents)


def _named(document: Document[Shape], name: str) -> Document[Shape]:
    return replace(document, origin=replace(document.origin, name=name))


def _inside(kind: Kind, names: Iterable[str], bucket: str, shares: bool) -> dict[str, str]:
    """Names by what they are called within a bucket."""
    found: dict[str, str] = {}
    own: dict[str, str] = {}
    for full in names:
        target, slash, name = full.partition("/") if kind is Kind.RIGHT else ("", "", full)
        if name.startswith(bucket):
            own[f"{target}{slash}{name.removeprefix(bucket)}"] = full
        elif shares and "/" not in name:
            found[full] = full
    return found | own


@dataclass(frozen=True, slots=True)
class _Found:
    """What is found while a folder is read."""

    root: Path
    layout: Layout
    documents: dict[Kind, dict[str, Document[Shape]]] = field(default_factory=dict)
    origins: dict[tuple[Kind, str], Origin] = field(default_factory=dict)
    templates: dict[str, Template] = field(default_factory=dict)
    problems: list[DefinitionProblem] = field(default_factory=list)
    opening: Opening = as_it_is
    buckets: bool = False


def read_folder(
    root: Path, folders: Mapping[str, Path] = _NO_FOLDERS, opening: Opening = as_it_is,
    buckets: bool = False,
) -> Definitions:  # fmt: skip
    """All definitions of a folder. `folders` says where those of a kind (`apis`, `flows`, …) stand
    instead; where that is no folder, the usual one is read. `opening` opens private values.
    `buckets`: the outermost folder is part of a name in the second generation too.
    """
    layout = layout_of(root)
    named = any(folder.is_dir() for folder in folders.values())
    usual = _usual(folders) if named and layout is Layout.NONE else layout
    found = _Found(root, usual, opening=opening, buckets=buckets)
    if found.layout is Layout.NONE:
        wrong = "there are no definitions here"
        expected = f"a folder with {', '.join(KINDS)} or {MAIN}"
        found.problems.append(DefinitionProblem(str(root), wrong, expected=expected))
        return _definitions(found)
    if (root / MAIN).is_file() and found.layout is not Layout.V1:
        _take(found, root / MAIN, root, MAIN, Kind.MAIN)
    for folder, kind in KINDS.items():
        _read(found, _place(root, folder, folders), folder, kind)
    for target in _RIGHTS_OF if found.layout in (Layout.V2, Layout.MIXED) else ():
        top = _place(root, RIGHTS, folders) / target
        _read(found, top, RIGHTS, Kind.RIGHT, f"{target}/")
    _read_templates(found, _place(root, TEMPLATES, folders))
    return _definitions(found)


def _usual(folders: Mapping[str, Path]) -> Layout:
    """Of definitions that all stand elsewhere."""
    is_second = any(kind in folders and folders[kind].is_dir() for kind in ("httpapis", RIGHTS))
    return Layout.V2 if is_second and "apis" not in folders else Layout.V1


def _definitions(found: _Found) -> Definitions:
    names = {kind: frozenset(n for k, n in found.origins if k is kind) for kind in Kind}
    documents = {kind: MappingProxyType(found.documents.get(kind, {})) for kind in Kind}
    return Definitions(
        str(found.root),
        found.layout,
        MappingProxyType(documents),
        MappingProxyType(found.templates),
        MappingProxyType(names),
        in_order(found.problems),
    )


def _place(root: Path, folder: str, folders: Mapping[str, Path]) -> Path:
    other = folders.get(folder)
    return other if other is not None and other.is_dir() else root / folder


def _read(found: _Found, top: Path, folder: str, kind: Kind, prefix: str = "") -> None:
    for path in files_under(top):
        if isinstance(path, Trouble):
            found.problems.append(_problem(found, path))
        elif found.layout is Layout.V1 or path.name.endswith(SUFFIX):
            _take(found, path, top, folder, kind, prefix)


def _take(found: _Found, path: Path, top: Path, folder: str, kind: Kind, prefix: str = "") -> None:
    """Reads one definition."""
    text = text_of(path)
    generation = usual_generation(found.layout, folder)
    if isinstance(text, str) and found.layout in (Layout.OURS, Layout.MIXED):
        generation = _by_shape(text, kind, generation)
    name = prefix + key_of(path.relative_to(top), generation, found.buckets)
    origin = Origin(_shown(found, path), generation, kind, name)
    if not is_safe(name):
        wrong = f"{quoted(name)} is no name that a definition can have"
        found.problems.append(DefinitionProblem(origin.file, wrong, expected=SAFE))
        return
    _replace(found, origin)
    if isinstance(text, Trouble):
        found.problems.append(_problem(found, text, origin))
        return
    document, problems = read_document(text, origin)
    if document is not None and kind is Kind.PRIVATE:
        stem = path.relative_to(top).as_posix().removesuffix(SUFFIX)
        document, sealed = opened(document, stem, found.opening)
        problems += sealed
    found.problems.extend(problems)
    if document is not None:
        found.documents.setdefault(kind, {})[name] = document


def _by_shape(text: str, kind: Kind, usual: Generation) -> Generation:
    try:
        return generation_of(read_json(text), kind, usual)
    except NoJson:
        return usual


def _replace(found: _Found, origin: Origin) -> None:
    """The last file of a name counts."""
    key = origin.kind, origin.name
    other = found.origins.get(key)
    if other is not None:
        found.problems[:] = [p for p in found.problems if p.owner != other.owner]
        wrong = f"{origin} stands in {other.file} too: this file counts"
        found.problems.append(DefinitionProblem(origin.file, wrong, Severity.WARNING))
        found.documents.get(origin.kind, {}).pop(origin.name, None)
    found.origins[key] = origin


def _read_templates(found: _Found, top: Path) -> None:
    for path in files_under(top):
        text = path if isinstance(path, Trouble) else text_of(path)
        if isinstance(text, Trouble):
            found.problems.append(_problem(found, text))
        elif isinstance(path, Path):
            found.templates[path.name] = Template(_shown(found, path), text)


def _problem(found: _Found, trouble: Trouble, origin: Origin | None = None) -> DefinitionProblem:
    return DefinitionProblem(
        _shown(found, trouble.path),
        trouble.wrong,
        at=trouble.at,
        expected=trouble.expected,
        owner=None if origin is None else origin.owner,
    )


def _shown(found: _Found, path: Path) -> str:
    inside = path.is_relative_to(found.root)
    return (path.relative_to(found.root) if inside else path).as_posix()
