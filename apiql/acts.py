"""What an engine does beside calls, for definitions: keeps texts under an index, pauses.

Knows stores and time; no definitions and no plans. What is stored is forgotten after a day, or when
others need the room.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from apiql.errors import ValueRefused
from apiql.runtime.run import Doing
from apiql.stores.store import Room, Store, Stores

NAME = "definitions"
SECONDS = 24 * 3600.0
"""How long a text is kept."""
MOST_INDEX, MOST_TEXT = 512, 1024 * 1024
"""Characters of an index and of a text; longer ones are refused."""
ENTRIES, SIZE = 10_000, 64 * 1024 * 1024
"""The most texts kept in this process, and the bytes they may take."""

Sleep = Callable[[float], Awaitable[object]]


def acts_of(stores: Stores, sleep: Sleep = asyncio.sleep) -> Mapping[str, Doing]:
    """All that definitions ask an engine to do, by name; the texts stand in these stores."""
    texts: Store[str] = stores.store(NAME, str, Room(ENTRIES, SIZE, _size_of))
    return {
        "store": _storing(texts), "load": _loading(texts), "clear": _clearing(texts),
        "pause": _pausing(sleep),
    }  # fmt: skip


def _size_of(text: str) -> int:
    return 2 * len(text) + 200


def _key(given: Mapping[str, Any]) -> tuple[str, str]:
    index: str = given["index"]
    if len(index) > MOST_INDEX:
        raise ValueRefused(f"an index has more than {MOST_INDEX} characters", status=400)
    return ("text", index)


def _storing(texts: Store[str]) -> Doing:
    async def store(arguments: Mapping[str, Any]) -> Any:
        given = arguments["given"]
        key, text = _key(given), given["content"]
        if len(text) > MOST_TEXT:
            message = f"a text to store has more than {MOST_TEXT} characters"
            raise ValueRefused(message, status=400)
        await texts.put(key, text, SECONDS)
        return text

    return store


def _loading(texts: Store[str]) -> Doing:
    async def load(arguments: Mapping[str, Any]) -> Any:
        return await texts.get(_key(arguments["given"]))

    return load


def _clearing(texts: Store[str]) -> Doing:
    async def clear(arguments: Mapping[str, Any]) -> Any:
        await texts.drop(_key(arguments["given"]))
        return None

    return clear


def _pausing(sleep: Sleep) -> Doing:
    async def pause(arguments: Mapping[str, Any]) -> Any:
        await sleep(arguments["given"]["seconds"])
        return None

    return pause
