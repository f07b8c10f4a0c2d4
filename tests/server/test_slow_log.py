"""What is told of queries that take long: where their time went, without any value."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from apiql.server.log_lines import FIELDS
from apiql.server.notices import MOST_LINES
from apiql.server.slow_log import SlowLog
from apiql.server.visit import Visit
from apiql.settings import Log, Settings
from tests.server.conf import USER, Folder, running
from tests.server.upstream import PAYLOADS
from tests.server.upstream import Upstream as Up

loop = pytest.mark.asyncio(loop_scope="session")
SECRET = "s3cret4711"
MORE = """
[upstreams.default.sources.users]
path = "/users/{id}"
[upstreams.default.sources.state]
path = "/status/{code}"
[log]
"""


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Any:
    """The fields of each line about a query."""
    caplog.set_level(logging.DEBUG, "apiql.slow")
    return lambda: [getattr(record, FIELDS) for record in caplog.records if record.name == SLOW]


SLOW = "apiql.slow"


async def asked(up: Up, tmp_path: Path, log: str, *texts: str) -> None:
    """Asks a server with these settings of the log."""
    folder = Folder(tmp_path / "conf", up.port)
    folder.settings(MORE + log)
    folder.query(USER.format(1), "one")
    async with running(folder) as server:
        for text in texts:
            if text == "one":
                await server.asked("one")
            else:
                await server.site.ask(text)


@loop
async def test_a_slow_query_is_told_with_its_plan_and_times(
    up: Up, tmp_path: Path, told: Any
) -> None:
    text = "select id from users where id = 1; select * from state where code = 500 retry 0"
    await asked(up, tmp_path, "slow = 0.000001", text)
    (fields,) = told()
    assert fields["plan"] == [
        "users: GET default /users/{id} with id",
        "state: GET default /status/{code} with code",
    ]
    assert {task["task"]: task["ending"] for task in fields["tasks"]} == {
        "users": "done", "state": "failed",
    }  # fmt: skip
    calls = {call["task"]: call for call in fields["longest"]}
    assert calls["state"]["status"] == 500
    assert calls["state"]["code"] == "UPSTREAM_STATUS"
    assert calls["users"]["call"] == "GET default /users/{id}"
    assert fields["calls"] == 2
    assert fields["ms"] >= max(call["ms"] for call in fields["longest"])


@loop
async def test_no_value_of_a_query_is_told(up: Up, tmp_path: Path, told: Any) -> None:
    texts = [
        f"select {SECRET[0]} from users where id = '{SECRET}'",
        f"select * from /users/{SECRET} as a having x = '{SECRET}' fallback '{SECRET}'",
        f"select * from /users/1/{SECRET}?k={SECRET} as a headers x = '{SECRET}' limit 4711",
        f"select * post from /users as a body {{b: '{SECRET}'}} where x = '{SECRET}'",
        f"select x from users where id in ['{SECRET}', '{SECRET}2']",
    ]
    await asked(up, tmp_path, "slow = 0.000001", *texts)
    assert len(told()) == len(texts)
    assert SECRET not in json.dumps(told())
    assert "4711" not in json.dumps([fields.get("plan") for fields in told()])
    assert "GET default /users/*/*" in json.dumps(told())


@loop
async def test_a_value_that_a_path_gives_a_task_as_its_name_is_not_told(
    up: Up, tmp_path: Path, told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PAYLOADS, f"/users/1/{SECRET}", b'{"id":1}')
    text = f"select * from /users/1/{SECRET}; select * from /users/1/{SECRET} where k = 1;"
    text += f"select * from /users where k = {SECRET}.id;"
    text += f"select * from /users/{SECRET} where k = 2;"
    text += f"select * from /users/{SECRET} as mine"
    await asked(up, tmp_path, "slow = 0.000001", text)
    (fields,) = told()
    assert SECRET not in json.dumps(fields)
    assert fields["plan"] == [
        "*1: GET default /users/*/*",
        "*2: GET default /users/*/* with k",
        "*3: GET default /users/* with k",
        "mine: GET default /users/*",
        "users: GET default /users with k needs *1",
    ]
    names = {"*1", "*2", "*3", "mine", "users"}
    assert {task["task"] for task in fields["tasks"]} == names
    assert {call["task"] for call in fields["longest"]} == names


@loop
async def test_paths_that_the_operator_wrote_are_shown(up: Up, tmp_path: Path, told: Any) -> None:
    await asked(up, tmp_path, "slow = 0.000001", "one", "select * from /users/1 as user")
    stored, text = told()
    assert stored["query"] == "one"
    assert stored["plan"] == ["user: GET default /users/1"]
    assert text["plan"] == ["user: GET default /users/*"]


@loop
async def test_what_is_quick_is_not_told(up: Up, tmp_path: Path, told: Any) -> None:
    await asked(up, tmp_path, "slow = '1h'", "one")
    await asked(up, tmp_path, "level = 'info'", "one")
    assert told() == []


@loop
async def test_debug_tells_of_each(up: Up, tmp_path: Path, told: Any) -> None:
    await asked(up, tmp_path, "level = 'debug'", "one")
    (fields,) = told()
    assert fields["tasks"][0]["task"] == "user"


def test_a_flood_of_slow_queries_is_thinned_out(told: Any) -> None:
    watch = SlowLog(Settings(log=Log(slow=0.001)), lambda visit: "")
    for _ in range(MOST_LINES * 3):
        visit = Visit({}, None, {}, b"1", "/apiql", "text")  # type: ignore[arg-type]
        visit.seconds = 1.0
        watch.ended(visit)
    assert len(told()) == MOST_LINES
