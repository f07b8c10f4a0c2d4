"""The results of a fan-out's calls side by side: what one path, or one output, finds in each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from apiql.errors import Failure
from apiql.runtime.outcome import Done
from apiql.sources.call import Headers

Column = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Columns:
    """Results in the order of their cells: what each path reads, each output's JSON, status and
    headers, and what is told of each; `told` is empty where there is nothing to tell of any.
    """

    reads: tuple[Column, ...]
    pieces: tuple[Sequence[bytes], ...]
    replies: Sequence[tuple[int | None, Headers]]
    told: Sequence[Sequence[Failure]] = ()

    def results(self) -> list[Done]:
        """Each result by itself; nothing is told of any."""
        reads = zip(*self.reads, strict=True) if self.reads else [()] * len(self.replies)
        shaped = zip(*self.pieces, strict=True) if self.pieces else [()] * len(self.replies)
        rows = zip(self.replies, reads, shaped, strict=True)
        return [Done(status, headers, read, found) for (status, headers), read, found in rows]


def one_after_another(parts: Sequence[Columns]) -> Columns:
    """The columns of several groups of cells, of which nothing is told, as those of all."""
    if len(parts) == 1:
        return parts[0]
    return Columns(
        tuple(map(_chained, zip(*[part.reads for part in parts], strict=True))),
        tuple(map(_chained, zip(*[part.pieces for part in parts], strict=True))),
        _chained(part.replies for part in parts),
    )


def _chained(columns: Iterable[Sequence[Any]]) -> list[Any]:
    return [value for column in columns for value in column]
