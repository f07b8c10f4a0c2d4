"""Names of tasks as operators read them: those that a client's path gave are not told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from apiql.events import CallMade
from apiql.observing import Happened
from apiql.opened import OpenEngine
from apiql.server.fingerprints import MOST, Fingerprints
from apiql.server.slow_log import MOST_CALLS, MOST_TASKS, SlowLog
from apiql.server.task_names import hidden_names
from apiql.server.visit import Visit
from apiql.settings import Log, Settings, Source, Upstream

SOURCES = {"profile": Source(path="/users/profile"), "users": Source(path="/users")}


def settings(url: str = "http://a.example", **more: str) -> Settings:
    upstreams = {"default": Upstream(url=url, sources=SOURCES)}
    return Settings(upstreams=upstreams, log=Log.model_validate(more))


def visited(text: str, name: str = "", kind: str = "text") -> Visit:
    """A request whose text was planned."""
    visit = Visit({}, None, {}, b"1", "/apiql", kind)  # type: ignore[arg-type]
    visit.text, visit.name, visit.seconds = text, name, 1.0
    visit.plan = OpenEngine.from_settings(settings()).engine.plan(text)
    return visit


@pytest.mark.parametrize(("text", "hidden"), [
    ("select * from /users", {}),
    ("select * from /users/4711", {"4711": "*1"}),
    ("select * from /users/4711 as mine", {}),
    ("select * from /orders/ключ", {"ключ": "*1"}),
    ("select * from /orders/7/lines where id in [1, 2]", {"lines": "*1"}),
    ("select * from /orders/{id}/s3cret where id in [1, 2]", {"s3cret": "*1"}),
    ("select * from /users/a; select * from /users/a where k = 1", {"a": "*1", "a_2": "*2"}),
    ("select * from /s3cret0", {"s3cret0": "*1"}),
    ("select * from profile", {}),
    ("select * from users; select * from users where k = 1", {}),
])  # fmt: skip
def test_names_of_paths(text: str, hidden: dict[str, str]) -> None:
    assert hidden_names(visited(text)) == hidden
    assert hidden_names(visited(text, name="shop/cart")) == {}, "the operator wrote it"
    assert hidden_names(visited(text, kind="query")) == {}


def lines(watch: SlowLog, visit: Visit, caplog: pytest.LogCaptureFixture) -> dict[str, list[str]]:
    watch.ended(visit)
    fields: dict[str, list[str]] = caplog.records[-1].fields  # type: ignore[attr-defined]
    return fields


class Events(Happened):
    """Calls that took as long as told."""

    def __iter__(self) -> Iterator[CallMade]:
        for number in (1, 9, 2, 8, 3, 7, 4):
            yield CallMade(f"t{number}", "default", "GET", "/x", 0.0, float(number), 200, 1, None)


def test_the_longest_calls_are_told(caplog: pytest.LogCaptureFixture) -> None:
    visit = visited("select * from users")
    visit.events = Events()
    found = lines(SlowLog(settings(slow="1ms"), lambda visit: ""), visit, caplog)
    told = [each["task"] for each in found["longest"]]  # type: ignore[index]
    assert told == ["t9", "t8", "t7", "t4", "t3"]
    assert len(told) == MOST_CALLS


def test_only_so_many_tasks_are_told(caplog: pytest.LogCaptureFixture) -> None:
    visit = visited("select * from users")
    assert visit.plan is not None
    visit.plan = replace(visit.plan, tasks=visit.plan.tasks * (MOST_TASKS + 1))
    found = lines(SlowLog(settings(slow="1ms"), lambda visit: ""), visit, caplog)
    assert len(found["plan"]) == MOST_TASKS


def test_paths_of_the_configuration_are_known_with_their_prefix_and_after_a_reload(
    caplog: pytest.LogCaptureFixture,
) -> None:
    prefixed = "http://a.example/api/"
    watch = SlowLog(settings(slow="1ms"), lambda visit: "")
    visit = visited("select * from profile")
    assert lines(watch, visit, caplog)["plan"] == ["profile: GET default /users/profile"]
    visit.plan = OpenEngine.from_settings(settings(prefixed)).engine.plan(visit.text)
    assert lines(watch, visit, caplog)["plan"] == ["profile: GET default /api/*/*"]
    watch.settle(settings(prefixed, slow="1ms"))
    assert lines(watch, visit, caplog)["plan"] == ["profile: GET default /api/users/profile"]


def test_fingerprints_are_made_once_and_bounded() -> None:
    made: list[str] = []

    def of(text: str) -> str:
        made.append(text)
        return f"sha256:{text}"

    found = Fingerprints(of)
    visit = visited("select * from users")
    assert (found(visit), found(visit), len(made)) == ("sha256:select * from us", found(visit), 1)
    unread = Visit({}, None, {}, b"1", "/apiql", "text")  # type: ignore[arg-type]
    unread.text = "select frm"
    assert found(unread) == ""
    assert len(made) == 1, "what could not be read has none"
    for number in range(MOST * 2):
        visit.text = str(number)
        found(visit)
        assert len(found._known) <= MOST
