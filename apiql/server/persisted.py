"""Texts that clients send once and call by their ids from then on.

Every process remembers those it used last, and puts new ones where other processes find them too,
if they share a store. A client that hears QUERY_NOT_FOUND sends the text again.
"""

from __future__ import annotations

import msgspec

from apiql.engine import Engine
from apiql.errors import Code, QueryRefused, RequestRefused
from apiql.runtime.step import Executable
from apiql.server.read import Asked
from apiql.server.read_stored import text_shown
from apiql.settings import Queries
from apiql.stores.store import Room, Store, Stores

SHARED_FOR = 30 * 86400.0
"""Seconds for which others find a text after it was sent."""

_NONE: Room[str] = Room(0, 0, len)
"""What a store keeps of texts in this process: they are remembered here already."""


class Persisted:
    """The texts used last, bounded in number and in their bytes together."""

    def __init__(self, shared: Store[str] | None = None) -> None:
        self._shared = shared
        self._texts: dict[str, str] = {}
        self._size = 0

    async def resolved(self, asked: Asked, id: str, engine: Engine) -> Asked:
        """The same request with the plan of its text; a text that came with its id is kept.

        Raises:
            RequestRefused: the id is not known, or is another text's.
            QueryRefused: the text cannot be run.
        """
        text = asked.query.text
        if text and self._texts.get(id) != text:
            right = engine.id_of(text)
            if right != id:
                message = f"`id` is not that of `query`, which is {right}"
                raise RequestRefused(Code.VALIDATION, message)
        stored = engine.catalog.by_id.get(id)
        if stored is not None:
            shown = text_shown(stored, engine)
            return _asking(asked, shown, stored.executable, stored.name)
        known = self._texts.get(id)
        text = text or known or await self._of_others(id, engine)
        if not text:
            message = "no text is known by this id: send it once with `query`"
            raise RequestRefused(Code.QUERY_NOT_FOUND, message)
        executable = engine.executable(text)
        self._remember(id, text, engine.settings.queries)
        if known is None and asked.query.text and id in self._texts:
            await self._share(id, text)
        return _asking(asked, text, executable)

    async def _of_others(self, id: str, engine: Engine) -> str:
        """The text that another process was sent; empty where there is none, or the wrong one:
        what lies in a store is not believed.
        """
        found = None if self._shared is None else await self._shared.get(id.encode())
        try:
            return found if found and engine.id_of(found) == id else ""
        except QueryRefused:
            return ""

    async def _share(self, id: str, text: str) -> None:
        if self._shared is not None:
            await self._shared.put(id.encode(), text, SHARED_FOR)

    def _remember(self, id: str, text: str, limits: Queries) -> None:
        """Keeps a text as the one used last; those used longest ago give way."""
        known = self._texts.pop(id, None)
        self._size -= 0 if known is None else _size(known)
        self._texts[id] = text
        self._size += _size(text)
        while len(self._texts) > limits.persisted or self._size > limits.persisted_bytes:
            oldest = next(iter(self._texts))
            self._size -= _size(self._texts.pop(oldest))

    @property
    def size(self) -> int:
        """Bytes of all texts."""
        return self._size

    def __len__(self) -> int:
        return len(self._texts)


def persisted_in(stores: Stores) -> Persisted:
    """Texts that all who share these stores know."""
    return Persisted(stores.store("texts", str, _NONE))


def _size(text: str) -> int:
    return len(text.encode())


def _asking(asked: Asked, text: str, executable: Executable, name: str = "") -> Asked:
    query = msgspec.structs.replace(asked.query, text=text)
    return msgspec.structs.replace(asked, query=query, executable=executable, name=name)
