"""Embedding: a result that stands inside another one (language.md, section 6)."""

from __future__ import annotations

from dataclasses import dataclass

from apiql.ir.projection import Path


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
