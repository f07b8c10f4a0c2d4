"""`into`: results are put inside others once all are there (language.md, section 6).

What comes into a result comes before that goes into another: weaves stand in that order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from apiql.errors import Code, Failure
from apiql.ir.embedding import KeyPair
from apiql.ir.order import in_order
from apiql.ir.plan import Output, Plan
from apiql.runtime.decode import Undecodable
from apiql.runtime.embed import embedded
from apiql.runtime.insertion import (
    NULL,
    Insertion,
    Misfit,
    Nest,
    NotAnObject,
    Unequal,
    by_position,
)
from apiql.runtime.join import by_key, opened, rows_of
from apiql.runtime.outcome import MISSING, Done, Outcome
from apiql.runtime.scope import Reads
from apiql.runtime.step import Strand, Weave

Misfits = dict[int, list[Failure]]
"""What did not fit where it goes, by the number of the output that comes in."""


def compile_weaves(plan: Plan, reads: Reads) -> tuple[Weave, ...]:
    """The outputs that others stand in, the innermost first."""
    numbers = {output.name: number for number, output in enumerate(plan.outputs)}
    inside: dict[str, list[Output]] = {name: [] for name in numbers}
    for output in plan.outputs:
        if output.into is not None:
            inside[output.into.into].append(output)
    needs = {name: frozenset(o.name for o in found) for name, found in inside.items()}
    return tuple(
        Weave(
            numbers[name],
            tuple(_strand(o, plan.outputs, numbers, reads) for o in inside[name]),
            _goes_by_key(plan.outputs[numbers[name]]),
        )
        for name in in_order(needs)
        if inside[name]
    )


def _goes_by_key(output: Output) -> bool:
    return output.into is not None and output.into.on is not None


def _strand(
    output: Output, outputs: Sequence[Output], numbers: Mapping[str, int], reads: Reads
) -> Strand:
    embed = output.into
    assert embed is not None
    if embed.on is None:
        return Strand(numbers[output.name], embed)
    target = outputs[numbers[embed.into]]
    own = reads[output.task, embed.on.own, False]
    return Strand(numbers[output.name], embed, own, reads[target.task, embed.on.target, False])


def woven(
    weaves: Sequence[Weave], found: list[Nest], outcomes: Sequence[Outcome], names: Sequence[str],
    most_bytes: int,
) -> Misfits:  # fmt: skip
    """Puts results inside others in `found` (the projected results by output); what did not fit.

    Raises:
        TooLarge: an answer would have more than `most_bytes`.
    """
    misfits: Misfits = {}
    by_name = {name: number for number, name in enumerate(names)}
    for weave in weaves:
        target = outcomes[weave.target]
        if not isinstance(target, Done):
            continue
        going = [*_insertions(weave, found, outcomes, names, misfits)]
        goal = found[weave.target]
        refused: tuple[Misfit, ...]
        if weave.keyed and any(strand.embed.inner for strand in weave.strands):
            goal = opened(goal)
        try:
            found[weave.target], refused = embedded(goal, going, most_bytes)
        except Undecodable as error:
            refused = tuple(Misfit(str(error), insertion.name, ()) for insertion in going)
        for misfit in refused:
            misfits.setdefault(by_name[misfit.name], []).append(
                _failure(misfit, names[weave.target])
            )
    return misfits


def _insertions(
    weave: Weave, found: Sequence[Nest], outcomes: Sequence[Outcome], names: Sequence[str],
    misfits: Misfits,
) -> Iterator[Insertion]:  # fmt: skip
    target = outcomes[weave.target]
    assert isinstance(target, Done)
    for strand in weave.strands:
        name, embed = names[strand.source], strand.embed
        came = isinstance(outcomes[strand.source], Done)
        if embed.on is None or not came:
            yield by_position(name, embed.path, found[strand.source] if came else NULL)
            continue
        keys = target.reads[strand.target_key]
        try:
            rows = _rows(found[strand.source], outcomes[strand.source], strand)
        except (NotAnObject, Undecodable) as refused:
            message = f"does not fit into {embed.into}: {refused}"
            path = refused.at if isinstance(refused, NotAnObject) else ()
            failure = Failure(Code.BAD_VALUE, message, path=path)
            misfits.setdefault(strand.source, []).append(failure)
            rows = []
        if rows and rows[0][0] is MISSING:
            misfits.setdefault(strand.source, []).append(_no_row(embed.on))
        yield by_key(name, embed.path, keys, rows, many=embed.many, inner=embed.inner)


def _rows(result: Nest, outcome: Outcome, strand: Strand) -> list[tuple[Any, bytes]]:
    return rows_of(result, outcome.reads[strand.own_key]) if isinstance(outcome, Done) else []


def _no_row(on: KeyPair) -> Failure:
    """The warning that an object, which is one row, has no key: rows are inside it, as a rule."""
    message = f"its result is an object without {'.'.join(on.own)}, so that nothing matches"
    hint = "say where the rows are: rows data.items"
    return Failure(Code.UNKNOWN_NAME, message, hint=hint, warning=True)


def _failure(misfit: Misfit, target: str) -> Failure:
    code = Code.ZIP_LENGTH if isinstance(misfit, Unequal) else Code.BAD_VALUE
    return Failure(code, f"does not fit into {target}: {misfit}", path=misfit.at)
