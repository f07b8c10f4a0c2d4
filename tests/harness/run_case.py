"""One golden case carried out: what its blocks should be, and how they differ from what they are.

A case runs twice, the second time with the plan the engine has kept and in pieces: put together
they must be the same.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Coroutine, Mapping
from contextlib import aclosing
from difflib import unified_diff
from functools import lru_cache
from itertools import count
from typing import Any

from msgspec.structs import replace

from apiql.engine import Engine, Query
from apiql.errors import QueryRefused
from apiql.ir.explain import as_mermaid, as_text
from apiql.ir.policy import seconds
from apiql.query_files import QueryFile, QueryFiles, StoredRefused
from apiql.runtime import analysis_forms
from apiql.runtime.assemble import Answer
from apiql.runtime.decode import to_json
from apiql.runtime.json_values import decode
from apiql.runtime.step import Executable
from apiql.runtime.stream import End, Line
from apiql.server.stream import piece_json
from apiql.settings import Settings
from apiql.sources.addresses import parse_url
from apiql.sources.cache import Cache
from apiql.sources.cache_entry import Kept, size_of
from apiql.sources.call import Call, Layer, Reply
from apiql.stores.memory import MemoryStore
from apiql.stores.store import Room
from apiql.template_files import TemplateFile, TemplateFiles
from tests.harness import exact_json
from tests.harness.case_file import EXPECTED, Case, CaseFault
from tests.harness.script import parse_script
from tests.harness.stage import Answering, Stage, by_script

Stored = tuple[tuple[str, str], ...]
"""The names of stored queries, each with its text."""
Ended = tuple[Answer, dict[str, str]]
"""An answer, and what else there is to show."""
Way = Callable[[Engine, Query], Coroutine[Any, Any, Ended]]

CALL = "\0call "
"""Before the name of a call template, in the place of a text."""
HOME = "http://upstream.test"
WALL = 1_700_000_000.0


class Rig:
    """An engine whose upstream, time and randomness are those of the run at hand."""

    def __init__(self, settings: str, stored: Stored = (), templates: Stored = ()) -> None:
        found = tomllib.loads(settings)
        default = found.setdefault("upstreams", {}).setdefault("default", {})
        url = default.setdefault("url", HOME)
        self.home, _ = parse_url("/".join(url.split("/")[:3]))
        self.stage = Stage(by_script([], self.home), self.home)
        self._bits = count(1)
        self._cached = self._with_cache()
        self.engine = Engine(
            Settings.model_validate(found),
            self._layer,
            QueryFiles(tuple(map(_query_file, stored))),
            TemplateFiles(tuple(_template_file(*each) for each in templates)),
            clock=lambda: self.stage.clock(),
            wall=lambda: WALL,
            random_bits=lambda bits: next(self._bits),
        )

    def begin(self, answering: Answering) -> Stage:
        """A new run: its own stage, cache, time and randomness from the start."""
        self.stage = Stage(answering, self.home)
        self._cached = self._with_cache()
        self._bits = count(1)
        return self.stage

    async def _layer(self, call: Call) -> Reply:
        return await self._cached(call)

    def _with_cache(self) -> Layer:
        stage = self.stage
        store = MemoryStore[Kept](Room(100, 1_000_000, size_of), stage.clock)
        return Cache(stage.layer, store, stage.clock, lambda: WALL + stage.clock()).layer


@lru_cache(maxsize=64)
def rig_of(settings: str, stored: Stored = (), templates: Stored = ()) -> Rig:
    """The rig for a text of settings, stored queries and call templates; paths go to
    `upstream.test` unless it says otherwise.

    Raises:
        StoredRefused: stored queries that cannot be run.
    """
    return Rig(settings, stored, templates)


def _template_file(name: str, text: str) -> TemplateFile:
    return TemplateFile(name, f"templates/{name}.json", text)


def _query_file(stored: tuple[str, str]) -> QueryFile:
    name, _, revision = stored[0].partition("@")
    return QueryFile(name, int(revision or 1), f"queries/{stored[0]}.apiql", stored[1])


def actual_blocks(case: Case) -> dict[str, str]:
    """What the blocks of a case should be, by their words.

    Raises:
        CaseFault: a call without a line, a line without a call, two runs that differ.
    """
    settings = case.text("settings") or ""
    try:
        rig = rig_of(settings, tuple(case.stored.items()), tuple(case.templates.items()))
    except StoredRefused as broken:
        _idle(case)
        return {"error": str(broken)}
    try:
        plan = _executable(rig.engine, query_of(case))[0].plan
    except QueryRefused as refused:
        _idle(case)
        return _refusal(refused)
    found = {"plan": as_text(plan), "mermaid": as_mermaid(plan)}
    if plan.explain or _only_plan(case):
        _idle(case)
        return found
    first, again = _run(case, rig, _answer), _run(case, rig, _pieces)
    if any(again.get(word, text) != text for word, text in first.items()):
        raise CaseFault(f"in pieces it ended otherwise: {again}")
    return found | first | again


def differences(case: Case, actual: Mapping[str, str]) -> dict[str, str]:
    """For each block that is not as it should be, by its word, the two as a diff."""
    found: dict[str, str] = {}
    for word in EXPECTED:
        written, right = case.text(word), actual.get(word)
        if written is None:
            if word == "error" and right is not None and case.text("json") is None:
                found[word] = right
            continue
        if right is None:
            found[word] = f"there is no {word}; there is {', '.join(actual)}:\n" + "\n".join(
                f"{key}: {actual[key]}" for key in ("error", "json") if key in actual
            )
        elif not _alike(word, written, right):
            found[word] = _diff(word, written, right)
    return found


def _only_plan(case: Case) -> bool:
    expected = {word for word in EXPECTED if word in case.blocks}
    return bool(expected) and expected <= {"plan", "mermaid"} and "upstream" not in case.blocks


def _idle(case: Case) -> None:
    if case.text("upstream"):
        raise CaseFault("nothing was called, and the script has lines")


def _run(case: Case, rig: Rig, way: Way) -> dict[str, str]:
    script = parse_script(case.text("upstream") or "")
    stage = rig.begin(by_script(script, rig.home))
    try:
        ended, shown = stage.run(_repeated(way, rig, query_of(case), _pauses(case)))
    except QueryRefused as refused:
        if stage.made:
            raise CaseFault(f"refused after calls were made: {stage.made}") from None
        return _refusal(refused)
    if stage.fault:
        raise stage.fault
    unused = [exchange.line for exchange in script if not exchange.used]
    if unused:
        raise CaseFault("lines of the script that nothing called:\n" + "\n".join(unused))
    return {
        "status": str(ended.status),
        "complete": str(ended.complete),
        "json": _body(ended.data, ended.errors),
        "waves": "\n".join(", ".join(wave) for wave in stage.waves),
    } | shown


async def _repeated(way: Way, rig: Rig, query: Query, pauses: list[float]) -> Ended:
    """The last of several runs, with the time that passes between them."""
    ended = await way(rig.engine, query)
    for pause in pauses:
        rig.stage.passes(pause)
        ended = await way(rig.engine, query)
    return ended


def _pauses(case: Case) -> list[float]:
    found = [seconds(line.strip()) for line in (case.text("again") or "").split("\n") if line]
    pauses = [pause for pause in found if pause is not None]
    if len(pauses) != len(found):
        raise CaseFault("a line of `again` is no time")
    return pauses


async def _answer(engine: Engine, query: Query) -> Ended:
    """The answer as a whole, and what is shown of how it came about where the text asks for it."""
    executable, query = _executable(engine, query)
    if not executable.plan.analyze:
        return await engine.carry_out(executable, query), {}
    analysis, answer = await engine.analyze(executable, query)
    shown = {"analysis": analysis_forms.as_text(analysis)}
    shown["gantt"] = analysis_forms.as_mermaid(analysis)
    return answer, shown


async def _pieces(engine: Engine, query: Query) -> Ended:
    """The answer in pieces, put together."""
    executable, query = _executable(engine, query)
    async with aclosing(engine.stream(executable, query)) as stream:
        pieces = [piece async for piece in stream]
    *lines, end = pieces
    assert isinstance(end, End)
    found = {piece.name: piece.data for piece in lines if isinstance(piece, Line)}
    assert len(found) == len(lines)
    order = [output.name for output in executable.plan.outputs]
    members = [to_json(name) + b":" + found[name] for name in order if name in found]
    data = end.data or (b"{" + b",".join(members) + b"}" if members else None)
    errors = [error for piece in pieces for error in piece.errors]
    errors.sort(key=lambda error: order.index(error["task"]) if "task" in error else -1)
    shown = "\n".join(piece_json(piece, {}).decode() for piece in pieces)
    return Answer(end.status, data, tuple(errors), end.complete), {"stream": shown}


def query_of(case: Case) -> Query:
    """The request of a case."""
    params = decode((case.text("params") or "{}").encode())
    assert isinstance(params, dict)
    headers = dict(_pairs(case.text("headers"), ":"))
    cookies = dict(_pairs(case.text("cookies"), "="))
    lower = {name.lower(): value for name, value in headers.items()}
    called = case.text("call")
    text = case.text("apiql") or "" if called is None else f"{CALL}{called.strip()}"
    return Query(text, params, lower, cookies)


def _executable(engine: Engine, query: Query) -> tuple[Executable, Query]:
    if not query.text.startswith(CALL):
        return engine.executable(query.text), query
    found = engine.catalog.templates.named(query.text.removeprefix(CALL))
    return found.executable, replace(query, text="")


def _pairs(text: str | None, mark: str) -> list[tuple[str, str]]:
    lines = [line for line in (text or "").split("\n") if line.strip()]
    parts = [line.partition(mark) for line in lines]
    return [(name.strip(), value.strip()) for name, _, value in parts]


def _refusal(refused: QueryRefused) -> dict[str, str]:
    entries = tuple(problem.entry() for problem in refused.problems)
    return {
        "status": str(refused.status),
        "error": str(refused),
        "json": _body(None, entries),
    }


def _body(data: bytes | None, errors: tuple[dict[str, Any], ...]) -> str:
    pieces = [b'"data":' + data] if data is not None else []
    pieces += [b'"errors":' + to_json(errors)] if errors else []
    whole = b"{" + b",".join(pieces) + b"}"
    return exact_json.render(exact_json.parse(whole))


def _alike(word: str, written: str, right: str) -> bool:
    if word == "waves":
        lines = written.rstrip().split("\n")
        written = "\n".join(", ".join(sorted(line.split(", "))) for line in lines)
    if word != "json":
        return written.rstrip() == right.rstrip()
    one, other = exact_json.parse(written), exact_json.parse(right)
    if not exact_json.same(one, other, ordered=False):
        return False
    return exact_json.same(one.get("data"), other.get("data"), ordered=True)


def _diff(word: str, written: str, right: str) -> str:
    if word == "json":
        written = exact_json.render(exact_json.parse(written))
    lines = unified_diff(
        written.rstrip().split("\n"),
        right.rstrip().split("\n"),
        f"{word} (written)",
        f"{word} (right)",
        lineterm="",
    )
    return "\n".join(lines)
