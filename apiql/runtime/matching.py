"""Rows of a batch matched back to the elements they were asked for, by a key in each row."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from msgspec import Raw

from apiql.errors import Code, Failure, ValueRefused
from apiql.runtime.columns import Columns
from apiql.runtime.decode import Undecodable, as_elements
from apiql.runtime.json_values import (
    are_short_integers,
    is_number,
    number_text,
    plainest,
    usual_texts,
)
from apiql.runtime.outcome import Done, Failed
from apiql.runtime.reading import read_value
from apiql.runtime.row_list import NotRows
from apiql.runtime.run import Run
from apiql.runtime.step import Step
from apiql.sources.call import Headers

NO_ROW = -1
"""Stands for the row of an element that has none: what null makes, behind all rows."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """The rows that one call brought, as a JSON list, and how it was answered."""

    whole: bytes
    status: int | None
    headers: Headers
    warnings: tuple[Failure, ...] = ()
    request: str | None = None

    def rows(self) -> Sequence[Raw]:
        """Each row by itself.

        Raises:
            Undecodable: they are no JSON list.
        """
        elements: Sequence[Raw] = as_elements(self.whole)
        return elements


def matched(
    step: Step, group: Sequence[Any], chunk: Chunk, run: Run
) -> Columns | list[Done | Failed]:
    """Each element with its row; what has none is null. Columns where nothing is to be told."""
    assert step.fan is not None
    assert step.fan.read_key is not None
    try:
        (found,) = step.fan.read_key(chunk.whole)
    except Undecodable as error:
        return [unusable(step, str(error), chunk)] * len(group)
    own, asked = _keys(found, group)
    values = _values(step, chunk, run)
    if values is not None and not chunk.warnings:
        columns = _picked(step, values, own, asked, chunk, run)
        if columns is not None:
            return columns
    places: dict[Hashable, list[int]] = {}
    for number, key in enumerate(own):
        if key is not None:
            places.setdefault(key, []).append(number)
    return [_result(step, key, places, values, chunk, run) for key in asked]


def _values(step: Step, chunk: Chunk, run: Run) -> Columns | None:
    """All rows read and shaped together; None where they must be looked at one by one."""
    if step.rows is not None:
        return None
    try:
        reads, shaped = read_value(step, chunk.whole, run.scope)
    except (Undecodable, NotRows, ValueRefused):
        return None
    if any(isinstance(found, Failure) for found in shaped) or not (reads or shaped):
        return None
    pieces = [list(map(bytes, as_elements(found))) for found in shaped if isinstance(found, bytes)]
    count = len(reads[0] if reads else pieces[0])
    return Columns(reads, tuple(pieces), [(chunk.status, chunk.headers)] * count)


def _picked(
    step: Step, values: Columns, own: Sequence[Hashable], asked: Sequence[Hashable],
    chunk: Chunk, run: Run,
) -> Columns | None:  # fmt: skip
    """The row of each element, found by one look; None where a key has several rows, or null."""
    numbers = dict(zip(own, range(len(own)), strict=True))
    if len(numbers) < len(own) or None in numbers:
        return None
    rows = [numbers.get(key, NO_ROW) for key in asked]
    reads, pieces = values.reads, values.pieces
    if NO_ROW in rows:
        nothing = read_rows(step, b"null", chunk, run)
        if not isinstance(nothing, Done):
            return None
        shaped = [found for found in nothing.shaped if isinstance(found, bytes)]
        if len(shaped) < len(pieces):
            return None
        reads = tuple([[*c, read] for c, read in zip(reads, nothing.reads, strict=True)])
        pieces = tuple([[*c, found] for c, found in zip(pieces, shaped, strict=True)])
    return Columns(
        tuple([[column[row] for row in rows] for column in reads]),
        tuple([[column[row] for row in rows] for column in pieces]),
        [(chunk.status, chunk.headers)] * len(rows),
    )


def _result(
    step: Step, key: Hashable, places: Mapping[Hashable, list[int]], values: Columns | None,
    chunk: Chunk, run: Run,
) -> Done | Failed:  # fmt: skip
    found = None if key is None else places.get(key)
    if found is None:
        return read_rows(step, b"null", chunk, run)
    if len(found) > 1:
        message = f"answered {len(found)} rows with the key {key}, where one is wanted"
        return _refused(step, message, chunk)
    (row,) = found
    if values is None:
        return read_rows(step, bytes(chunk.rows()[row]), chunk, run)
    reads = tuple([column[row] for column in values.reads])
    shaped = tuple([column[row] for column in values.pieces])
    return Done(chunk.status, chunk.headers, reads, shaped, chunk.warnings)


def read_rows(step: Step, body: bytes, chunk: Chunk, run: Run) -> Done | Failed:
    """The result that some JSON of a chunk makes."""
    try:
        reads, shaped = read_value(step, body, run.scope)
    except (Undecodable, NotRows) as error:
        return unusable(step, str(error), chunk)
    except ValueRefused as refused:
        message = f"could not be shaped: {refused.message}"
        return Failed(Failure(Code.BAD_VALUE, message, hint=refused.hint), chunk.status)
    return Done(chunk.status, chunk.headers, reads, shaped, chunk.warnings)


def unusable(step: Step, why: str, chunk: Chunk) -> Failed:
    """The failure of rows that cannot be read."""
    return _refused(step, f"answered with unusable rows: {why}", chunk)


def _refused(step: Step, message: str, chunk: Chunk) -> Failed:
    failure = Failure(
        Code.BAD_PAYLOAD, message, status=chunk.status, request=chunk.request,
        upstream={"service": step.service, "status": chunk.status},
    )  # fmt: skip
    return Failed(failure, chunk.status, chunk.headers)


def _keys(rows: Sequence[Any], group: Sequence[Any]) -> tuple[Sequence[Hashable], ...]:
    """What makes rows and elements equal: texts, and numbers as their text; None equals nothing.
    Where both are integers of the usual size they are their own keys.
    """
    if are_short_integers(rows) and are_short_integers(group):
        return rows, group
    return _row_keys(rows), _row_keys(group)


def _row_keys(values: Sequence[Any]) -> Sequence[str | None]:
    return usual_texts(values) or list(map(_row_key, values))


def _row_key(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if not is_number(value):
        return None
    try:
        return number_text(plainest(value) if isinstance(value, Decimal) else value)
    except ValueRefused:
        return None
