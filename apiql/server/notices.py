"""What an operator is told, in the log: each notice on one line, none of them in a flood."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from typing import assert_never

from apiql.events import (
    ArchiveMoved,
    AsideFailed,
    CallerRefused,
    CircuitMoved,
    ConfLoaded,
    ConfRefused,
    DefinitionsBroken,
    FolderMissing,
    HostMoved,
    KeysMoved,
    Notice,
    StoreMoved,
    UnknownQuery,
)

MOST_LINES, PERIOD = 30, 60.0
"""Lines of one kind that are written within so many seconds."""
MOST_KINDS = 1_000
"""Kinds that are counted; those seen longest ago begin anew."""
MOST_IDS = 10_000
"""Ids of queries that are remembered as told of."""
MOST_SHOWN = 2_000
"""Characters of what came from outside that go into a line."""
THINNED = {"thinned": True}
"""Marks lines that were thinned out already."""

log = logging.getLogger("apiql")


class Thinning:
    """Lets the first lines of each kind and period through, and counts the others."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kinds: dict[str, _Kind] = {}

    def passes(self, kind: str) -> int | None:
        """How many were held back since the last that passed; None where this one is."""
        now = self._clock()
        found = self._kinds.pop(kind, None) or _Kind(now)
        self._kinds[kind] = found
        if len(self._kinds) > MOST_KINDS:
            del self._kinds[next(iter(self._kinds))]
        if now - found.since >= PERIOD:
            found.since, found.passed = now, 0
        if found.passed >= MOST_LINES:
            found.held += 1
            return None
        found.passed += 1
        held, found.held = found.held, 0
        return held


class _Kind:
    __slots__ = ("held", "passed", "since")

    def __init__(self, since: float) -> None:
        self.since, self.passed, self.held = since, 0, 0


class LogFilter(logging.Filter):
    """Thins out what others log, by the place in the code: out of file descriptors, a loop says so
    ten thousand times a second.
    """

    def __init__(self) -> None:
        super().__init__()
        self._thinning = Thinning()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line is written; it tells of those that were not."""
        if hasattr(record, "thinned"):
            return True
        held = self._thinning.passes(f"{record.name}:{record.pathname}:{record.lineno}")
        if held:
            record.msg, record.args = record.getMessage() + more(held), None
        return held is not None


class NoticeLog:
    """Writes notices. A new kind of notice gets its line in `_line`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._thinning = Thinning(clock)
        self._known: dict[str, None] = {}

    def __call__(self, notice: Notice) -> None:
        """Tells of it; of a query that is not stored only once."""
        if isinstance(notice, UnknownQuery) and notice.id in self._known:
            return
        level, kind, text = _line(notice)
        held = self._thinning.passes(kind)
        if held is None:
            return
        if isinstance(notice, UnknownQuery):
            self._remember(notice.id)
        log.log(level, "%s%s", one_line(text), more(held), extra=THINNED)

    def _remember(self, id: str) -> None:
        self._known[id] = None
        if len(self._known) > MOST_IDS:
            del self._known[next(iter(self._known))]


def _line(notice: Notice) -> tuple[int, str, str]:
    """How grave it is, what kind of line it is for thinning out, and the line. The kind names what
    comes from the configuration (a host, a store), and nothing that comes with a request.
    """
    match notice:
        case UnknownQuery(id, text):
            cut = "…" if len(text) > MOST_SHOWN else ""
            shown = json.dumps(text[:MOST_SHOWN] + cut)
            return logging.WARNING, "unknown query", f"a query that is not stored: {id} {shown}"
        case CircuitMoved() | HostMoved() | StoreMoved() | KeysMoved():
            return _moved(notice)
        case ArchiveMoved() | FolderMissing() | AsideFailed() | DefinitionsBroken():
            return _of_definitions(notice)
        case CallerRefused(scheme, why, client):
            how = f" by {scheme}" if scheme else ""
            text = f"a request of {client or 'nobody'} does not prove who asks{how}: {why}"
            return logging.WARNING, f"caller {scheme}", text[:MOST_SHOWN]
        case ConfLoaded(revision, restart):
            later = f"; a restart is needed for {', '.join(restart)}" if restart else ""
            level = logging.WARNING if restart else logging.INFO
            return level, "conf", f"configuration {revision} is in force{later}"
        case ConfRefused(lines):
            shown = "; ".join(lines)[:MOST_SHOWN]
            text = f"the new configuration is refused, the last good one stays in force: {shown}"
            return logging.ERROR, "conf", text
        case other:
            assert_never(other)


def _moved(notice: CircuitMoved | HostMoved | StoreMoved | KeysMoved) -> tuple[int, str, str]:
    """Of what the engine calls."""
    match notice:
        case CircuitMoved(origin, state, why, bucket):
            told = f"{_of(bucket)}the circuit of {origin} is {state}: {why}"
            return logging.WARNING, f"circuit {bucket} {origin}", told
        case HostMoved(upstream, host, healthy, why, bucket):
            level = logging.INFO if healthy else logging.WARNING
            now = "is used again" if healthy else "is passed by"
            told = f"{_of(bucket)}upstream {upstream}: {host} {now}: {why}"
            return level, f"host {bucket} {host}", told
        case StoreMoved(reachable, why):
            now = "is used again" if reachable else "is left alone, each process keeps its own"
            return logging.WARNING, "store", f"the store {now}: {why}"
        case KeysMoved(issuer, reachable, why):
            now = "can be fetched again" if reachable else "cannot be fetched"
            level = logging.INFO if reachable else logging.WARNING
            return level, f"keys {issuer}", f"the keys of the issuer {issuer} {now}: {why}"


def _of(bucket: str) -> str:
    return f"bucket {bucket}: " if bucket else ""


def _of_definitions(
    notice: ArchiveMoved | FolderMissing | AsideFailed | DefinitionsBroken,
) -> tuple[int, str, str]:
    """Of definitions, and where they come from."""
    match notice:
        case AsideFailed(name, why):
            return logging.ERROR, "aside", f"{name}, begun aside, failed: {why}"[:MOST_SHOWN]
        case ArchiveMoved(url, usable, why):
            level = logging.INFO if usable else logging.WARNING
            now = "is used" if usable else "cannot be used, what is here already goes on"
            return level, f"archive {url}", f"the archive of {url} {now}: {why}"[:MOST_SHOWN]
        case FolderMissing(setting, folder):
            text = f"{setting} names {folder}, which is no folder: the usual one is read"
            return logging.WARNING, f"folder {setting}", text
        case DefinitionsBroken(lines, bucket):
            text = f"{_of(bucket)}what is broken is not served: {'; '.join(lines)}"
            return logging.ERROR, f"broken {bucket}", text[:MOST_SHOWN]


def more(held: int) -> str:
    """Tells of lines that were held back."""
    return f" (and {held} more like it before)" if held else ""


def one_line(text: str) -> str:
    """The text with every character that could end or colour a line written as its escape."""
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
