"""The places (scheme and authority) that texts of definitions name. Calls nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from apiql.sources.addresses import BadUrl, parse_url


def places_in(texts: Iterable[str]) -> frozenset[str]:
    """The places of those texts that are URLs, as calls are compared by them."""
    return frozenset(place for text in texts for place in _place(text))


def beginning(template: str) -> str:
    """The beginning of a URL that a template makes, if its authority is whole."""
    before, braces, _ = template.partition("{{")
    return before if not braces or before.count("/") > 2 else ""


def _place(text: str) -> Iterator[str]:
    if text.startswith(("http://", "https://")):
        try:
            origin, _ = parse_url("/".join(text.split("/", 3)[:3]))
        except BadUrl:
            return
        yield str(origin)
