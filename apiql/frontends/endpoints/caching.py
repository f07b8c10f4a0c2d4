"""What an endpoint keeps: its own cache over that of the root, as documented or as it is done.

The two differ in `only-if-methods` and `only-if-status-codes` of the root:

    | | absent | empty |
    | documented | GET, 2xx | all |
    | as it does | all | GET, 2xx |

An empty `only-if-status-codes` of an endpoint is the default, 2xx, in both.
"""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

from apiql.frontends.endpoints.gateway import Caching
from apiql.frontends.endpoints.written import WrittenCache, WrittenEndpointCache

T = TypeVar("T")

SUCCESS = frozenset(range(200, 300))
READS = frozenset({"GET"})


class CacheRules(Enum):
    """Whose word counts where the documentation and the gateway differ."""

    DOCUMENTED = "documented"
    AS_IT_DOES = "as it does"


def caching_of(
    root: WrittenCache | None, own: WrittenEndpointCache | None, rules: CacheRules
) -> Caching | None:
    """None: nothing is kept. What the endpoint does not say is as at the root."""
    if own is None or not own.enabled:
        return None
    duration = own.duration or (root.duration if root is not None else None)
    if duration is None:
        return None
    headers = own.strategy_headers
    if headers is None:
        headers = root.strategy_headers if root is not None else ()
    heeds = own.allow_cache_control
    if heeds is None:
        heeds = root is not None and root.allow_cache_control
    return Caching(
        duration,
        headers,
        _statuses(root, own, rules),
        _listed(root.only_if_methods if root is not None else None, READS, rules),
        heeds,
        own.ignore_query,
    )


def _statuses(
    root: WrittenCache | None, own: WrittenEndpointCache, rules: CacheRules
) -> frozenset[int] | None:
    if own.only_if_status_codes is not None:
        return frozenset(own.only_if_status_codes) or SUCCESS
    return _listed(root.only_if_status_codes if root is not None else None, SUCCESS, rules)


def _listed(
    listed: tuple[T, ...] | None, usual: frozenset[T], rules: CacheRules
) -> frozenset[T] | None:
    """What is listed; None is all."""
    if listed:
        return frozenset(listed)
    is_usual = (listed is None) == (rules is CacheRules.DOCUMENTED)
    return usual if is_usual else None
