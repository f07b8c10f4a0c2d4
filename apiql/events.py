"""What the core reports, and who listens. Nothing below the server logs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from msgspec import Struct


class CallMade(Struct, frozen=True, gc=False):
    """One upstream call has ended. Times are seconds on the loop's clock.

    `status` is None where no answer came; `code` is the error's, None for a 2xx answer; `age` is
    that of an answer that was kept, in seconds, `stale` if it stood in for a late one. `use` is
    what the cache had to do with it, as Cache-Status has it, `ttl` for how long it stays fresh.
    """

    task: str
    service: str
    method: str
    target: str
    started: float
    ended: float
    status: int | None
    size: int
    code: str | None
    age: float | None = None
    stale: bool = False
    use: str = ""
    ttl: float | None = None


class TaskSkipped(Struct, frozen=True, gc=False):
    """A task was not carried out because of what it needs."""

    task: str
    code: str
    at: float


@dataclass(frozen=True, slots=True)
class UnknownQuery:
    """A text was run that is not stored, where that is to be told (`log-unknown`)."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class AsideFailed:
    """What a definition began without waiting for it came to nothing."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class HostMoved:
    """A host of an upstream is passed by from now on, or no longer (`healthy`). `bucket` is that of
    the upstream, empty for the main one.
    """

    upstream: str
    host: str
    healthy: bool
    why: str
    bucket: str = ""


@dataclass(frozen=True, slots=True)
class ConfLoaded:
    """What the conf folder holds is in force, by the hash of it; `restart` names settings that
    have changed too, but take effect at the next start.
    """

    revision: str
    restart: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConfRefused:
    """The conf folder cannot be used as it is now; what was in force stays. A line for each thing
    that is wrong: where, and why.
    """

    lines: tuple[str, ...]


class TaskEnded(Struct, frozen=True, gc=False):
    """A task has ended. It started when all it needs had ended; `ending` is how: `done`, `failed`,
    `skipped` or `left out`, `code` why it is not done.
    """

    task: str
    started: float
    ended: float
    ending: str
    code: str | None = None


class Retried(Struct, frozen=True, gc=False):
    """A call that failed is made once more."""

    task: str
    at: float


class Queued(Struct, frozen=True, gc=False):
    """A call has waited for one of the places for calls that a query has."""

    task: str
    since: float
    until: float


class ElseTaken(Struct, frozen=True, gc=False):
    """Another source takes a task's place. The first had failed by `failed`; what the other needs
    had ended by `started`.
    """

    task: str
    failed: float
    started: float


@dataclass(frozen=True, slots=True)
class CircuitMoved:
    """The circuit of a host is `open` from now on (no call is made) or `closed` (all are). Each
    bucket has its own; `bucket` is empty for that of the main one.
    """

    origin: str
    state: str
    why: str
    bucket: str = ""


@dataclass(frozen=True, slots=True)
class StoreMoved:
    """The store that machines share cannot be reached any more (each process keeps its own
    meanwhile), or is used again. `why` never holds its address or password.
    """

    reachable: bool
    why: str


@dataclass(frozen=True, slots=True)
class CallerRefused:
    """A request was not let in because it does not prove who asks. `scheme` is how it tried, `why`
    never holds what it showed; `client` is its address.
    """

    scheme: str
    why: str
    client: str


@dataclass(frozen=True, slots=True)
class KeysMoved:
    """The keys of an issuer of tokens cannot be fetched any more (those known are used for a day),
    or can again.
    """

    issuer: str
    reachable: bool
    why: str


@dataclass(frozen=True, slots=True)
class ArchiveMoved:
    """The archive of definitions at a URL cannot be used (what is here already goes on), another
    one is used from now on, or it can be used again. `url` never holds a user, password or query.
    """

    url: str
    usable: bool
    why: str


@dataclass(frozen=True, slots=True)
class FolderMissing:
    """A setting names a folder that is not there: the usual one is read."""

    setting: str
    folder: str


@dataclass(frozen=True, slots=True)
class DefinitionsBroken:
    """Definitions or endpoints are left out of what is in force, because these things are wrong."""

    lines: tuple[str, ...]
    bucket: str = ""


Event: TypeAlias = CallMade | TaskSkipped | TaskEnded | Retried | Queued | ElseTaken
Observer: TypeAlias = Callable[[Event], None]
Notice: TypeAlias = (
    UnknownQuery | AsideFailed | CircuitMoved | HostMoved | StoreMoved | ConfLoaded | ConfRefused
    | CallerRefused | KeysMoved | ArchiveMoved | FolderMissing
    | DefinitionsBroken
)  # fmt: skip
"""What an operator is told, beside what happens within a run."""
Told: TypeAlias = Callable[[Notice], None]


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that an operator may watch, as it stands now. A `counter` only grows; the name
    is in the form of Prometheus (`apiql_cache_hits_total`), labels come from the configuration and
    never from a request.
    """

    name: str
    told: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)
    counter: bool = False


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often something took how long: `counts` are those of each bucket alone, the first up to
    `bounds[0]` seconds, the last beyond all bounds; `total` is the time of all together. Labels
    are as those of a `Figure`.
    """

    name: str
    told: str
    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float
    labels: Mapping[str, str] = field(default_factory=dict)


Family: TypeAlias = Figure | Histogram
Figures: TypeAlias = Callable[[], Iterable[Figure]]
"""Reads off figures when somebody asks: what counts them costs a request an addition."""
