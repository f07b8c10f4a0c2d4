"""The kind of setting that lists headers of the caller's request to pass on. Knows no upstream."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Strict

from apiql.settings.values import header_name, refusal

_OF_OUR_CALL = frozenset(
    {"accept-encoding", "content-encoding", "content-type", "expect", "http2-settings"}
)


def forwarded_header(value: str) -> str:
    """The name of a header of the caller's request that is passed on, in lower case."""
    name = header_name(value).lower()
    if name in _OF_OUR_CALL:
        raise refusal("this header is about the call that we make", "a header about the caller")
    return name


Forwarded = Annotated[tuple[Annotated[str, AfterValidator(forwarded_header)], ...], Strict(False)]
