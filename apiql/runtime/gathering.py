"""The results of a fan-out's calls -> its outcome: each in the places of its element, and what is
told of those that failed. Knows nothing of how they were called.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from apiql.errors import Code, Failure
from apiql.runtime.cells import Cells, filled, joined, size_of, told
from apiql.runtime.columns import Columns
from apiql.runtime.outcome import MISSING, Done, Failed, LeftOut, Lost, Outcome, Several
from apiql.runtime.run import Run
from apiql.runtime.single import Result
from apiql.runtime.step import Step

MOST_FAILURES = 20
"""The failures of one fan-out that are told one by one; the rest is counted."""
NULL = b"null"


def gathered(step: Step, cells: Cells, found: Columns | Sequence[Result], run: Run) -> Outcome:
    """The results in the places of their elements."""
    columns = found if isinstance(found, Columns) else _columns_of(step, found)
    several = Several(None, (), nest=cells.nest, replies=tuple(columns.replies))
    several.pieces = tuple(map(tuple, columns.pieces))
    if cells.places > len(columns.replies) and _is_too_large(cells, several, run):
        return Failed(_too_large(run))
    several.shaped = tuple([joined(cells.nest, leaves) for leaves in several.pieces])
    reads = zip(columns.reads, step.exact, strict=True)
    several.reads = tuple([_placed(cells, column, exact) for column, exact in reads])
    several.failures = _failures(cells, columns)
    if isinstance(found, Columns) or any(isinstance(result, Done) for result in found):
        return several
    lost = next((failure for failure in several.failures if not failure.warning), None)
    return several if lost is None else Failed(lost, several=several)


def _placed(cells: Cells, column: Sequence[Any], exact: bool) -> Any:
    """What references find at one path, in the places of the elements."""
    if exact:
        return filled(cells.nest, column, lambda gap: gap)
    leaves = [None if value is MISSING else value for value in column]
    return filled(cells.nest, leaves, _no_value)


def _no_value(gap: Lost | None) -> None:
    return None


# -- results side by side -----------------------------------------------------------------------


def _columns_of(step: Step, results: Sequence[Result]) -> Columns:
    return Columns(
        tuple([_reads(n, step, results) for n in range(len(step.exact))]),
        tuple([_leaves(n, results) for n in range(len(step.shapes))]),
        [(r.status, r.headers) if isinstance(r, Done | Failed) else (None, ()) for r in results],
        () if all(map(_is_well, results)) else [_told_of(result) for result in results],
    )


def _leaves(number: int, results: Sequence[Result]) -> list[bytes]:
    shaped = [r.shaped[number] if isinstance(r, Done) else NULL for r in results]
    return [found if isinstance(found, bytes) else NULL for found in shaped]


def _reads(number: int, step: Step, results: Sequence[Result]) -> list[Any]:
    if not step.exact[number]:
        return [r.reads[number] if isinstance(r, Done) else None for r in results]
    return [r.reads[number] if isinstance(r, Done) else _lost(step, r) for r in results]


def _lost(step: Step, result: Result) -> Lost | None:
    if isinstance(result, Done | LeftOut):
        return None
    failure = result.failure
    cause, root = failure.cause or step.name, failure.root or failure.code
    reads = "" if cause == step.name else f"it reads {step.name}, and "
    message = f"not called: {reads}{cause} failed for its element ({root})"
    return Lost(Failure(Code.DEPENDENCY_FAILED, message, cause=cause, root=root))


def _is_well(result: Result) -> bool:
    if type(result) is not Done or result.failures:
        return False
    shaped = result.shaped
    return not shaped or (type(shaped[0]) is bytes and len(shaped) == 1)


def _told_of(result: Result) -> Sequence[Failure]:
    if isinstance(result, LeftOut):
        return ()
    if not isinstance(result, Done):
        return (result.failure,)
    unshaped = [shaped for shaped in result.shaped if isinstance(shaped, Failure)]
    return (*result.failures, *dict.fromkeys(unshaped)) if unshaped else result.failures


# -- limits and failures ------------------------------------------------------------------------


def _is_too_large(cells: Cells, several: Several, run: Run) -> bool:
    """Whether results that stand in many places make more than an answer may be."""
    sizes = [size_of(cells.nest, [len(leaf) for leaf in leaves]) for leaves in several.pieces]
    return sum(sizes) > run.fan_limits.answer_bytes


def _too_large(run: Run) -> Failure:
    most = run.fan_limits.answer_bytes
    hint = "select fewer fields, or raise [limits] answer_bytes"
    message = f"its results go over the limit answer_bytes = {most}"
    return Failure(Code.LIMIT_EXCEEDED, message, hint=hint)


def _failures(cells: Cells, columns: Columns) -> tuple[Failure, ...]:
    """What is told of the elements: each with its place, many as a count."""
    if cells.whole and not columns.told:
        return ()
    found = list(told(cells.nest, columns.told or [()] * len(columns.replies)))
    if len(found) <= MOST_FAILURES:
        return tuple(found)
    return (*found[:MOST_FAILURES], *_counted(found[MOST_FAILURES:]))


def _counted(failures: Sequence[Failure]) -> Iterator[Failure]:
    """Many failures as one of each kind."""
    kinds = Counter((one.code, one.status, one.warning, one.fatal) for one in failures)
    for (code, status, warning, fatal), count in kinds.items():
        message = f"{count} more of its elements failed"
        yield Failure(code, message, status, count=count, warning=warning, fatal=fatal)
