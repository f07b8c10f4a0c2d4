"""Any valid query against any upstream: an answer that is whole JSON, with designed errors."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from apiql.errors import CallFailed, Code, QueryRefused
from apiql.sources.call import Call, Reply
from tests.properties.engines import ENGINE, JSON, UPSTREAM, answer, check
from tests.properties.json_texts import BODIES

FIELDS = ["a", "b", "größe", "a.b", "c.d"]
PROJECTIONS = ["*", "a", "a, b.c", "*, (a, c.d)", "a as x", "*, (b), a.b as x", "count(a) as n",
               "coalesce(a, b) as first", "a[0] as x, c[] as y",
               "jmespath('a[0].b') as j"]  # fmt: skip
TAILS = ["", "", "", "optional", "required", "timeout 100ms", "hidden"]
PREFIXES = ["", "", "use timeout 1s;", "use errors all or nothing;", "set $n integer = 3;"]
DESIGNED = {Code.BAD_VALUE, Code.VARIABLE_TYPE, Code.MISSING_VARIABLE, Code.MISSING_PARAMETER}
FAILURES = [
    CallFailed(code, "it broke")
    for code in (Code.UPSTREAM_CONNECT, Code.UPSTREAM_TIMEOUT, Code.BAD_PAYLOAD,
                 Code.UPSTREAM_TOO_LARGE, Code.FORBIDDEN_UPSTREAM, Code.BAD_VALUE)
]  # fmt: skip


@st.composite
def values(draw: st.DrawFn, others: list[str]) -> str:
    """A value: constants, parameters, results, functions of them."""
    flip = draw(st.booleans())
    if others and flip:
        ref = f"{draw(st.sampled_from(others))}.{draw(st.sampled_from(FIELDS))}"
        form = draw(st.sampled_from(
            ["{}", "{}?", "md5({})", "[{}, 1]", '{{"k": {}?}}', "coalesce({}?, 1)", "count({})",
             "{} + 1", "string({}?)"]))  # fmt: skip
        return str(form.format(ref))
    constants = ["1", "'x'", "true", "$p", "$q?", "[1, 2]", '{"k": [1.50]}', "now()", "null"]
    return draw(st.sampled_from(constants))


@st.composite
def selects(draw: st.DrawFn, name: str, others: list[str]) -> str:
    """A select that reads what comes before it."""
    number = draw(st.integers(0, 3))
    source, binds = draw(st.sampled_from([("/x", []), ("/users/{id}", ["id"]), ("/y?{k?}", [])]))
    binds = [*binds, *[f"w{index}" for index in range(number)]]
    method = draw(st.sampled_from(["", "", "", "post", "put", "delete", "head"]))
    parts = [f"select {draw(st.sampled_from(PROJECTIONS))} {method} from {source} as {name}"]
    if binds:
        parts.append("where " + " and ".join(f"{b} = {draw(values(others))}" for b in binds))
    flip = draw(st.booleans())
    if others and flip:
        parts.append(f"after {draw(st.sampled_from(others))}")
    return " ".join([*parts, draw(st.sampled_from(TAILS))])


@st.composite
def programs(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A program and the names of its members."""
    names = ["t1", "t2", "t3", "t4", "t5"][: draw(st.integers(1, 5))]
    texts = [draw(selects(name, names[:at])) for at, name in enumerate(names)]
    shown = [name for name, text in zip(names, texts, strict=True) if not text.endswith("hidden")]
    text = draw(st.sampled_from(PREFIXES)) + ";\n".join(texts)
    return text, shown


PARAMS = {"p": "v"}


def refusals(text: str) -> set[Code]:
    """The codes with which a query is refused before the first call."""
    try:
        answer(text, PARAMS, lambda call: Reply(200, JSON, b"null"))
    except QueryRefused as refused:
        return {problem.code for problem in refused.problems}
    return set()


REPLIES = st.one_of(
    st.builds(Reply, st.just(200), st.just(JSON), BODIES),
    st.builds(
        Reply, st.sampled_from([200, 204, 302, 404, 407, 500]),
        st.sampled_from([(), JSON, (("content-type", "text/plain"),)]),
        st.sampled_from([b"", b"{}", b"null", b"[[[]]]", b'{"a":', b"\xff", b"1e400"]),
    ),
    st.sampled_from(FAILURES),
)  # fmt: skip


@given(programs(), st.lists(REPLIES, min_size=1, max_size=6))
def test_any_program(program: tuple[str, list[str]], replies: list[Any]) -> None:
    text, shown = program

    def script(call: Call) -> Any:
        return replies[(len(UPSTREAM.calls) + len(call.target)) % len(replies)]

    codes = refusals(text)
    if codes:
        assert codes <= DESIGNED
        return
    found = answer(text, PARAMS, script)
    data = check(found, shown)
    assert len(UPSTREAM.calls) <= ENGINE.plan(text).most_calls
    if data is None:
        return
    failed = {error["task"] for error in found.errors}
    assert all(data[name] is None for name in shown if name in failed)
    assert found.complete == all(error.get("warning") for error in found.errors)
