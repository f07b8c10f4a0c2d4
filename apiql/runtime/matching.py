"""Rows of a batch matched back to the elements they were asked for, by a key in each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from msgspec import Raw

from apiql.errors import Code, Failure, ValueRefused
from apiql.runtime.decode import Undecodable, as_elements
from apiql.runtime.json_values import is_number, number_text, plainest
from apiql.runtime.outcome import Done, Failed
from apiql.runtime.reading import Shaped, read_value
from apiql.runtime.row_list import NotRows
from apiql.runtime.run import Run
from apiql.runtime.step import Step
from apiql.sources.call import Headers

Values: TypeAlias = tuple[tuple[Any, ...], Shaped]
"""What is read and what is shaped of one row."""


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


def matched(step: Step, group: Sequence[Any], chunk: Chunk, run: Run) -> list[Done | Failed]:
    """Each element with its row; what has none is null."""
    assert step.fan is not None
    assert step.fan.read_key is not None
    try:
        (found,) = step.fan.read_key(chunk.whole)
    except Undecodable as error:
        return [unusable(step, str(error), chunk)] * len(group)
    places: dict[str, list[int]] = {}
    for number, value in enumerate(found):
        own = row_key(value)
        if own is not None:
            places.setdefault(own, []).append(number)
    values = _values(step, chunk.whole, run)
    return [_result(step, element, places, values, chunk, run) for element in group]


def _values(step: Step, whole: bytes, run: Run) -> Sequence[Values] | None:
    """All rows read and shaped together; None where they must be looked at one by one."""
    if step.rows is not None:
        return None
    try:
        reads, shaped = read_value(step, whole, run.scope)
    except (Undecodable, NotRows, ValueRefused):
        return None
    if any(isinstance(found, Failure) for found in shaped):
        return None
    leaves = [as_elements(found) for found in shaped if isinstance(found, bytes)]
    count = len(reads[0]) if reads else len(leaves[0]) if leaves else 0
    return [
        (tuple([column[row] for column in reads]), tuple([bytes(leaf[row]) for leaf in leaves]))
        for row in range(count)
    ]


def _result(
    step: Step, element: Any, places: Mapping[str, list[int]], values: Sequence[Values] | None,
    chunk: Chunk, run: Run,
) -> Done | Failed:  # fmt: skip
    key = row_key(element)
    found = None if key is None else places.get(key)
    if found is None:
        return read_rows(step, b"null", chunk, run)
    if len(found) > 1:
        message = f"answered {len(found)} rows with the key {key}, where one is wanted"
        return _refused(step, message, chunk)
    if values is None or not values:
        return read_rows(step, bytes(chunk.rows()[found[0]]), chunk, run)
    reads, shaped = values[found[0]]
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


def row_key(value: Any) -> str | None:
    """What makes elements and rows equal: texts, and numbers as their text."""
    if isinstance(value, str):
        return value
    if not is_number(value):
        return None
    try:
        return number_text(plainest(value) if isinstance(value, Decimal) else value)
    except ValueRefused:
        return None
