"""A plan in which a secret is on its way to where it does not belong cannot be made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from apiql.engine import all_functions
from apiql.errors import Code, QueryRefused
from apiql.ir.explain import as_json, as_mermaid, as_text, as_tree
from apiql.ir.plan import Making, Otherwise, Output, Plan, Task
from apiql.ir.projection import Named, Projection
from apiql.ir.request import Binding, Endpoint, Place
from apiql.ir.rows import Rows
from apiql.ir.secret import Secret
from apiql.ir.values import Apply, ElementRoot, Items, Literal, Record, Ref, Value
from apiql.ir.works import Axis, Compute, Fetch, Nested, Repeat, Send, Work
from apiql.planning.flows import only_where_it_belongs
from apiql.planning.rules import merge_equal_reads, rewrite
from apiql.runtime.compile import compile_plan

HOME, OTHER = "http://map.test", "http://evil.test"
TEXT = "S3CRET-0f9d"
SECRET = Secret("upstreams.map.headers.X-Key", HOME, TEXT)
INSIDE: list[Value] = [
    SECRET,
    Items((Literal(1), SECRET)),
    Record((("a", SECRET),)),
    Apply("md5", (Apply("concat", (Literal("a"), SECRET)),)),
]


def fetch(base: str, value: Value, place: Place = Place.QUERY) -> Fetch:
    """A call with a value in it."""
    return Fetch("post", Endpoint("map", base, ("/a",)), (Binding(place, ("key",), value),))


def plan(work: Work, **more: object) -> Plan:
    """A plan of one task."""
    task = Task("a", work, **more)  # type: ignore[arg-type]
    return Plan.of((task,), (Output("a", "a"),))


def refused(found: Plan) -> None:
    """It cannot be made, and nothing tells the secret."""
    with pytest.raises(QueryRefused) as error:
        only_where_it_belongs(found)
    assert {problem.code for problem in error.value.problems} == {Code.FORBIDDEN_UPSTREAM}
    assert TEXT not in str(error.value)
    assert error.value.status == 403


@pytest.mark.parametrize("value", INSIDE, ids=str)
@pytest.mark.parametrize("place", list(Place))
def test_a_secret_goes_to_its_own_host_and_to_no_other(value: Value, place: Place) -> None:
    at_home, away = plan(fetch(HOME, value, place)), plan(fetch(OTHER, value, place))
    assert only_where_it_belongs(at_home) is at_home
    refused(away)
    with pytest.raises(QueryRefused):  # whoever forgets to ask
        compile_plan(away, all_functions(), 1.0)


def test_a_secret_header_goes_to_its_own_host_and_to_no_other() -> None:
    for base in (HOME, OTHER, "https://map.test", "http://map.test:81", f"{HOME}.evil.test"):
        found = plan(Fetch("get", Endpoint("map", base, ("/a",), headers=(("X-Key", SECRET),))))
        if base == HOME:
            assert only_where_it_belongs(found) is found
            compile_plan(found, all_functions(), 1.0)
        else:
            refused(found)
            with pytest.raises(QueryRefused):
                compile_plan(found, all_functions(), 1.0)


@pytest.mark.parametrize("value", INSIDE, ids=str)
def test_a_secret_stands_nowhere_else(value: Value) -> None:
    plain = fetch(HOME, Literal(1))
    inner = plan(plain)
    at_home = fetch(HOME, value)
    refused(plan(Nested("q", inner, (("a", value),))))
    refused(plan(Nested("q", inner, (("a", value),)), when=Literal(True)))
    refused(plan(plain, when=Apply("=", (value, Literal("x")))))
    refused(plan(plain, rows=Rows(having=Apply("=", (value, Literal("x"))))))
    refused(plan(plain, otherwise=Otherwise(Task("b", fetch(OTHER, value)))))
    refused(plan(Repeat(fetch(OTHER, Ref(ElementRoot(0))), (Axis((Items((value,)),)),))))
    only_where_it_belongs(plan(plain, otherwise=Otherwise(Task("b", at_home))))
    only_where_it_belongs(plan(Repeat(at_home, (Axis((Items((Literal(1),)),)),))))
    shown = Projection(everything=False, fields=(Named("x", value),))
    refused(Plan.of((Task("a", plain),), (Output("a", "a", shown),)))
    refused(plan(plain, otherwise=Otherwise(Task("b", plain), shown)))
    refused(Plan.of((Task("a", plain),), (Output("a", "a"),), returned=value))


def test_a_local_value_that_is_secret_stays_with_the_host_of_its_call() -> None:
    made = Making((("key", SECRET),))
    nothing = Literal(None)
    sent = Send("get", "map", Literal(f"{HOME}/a"), nothing, nothing, home=HOME)
    at_home = plan(sent, made=made)
    assert only_where_it_belongs(at_home) is at_home
    refused(plan(replace(sent, home=OTHER), made=made))
    refused(plan(Compute(Literal(1)), made=made))


def test_no_form_of_a_plan_tells_a_secret() -> None:
    endpoint = Endpoint("map", HOME, ("/a",), headers=(("X-Key", SECRET),))
    for value in INSIDE:
        work = Fetch("get", endpoint, (Binding(Place.QUERY, ("key",), value),))
        found = plan(work)
        forms = (
            as_text(found),
            as_tree(found),
            as_mermaid(found),
            str(as_json(found)),
            repr(found),
        )
        assert not [form for form in forms if TEXT in form]
        assert "***" in as_text(found)


def test_reads_with_different_secrets_are_not_equal() -> None:
    def read(secret: Secret) -> Fetch:
        return Fetch("get", Endpoint("map", HOME, ("/a",), headers=(("X-Key", secret),)))

    other = Secret("upstreams.map.sources.b.headers.X-Key", HOME, "another")
    tasks = Task("a", read(SECRET)), Task("b", read(other)), Task("c", read(SECRET))
    found = Plan.of(tasks, [Output(task.name, task.name) for task in tasks])
    merged = rewrite(found, (merge_equal_reads(frozenset()),))
    assert [task.name for task in merged.tasks] == ["a", "b"]
