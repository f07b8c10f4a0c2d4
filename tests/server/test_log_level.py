"""How much is told: another level for a while, and what settings say in the meantime."""

from __future__ import annotations

import asyncio

import pytest

from apiql.server.log_level import LogLevel, level_of
from apiql.settings import Log, Settings
from tests.virtual import virtually


def settings(level: str) -> Settings:
    return Settings(log=Log.model_validate({"level": level}))


@virtually
async def test_the_last_word_counts_for_its_own_time() -> None:
    applied: list[str] = []
    level = LogLevel(settings("info"), applied.append)
    level.turn("debug", 10)
    await asyncio.sleep(5)
    level.turn("error", 10)
    await asyncio.sleep(6)
    assert level.now == "error", "the first one's time does not end it"
    await asyncio.sleep(5)
    assert level.now == "info"
    assert applied == ["debug", "error", "info"]


@virtually
async def test_other_settings_wait_until_it_is_over() -> None:
    applied: list[str] = []
    level = LogLevel(settings("info"), applied.append)
    level.turn("debug", 10)
    level.settle(settings("warning"))
    assert level.now == "debug"
    await asyncio.sleep(11)
    assert level.now == "warning"
    level.settle(settings("error"))
    assert applied == ["debug", "warning", "error"]


@virtually
async def test_it_ends_with_the_server() -> None:
    applied: list[str] = []
    level = LogLevel(settings("info"), applied.append)
    level.end()
    level.turn("debug", 10)
    level.end()
    await asyncio.sleep(11)
    assert applied == ["debug", "info"]


@pytest.mark.parametrize(("logger", "levels"), [
    ("apiql", ["DEBUG", "INFO", "WARNING", "ERROR"]),
    ("uvicorn", ["INFO", "INFO", "WARNING", "ERROR"]),
    ("uvicorn.error", ["INFO", "INFO", "WARNING", "ERROR"]),
    ("asyncio", ["WARNING", "WARNING", "WARNING", "ERROR"]),
])  # fmt: skip
def test_what_libraries_say(logger: str, levels: list[str]) -> None:
    assert [level_of(logger, each) for each in ("debug", "info", "warning", "error")] == levels
