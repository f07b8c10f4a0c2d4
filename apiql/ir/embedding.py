"""Embedding: a result that stands inside another one (language.md, section 6)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from apiql.ir.projection import Kept, Named, Path, Projection


@dataclass(frozen=True, slots=True)
class KeyPair:
    """`on own = target`: paths to the keys in the rows that come in, and in those they come to
    (from the target's result, lists entered).
    """

    own: Path
    target: Path


@dataclass(frozen=True, slots=True)
class Embed:
    """Where a result goes: the output `into`, at a path of its result.

    Without `on` by position: lists of the path and levels of the fan-out in step. With `on` by
    key: the first match or null, with `many` the list of all; `inner` drops rows of the target
    without a match.
    """

    into: str
    path: Path
    many: bool = False
    on: KeyPair | None = None
    inner: bool = False


def with_embedded(projection: Projection, path: Path) -> Projection:
    """The target's projection with the path of what comes in listed, where it is not there yet.

    Who leaves out the very member that something comes into wants that alone, not what was there.
    """
    listed = [field.path for field in projection.fields if isinstance(field, Kept)]
    named = [field.name for field in projection.fields if isinstance(field, Named)]
    excluded = any(_leads_to(out, path) and out != path for out in projection.excluded)
    if projection.everything and not excluded:
        return projection
    if path[0] in named or any(_leads_to(p, path) or _leads_to(path, p) for p in listed):
        return projection
    return replace(projection, fields=(*projection.fields, Kept(path)))


def _leads_to(start: Path, path: Path) -> bool:
    return path[: len(start)] == start
