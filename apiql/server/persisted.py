"""Texts that clients send once and call by their ids from then on.

Every process has a store of its own: a client that hears QUERY_NOT_FOUND sends the text again.
"""

from __future__ import annotations

import msgspec

from apiql.engine import Engine
from apiql.errors import Code, RequestRefused
from apiql.runtime.step import Executable
from apiql.server.read import Asked
from apiql.server.read_stored import text_shown
from apiql.settings import Queries


class Persisted:
    """The texts used last, bounded in number and in their bytes together."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._size = 0

    def resolved(self, asked: Asked, id: str, engine: Engine) -> Asked:
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
            return _asking(asked, text_shown(stored, engine), stored.executable)
        text = text or self._texts.get(id, "")
        if not text:
            message = "no text is known by this id: send it once with `query`"
            raise RequestRefused(Code.QUERY_NOT_FOUND, message)
        executable = engine.executable(text)
        self._remember(id, text, engine.settings.queries)
        return _asking(asked, text, executable)

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


def _size(text: str) -> int:
    return len(text.encode())


def _asking(asked: Asked, text: str, executable: Executable) -> Asked:
    query = msgspec.structs.replace(asked.query, text=text)
    return msgspec.structs.replace(asked, query=query, executable=executable)
