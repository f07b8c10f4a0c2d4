"""The sections for requests of browsers: pages of other origins that may ask (CORS), and requests
that a page makes in its visitor's name (CSRF). They know nothing of requests.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Strict, model_validator

from apiql.settings.section import Section
from apiql.settings.values import Duration, refusal, shown

ANY, NULL = "*", "null"
_ORIGIN = re.compile(
    r"([a-z][a-z0-9+.-]{0,31})://([a-z0-9._-]{1,253}|\[[0-9a-f:.]+\])(:[0-9]{1,5})?"
)
_PORTS = {"http": ":80", "https": ":443"}
_EXPECTED = '"https://shop.example", "http://localhost:3000", "null" or "*"'
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")


def origin(value: str) -> str:
    """An origin as browsers write it: scheme://host[:port]."""
    if value in (ANY, NULL):
        return value
    found = _ORIGIN.fullmatch(value)
    if found is None or _port(value) is None:
        wrong = f"{shown(value)} is no origin, as browsers send it"
        raise refusal(wrong, f"{_EXPECTED}; in lower case, without a path")
    if found[3] is not None and found[3] == _PORTS.get(found[1]):
        wrong = f"browsers leave out the usual port of {found[1]}"
        raise refusal(wrong, f'"{value.removesuffix(found[3])}"')
    return value


def _port(value: str) -> int | None:
    """The port, 0 where none is named; None where it is none."""
    try:
        port = urlsplit(value).port
    except ValueError:
        return None
    return 0 if port is None else port or None


def _header(value: str) -> str:
    if _HEADER.fullmatch(value) is None:
        raise refusal(f"{shown(value)} is no header's name", "letters, digits and -")
    return value


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


Origins = Annotated[tuple[Annotated[str, AfterValidator(origin)], ...], Strict(False)]
Headers = Annotated[tuple[Annotated[str, AfterValidator(_header)], ...], Strict(False)]
Asking = Annotated[Literal["GET", "POST"], BeforeValidator(_upper)]


class Cors(Section):
    """Pages of other origins that may ask and read the answer; without an origin, none."""

    origins: Origins = ()
    methods: Annotated[tuple[Asking, ...], Strict(False)] = ("GET", "POST")
    headers: Headers = ("Authorization", "Content-Type", "Prefer", "X-APIQL", "X-Request-Id")
    """What they may send, beside what any page may."""
    expose: Headers = (
        "ETag", "RateLimit", "RateLimit-Policy", "Retry-After", "X-APIQL-Completed", "X-Request-Id",
    )  # fmt: skip
    """What they may read of an answer's headers, beside what any page may."""
    credentials: bool = False
    """Whether browsers send them cookies along."""
    max_age: Duration = 600.0
    """How long a browser need not ask again what it may send."""

    @model_validator(mode="after")
    def _nobody_is_everybody(self) -> Self:
        anybody = {ANY, NULL} & set(self.origins)
        if self.credentials and anybody:
            wrong = f'any page can be "{min(anybody)}": it shall not have its users\' cookies'
            raise refusal(wrong, "origins by their names, or credentials = false", "origins")
        return self


class Forgery(Section):
    """What is done about requests that a page makes in its visitor's name."""

    check: bool = True
    """Whether requests that a page of another site can make unasked are refused."""
    cookies: bool = False
    """Whether cookies say who asks: then each request that carries some must show that it is
    meant.
    """
