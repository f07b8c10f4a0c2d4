"""What the engine is asked: a text or the inputs of a definition, and what came with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct


class Query(Struct, frozen=True):
    """A request to the engine. Header names are in lower case; `cookies` are read from them
    where they are None; `timeout` can only shorten. Refusals show lines of `text`: none of an
    empty one.
    """

    text: str
    params: Mapping[str, Any] = {}
    headers: Mapping[str, str] = {}
    cookies: Mapping[str, str] | None = None
    timeout: float | None = None
