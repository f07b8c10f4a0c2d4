"""What surrounds members, known before a call: it comes to what is made of them behind it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from apiql.ir.plan import Output, Plan, Task
from apiql.ir.policy import Settings, StatusRule
from apiql.ir.projection import Projection
from apiql.ir.values import Apply, Items, Literal, OutputRoot, ParamRoot, Record, Ref, Value
from apiql.ir.works import Compute
from apiql.plugins import Moment
from apiql.runtime.every_function import all_functions
from apiql.runtime.json_values import encode
from apiql.runtime.returned import JsonMembers, compile_answer
from apiql.runtime.scope import Scope
from apiql.runtime.skeleton import skeleton_of

NAMES = ("a", "b", 'c"é')
MEMBERS = {"a": b"[1,2.50]", "b": b"null", 'c"é': b'{"x":"y"}'}
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.just(Decimal("1.50")))


def values() -> st.SearchStrategy[Value]:
    leaves = st.one_of(
        st.sampled_from(NAMES).map(lambda name: Ref(OutputRoot(name))), SCALARS.map(Literal)
    )
    keys = st.text(max_size=3)
    return st.recursive(leaves, lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: Items(tuple(items))),
        st.dictionaries(keys, inner, max_size=3).map(lambda found: Record(tuple(found.items()))),
    ))  # fmt: skip


def plan(returned: Value | None, *hidden: str, **more: Any) -> Plan:
    tasks = [Task(f"t{number}", Compute(Literal(None))) for number in range(len(NAMES))]
    outputs = tuple(
        Output(name, task.name, Projection(True), hidden=name in hidden)
        for name, task in zip(NAMES, tasks, strict=True)
    )
    return Plan.of(tasks, outputs, returned=returned, **more)


def joined(found: Plan) -> bytes | None:
    skeleton = skeleton_of(found)
    if skeleton is None:
        return None
    return b"".join(
        [part if isinstance(part, bytes) else MEMBERS[NAMES[part]] for part in skeleton]
    )


@given(values())
def test_it_comes_to_what_is_made_behind_the_calls(value: Value) -> None:
    scope = Scope({}, Moment(0, lambda bits: 0), members=JsonMembers(MEMBERS))
    made = encode(compile_answer(value, all_functions(), {})(scope))
    assert joined(plan(value)) == made
    json.loads(made)


def test_members_side_by_side() -> None:
    assert joined(plan(None)) == b'{"a":[1,2.50],"b":null,"c\\"\xc3\xa9":{"x":"y"}}'
    assert joined(plan(None, "a")) == b'{"b":null,"c\\"\xc3\xa9":{"x":"y"}}'


def test_what_a_run_must_make_has_none() -> None:
    assert joined(plan(None, *NAMES)) is None
    for value in (Ref(ParamRoot("p")), Ref(OutputRoot("a"), ("x",)), Apply("now")):
        assert joined(plan(Record((("a", value),)))) is None
        assert joined(plan(Items((Ref(OutputRoot("b")), value)))) is None
    assert joined(plan(None, settings=Settings(status=StatusRule.MAX))) is None
