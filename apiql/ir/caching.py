"""What the configuration says of the answers of a source: how long they are kept, and as what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

Until: TypeAlias = Callable[[int, tuple[tuple[str, str], ...], bytes], float | None]
"""For how many seconds an answer (status, headers, body) holds; None where it is not kept."""


@dataclass(frozen=True, slots=True)
class CacheRule:
    """The operator's word on caching. Times are seconds; `tags` are what stored answers are purged
    by. `http`: what the upstream says of caching is followed.

    `keep` takes the place of what the upstream says of lifetimes. `expires` says where an answer
    tells its own end: `body` or `header`, and the path or the name; `early` is how long before
    its end one is no longer used. `bodies`: calls that send one, or a POST, are kept too.
    `until` says instead of all that for how long an answer holds; answers with a `key` are kept
    apart from others, and there is `one` of it for all calls. `alone`: equal calls in flight stay
    as many as they are, since an answer may be meant for one caller.
    """

    tags: tuple[str, ...] = ()
    http: bool = True
    keep: float | None = None
    negative: float = 0.0
    stale_if_error: float = 0.0
    stale_while_revalidate: float = 0.0
    expires: tuple[str, ...] = ()
    early: float = 0.0
    bodies: bool = False
    until: Until | None = field(default=None, repr=False, compare=False)
    key: str = ""
    one: bool = False
    alone: bool = False
    steers: bool = field(init=False)

    def __post_init__(self) -> None:
        times = (self.negative, self.stale_if_error, self.stale_while_revalidate)
        steers = self.keep is not None or bool(self.expires) or any(times)
        steers = steers or self.until is not None
        object.__setattr__(self, "steers", steers)
