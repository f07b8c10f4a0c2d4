"""The endpoint's answer, made of those of its calls: abort, omit, group, list or aggregate, encode.

Pure; `#response…` asks it in the middle of an endpoint too, of the answers so far.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from apiql.frontends.endpoints.aggregate import Kept, aggregated, grouped, is_ok, listed
from apiql.frontends.endpoints.json_value import encoded
from apiql.frontends.endpoints.message import (
    JSON_TYPE,
    TEXT_TYPE,
    Body,
    Kind,
    Message,
)
from apiql.frontends.endpoints.xml_text import xml_of, xml_of_text

NO_CONTENT = 204
FIRST_BAD = 400
XML_TYPE = "application/xml"
DROPPED = frozenset({"Content-Length", "Content-Type", "Date"})
"""Header fields of calls that say nothing about the endpoint's answer."""
CACHE, COMPLETE, SUCCESS = "X-Gopen-Cache", "X-Gopen-Complete", "X-Gopen-Success"


class Notation(StrEnum):
    """What an endpoint writes whatever its backends do."""

    JSON = "JSON"
    XML = "XML"
    TEXT = "TEXT"


@dataclass(frozen=True, slots=True)
class Part:
    """What becomes of the answer of a call."""

    name: str = ""
    is_omitted: bool = False
    is_grouped: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """What an endpoint makes of its calls: a part for each, in their order. `expected` counts those
    too that name no middleware, which keeps the answer from being complete.
    """

    parts: tuple[Part, ...]
    expected: int
    is_aggregated: bool = False
    notation: Notation | None = None


def aborts(abort_if: frozenset[int] | None, *statuses: int) -> bool:
    """Whether an endpoint ends behind a call: by the status that came, or the one made of it. None:
    from 400 on.
    """
    if abort_if is None:
        return any(status >= FIRST_BAD for status in statuses)
    return any(status in abort_if for status in statuses)


def answer_of(shape: Shape, responses: Sequence[Message]) -> Message:
    """The answer of the calls that were made, in their order. As long as some are missing, nothing
    is omitted.
    """
    is_complete = len(responses) == shape.expected
    pairs = [
        (part, response)
        for part, response in zip(shape.parts, responses, strict=False)
        if not (is_complete and part.is_omitted)
    ]
    is_success = all(is_ok(response.status) for response in responses)
    headers = _headers([response for _, response in pairs], is_complete, is_success)
    kept = [
        Kept(response.status, response.body, part.name or f"backend-{index}", part.is_grouped)
        for index, (part, response) in enumerate(pairs)
    ]
    return _written(headers, _body(shape, kept), _status(kept), shape.notation)


def aborted(shape: Shape, response: Message, made: int) -> Message:
    """The answer of an endpoint that a call has ended: that call's alone. `made` are all calls."""
    headers = _headers([response], made == shape.expected, is_ok(response.status))
    return _written(headers, response.body, response.status, shape.notation)


def _status(kept: Sequence[Kept]) -> int:
    """The most frequent; of several, the one that came last."""
    if len(kept) == 1:
        return kept[0].status
    counts = Counter(answer.status for answer in kept)
    most = max(counts.values(), default=0)
    return next((a.status for a in reversed(kept) if counts[a.status] == most), NO_CONTENT)


def _body(shape: Shape, kept: Sequence[Kept]) -> Body | None:
    if not kept:
        return None
    if len(kept) == 1:
        only = kept[0]
        is_grouped = only.is_grouped and only.body is not None
        return Body(encoded(grouped(only))) if is_grouped else only.body
    if shape.is_aggregated:
        return Body(encoded(aggregated(kept)))
    objects = listed(kept)
    return Body(encoded(objects)) if objects else None


def _headers(
    responses: Sequence[Message], is_complete: bool, is_success: bool
) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for response in responses:
        for name, values in response.headers.items():
            if name not in DROPPED:
                found[name] = (*found[name], *values) if name in found else values
    found[CACHE] = ("false",)
    found[COMPLETE] = ("true" if is_complete else "false",)
    found[SUCCESS] = ("true" if is_success else "false",)
    return found


def _written(
    headers: dict[str, tuple[str, ...]], body: Body | None, status: int, notation: Notation | None
) -> Message:
    """In the notation of the endpoint; what has none is JSON or text."""
    if body is None:
        return Message(headers, None, status)
    media = body.media
    match notation:
        case Notation.JSON:
            body = body if body.kind is Kind.JSON else Body(encoded({"text": body.text}))
            media = JSON_TYPE
        case Notation.XML:
            text = xml_of(body.value) if body.kind is Kind.JSON else xml_of_text(body.text)
            body, media = Body(text.encode("utf-8"), XML_TYPE), XML_TYPE
        case Notation.TEXT:
            media = TEXT_TYPE
        case None:
            media = JSON_TYPE if "json" in media.lower() else TEXT_TYPE
    headers["Content-Type"] = (media,)
    return Message(headers, body if body.media == media else Body(body.data, media), status)
