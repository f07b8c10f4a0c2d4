"""What tasks of definitions hand on is never changed: each makes a state of its own."""

from __future__ import annotations

import asyncio
import copy
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from apiql.events import Event, TaskEnded
from apiql.frontends.definitions.folder import read_folder
from apiql.frontends.definitions.kinds import Kind
from apiql.frontends.definitions.lower.lowered import Ground
from apiql.frontends.definitions.lower.v1_sources import KINDS, Keys, Sight, text_value
from apiql.gotemplate import Data, Mode, compile_template
from apiql.gotemplate import Kind as Numbers
from apiql.gotemplate.quick import quick_path
from apiql.ir.values import Invoke
from apiql.query import Query
from apiql.runtime.outcome import MISSING, Done
from apiql.runtime.run import Run
from tests.apihub.made import Made
from tests.apihub.test_v1_flows import APIS, made_of, step
from tests.apihub.test_v1_schedules import FLOWS, job, loop, switch
from tests.apihub.traces import DATA

KEYS = st.sampled_from(["", "a", "x", "k"])
TEXTS = st.sampled_from(["{{.origin.v}}", "{{.a.echo.query}}", "{{.}}", "{{.loop}}", "fixed"])
GIVEN = st.lists(
    st.builds(lambda n, t: {"name": n, "from": {"from": "template", "name": t}},
              st.sampled_from(["v", "w"]), TEXTS), max_size=2)  # fmt: skip
FLAGS = st.booleans()
STEPS = st.one_of(
    st.builds(lambda api, key, more, c: step(api, key, parameters=more, concurrent=c),
              st.sampled_from(["a", "raw", "list", "down", "seen"]), KEYS, GIVEN, FLAGS),
    st.builds(lambda text, key: made_of({"x": text}, key), TEXTS, KEYS),
)  # fmt: skip
CALLS = st.builds(
    lambda kind, key, more, c: job(kind[0], kind[1], key, parameters=more, concurrent=c),
    st.sampled_from([("api", "a"), ("api", "raw"), ("api", "down"), ("flow", "two")]), KEYS, GIVEN,
    FLAGS,
)  # fmt: skip
NUMBERS = st.integers(0, 3)
JOBS = st.recursive(
    CALLS,
    lambda inner: st.one_of(
        st.builds(lambda n, jobs, key, w, lw, c: loop(
            str(n), *jobs, resultKey=key, concurrentNum=w, concurrentLoopNum=lw, concurrent=c),
            NUMBERS, st.lists(inner, max_size=3), KEYS, NUMBERS, NUMBERS, FLAGS),
        st.builds(lambda jobs, key, w: switch("a", ("a", jobs), resultKey=key, concurrentNum=w),
                  st.lists(inner, max_size=3), KEYS, NUMBERS),
    ), max_leaves=6,
)  # fmt: skip


async def watched(root: Path, files: dict[str, Any], kind: Kind) -> None:
    """Carries a definition out; what a task came to is looked at each time that one ends."""
    made = Made(root, {**APIS, **FLOWS, **files})
    lowered = made.gateway.lower(kind, "x")
    runs: list[Run] = []
    kept: dict[str, tuple[Any, Any]] = {}

    def look(event: Event | None) -> None:
        for name, outcome in runs[0].scope.outcomes.items():
            if isinstance(outcome, Done) and outcome.value is not MISSING:
                kept.setdefault(name, (outcome.value, copy.deepcopy(outcome.value)))
        assert all(now == then for now, then in kept.values())

    def observe(event: Event) -> None:
        if isinstance(event, TaskEnded):
            look(event)

    origin = {"v": "1", "l": [1, {"a": None}]}
    given_origin = copy.deepcopy(origin)
    query = Query("", {"origin": origin, "query": {}, "headers": {}})
    await made.engine.outcome(made.engine.defined(lowered.plan), query, observe, runs.append)
    look(None)
    assert origin == given_origin


@given(st.lists(STEPS, max_size=5), NUMBERS)
def test_flows_change_no_state(steps: list[Any], width: int) -> None:
    with tempfile.TemporaryDirectory() as root:
        flow = {"steps": steps, "concurrentNum": width}
        asyncio.run(watched(Path(root), {"flows/x": flow}, Kind.FLOW))


@given(st.lists(JOBS, max_size=4), NUMBERS)
def test_schedules_change_no_state(jobs: list[Any], width: int) -> None:
    with tempfile.TemporaryDirectory() as root:
        schedule = {"tasks": jobs, "concurrentNum": width}
        asyncio.run(watched(Path(root), {"schedules/x": schedule}, Kind.SCHEDULE))


NAMES = st.sampled_from(["a", "b", "origin", "loop"])
SIGHT = Sight(Ground(read_folder(DATA / "v1_conf")), {}, Keys(), "")
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=8,
)
PATHS = st.one_of(
    st.builds(lambda names: f"{{{{.{'.'.join(names)}}}}}", st.lists(NAMES, min_size=1, max_size=3)),
    st.builds(lambda a, i, b: f"{{{{(index .{a} {i}){b}}}}}", NAMES, NUMBERS,
              st.sampled_from(["", ".a", ".a.b"])),
)  # fmt: skip


@given(PATHS, st.dictionaries(NAMES, JSON, max_size=4))
def test_the_quick_way_finds_what_the_template_writes(text: str, state: dict[str, Any]) -> None:
    value = text_value(text, SIGHT)
    assert isinstance(value, Invoke)
    assert quick_path(text)
    data = Data(state, Numbers.NUMBER, KINDS)
    assert value.call(None, state) == compile_template(text, {}, Mode.PLAIN).render(data).text
