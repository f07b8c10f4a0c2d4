"""Any text, rights and caller: no call reaches what the caller may not use, and a text that names
only what it may use is not refused.
"""

from __future__ import annotations

import asyncio

from hypothesis import event, given
from hypothesis import strategies as st

from apiql.access.principal import ANYONE, Principal
from apiql.access.rights import Granted, Right, Rights, Word
from apiql.engine import Engine, Query
from apiql.errors import CallFailed, Code, QueryRefused, RequestRefused
from apiql.ir.reach import Kind, Name
from apiql.query_files import QueryFile, QueryFiles
from apiql.server.sight import Sight
from apiql.settings import load_settings
from apiql.sources.call import Call, Reply
from tests.properties.engines import JSON

SOURCES = ("s0", "s1", "s2", "inside")
SETTINGS = load_settings(
    None,
    {"APIQL_UPSTREAMS__DEFAULT__URL": "http://127.0.0.1:9"}
    | {"APIQL_SECURITY__ALLOW_HOSTS": "h.example"}
    | {f"APIQL_UPSTREAMS__DEFAULT__SOURCES__{name}__PATH": f"/{name}" for name in SOURCES},
)
QUERIES = QueryFiles(
    (
        QueryFile("q", 1, "q.apiql", "set $n any = 1; select * from inside as a where n = $n"),
        QueryFile(
            "f/outer", 1, "outer.apiql", "set $n any = 1; select * from query.q as a where n = $n"
        ),
    )
)
LOCATIONS: dict[str, Name] = {
    **{name: (Kind.SOURCE, name) for name in SOURCES},
    "query.q": (Kind.QUERY, "q"),
    "query.f.outer": (Kind.QUERY, "f/outer"),
    "/path": (Kind.UPSTREAM, "default"),
    "http://h.example/host": (Kind.HOST, "h.example"),
}
CALLERS = (ANYONE, Principal("a", "key"), Principal("b", "key", frozenset({"x"})),
           Principal("c", "jwt", frozenset({"x", "y"})))  # fmt: skip
RIGHTS = (Right(Word.PUBLIC), Right(Word.KNOWN), Right(Word.INTERNAL),
          Right(Word.WHITELIST, frozenset({"a"})), Right(Word.BLACKLIST, frozenset({"a"})),
          Right(Word.WHITELIST, scopes=frozenset({"y"})))  # fmt: skip
CLAUSES = ["", "", "when false", "when true", "where n in [1, 2]", "where n in $list", "optional",
           "where n in []", "hidden", "fallback 1", "timeout 1s"]  # fmt: skip


class Upstream:
    """Fails every other call, so that what stands in for a failure is called too."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def __call__(self, call: Call) -> Reply:
        await asyncio.sleep(0)
        self.calls.append(call.target.partition("?")[0])
        if len(self.calls) % 2:
            raise CallFailed(Code.UPSTREAM_STATUS, "it broke")
        return Reply(200, JSON, b'{"id": 1}')


UPSTREAM = Upstream()
ENGINE = Engine(SETTINGS, UPSTREAM, QUERIES)


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, set[str]]:
    """A text, and the locations that it names."""
    named: set[str] = set()
    heads: list[str] = []
    selects: list[str] = []
    for number in range(draw(st.integers(1, 4))):
        clause = draw(st.sampled_from(CLAUSES))
        most = 1 if "fallback" in clause else 3
        locations = draw(st.lists(st.sampled_from([*LOCATIONS]), min_size=1, max_size=most))
        named |= {*locations}
        for at, location in enumerate(locations):
            if draw(st.booleans()):
                locations[at] = f"alias{len(heads)}"
                heads.append(f"set {locations[at]} as {location};")
        first, *others = locations
        text = f"select * from {first} as r{number} {clause}"
        selects.append(text + "".join(f" else select * from {other}" for other in others))
    return " ".join([*heads, "; ".join(selects)]), named


@st.composite
def rights(draw: st.DrawFn) -> Rights:
    """Rights of some of the names, and of some scopes."""
    names = st.sampled_from([*LOCATIONS.values()])
    named = draw(st.dictionaries(names, st.sampled_from(RIGHTS), max_size=6))
    patterns = st.lists(st.sampled_from(["*", "s*", "s1", "q", "f/*", "default"]), max_size=2)
    lists = st.dictionaries(st.sampled_from([*Kind][:4]), patterns.map(tuple), max_size=3)
    scopes = st.dictionaries(st.sampled_from(["x", "y"]), lists.map(Granted), max_size=2)
    default = st.sampled_from([Word.PUBLIC, Word.KNOWN, Word.INTERNAL])
    return Rights(draw(default), named, draw(scopes))


def called(sight: Sight, text: str) -> list[str] | None:
    """The paths that were called, None where the text was refused."""
    UPSTREAM.calls.clear()
    try:
        executable = sight.executable(ENGINE, text)
    except (QueryRefused, RequestRefused):
        assert not UPSTREAM.calls
        return None
    query = Query(text, {"list": [1, 2]})
    asyncio.run(ENGINE.carry_out(executable, query))
    return UPSTREAM.calls


@given(texts(), rights(), st.sampled_from(CALLERS))
def test_no_call_reaches_what_its_caller_may_not_use(
    found: tuple[str, set[str]], given: Rights, who: Principal
) -> None:
    text, named = found
    text = text if "$list" not in text else f"set $list array; {text}"
    may = {location: given.may(*LOCATIONS[location], who) for location in LOCATIONS}
    calls = called(Sight(given, who), text)
    event("refused" if calls is None else "answered")
    if calls is None:
        assert not all(may[location] for location in named)
        return
    assert all(may[location] for location in named)
    nested = may["query.q"] or may["query.f.outer"]
    for path in calls:
        location = {"/path": "/path", "/host": "http://h.example/host"}.get(path, path[1:])
        assert may[location] or (location == "inside" and nested)
