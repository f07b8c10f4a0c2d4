"""A schedule of the first generation -> tasks: calls of apis and flows, switches and loops, whose
jobs are plans of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from apiql.errors import ValueRefused
from apiql.frontends.definitions import kinds
from apiql.frontends.definitions.lower.v1_flow import flow_plan
from apiql.frontends.definitions.lower.v1_making import (
    INDEX,
    INNER,
    Folder,
    Inner,
    api_piece,
    given_lets,
    instead_of_origin,
    lost_piece,
    nested,
    numbers_of,
    planned,
    private_of,
)
from apiql.frontends.definitions.lower.v1_pieces import (
    NOTHING,
    NULL,
    OWN,
    REPLY,
    Chain,
    Piece,
    answered,
    carried,
    groups,
    hand_on,
    join,
    side_by_side,
    valued,
)
from apiql.frontends.definitions.lower.v1_sources import KINDS, PANIC, STATE, panic, source_value
from apiql.frontends.definitions.v1.flow import Flow
from apiql.frontends.definitions.v1.schedule import Case, Job, Schedule
from apiql.gotemplate import Kind
from apiql.ir.plan import Plan
from apiql.ir.values import (
    ElementRoot,
    Invoke,
    LocalRoot,
    ParamRoot,
    Record,
    Ref,
    ReplyRoot,
    ResultRoot,
    Value,
)
from apiql.ir.works import Choose, Compute, Loop, Nested

KEY = Ref(LocalRoot("key"))
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


@dataclass(slots=True)
class _Jobs:
    """Jobs while they are lowered: whose they are, what is known of the numbers in results."""

    folder: Folder
    bucket: str
    numbers: dict[str, Kind] = field(default_factory=lambda: dict(KINDS))


def schedule_plan(
    folder: Folder, schedule: Schedule, bucket: str, state: Value
) -> tuple[Chain, str]:
    """The tasks of a schedule, and the one whose result is its own: that of the last job."""
    work, chain, answer = _Jobs(folder, bucket), Chain(state), NULL
    width, after = schedule.concurrent_num, NOTHING
    parts = groups([_piece(work, job) for job in schedule.tasks], width)
    for at, part in enumerate(parts):
        is_last = at + 1 == len(parts)
        if _beside(part, width):
            group = side_by_side(chain, part, width)
            answer = group.last() or answer
            after = tuple(one for one, _ in group.names) if is_last else (join(chain, group),)
        elif is_last:
            return chain, valued(chain, part[0], lasting=False)
        else:
            key, after = part[0].key, (hand_on(chain, part[0]),)
            answer = Ref(ResultRoot(after[0]), (key,)) if key else NULL
    return chain, answered(chain, answer, after)


def _beside(part: Sequence[Piece], width: int) -> bool:
    return width > 1 and part[0].concurrent


def _piece(work: _Jobs, job: Job) -> Piece:
    if job.type == "control":
        piece = _switch(work, job) if job.name == "switch" else _loop(work, job)
    elif job.type == "flow":
        piece = _flow(work, job)
    else:
        piece = _api(work, job)
    return replace(piece, key=job.result_key, concurrent=job.concurrent)


def _note(work: _Jobs, job: Job, numbers: Kind) -> None:
    if job.result_key:
        work.numbers[job.result_key] = numbers


def _api(work: _Jobs, job: Job) -> Piece:
    """It runs on a copy of the state: of that nothing comes back."""
    folder, bucket = work.folder, work.bucket
    piece = api_piece(folder, job.name, job.name, bucket, job.private, work.numbers)
    let = _origin(work, job, f"api {job.name}", private_of(folder, job.name, bucket))
    _note(work, job, numbers_of(folder, job.name, bucket))
    begun = (("outer", OWN),) if let else ()
    return replace(
        piece, let=(*begun, *let, *piece.let), after=Ref(LocalRoot("outer")) if let else OWN,
        before=Ref(LocalRoot("outer")) if let else OWN, added=None,
    )  # fmt: skip


def _origin(work: _Jobs, job: Job, home: str, private: str = "") -> tuple[tuple[str, Value], ...]:
    """The local values that put parameters in the place of the origin; none without them."""
    if not job.parameters:
        return ()
    keys = work.folder.keys(work.bucket, job.private, private)
    lets, members = given_lets(job.parameters, work.folder.sight(keys, home, work.numbers))
    origin = Invoke("with origin", instead_of_origin, (OWN, Record(tuple(members))))
    return (*lets, (STATE, origin))


def _flow(work: _Jobs, job: Job) -> Piece:
    inner = inner_flow(work.folder, job.name, work.bucket)
    if inner is None:
        return lost_piece(job.name, work.folder.lost(kinds.Kind.FLOW, job.name, work.bucket))
    _note(work, job, inner.numbers)
    let = _origin(work, job, "")
    begun = (("outer", OWN),) if let else ()
    outer = Ref(LocalRoot("outer")) if let else OWN
    call = nested(f"flow.{job.name}", inner.plan)
    return Piece(job.name, (*begun, *let), call, REPLY, after=outer, before=outer, falls=True)


def inner_flow(folder: Folder, name: str, bucket: str) -> Inner | None:
    """The plan of a flow that begins with a whole state; made once."""
    key = f"{bucket}/{name}"
    if key not in folder.inner:
        flow = folder.model(kinds.Kind.FLOW, name, bucket, Flow)
        if flow is None:
            return None
        chain, outcome, numbers = flow_plan(folder, flow, bucket, Ref(ParamRoot(STATE)))
        folder.inner[key] = Inner(planned(chain, outcome, INNER), numbers)
    return folder.inner[key]


def _key(work: _Jobs, job: Job) -> tuple[str, Value]:
    """The text that a control goes by; without one the plan ends."""
    if job.key is None:
        return "key", panic(f"the {job.name} has no key")
    keys = work.folder.keys(work.bucket, job.private)
    value = source_value(job.key, work.folder.sight(keys, "", work.numbers))
    if any(case.default for case in job.cases):
        return "key", value
    return "key", Invoke("some", _some, (value,))


def _some(_: object, text: str) -> str:
    if not text:
        hint = "look at what its template reads"
        raise ValueRefused("the key of a control came to nothing", hint, status=PANIC)
    return text


def _switch(work: _Jobs, job: Job) -> Piece:
    """Its jobs go on with its state, and what they put into it stays."""
    usual = [case for case in job.cases if not case.default]
    cases = tuple((case.value, _case(work, job, case)) for case in usual)
    others = [_case(work, job, case) for case in job.cases if case.default]
    choose = Choose(KEY, cases, others[0] if others else None)
    _note(work, job, Kind.NUMBER)
    state, value, failed = (Ref(ReplyRoot(), (place,)) for place in range(3))
    return Piece(
        job.result_key or "switch", (_key(work, job),), choose, value, after=state, falls=True,
        failed=failed,
    )  # fmt: skip


def _case(work: _Jobs, job: Job, case: Case) -> Nested:
    plan = _jobs_plan(work, case.tasks, job.concurrent_num, Ref(ParamRoot(STATE)))
    return nested(f"case {case.value}" if not case.default else "default", plan)


def _loop(work: _Jobs, job: Job) -> Piece:
    """Rounds in a row hand on their state, and what they put into it stays; side by side each has
    a copy, and its jobs follow each other.
    """
    width = max(job.concurrent_loop_num, 1)
    inner_width = 0 if width > 1 else job.concurrent_num
    names = {name for name in (job.name, job.result_key) if name}
    _note(work, job, Kind.NUMBER)
    state = Invoke("round", _in_round(names), (Ref(ParamRoot(STATE)), Ref(ParamRoot(INDEX))))
    plan = _jobs_plan(work, job.tasks, inner_width, state, rounds=True)
    each = Nested("round", plan, (*_round_arguments(plan), (INDEX, Ref(ElementRoot(0)))))
    loop = Loop(KEY, OWN, each, STATE, width)
    name, text = _key(work, job)
    return Piece(
        job.result_key or "loop", ((name, Invoke("count", _count, (text,))),), loop,
        Ref(ReplyRoot(), (1,)), after=Ref(ReplyRoot(), (0,)), falls=True,
    )  # fmt: skip


def _round_arguments(plan: Plan) -> tuple[tuple[str, Value], ...]:
    """What every plan within gets but its state, which the loop carries."""
    return nested("", plan).arguments[1:]


def _count(_: object, text: str) -> int:
    """As strconv.Atoi; what is no number is no round."""
    return int(text) if _INTEGER.fullmatch(text) else 0


def _in_round(names: Iterable[str]) -> Any:
    def in_round(_: object, state: dict[str, Any], index: int) -> dict[str, Any]:
        return {**state, "loop": {**state.get("loop", {}), **dict.fromkeys(names, index)}}

    return in_round


def _jobs_plan(
    work: _Jobs, jobs: Sequence[Job], width: int, state: Value, *, rounds: bool = False
) -> Plan:
    """Jobs inside a control: their outcome is `[state, value, whether the last failed]`; that of
    rounds is `[state, value]`.
    """
    chain = Chain(state)
    parts = groups([_piece(work, job) for job in jobs], width)
    answer: Value = NULL
    for at, part in enumerate(parts):
        if _beside(part, width):
            group = side_by_side(chain, part, width)
            join(chain, group)
            answer = group.last() or NULL
        elif at + 1 == len(parts):
            return planned(chain, carried(chain, part[0], rounds=rounds), INNER)
        else:
            hand_on(chain, part[0])
    last = Piece("answer", (), Compute(answer), REPLY)
    return planned(chain, carried(chain, last, rounds=rounds), INNER)
