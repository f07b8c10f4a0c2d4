"""What requests of definitions are put together of: query strings, forms, URLs, headers, as Go's
net/url writes them. Knows no generation and no values but texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl, quote, quote_plus

from apiql.errors import ValueRefused

PATH_SAFE: Final = "/%:@!$&'()*+,;=~-._[]"
QUERY_SAFE: Final = PATH_SAFE + "?"
_URL: Final = re.compile(r"([^/?#]*://[^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#.*)?", re.DOTALL)
BROKEN: Final = 500
"""The status of a request that cannot be made."""

Pair: TypeAlias = tuple[str, str | int]
"""A name, and its value: a text, or the number of one that is known when the request is made."""
Written: TypeAlias = Callable[..., str]


def escaped(text: str) -> str:
    """As url.QueryEscape: a space is a plus."""
    if text.isalnum() and text.isascii():
        return text
    return quote_plus(text, safe="~", errors="replace")


def encoder(pairs: Iterable[Pair], order: bool = True) -> Written:
    """A function of the values that are not known yet: pairs as a query string or a form, sorted by
    name where `order` says so; those of one name stay in theirs.
    """
    kept = sorted(pairs, key=lambda pair: pair[0].encode()) if order else list(pairs)
    parts: list[tuple[str, int]] = []
    for name, value in kept:
        text = f"{escaped(name)}="
        parts.append((text, value) if isinstance(value, int) else (text + escaped(value), -1))
    if all(number < 0 for _, number in parts):
        whole = "&".join(text for text, _ in parts)
        return lambda *values: whole
    return lambda *values: "&".join(
        [text if number < 0 else text + escaped(values[number]) for text, number in parts]
    )


def merged(query: str, pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs of a query string with others, which take the place of those of their name."""
    names = {name for name, _ in pairs}
    own = parse_qsl(query, keep_blank_values=True)
    last = {name: (name, value) for name, value in pairs}
    return [*(pair for pair in own if pair[0] not in names), *last.values()]


def split(url: str) -> tuple[str, str]:
    """A URL before its query, as it can be sent, and its query; without the fragment.

    Raises:
        ValueRefused: it is no absolute URL.
    """
    found = _URL.fullmatch(url)
    if found is None:
        raise ValueRefused("the URL is not absolute", "http://… or https://…", status=BROKEN)
    return found[1] + quote(found[2], safe=PATH_SAFE), found[3] or ""


def url_writer(url: str, pairs: Sequence[Pair] | None) -> Written:
    """A function of the values that are not known yet: the URL with these pairs in its query; where
    they are None the query stays as it is.
    """
    before, query = split(url)
    if pairs is None:
        whole = before + (f"?{quote(query, safe=QUERY_SAFE)}" if query else "")
        return lambda *values: whole
    write = encoder(merged(query, pairs))

    def written(*values: str) -> str:
        found = write(*values)
        return f"{before}?{found}" if found else before

    return written


def header_text(text: str) -> str:
    """A value as it is sent: UTF-8, of which each byte is a letter."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("latin-1")


def header_writer(pairs: Iterable[tuple[str, str | int | None]]) -> Callable[..., Any]:
    """A function of the values that are not known yet: `[[name, value]]`. Of one name the last
    counts; None takes a name away, as does a value that is null.
    """
    named = {name.lower(): (name, value) for name, value in pairs}
    kept = [(name, value) for name, value in named.values() if value is not None]

    def written(*values: str | None) -> list[list[str]]:
        found = [(n, values[v] if isinstance(v, int) else v) for n, v in kept]
        return [[name, header_text(value)] for name, value in found if value is not None]

    return written
