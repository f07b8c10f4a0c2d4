"""The smoke cases that were published with the second generation, met by the server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from apiql.acts import acts_of
from apiql.definition_files import read_definitions
from apiql.engine import Engine
from apiql.server.app import app_of
from apiql.server.current import close_nothing
from apiql.stores.memory import MemoryStores
from tests.apihub.smoke import (
    CANNOT,
    Case,
    Tried,
    cases,
    elsewhere,
    published,
    table,
    tried,
    unexplained,
)
from tests.apihub.test_served import SETTINGS, asking
from tests.apihub.traces import BEGAN, ENVIRONMENT, Asked, Got
from tests.apihub.upstream import Distant, keeping
from tests.virtual import virtually

QUOTED, LIST = b'"["sh", "bj", "sh", "sh"]"', b'["sh", "bj", "sh", "sh"]'


def serving_published(root: Path) -> Callable[[Asked], Awaitable[Got]]:
    """Sends requests to a server of the published folder."""
    loop = asyncio.get_running_loop()
    upstream = Distant(lambda: BEGAN + loop.time())
    files = read_definitions(published(root), environ=ENVIRONMENT)
    engine = Engine(
        SETTINGS, keeping(elsewhere(upstream), loop.time), definitions=files,
        acts=acts_of(MemoryStores()), wall=upstream.wall,
    )  # fmt: skip
    return asking(app_of(engine, SETTINGS, close_nothing))


@virtually
async def test_the_published_cases_pass_or_are_named_with_the_reason(tmp_path: Path) -> None:
    found = await tried(cases(), serving_published(tmp_path))
    print(table(found))
    assert unexplained(found) == []
    assert len(found) == 62
    assert sum(not one.differences for one in found) == 62 - len(CANNOT)


@virtually
async def test_the_case_with_a_list_between_quotes_passes_without_them(tmp_path: Path) -> None:
    (case,) = (case for case in cases() if case.name == "amap_qywx_1")
    mended = case.asked._replace(body=case.asked.body.replace(QUOTED, LIST))
    assert mended != case.asked
    (found,) = await tried([replace(case, asked=mended)], serving_published(tmp_path))
    assert found.differences == (), found.got


def test_nothing_is_passed_over() -> None:
    """A case that fails is told, and so is one that passes though it cannot."""
    case = Case("amap_district_北京", Asked("GET", "/x", {}, b""), 200, ("districts",))
    cannot = replace(case, name="qywx_gettoken")
    got = Got(500, "", b"")
    found = [Tried(case, got, ("no",)), Tried(cannot, got, ("no",)), Tried(cannot, got, ())]
    assert len(unexplained(found)) == 3
    assert unexplained([Tried(case, got, ()), Tried(cannot, Got(403, "", b""), ("no",))]) == []
    assert {case.name for case in cases()} >= CANNOT.keys()
