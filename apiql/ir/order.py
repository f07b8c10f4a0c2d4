"""The order of tasks by what each needs: unknown names, circles, and a way to stand in line.

Knows tasks only by name; `needs` maps each to the names it waits for, in the order of the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

Needs = Mapping[str, frozenset[str]]


def circles(needs: Needs) -> Iterator[tuple[str, ...]]:
    """Every circle, each from its first name in the order of the text; without recursion."""
    left = {name: set(found) & needs.keys() for name, found in needs.items()}
    _drain(left)
    while left:
        circle = _circle(left)
        yield circle
        for name in circle:
            del left[name]
        for found in left.values():
            found.difference_update(circle)
        _drain(left)


def in_order(needs: Needs) -> tuple[str, ...]:
    """Names behind what they need, otherwise in the order of the text; wants no circles."""
    ordered: dict[str, None] = {}
    left = dict(needs)
    while left:
        ready = [name for name, found in left.items() if found <= ordered.keys()]
        ordered.update(dict.fromkeys(ready))
        for name in ready:
            del left[name]
    return tuple(ordered)


def depth_of(needs: Needs, weight: Mapping[str, int]) -> int:
    """The weight of the heaviest chain; `needs` stand in order."""
    depths: dict[str, int] = {}
    for name, found in needs.items():
        depths[name] = weight[name] + max((depths[other] for other in found), default=0)
    return max(depths.values(), default=0)


def _drain(left: dict[str, set[str]]) -> None:
    """Takes out whatever needs nothing that is left; what stays is on a circle or behind one."""
    free = [name for name, found in left.items() if not found]
    while free:
        for name in free:
            del left[name]
        for found in left.values():
            found.difference_update(free)
        free = [name for name, found in left.items() if not found]


def _circle(left: Mapping[str, set[str]]) -> tuple[str, ...]:
    order = list(left)
    way: list[str] = []
    at = order[0]
    while at not in way:
        way.append(at)
        at = min((name for name in left[at] if name in left), key=order.index)
    circle = way[way.index(at) :]
    start = min(range(len(circle)), key=lambda i: order.index(circle[i]))
    return (*circle[start:], *circle[:start])
