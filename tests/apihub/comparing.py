"""What was answered and sent against what is right: each difference as a line of text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from tests.apihub.traces import Expected, Got, Trace
from tests.apihub.upstream import Seen

IGNORED = re.compile(
    r"user-agent|accept.*|connection|content-length|transfer-encoding|host|traceparent|via"
)
VOLATILE = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"  # uuids
    r"|(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])"  # checksums
    r"|(?<!\d)1795\d{6}(?:\d{3})?(?:\.\d+)?(?!\d)"  # times of the recordings and of the replay
    r"|(?<!\d)2026112[12]\d{6}(?!\d)|2026-11-2[12][ T+]\d\d(?::|%3A)\d\d(?::|%3A)\d\d"
)
"""What is made anew each time."""
NOTIFYING = "/cgi-bin/"
"""Where the second generation tells people of failures."""

Pairs = dict[str, str]


class Comparison:
    """Compares one trace after the other: a volatile text that is recorded twice must be the same
    both times here, too.
    """

    def __init__(self) -> None:
        self.known: Pairs = {}

    def differences(self, trace: Trace, got: Got, calls: Sequence[Seen], most: int) -> list[str]:
        """What differs from the expectation that is nearest; nothing where one is met."""
        found = []
        for expected in trace.expected:
            known = dict(self.known)
            found.append(list(_differences(trace, expected, got, calls, most, known)))
            if not found[-1]:
                self.known = known
                return []
        return min(found, key=len)


def _differences(
    trace: Trace, expected: Expected, got: Got, calls: Sequence[Seen], most: int, known: Pairs
) -> Iterator[str]:
    own, told = _parted(expected, trace.asked.path, calls)
    if expected.status < 400:
        yield from _same_answer(expected, got, known)
    else:
        yield from _same_refusal(expected, got, known)
    if most < min(trace.most, len(expected.upstream) + len(expected.notify or ())):
        yield f"in flight: {most} calls at once at most, recorded were {trace.most}"
    yield from _same_calls(expected.upstream, own, trace.most <= 1)
    if expected.notify is not None and sorted(told) != sorted(expected.notify):
        yield f"notify: {told}, recorded were {list(expected.notify)}"


def _parted(expected: Expected, path: str, calls: Sequence[Seen]) -> tuple[list[Seen], list[str]]:
    """The calls, and the paths of those that notify."""
    if expected.notify is None or "qywx" in path:
        return list(calls), []
    told = [call.path for call in calls if call.path.startswith(NOTIFYING)]
    return [call for call in calls if not call.path.startswith(NOTIFYING)], told


def _same_answer(expected: Expected, got: Got, known: Pairs) -> Iterator[str]:
    if got.status != expected.status:
        yield f"status: {got.status}, recorded was {expected.status} ({got.body[:200]!r})"
        return
    if _media(got.media) != _media(expected.media or ""):
        yield f"media: {got.media!r}, recorded was {expected.media!r}"
    body = got.body.decode("utf-8", "replace")
    if not same_text(expected.body, body, known):
        yield f"body: {body[:300]!r}, recorded was {expected.body[:300]!r}"


def _same_refusal(expected: Expected, got: Got, known: Pairs) -> Iterator[str]:
    """The class of the status; where the original tells more as an object, its members too."""
    if got.status // 100 != expected.status // 100:
        yield f"status: {got.status}, recorded was {expected.status} ({got.body[:200]!r})"
    recorded = _documents(expected.body)
    if not recorded or not isinstance(recorded[0], dict):
        return
    if got.status != expected.status:
        yield f"status: {got.status}, recorded was {expected.status}"
    ours = _documents(got.body.decode("utf-8", "replace"))
    told = ours[0] if ours and isinstance(ours[0], dict) else {}
    for name, value in recorded[0].items():
        if name not in told or not same(value, told[name], known):
            yield f"body: {name} is {told.get(name)!r}, recorded was {value!r}"


def _same_calls(expected: Sequence[Seen], calls: Sequence[Seen], ordered: bool) -> Iterator[str]:
    if len(expected) != len(calls):
        shown = [f"{c.method} {c.path}?{c.query}" for c in calls]
        recorded = [f"{c.method} {c.path}?{c.query}" for c in expected]
        yield f"upstream: {shown}, recorded were {recorded}"
        return
    left = list(calls)
    for place, one in enumerate(expected):
        candidates = left[:1] if ordered else left
        differing = [list(_call_differences(one, call)) for call in candidates]
        best = min(range(len(candidates)), key=lambda at: len(differing[at]))
        del left[best]
        yield from (f"upstream {place}: {line}" for line in differing[best])


def _call_differences(expected: Seen, call: Seen) -> Iterator[str]:
    known: Pairs = {}
    for name in ("method", "path", "query"):
        recorded, ours = getattr(expected, name), getattr(call, name)
        if not same(recorded, ours, known):
            yield f"{name} {ours!r}, recorded was {recorded!r}"
    theirs, ours = _told(expected.headers), _told(call.headers)
    for name in sorted(theirs.keys() | ours.keys()):
        if not same(theirs.get(name), ours.get(name), known):
            yield f"header {name} {ours.get(name)!r}, recorded was {theirs.get(name)!r}"
    if not same(expected.body, call.body, known):
        yield f"body {call.body!r}, recorded was {expected.body!r}"


def _told(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if not IGNORED.fullmatch(name)}


def same_text(recorded: str, ours: str, known: Pairs) -> bool:
    """Whether two bodies are the same: as JSON (one document or several), else as they are."""
    first, second = _documents(recorded), _documents(ours)
    if first is None or second is None:
        return _same_plain(recorded, ours, known)
    return same(first, second, known)


def same(recorded: Any, ours: Any, known: Pairs) -> bool:
    """Whether two values of JSON are the same; texts that hold JSON are compared as that."""
    match recorded, ours:
        case dict(), dict():
            shared = recorded.keys() == ours.keys()
            return shared and all(same(recorded[name], ours[name], known) for name in recorded)
        case list(), list():
            even = len(recorded) == len(ours)
            return even and all(same(a, b, known) for a, b in zip(recorded, ours, strict=False))
        case str(), str():
            if recorded[:1] in ("{", "[") and ours[:1] in ("{", "["):
                return same_text(recorded, ours, known)
            return _same_plain(recorded, ours, known)
        case (int() | Decimal(), int() | Decimal()) if bool not in (type(recorded), type(ours)):
            return recorded == ours or _same_plain(str(recorded), str(ours), known)
        case _:
            return type(recorded) is type(ours) and bool(recorded == ours)


def _same_plain(recorded: str, ours: str, known: Pairs) -> bool:
    """The same but for what is made anew; that must be the same wherever it was."""
    if recorded == ours:
        return True
    if VOLATILE.sub("~", recorded) != VOLATILE.sub("~", ours):
        return False
    pairs = zip(VOLATILE.findall(recorded), VOLATILE.findall(ours), strict=True)
    return all(known.setdefault(old, new) == new for old, new in _precise(pairs))


def _precise(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Those that are not the same by chance, as times in seconds and their checksums may be."""
    return (pair for pair in pairs if "." in pair[0] or "-" in pair[0])


def _documents(text: str) -> list[Any] | None:
    """The JSON documents in a text, one behind the other; None where it is something else."""
    found, at, decoder = [], 0, json.JSONDecoder(parse_float=Decimal)
    while at < len(text):
        try:
            value, at = decoder.raw_decode(text, at)
        except ValueError:
            return None
        found.append(value)
        while text[at : at + 1].isspace():
            at += 1
    return found


def _media(text: str) -> str:
    return text.replace(" ", "").lower()
