"""The section on how answers of upstreams are kept, with every default. Knows nothing of files."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Strict, model_validator

from apiql.settings.section import Section
from apiql.settings.values import Duration, refusal, shown

_TAG = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_PLACE = re.compile(r"body(?:\.[A-Za-z_][A-Za-z0-9_-]{0,127}){1,8}|header\.[A-Za-z0-9-]{1,64}")


def _tag(value: str) -> str:
    if _TAG.fullmatch(value) is None:
        raise refusal(f"{shown(value)} is no tag", "letters, digits, _, . and -")
    return value


def _place(value: str) -> str:
    if _PLACE.fullmatch(value) is None:
        expected = '"body.expires_in", or "header.X-Token-Expires"'
        raise refusal(f"{shown(value)} is no place in an answer", expected)
    return value


CacheTag = Annotated[str, AfterValidator(_tag)]
CachePlace = Annotated[str, AfterValidator(_place)]


class Cache(Section):
    """How answers are kept beyond what the upstream says of caching."""

    keep: Duration | None = None
    """For how long, whatever the upstream says of lifetimes; unset: as it says."""
    tags: Annotated[tuple[CacheTag, ...], Strict(False)] = ()
    """What they are purged by, beside their source, their upstream and their URL."""
    negative: Duration | None = None
    """For how long 404, 410 and that it cannot be reached are kept; unset: not at all."""
    stale_if_error: Duration | None = None
    """For how long after its end an answer stands in for an error."""
    stale_while_revalidate: Duration | None = None
    """For how long after its end an answer is given while it is asked for again."""
    expires: CachePlace | None = None
    """Where an answer tells its own end: a member of the body, or a header."""
    early: Duration | None = None
    """How long before its end it is no longer used."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.keep is not None and self.expires is not None:
            raise refusal("keep and expires both say how long", "one of them")
        if self.early is not None and self.keep is None and self.expires is None:
            raise refusal("early is before no end", "keep or expires beside it")
        if self.early is not None and self.keep is not None and self.early >= self.keep:
            raise refusal("early is not shorter than keep: nothing would be kept", "early < keep")
        return self


def _whole(value: object) -> object:
    """`"60s"` for `{ keep = "60s" }`."""
    return {"keep": value} if isinstance(value, str | int | float) else value


Caching = Annotated[Cache | None, BeforeValidator(_whole)]
