"""The section of the buckets: tenants with settings, queries, caches and limits of their own. Knows
no folder and no request.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, PlainValidator

from apiql.settings.section import Section
from apiql.settings.values import header_name, refusal, shown

BY_EXPECTED = '"path", "header:<name>" or "host:<domain>"'
MOST = 1000
BUCKET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""What a folder of conf/buckets is called, and what callers may be said to belong to."""
BUCKET_EXPECTED = "1 to 64 letters, digits and _ - . (from A to Z), the first of them no mark"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL}){{0,10}}")


def chosen_by(value: object) -> str:
    """`path`, or `header:` or `host:` with a name in lower case."""
    if isinstance(value, str):
        kind, mark, name = value.partition(":")
        if value == "path":
            return value
        if mark and kind == "header":
            return f"header:{header_name(name).lower()}"
        if mark and kind == "host" and _DOMAIN.fullmatch(name.lower()):
            return f"host:{name.lower()}"
    raise refusal(f"{shown(value)} names no bucket", BY_EXPECTED)


def bucket_of(value: str) -> str:
    """The bucket of a caller; empty: the main one."""
    if value and BUCKET_NAME.fullmatch(value) is None:
        raise refusal(f"{shown(value)} is no bucket's name", BUCKET_EXPECTED)
    return value


BucketName = Annotated[str, AfterValidator(bucket_of)]


class Buckets(Section):
    """Tenants: each folder of conf/buckets is one."""

    enabled: bool = False
    inherit: bool = False
    """Whether a bucket has the upstreams and stored queries of the main folder beside its own."""
    by: Annotated[str, PlainValidator(chosen_by)] | None = None
    """What in a request names a bucket, for callers who belong to none; unset: nothing."""
    most: int = Field(default=16, ge=1, le=MOST)
    """So many there may be; of what bounds the process each has this part, unless it says more."""
