"""A conversion -> a text of APIQL, and the settings that its sources need. Knows no definition."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from apiql.frontends.definitions.convert.conversion import Conversion, Origin, Select
from apiql.frontends.definitions.convert.values import (
    Nothing,
    Path,
    Result,
    Value,
    is_plain,
    name_text,
    parts,
    written,
)


def program(conversion: Conversion, answer: Value, strict: bool) -> str:
    """The statements; `strict`: one failure fails all, else what fails is told beside the rest."""
    lines = ["use envelope none;"]
    lines += ["use errors all or nothing;"] if strict and len(conversion.selects) > 1 else []
    lines += [f"set ${name} = '';" for name, (_, may_lack) in conversion.asked.items() if may_lack]
    afters = _afters(conversion.selects)
    waited = {name for names in afters.values() for name in names}
    fields = _fields(answer)
    for select in conversion.selects:
        optional = " optional" if select.name in waited and not strict else ""
        lines.append(_select(select, fields.get(select.name), afters[select.name]) + optional + ";")
    lines.append(f"return {written(answer)}")
    return "\n".join(lines)


def settings(sources: Mapping[str, Origin]) -> str:
    """The upstreams and sources as TOML."""
    lines: list[str] = []
    for upstream, url in {origin.upstream: origin.url for origin in sources.values()}.items():
        lines += [f"[upstreams.{_key(upstream)}]", f"url = {_toml(url)}", ""]
        for name, origin in sources.items():
            if origin.upstream == upstream:
                lines += [*_source(name, origin), ""]
    return "\n".join(lines).rstrip("\n")


def _source(name: str, origin: Origin) -> Iterator[str]:
    yield f"[upstreams.{_key(origin.upstream)}.sources.{_key(name)}]"
    if origin.method != "get":
        yield f"method = {_toml(origin.method)}"
    yield f"path = {_toml(origin.path)}"
    for table, hidden in (("query", origin.query), ("headers", origin.headers)):
        if hidden:
            inner = (f"{_key(key)} = {{ private = {_toml(full)} }}" for key, full in hidden.items())
            yield f"{table} = {{ {', '.join(inner)} }}"
    if origin.expires:
        yield f"cache = {{ expires = {_toml(origin.expires)} }}"


def _key(name: str) -> str:
    is_bare = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if is_bare else _toml(name)


def _toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _select(select: Select, fields: str | None, after: Iterable[str]) -> str:
    named = "" if select.name == select.source else f" as {name_text(select.name)}"
    pieces = [f"select {fields or '*'} from {name_text(select.source)}{named}"]
    for word, values in (("query", select.query), ("headers", select.headers),
                         ("form", select.form)):  # fmt: skip
        given = [f"{_name(name)} = {written(value)}" for name, value in values.items()
                 if not isinstance(value, Nothing)]  # fmt: skip
        pieces += [f"{word} {', '.join(given)}"] if given else []
    if select.body is not None:
        pieces.append(f"body {written(select.body)}")
    names = sorted(after)
    pieces += [f"after {', '.join(map(name_text, names))}"] if names else []
    return "\n  ".join(pieces)


def _name(name: str) -> str:
    simple = is_plain(name) or (name.isascii() and name.replace("-", "").isalnum()
                                and is_plain(name[:1]))  # fmt: skip
    return name if simple else json.dumps(name, ensure_ascii=False)


def _fields(answer: Value) -> dict[str, str | None]:
    """What the answer reads of each select; None for all of it."""
    read: dict[str, list[Path]] = {}
    for part in parts(answer):
        if isinstance(part, Result):
            names = tuple(step for step in part.path if isinstance(step, str))
            read.setdefault(part.name, []).append(names)
    return {name: _projection(paths) for name, paths in read.items()}


def _projection(paths: list[Path]) -> str | None:
    if () in paths:
        return None
    kept = [
        path for at, path in enumerate(paths)
        if path not in paths[:at] and not any(path[:n] in paths for n in range(1, len(path)))
    ]  # fmt: skip
    return ", ".join(".".join(name_text(str(name)) for name in path) for path in kept)


def _afters(selects: list[Select]) -> dict[str, frozenset[str]]:
    """Which selects each comes after without reading them, or one that comes after them."""
    reached: dict[str, frozenset[str]] = {}
    afters: dict[str, frozenset[str]] = {}
    for select in selects:
        read = {part.name for value in select.values() for part in parts(value)
                if isinstance(part, Result)}  # fmt: skip
        through = frozenset[str]().union(*(reached[name] | {name} for name in read))
        left = frozenset(select.before - through)
        inner = frozenset[str]().union(*(reached[name] for name in left))
        afters[select.name] = left - inner
        reached[select.name] = through | left | inner
    return afters
