"""Definitions of the first generation -> plans, and what is answered of what these come to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from apiql.errors import Code
from apiql.frontends.definitions.kinds import Kind
from apiql.frontends.definitions.lower import told
from apiql.frontends.definitions.lower.lowered import (
    ORIGIN,
    PARAMETERS,
    Answered,
    Ended,
    Ground,
    Lowered,
)
from apiql.frontends.definitions.lower.v1_flow import flow_plan, is_html
from apiql.frontends.definitions.lower.v1_making import (
    Folder,
    api_piece,
    begun,
    bucket_of,
    planned,
)
from apiql.frontends.definitions.lower.v1_pieces import Chain, valued
from apiql.frontends.definitions.lower.v1_schedule import schedule_plan
from apiql.frontends.definitions.lower.v1_sources import KINDS
from apiql.frontends.definitions.v1.api import Api
from apiql.frontends.definitions.v1.flow import Flow
from apiql.frontends.definitions.v1.schedule import Schedule
from apiql.ir.plan import Plan

Answer = Callable[[Ended], Answered]
FAILED = 500
"""The status of all failures in the original."""
NO_TEXT = "%!s(<nil>)"
"""What the original answers in place of a page that came to nothing."""


def lower_v1(kind: Kind, name: str, ground: Ground) -> Lowered:
    """A definition as a plan. To lower several, `lowering_v1` shares what they call."""
    return lowering_v1(ground)(kind, name)


def lowering_v1(ground: Ground) -> Callable[[Kind, str], Lowered]:
    """Lowers definitions of a ground; plans that several call are made once.

    Raises (what it gives):
        LookupError: there is no such definition of the first generation.
    """
    folder = Folder.of(ground)
    return lambda kind, name: _lowered(folder, kind, name)


def _lowered(folder: Folder, kind: Kind, name: str) -> Lowered:
    answer: Answer
    document = folder.ground.definitions.documents[kind].get(name)
    match None if document is None else document.model:
        case Api():
            plan, answer = _api(folder, name), _answer_of_api
        case Flow() as flow:
            chain, outcome, _ = flow_plan(folder, flow, bucket_of(name), begun())
            plan = planned(chain, outcome, PARAMETERS)
            answer = _page(folder.ground.strict) if is_html(flow) else _answer
        case Schedule() as schedule:
            chain, outcome = schedule_plan(folder, schedule, bucket_of(name), begun())
            plan, answer = planned(chain, outcome, PARAMETERS), _answer
        case _:
            raise LookupError(f"{kind} {name}")
    data = replace(plan, gathered=ORIGIN)
    return Lowered(kind, name, plan, answer, data, any_body=True)


def _api(folder: Folder, name: str) -> Plan:
    """One task."""
    chain, own = Chain(begun()), name.rpartition("/")[2]
    piece = api_piece(folder, own, own, bucket_of(name), "", KINDS)
    return planned(chain, valued(chain, piece, lasting=False), PARAMETERS)


def _answer(ended: Ended) -> Answered:
    """JSON; for all that failed 500."""
    if ended.failure is not None:
        return told.failed(FAILED, ended.failure)
    body = told.to_json(ended.value) if ended.body is None else ended.body
    return Answered(200, told.JSON, body)


def _answer_of_api(ended: Ended) -> Answered:
    """The same; an answer of null is none."""
    if ended.failure is None and ended.value is None and _is_null(ended.body):
        return told.problem(FAILED, Code.BAD_PAYLOAD, "the upstream answered null")
    return _answer(ended)


def _is_null(body: bytes | None) -> bool:
    return body is None or (len(body) < 16 and body.strip() == b"null")


def _page(strict: bool) -> Answer:
    def answer(ended: Ended) -> Answered:
        if ended.failure is not None:
            return told.failed(FAILED, ended.failure)
        found: Any = ended.value
        if isinstance(found, str):
            return Answered(200, told.HTML, found.encode("utf-8", "replace"))
        if strict:
            return Answered(200, told.HTML, NO_TEXT.encode())
        return told.problem(FAILED, Code.BAD_VALUE, "the page came to nothing")

    return answer
