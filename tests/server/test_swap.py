"""What a new configuration takes over from the one before, and what begins with it."""

from __future__ import annotations

import time

from apiql.engine import Engine, Query
from apiql.server.configuration import Place, read_configuration
from apiql.server.current import Current, Held, close_nothing
from apiql.server.making import Making
from apiql.settings import Settings
from apiql.sources.call import Call, Reply
from apiql.sources.circuit import BreakerRules
from apiql.sources.circuits import Circuits
from apiql.sources.transports import pinned
from apiql.stores.memory import MemoryStores

URL = "http://127.0.0.1:9"


async def nowhere(call: Call) -> Reply:
    raise AssertionError


async def test_a_circuit_that_is_open_stays_so() -> None:
    circuits = Circuits()
    circuits.circuit(pinned(URL), BreakerRules()).hear(time.monotonic() + 60, 1)
    found = read_configuration(Place(None, {"APIQL_UPSTREAMS__DEFAULT__URL": URL}))
    making = Making(MemoryStores(), lambda _: None, circuits=circuits)
    held = await making.beside(found)
    answer = await held.engine.answer(Query("select a from /b as b"))
    assert [error["code"] for error in answer.errors] == ["CIRCUIT_OPEN"]
    await held.close()


async def test_what_goes_on_by_itself_begins_with_the_swap() -> None:
    engine, begun = Engine(Settings(), nowhere), []
    current = Current(Held(engine, close_nothing))
    current.swap(Held(engine, close_nothing, begin=lambda: begun.append(True)))
    assert begun == [True]
    await current.aclose()
