"""What an upstream says in Cache-Control (RFC 9111, section 5.2). Knows no cache and no clock.

Whatever is doubtful is read in the direction that caches less: of a lifetime said twice the least
counts, one that is no number is over at once, and a field whose quotes do not end forbids all.
"""

from __future__ import annotations

import re
from functools import lru_cache

from msgspec import Struct

LONGEST = 2**31 - 1
"""Seconds; what says more says this."""

_SHORT = 256
_QUOTED = r'"(?:\\.|[^"\\])*+"'
_FIELD = re.compile(rf'(?:{_QUOTED}|[^"])*+')
_DIRECTIVE = re.compile(rf'(?:{_QUOTED}|[^",])+')
_DIGITS = re.compile(r"[0-9]+")
_TIMES = frozenset(
    ("max-age", "s-maxage", "stale-while-revalidate", "stale-if-error", "min-fresh", "max-stale")
)
_STRICT = frozenset(("must-revalidate", "proxy-revalidate"))


class Directives(Struct, frozen=True):
    """The directives that matter to a cache; lifetimes in seconds.

    `strict`: what is no longer fresh is never used (`must-revalidate`, `proxy-revalidate`).
    `min_fresh`, `max_stale` and `only_if_cached` are a request's.
    """

    no_store: bool = False
    no_cache: bool = False
    private: bool = False
    max_age: int | None = None
    s_maxage: int | None = None
    strict: bool = False
    public: bool = False
    while_revalidate: int = 0
    if_error: int = 0
    min_fresh: int = 0
    max_stale: int = 0
    only_if_cached: bool = False

    @property
    def silent(self) -> bool:
        """Nothing is said of whether and how long an answer may be used."""
        forbids = self.no_store or self.no_cache or self.private
        return not forbids and self.max_age is None and self.s_maxage is None


NOTHING_SAID = Directives()


def directives_of(text: str) -> Directives:
    """The directives of a Cache-Control field, several lines of it joined by commas.

    `private` and `no-cache` count as a whole where they name fields. Short texts are kept with
    their directives: an upstream sends the same ones again and again.
    """
    return _kept_directives(text) if len(text) <= _SHORT else _directives(text)


@lru_cache(maxsize=1024)
def _kept_directives(text: str) -> Directives:
    return _directives(text)


def _directives(text: str) -> Directives:
    if not _FIELD.fullmatch(text):
        return Directives(no_store=True)
    names, times = _words(text)
    return Directives(
        no_store="no-store" in names,
        no_cache="no-cache" in names,
        private="private" in names,
        max_age=times.get("max-age"),
        s_maxage=times.get("s-maxage"),
        strict=not names.isdisjoint(_STRICT),
        public="public" in names,
        while_revalidate=times.get("stale-while-revalidate", 0),
        if_error=times.get("stale-if-error", 0),
        min_fresh=times.get("min-fresh", 0),
        max_stale=times.get("max-stale", 0),
        only_if_cached="only-if-cached" in names,
    )


def _words(text: str) -> tuple[set[str], dict[str, int]]:
    """The names of all directives, and the seconds of those that have some."""
    names: set[str] = set()
    times: dict[str, int] = {}
    for part in _DIRECTIVE.findall(text):
        name, mark, value = part.strip(" \t").partition("=")
        name = name.lower()
        names.add(name)
        if name in _TIMES:
            bare = name == "max-stale" and not mark
            times[name] = min(times.get(name, LONGEST), LONGEST if bare else _lifetime(value))
    return names, times


def _lifetime(value: str) -> int:
    quoted = len(value) > 1 and value[0] == value[-1] == '"'
    found = seconds_of(value[1:-1] if quoted else value)
    return 0 if found is None else found


def seconds_of(text: str) -> int | None:
    """A number of whole seconds (`delta-seconds`), None if the text is none."""
    if not _DIGITS.fullmatch(text):
        return None
    digits = text.lstrip("0")
    return min(int(digits or "0"), LONGEST) if len(digits) <= 10 else LONGEST
