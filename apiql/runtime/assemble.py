"""Outcomes --assemble--> answer: the data as JSON bytes, the errors, the HTTP status."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from apiql.errors import Code, Failure, ValueRefused
from apiql.ir.plan import Output
from apiql.ir.policy import StatusRule, Tolerance
from apiql.runtime.cells import filled
from apiql.runtime.decode import to_json
from apiql.runtime.entries import Details, entry_of, entry_of_answer
from apiql.runtime.insertion import TooLarge, whole
from apiql.runtime.json_values import encode
from apiql.runtime.lifetimes import cache_control_of
from apiql.runtime.outcome import Done, Failed, LeftOut, Nest, Outcome, Several, Skipped
from apiql.runtime.returned import JsonMembers
from apiql.runtime.run import Run
from apiql.runtime.scope import Scope
from apiql.runtime.statuses import gateway_status, if_well, retry_after, status_of
from apiql.runtime.step import Executable
from apiql.runtime.weave import woven

NULL = b"null"
PARTIAL = 294
"""Some data, some errors (the status proposed for partial answers of GraphQL over HTTP)."""

ANSWER_TOO_DEEP = Failure(Code.BAD_VALUE, "the answer is nested too deeply")


class Answer(Struct, frozen=True):
    """`data` is JSON (None: the answer has none), `errors` are members of its list.

    `status` is that of `application/apiql-response+json`; `complete` is False for partial data.
    `cache_control` says how long it may be used again, None where nobody says anything;
    `retry_after` in how many seconds it is worth to ask again, where nothing could be had.
    """

    status: int
    data: bytes | None
    errors: tuple[dict[str, Any], ...] = ()
    complete: bool = True
    cache_control: str | None = None
    retry_after: int | None = None


class Part(Struct):
    """An output and what became of it: its JSON, and what is told beside it. `lost`: nothing of
    it succeeded.
    """

    output: Output
    tolerance: Tolerance
    found: Nest
    outcome: Outcome
    failures: list[Failure]
    lost: bool

    def is_grave(self, failure: Failure) -> bool:
        """Whether a failure spoils the answer."""
        return self.tolerance is not Tolerance.OPTIONAL and not failure.warning

    @property
    def grave(self) -> list[Failure]:
        """The failures that spoil the answer."""
        return [failure for failure in self.failures if self.is_grave(failure)]

    def takes_all(self, strict: bool) -> bool:
        """Whether the whole answer is null because of it; `strict`: any failure makes it so."""
        grave = self.grave
        whole = strict or self.tolerance is Tolerance.REQUIRED
        return bool(grave) and (whole or any(failure.fatal for failure in grave))


class Gathered(Struct):
    """The outcome of a whole plan: `data` None where the answer has none. `failure` concerns no
    part alone.
    """

    status: int
    data: bytes | None
    parts: Sequence[Part] = ()
    complete: bool = True
    failure: Failure | None = None


def assemble(executable: Executable, run: Run, details: Details, most_bytes: int) -> Answer:
    """The answer of a run."""
    told = {} if run.sought is None else run.sought.told()
    well = None if told else _all_well(executable, run.scope, most_bytes)
    if well is not None:
        return Answer(200, well, cache_control=cache_control_of(executable, run))
    gathered = _in_part(executable, run.scope, most_bytes)
    for number in told if gathered.parts else ():
        gathered.parts[number].failures += told[number]
    errors = [entry_of(part.output, failure, part.tolerance, details)
              for part in gathered.parts for failure in part.failures]  # fmt: skip
    if gathered.failure is not None:
        errors.insert(0, entry_of_answer(gathered.failure))
    control = "no-store" if errors else cache_control_of(executable, run)
    return Answer(
        gathered.status, gathered.data, tuple(errors), gathered.complete, control,
        retry_after(_all_grave(gathered.parts)) if gathered.status == 503 else None,
    )  # fmt: skip


def gather(executable: Executable, scope: Scope, most_bytes: int) -> Gathered:
    """The data of a run and what is told beside it."""
    well = _all_well(executable, scope, most_bytes)
    return Gathered(200, well) if well is not None else _in_part(executable, scope, most_bytes)


def _all_well(executable: Executable, scope: Scope, most_bytes: int) -> bytes | None:
    """The data if there is nothing to tell beside it (most answers), else None."""
    if executable.skeleton is None:
        return None
    members: list[bytes] = []
    outcomes = scope.outcomes
    for name, number in executable.places:
        outcome = outcomes[name]
        if not isinstance(outcome, Done) or outcome.failures:
            return None
        found = outcome.shaped[number]
        if type(found) is not bytes:
            return None
        members.append(found)
    parts = [members[p] if isinstance(p, int) else p for p in executable.skeleton]
    data = b"".join(parts)
    return data if len(data) <= most_bytes else None


def _in_part(executable: Executable, scope: Scope, most_bytes: int) -> Gathered:
    parts = [*_parts(executable, scope)]
    data, failure = _data_or_why_not(executable, parts, scope, most_bytes)
    return verdict(executable, parts, data, failure)


def verdict(
    executable: Executable, parts: Sequence[Part], data: bytes, failure: Failure | None
) -> Gathered:
    """What becomes of an answer with this data: its status, and whether the data may stand."""
    strict = executable.plan.settings.all_or_nothing
    grave = [part for part in parts if part.grave]
    if any(part.takes_all(strict) for part in grave):
        return Gathered(_status(executable, parts, grave, True), NULL, parts, False)
    if failure is not None:
        return Gathered(502, NULL, parts, False, failure)
    shown = executable.plan.returned is not None or any(p.output.is_member for p in parts)
    status = _status(executable, parts, grave, False)
    if not shown and not any(part.failures for part in parts):
        return Gathered(204, None)
    return Gathered(status, data, parts, not grave)


def _parts(executable: Executable, scope: Scope) -> Iterable[Part]:
    tolerances = tolerances_of(executable)
    for output, (name, number) in zip(executable.plan.outputs, executable.places, strict=True):
        yield part_of(output, tolerances[name], scope.outcomes[name], number)


def tolerances_of(executable: Executable) -> Mapping[str, Tolerance]:
    """What the failure of each step means for the answer."""
    return {step.name: step.policy.tolerance for step in executable.steps}


def part_of(output: Output, tolerance: Tolerance, outcome: Outcome, number: int) -> Part:
    """What became of one output; `number` is its own among those of its task."""
    found, failures = _found(outcome, number)
    lost = isinstance(outcome, Failed | Skipped) or (found == NULL and bool(failures))
    return Part(output, tolerance, found, outcome, failures, lost)


def _found(outcome: Outcome, number: int) -> tuple[Nest, list[Failure]]:
    """The projected result (its levels, of a fan-out) and the failures to tell of."""
    match outcome:
        case Several():
            return _levels(outcome, number), [*outcome.failures]
        case Done(shaped=shaped, failures=failures):
            found = shaped[number]
            if isinstance(found, Failure):
                return NULL, [*failures, found]
            return found, [*failures]
        case Failed(several=Several() as several):
            return _levels(several, number), [*several.failures]
        case Failed(failure) | Skipped(failure):
            return NULL, [failure]
        case LeftOut():
            return NULL, []
    raise TypeError(outcome)


def _levels(several: Several, number: int) -> Nest:
    return filled(several.nest, several.pieces[number], lambda gap: NULL)


def _data_or_why_not(
    executable: Executable, parts: Sequence[Part], scope: Scope, most_bytes: int
) -> tuple[bytes, Failure | None]:
    try:
        data = _data(executable, parts, scope, most_bytes)
        if len(data) <= most_bytes:
            return data, None
    except TooLarge:
        pass
    except RecursionError:
        return NULL, ANSWER_TOO_DEEP
    except ValueRefused as refused:
        message = f"`return` cannot be made: {refused.message}"
        return NULL, Failure(Code.BAD_VALUE, message, hint=refused.hint)
    return NULL, too_large(most_bytes)


def too_large(most_bytes: int) -> Failure:
    """Why an answer has no data: it would have more than `most_bytes`."""
    hint = "select fewer fields, or raise [limits] answer_bytes"
    message = f"the answer goes over the limit answer_bytes = {most_bytes}"
    return Failure(Code.LIMIT_EXCEEDED, message, hint=hint)


def _data(executable: Executable, parts: Sequence[Part], scope: Scope, most_bytes: int) -> bytes:
    """The JSON of `data`; what does not fit into another result is told with its part.

    Raises:
        TooLarge: it would have more than `most_bytes`.
    """
    found = [part.found for part in parts]
    names = [part.output.name for part in parts]
    outcomes = [part.outcome for part in parts]
    for number, misfits in woven(executable.weaves, found, outcomes, names, most_bytes).items():
        parts[number].failures += misfits
    if executable.returned is None:
        shown = [
            (p.output.name, f) for p, f in zip(parts, found, strict=True) if p.output.is_member
        ]
        pieces = [to_json(name) + b":" + whole(nest, most_bytes) for name, nest in shown]
        return b"{" + b",".join(pieces) + b"}"
    members = {name: whole(nest, most_bytes) for name, nest in zip(names, found, strict=True)}
    scope.members = JsonMembers(members)
    return encode(executable.returned(scope))


# -- the status ---------------------------------------------------------------------------------


def _status(
    executable: Executable, parts: Sequence[Part], grave: Sequence[Part], refused: bool
) -> int:
    if executable.plan.settings.status is StatusRule.MAX:
        return max((_own_status(part) for part in parts
                    if part.tolerance is not Tolerance.OPTIONAL), default=200)  # fmt: skip
    if not grave:
        return 200
    returned = executable.plan.returned is not None
    outputs = [part for part in parts if part.tolerance is not Tolerance.OPTIONAL
               and (returned or not part.output.hidden)]  # fmt: skip
    if not refused and any(not part.lost for part in outputs):
        return PARTIAL
    if not refused and not outputs:
        return PARTIAL
    mirrored = _mirrored(executable, grave)
    return mirrored or gateway_status(_all_grave(grave))


def _mirrored(executable: Executable, grave: Sequence[Part]) -> int | None:
    """A query of one call answers with the upstream's own 4xx (but 407: that is our proxy's)."""
    outcome = grave[0].outcome
    if len(executable.steps) != 1 or not isinstance(outcome, Failed) or outcome.several:
        return None
    failure = outcome.failure
    status = failure.status
    if failure.code is not Code.UPSTREAM_STATUS or status is None or status == 407:
        return None
    return status if 400 <= status < 500 else None


def _all_grave(parts: Iterable[Part]) -> list[Failure]:
    return [failure for part in parts for failure in part.grave]


def _own_status(part: Part) -> int:
    """Under `use status max`: the upstream's own, 408 timeout, 400 skipped, 502 else."""
    own = 200
    if isinstance(part.outcome, Several):
        own = max((if_well(status) for status, _ in part.outcome.replies), default=200)
    elif isinstance(part.outcome, Done):
        own = if_well(part.outcome.status)
    return max([own, *map(status_of, part.grave)]) if part.grave else own
