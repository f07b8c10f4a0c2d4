"""A flow of the first generation -> a chain of tasks, one for each step."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from apiql.frontends.definitions.lower.v1_making import (
    Folder,
    api_piece,
    given_lets,
    numbers_of,
    private_of,
    with_origin,
)
from apiql.frontends.definitions.lower.v1_pieces import (
    NOTHING,
    NULL,
    OWN,
    REPLY,
    Chain,
    Piece,
    answered,
    groups,
    hand_on,
    join,
    side_by_side,
    valued,
)
from apiql.frontends.definitions.lower.v1_sources import (
    KINDS,
    STATE,
    Keys,
    html_value,
    json_value,
)
from apiql.frontends.definitions.v1.flow import ApiCall, Flow, Made, Step
from apiql.gotemplate import Kind
from apiql.ir.values import Invoke, Record, Ref, ResultRoot, Value
from apiql.ir.works import Compute


@dataclass(slots=True)
class _Flow:
    """A flow while it is lowered: what is known of the numbers in its results."""

    folder: Folder
    bucket: str
    numbers: dict[str, Kind] = field(default_factory=lambda: dict(KINDS))


def is_html(flow: Flow) -> bool:
    """Whether its answer is a page."""
    keyed = [step for step in flow.steps if step.result_key]
    made = keyed[-1].response if keyed and not _calls(keyed[-1]) else None
    return made is not None and made.type == "html"


def flow_plan(folder: Folder, flow: Flow, bucket: str, state: Value) -> tuple[Chain, str, Kind]:
    """The tasks of a flow that begins with a state, the one whose result is that of the flow (the
    value of the last key), and the kind of the numbers in it.
    """
    work, chain, answer = _Flow(folder, bucket), Chain(state), NULL
    parts = groups([_piece(work, step) for step in flow.steps], flow.concurrent_num)
    numbers, after = Kind.NUMBER, NOTHING
    for at, part in enumerate(parts):
        is_last, keyed = at + 1 == len(parts), [piece.key for piece in part if piece.key]
        numbers = work.numbers[keyed[-1]] if keyed else numbers
        if len(part) > 1:
            group = side_by_side(chain, part, flow.concurrent_num)
            answer = group.last() or answer
            after = tuple(one for one, _ in group.names) if is_last else (join(chain, group),)
        elif is_last and keyed:
            return chain, valued(chain, part[0], lasting=True), numbers
        else:
            after = (hand_on(chain, part[0]),)
            answer = Ref(ResultRoot(after[0]), (keyed[0],)) if keyed else answer
    return chain, answered(chain, answer, after), numbers


def _calls(step: Step) -> bool:
    return step.api is not None and bool(step.api.id)


def _piece(work: _Flow, step: Step) -> Piece:
    name = step.name or step.result_key or (step.api.id if step.api else "")
    if step.api is not None and step.api.id:
        piece = _api(work, name, step.api)
        numbers = numbers_of(work.folder, step.api.id, work.bucket)
    else:
        piece = Piece(name, (), Compute(_made(work, step.response)), REPLY)
        numbers = Kind.FLOAT
    if step.result_key:
        work.numbers[step.result_key] = numbers
    return replace(piece, key=step.result_key, concurrent=step.concurrent)


def _api(work: _Flow, name: str, call: ApiCall) -> Piece:
    folder, bucket = work.folder, work.bucket
    piece = api_piece(folder, name, call.id, bucket, call.private, work.numbers)
    if not call.parameters:
        return piece
    keys = folder.keys(bucket, call.private, private_of(folder, call.id, bucket))
    sight = folder.sight(keys, f"api {call.id}", work.numbers)
    lets, members = given_lets(call.parameters, sight)
    given = Record(tuple(members))
    state = (STATE, Invoke("with origin", with_origin, (OWN, given)))
    return replace(piece, let=(*lets, state, *piece.let), given=given)


def _made(work: _Flow, made: Made | None) -> Value:
    """What a step puts together; of other types nothing."""
    sight = work.folder.sight(Keys(), "", work.numbers)
    if made is None:
        return NULL
    if not made.type and made.data is not None:
        return json_value(made.data, sight)
    if made.source is None:
        return NULL
    if made.type == "json":
        return json_value(made.source.data, sight)
    return html_value(made.source.name, sight) if made.type == "html" else NULL
