"""Media types: what a request's body is, and what the client wants to read."""

from __future__ import annotations

from enum import Enum
from functools import lru_cache

JSON = b"application/json"
ANSWER = b"application/apiql-response+json"
TEXTS = frozenset({"text/plain", "application/apiql"})


class Wanted(Enum):
    """The form of an answer; the value is its Content-Type."""

    JSON = JSON
    ANSWER = ANSWER
    TEXT = b"text/plain; charset=utf-8"
    MERMAID = b"text/vnd.mermaid; charset=utf-8"
    LINES = b"application/x-ndjson"
    EVENTS = b"text/event-stream"


STREAMED = (Wanted.LINES, Wanted.EVENTS)
"""Forms that are sent in pieces; no set: members of an Enum are slow to hash."""

KNOWN = {
    "application/json": Wanted.JSON,
    "application/*": Wanted.JSON,
    "*/*": Wanted.JSON,
    "application/apiql-response+json": Wanted.ANSWER,
    "text/plain": Wanted.TEXT,
    "text/vnd.mermaid": Wanted.MERMAID,
    "application/x-ndjson": Wanted.LINES,
    "text/event-stream": Wanted.EVENTS,
}


@lru_cache(maxsize=256)
def wanted(accept: bytes) -> Wanted:
    """What an Accept header asks for most; application/json where it names nothing we have."""
    best, best_weight = Wanted.JSON, 0.0
    for part in accept.decode("latin-1").split(","):
        media, _, parameters = part.strip().partition(";")
        found = KNOWN.get(media.strip().lower())
        weight = _weight(parameters)
        if found is not None and weight > best_weight:
            best, best_weight = found, weight
    return best


@lru_cache(maxsize=256)
def media_type(content_type: bytes) -> tuple[str, str]:
    """The media type of a body in lower case, and its charset (utf-8 where unsaid)."""
    media, _, parameters = content_type.decode("latin-1").partition(";")
    charset = "utf-8"
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            charset = value.strip().strip('"').lower()
    return media.strip().lower(), charset


def _weight(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
