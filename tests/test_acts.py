"""What an engine does for definitions: keeps texts, within bounds, for a time; pauses; counts."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from apiql import acts
from apiql.acts import acts_of
from apiql.errors import ValueRefused
from apiql.stores.memory import MemoryStores


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def done(found: Any, name: str, **given: Any) -> Any:
    doing = found[name]({"given": given})
    return None if doing is None else asyncio.run(doing)


def test_a_text_is_kept_for_a_day() -> None:
    clock = Clock()
    found = acts_of(MemoryStores(clock))
    assert done(found, "load", index="i") is None
    assert done(found, "store", index="i", content="t") == "t"
    clock.now = acts.SECONDS - 1
    assert done(found, "load", index="i") == "t"
    clock.now = acts.SECONDS + 1
    assert done(found, "load", index="i") is None


def test_a_text_can_be_replaced_and_cleared() -> None:
    found = acts_of(MemoryStores())
    done(found, "store", index="i", content="1")
    done(found, "store", index="i", content="2")
    assert done(found, "load", index="i") == "2"
    done(found, "clear", index="i")
    assert done(found, "load", index="i") is None


def test_engines_of_the_same_stores_see_the_same() -> None:
    stores = MemoryStores()
    done(acts_of(stores), "store", index="i", content="t")
    assert done(acts_of(stores), "load", index="i") == "t"


@pytest.mark.parametrize(
    ("index", "content"), [("i" * (acts.MOST_INDEX + 1), "t"), ("i", "t" * (acts.MOST_TEXT + 1))]
)
def test_what_is_too_long_is_refused(index: str, content: str) -> None:
    with pytest.raises(ValueRefused) as refused:
        done(acts_of(MemoryStores()), "store", index=index, content=content)
    assert refused.value.status == 400


def test_of_too_many_texts_the_oldest_give_way() -> None:
    found: Any = acts_of(MemoryStores())

    async def filled() -> list[Any]:
        for number in range(acts.ENTRIES + 5):
            await found["store"]({"given": {"index": str(number), "content": "t"}})
        return [await found["load"]({"given": {"index": index}}) for index in ("0", "5")]

    assert asyncio.run(filled()) == [None, "t"]


def test_pauses_are_passed_on() -> None:
    paused: list[float] = []

    async def sleep(seconds: float) -> None:
        paused.append(seconds)

    done(acts_of(MemoryStores(), sleep), "pause", seconds=3.0)
    assert paused == [3.0]
