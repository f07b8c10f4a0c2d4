"""What an import would write into a conf folder, checked before a byte of it is written; then it is
written at once. What was imported before stands between two lines of `apiql.toml`, and only that is
ever replaced.
"""

from __future__ import annotations

import re
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import ValidationError

from apiql.documents.whole_file import put_in_place
from apiql.importers.catalog_toml import Written, fragment, sources_of
from apiql.importers.documents import shown, table
from apiql.importers.httpapi_json import definition, privates, text_of
from apiql.importers.imported import Imported, ImportRefused, LeftOut, Notes, Operation
from apiql.importers.naming import unique, upstream_name
from apiql.settings import SettingsError, Upstream, load_settings
from apiql.sources.addresses import forbidden, parse_url

As: TypeAlias = Literal["sources", "httpapi"]
FILE = "apiql.toml"


@dataclass(frozen=True, slots=True)
class Plan:
    """The files to write with all that they will hold, what they bring, and what was left out."""

    files: Mapping[Path, str]
    brings: str
    left_out: tuple[LeftOut, ...]
    shown: str
    """What is new, for people."""


def planned(
    imported: Imported, to: Path, as_: As, name: str | None, force: bool,
    environ: Mapping[str, str],
) -> Plan:  # fmt: skip
    """What to write for a description.

    Raises:
        ImportRefused: nothing can be taken, or something would be overwritten.
        SettingsError: the settings that are there are wrong themselves.
    """
    called = upstream_name(name or imported.title)
    if name is not None and not re.fullmatch(r"[^\W_][\w-]{0,127}", name):
        raise ImportRefused(f"--upstream {name}: expected letters, digits, _ and -")
    if not to.is_dir() and to.exists():
        raise ImportRefused(f"--to {to}: this is no folder")
    tell = Notes()
    for each in imported.left_out:
        tell(each.at, each.why)
    imported = replace(imported, operations=_reachable(imported, tell))
    if as_ == "sources":
        return _sources(imported, to, name or called, force, tell, environ)
    return _definitions(imported, to, name or called, force, tell)


def _reachable(imported: Imported, tell: Notes) -> tuple[Operation, ...]:
    """The operations whose address settings take."""
    refused: dict[str, str] = {}
    for url in imported.urls:
        try:
            Upstream.model_validate({"url": url})
        except ValidationError as error:
            refused[url] = error.errors(include_url=False)[0]["msg"]
            continue
        if is_never_called(url):
            refused[url] = "no description leads to this address"
    for each in imported.operations:
        if each.url in refused:
            tell(each.at, f"{shown(refused[each.url])}; not taken")
    return tuple(each for each in imported.operations if each.url not in refused)


def is_never_called(url: str) -> bool:
    """Whether it names an address of no service, as that of a cloud's metadata: what is configured
    is called wherever it leads, and a description is somebody else's.
    """
    host = parse_url(url)[0].host
    is_address = ":" in host or host.rpartition(".")[2].isdigit()
    return is_address and forbidden(host, allow_private_networks=True)


def _sources(
    imported: Imported, to: Path, name: str, force: bool, tell: Notes, environ: Mapping[str, str]
) -> Plan:
    file = to / FILE
    before, upstreams = _without(file, name, force, environ)
    taken = {source for each in upstreams.values() for source in table(each, "sources")}
    found = sources_of(imported.operations, taken, tell)
    _refuse_nothing(found, tell)
    names, text = _block(name, found)
    there = names & upstreams.keys()
    if there:
        raise ImportRefused(
            f"{file}: [upstreams.{min(there)}] is there already, and from no import of that name; "
            "choose another with --upstream"
        )
    whole = f"{before.rstrip()}\n\n{text}" if before.strip() else text
    _check(whole, file, environ)
    brings = f"{_listed(names)}, {len(found)} sources"
    return Plan({file: whole}, brings, tell.all(), text)


def _block(name: str, found: list[Written]) -> tuple[set[str], str]:
    """The names of the upstreams, one for each address, and what stands between the marks."""
    lines = [_mark(">>>", name)]
    names: set[str] = set()
    for url in dict.fromkeys(each.operation.url for each in found):
        called = unique(name, names)
        own = [each for each in found if each.operation.url == url]
        lines += ["", *fragment(called, url, own)] if names else fragment(called, url, own)
        names.add(called)
    return names, "\n".join([*lines, _mark("<<<", name)]) + "\n"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"[upstreams.{name}]" for name in sorted(names))


def _mark(arrows: str, name: str) -> str:
    return f"# {arrows} imported: {name}"


def _without(
    file: Path, name: str, force: bool, environ: Mapping[str, str]
) -> tuple[str, dict[str, Any]]:
    """The file's text and upstreams without what an earlier import of that name brought."""
    if not file.exists():
        return "", {}
    text = _text(file, environ)
    begin, end = (re.escape(_mark(arrows, name)) for arrows in (">>>", "<<<"))
    block = re.compile(rf"^{begin}$.*?^{end}$\n?", re.MULTILINE | re.DOTALL)
    if not block.search(text):
        return text, table(tomllib.loads(text), "upstreams")
    if not force:
        raise ImportRefused(
            f"{file}: {name} was imported before; --force writes it anew, --upstream beside it"
        )
    rest = block.sub("", text)
    return rest, table(tomllib.loads(rest), "upstreams")


def _text(file: Path, environ: Mapping[str, str]) -> str:
    """What the file holds, with its lines' ends as TOML has them."""
    try:
        text = file.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
        tomllib.loads(text)
    except (OSError, ValueError, RecursionError):
        load_settings(file.parent, environ)
        raise
    return text


def _check(text: str, file: Path, environ: Mapping[str, str]) -> None:
    """Nothing is written that the engine would refuse; what is refused already is told as ever."""
    try:
        with tempfile.TemporaryDirectory(prefix="apiql-") as folder:
            (Path(folder) / FILE).write_text(text, encoding="utf-8")
            load_settings(Path(folder), environ)
    except SettingsError as error:
        if file.exists():
            load_settings(file.parent, environ)
        first = error.problems[0]
        wrong = f"{first.setting}: {first.wrong}"
        raise ImportRefused(f"{file}: with the import it would be refused: {wrong}") from None


def _refuse_nothing(found: Iterable[object], tell: Notes) -> None:
    if not list(found):
        listed = "".join(f"\n  {each}" for each in tell.all())
        raise ImportRefused(f"there is nothing in it that could be taken{listed}")


def _definitions(imported: Imported, to: Path, name: str, force: bool, tell: Notes) -> Plan:
    keys = f"{name}_keys"
    files: dict[Path, str] = {}
    written: list[Operation] = []
    for operation in imported.operations:
        found = definition(operation, keys, tell)
        if found is not None:
            files[to / "httpapis" / f"{operation.name}.json"] = text_of(found)
            written.append(operation)
    _refuse_nothing(written, tell)
    there = [str(file) for file in files if file.exists()]
    if there and not force:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise ImportRefused(f"{there[0]}{more}: the file is there already; --force overwrites it")
    values, secret = privates(written), to / "privates" / f"{keys}.json"
    if values["privates"] and secret.exists():
        tell(str(secret), "the file is there already; it is never overwritten")
    elif values["privates"]:
        files[secret] = text_of(values)
    texts = "".join(f"--- {file}\n{text}" for file, text in files.items())
    return Plan(files, f"{len(written)} definitions", tell.all(), texts)


def write(plan: Plan) -> None:
    """Writes the files: each is there as a whole or not at all.

    Raises:
        ImportRefused: one cannot be written.
    """
    for file, text in plan.files.items():
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            if file.is_file() and b"\r\n" in file.read_bytes():
                text = text.replace("\n", "\r\n")
            put_in_place(file, text.encode(), 0o600 if file.parent.name == "privates" else 0o644)
        except OSError as error:
            raise ImportRefused(f"{file}: cannot be written: {error.strerror}") from None
