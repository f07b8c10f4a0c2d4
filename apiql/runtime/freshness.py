"""How long an answer may be used again: what its parts allow, as one Cache-Control. Pure.

Each part is an upstream's reply; the answer is as fresh as the one that expires first. Ages are
taken off already, so an answer with this Cache-Control goes out without an Age. RFC 9111.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from apiql.sources.cache_control import LONGEST, Directives, directives_of, seconds_of
from apiql.sources.call import Headers
from apiql.sources.dates import moment_of


class Freshness(Struct, frozen=True):
    """What may be said of one reply or of a whole answer. Times are the seconds that are left,
    for any cache and for shared ones; None: nothing is known.
    """

    no_store: bool = False
    no_cache: bool = False
    private: bool = False
    max_age: int | None = None
    s_maxage: int | None = None


SILENT: Final = Freshness()

UNSTORABLE: Final = Freshness(no_store=True)
"""Of a part that failed, and of one that writes: an answer used again would write nothing."""

_READ = frozenset(("cache-control", "expires", "age", "vary", "set-cookie"))


def freshness_of(
    headers: Headers, age: float | None, keep: float | None, most_age: float | None, off: bool
) -> Freshness:
    """What one reply to a read allows.

    `age` is how long our own cache has had it. Where the upstream says nothing of caching, `keep`
    (`cache 60s`) is its lifetime: so long it would be answered again anyway. `most_age` (`max-age
    40s`) is the most that is said, and what is said where nothing is known. `off` (`no cache`)
    makes it `no-cache`: the answer is asked for again each time.
    """
    said = _said(headers)
    if not said and keep is None and not off:
        return SILENT if most_age is None else _bounded(SILENT, most_age)
    control = directives_of(said.get("cache-control", ""))
    lifetime = _lifetime(headers, said, control, keep)
    passed = _passed(said) + (age or 0.0)
    found = Freshness(
        control.no_store,
        off or control.no_cache or "*" in said.get("vary", ""),
        control.private,
        _left(lifetime, passed),
        _left(control.s_maxage, passed),
    )
    return found if most_age is None else _bounded(found, most_age)


def combined(parts: Iterable[Freshness], most_age: float | None) -> Freshness:
    """What the parts allow together. `most_age` (`use max-age 60s`) holds for each of them, and
    is the answer's own where there is no part.

    To a shared cache a part without `s-maxage` is as fresh as its `max-age` says.
    """
    found = [*parts]
    if most_age is not None:
        found = [_bounded(part, most_age) for part in found or [SILENT]]
    if len(found) == 1:
        return found[0]
    no_store = no_cache = private = apart = False
    for part in found:
        no_store, no_cache = no_store or part.no_store, no_cache or part.no_cache
        private, apart = private or part.private, apart or part.s_maxage is not None
    shared = None
    if apart:
        shared = _least([p.max_age if p.s_maxage is None else p.s_maxage for p in found])
    max_age = _least([part.max_age for part in found])
    return Freshness(no_store, no_cache, private, max_age, shared)


def cache_control(freshness: Freshness) -> str | None:
    """The value of the answer's Cache-Control, None where there is nothing to say."""
    said = ["private"] if freshness.private else []
    if freshness.no_store or freshness.no_cache:
        said.append("no-store" if freshness.no_store else "no-cache")
        return ", ".join(said)
    if freshness.max_age is not None:
        said.append(f"max-age={freshness.max_age}")
    if freshness.s_maxage is not None and not freshness.private:
        said.append(f"s-maxage={freshness.s_maxage}")
    return ", ".join(said) or None


def _said(headers: Headers) -> Mapping[str, str]:
    """The fields that matter here, several lines of one joined by commas."""
    found: dict[str, str] = {}
    for name, value in headers:
        if name in _READ:
            found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _lifetime(
    headers: Headers, said: Mapping[str, str], control: Directives, keep: float | None
) -> float | None:
    if control.max_age is not None:
        return control.max_age
    if "expires" in said:
        return _until_expiry(said["expires"], headers)
    silent = control.silent and "set-cookie" not in said
    return keep if silent else None


def _until_expiry(expires: str, headers: Headers) -> float:
    """Seconds from Date to Expires; what cannot be read as that has expired (section 5.3)."""
    dates = [value for name, value in headers if name == "date"]
    if len(dates) != 1:
        return 0.0
    begin, end = moment_of(dates[0]), moment_of(expires)
    return 0.0 if begin is None or end is None else end - begin


def _passed(said: Mapping[str, str]) -> int:
    """The Age the reply came with; one that is no number is ignored (section 5.1)."""
    return seconds_of(said.get("age", "").partition(",")[0].strip()) or 0


def _left(lifetime: float | None, passed: float) -> int | None:
    return None if lifetime is None else min(max(0, int(lifetime - passed)), LONGEST)


def _bounded(part: Freshness, most_age: float) -> Freshness:
    most = min(int(most_age), LONGEST)
    max_age = most if part.max_age is None else min(part.max_age, most)
    s_maxage = None if part.s_maxage is None else min(part.s_maxage, most)
    return Freshness(part.no_store, part.no_cache, part.private, max_age, s_maxage)


def _least(times: list[int | None]) -> int | None:
    """The least of the times; none if one of them is not known."""
    known = [time for time in times if time is not None]
    return min(known) if known and len(known) == len(times) else None
