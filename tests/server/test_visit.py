"""What sees a request on its way: guards before it is read, watchers at its end."""

from __future__ import annotations

import httpx
import pytest

from apiql.demo.serving import serving
from apiql.engine import Engine
from apiql.errors import Code, RequestRefused
from apiql.events import CallMade
from apiql.server.app import App, app_around
from apiql.server.current import Current, Held, close_nothing
from apiql.server.visit import Visit, Watchers
from apiql.settings import load_settings
from apiql.sources.call import Call, Reply

SETTINGS = load_settings(None, {"APIQL_UPSTREAMS__DEFAULT__URL": "http://127.0.0.1:9"})
QUERY = {"query": "select id from /one as a"}


class Watch:
    """A watcher that keeps what it was told."""

    def __init__(self, wants_events: bool) -> None:
        self.wants_events = wants_events
        self.came: list[Visit] = []
        self.went: list[Visit] = []

    def begun(self, visit: Visit) -> None:
        self.came.append(visit)

    def ended(self, visit: Visit) -> None:
        self.went.append(visit)


async def one(call: Call) -> Reply:
    return Reply(200, (("content-type", "application/json"),), b'{"id": 1}')


def app_with(watch: Watch, *guards: object) -> App:
    held = Held(Engine(SETTINGS, one), close_nothing, guards=guards)  # type: ignore[arg-type]
    return app_around(Current(held), watchers=Watchers([watch]))


async def refuse(visit: Visit) -> None:
    visit.told.append((b"x-told", b"1"))
    if b"x-open" not in visit.fields:
        raise RequestRefused(Code.FORBIDDEN, "no way in")


@pytest.mark.parametrize("wants_events", [False, True])
async def test_a_watcher_is_told_of_each_query(wants_events: bool) -> None:
    watch = Watch(wants_events)
    async with serving(app_with(watch)) as url, httpx.AsyncClient(base_url=url) as client:
        assert (await client.post("/apiql", json=QUERY)).status_code == 200
        assert (await client.post("/apiql", json={"query": "select"})).status_code == 400
    first, second = watch.went
    assert watch.came == watch.went
    assert (first.status, second.status) == (200, 400)
    assert first.plan is not None
    assert second.plan is None
    assert first.seconds > 0
    calls = [event for event in first.events or () if isinstance(event, CallMade)]
    assert len(calls) == (1 if wants_events else 0)


async def test_guards_stand_before_the_text_and_tell_headers() -> None:
    watch = Watch(False)
    async with serving(app_with(watch, refuse)) as url, httpx.AsyncClient(base_url=url) as client:
        refused = await client.post("/apiql", content=b"not read at all")
        let_in = await client.post("/apiql", json=QUERY, headers={"X-Open": "1"})
    assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")
    assert let_in.json() == {"data": {"a": {"id": 1}}}
    assert refused.headers["x-told"] == let_in.headers["x-told"] == "1"
    assert [visit.status for visit in watch.went] == [403, 200]


@pytest.mark.parametrize("twice", [[], [(b"x-a", b"2")], [(b"authorization", b"b")]])
def test_what_is_hidden_is_gone_and_all_else_stays_as_it_was(
    twice: list[tuple[bytes, bytes]],
) -> None:
    headers = [(b"x-a", b"1"), (b"authorization", b"a"), (b"x-b", b"1"), *twice]
    visit = Visit({"headers": headers}, _nothing, dict(headers))
    visit.hide(frozenset({b"authorization", b"cookie"}))
    left = [pair for pair in headers if pair[0] != b"authorization"]
    assert visit.scope["headers"] == left
    assert visit.fields == dict(left)
    assert len(headers) == 3 + len(twice)  # the list that was given is as it was


async def _nothing() -> dict[str, object]:
    raise AssertionError("nothing is read")
