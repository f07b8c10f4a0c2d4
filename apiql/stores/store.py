"""The port to any store: values by a key, each for a time. Knows no store and no kind of value.

A value is what msgspec can encode: bytes, numbers, texts, frozen structs of them. So a store in
the process keeps the very object, and one that others share can send it without being told how.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

V = TypeVar("V")


class Store(Protocol[V]):
    """Values of one type. A store may forget any of them at any time, and never fails a request."""

    async def get(self, key: bytes) -> V | None:
        """The value put last under the key, None once its time is over."""

    async def put(self, key: bytes, value: V, seconds: float) -> None:
        """Keeps a value for at most these seconds, in the place of the one before."""
