"""Every asynchronous test here runs on asyncio's own loop and on uvloop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest_asyncio
import uvloop

from apiql.sources.http import PooledTransport


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest_asyncio.fixture
async def transport() -> AsyncIterator[PooledTransport]:
    pooled = PooledTransport()
    yield pooled
    assert pooled.bytes_in_flight == 0
    await pooled.aclose()
    assert not pooled.occupancy
