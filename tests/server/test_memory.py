"""What a process that has had much to do at once gives back."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import sys
import weakref

import pytest

from apiql.server import memory


class Libc:
    """Stands for the C library; remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def __call__(self, _: object) -> Libc:
        return self

    def mallopt(self, parameter: int, value: int) -> int:
        self.asked.append(("mallopt", parameter))
        return 1

    def malloc_trim(self, keeps: int) -> int:
        self.asked.append(("malloc_trim", keeps))
        return 1


async def test_free_memory_is_given_back_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    libc = Libc()
    monkeypatch.setattr(ctypes, "CDLL", libc)
    monkeypatch.setattr(memory, "TIDY_AGAIN", 0.001)
    async with memory.tidied():
        async with asyncio.timeout(5):
            while libc.asked.count(("malloc_trim", memory.TRIM_KEEPS)) < 3:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
    seen = len(libc.asked)
    await asyncio.sleep(0.01)
    assert len(libc.asked) == seen, "it ended with the block"
    assert libc.asked[0][0] == "mallopt"


class Circle:
    def __init__(self) -> None:
        self.itself = self


async def test_circles_of_old_objects_are_collected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "TIDY_AGAIN", 0.001)
    async with memory.tidied():
        circle = Circle()
        gone = weakref.ref(circle)
        gc.collect()  # the circle is an old object from now on
        del circle
        async with asyncio.timeout(5):
            while gone() is not None:  # noqa: ASYNC110
                await asyncio.sleep(0.001)


async def test_where_the_c_library_has_no_such_thing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    async with memory.tidied():
        await asyncio.sleep(0)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc is asked for here")
def test_the_real_one_has_it() -> None:
    assert ctypes.CDLL(None).malloc_trim(0) in (0, 1)
