"""What the plan of a definition came to -> its answer, as its generation gives it."""

from __future__ import annotations

from dataclasses import replace

from apiql.defined import Defined
from apiql.engine import Engine
from apiql.errors import Failure
from apiql.frontends.definitions.lower.lowered import Ended
from apiql.ir.redaction import Redaction
from apiql.runtime.outcome import MISSING, Done, Failed, LeftOut
from apiql.server.read import Asked
from apiql.server.render import Rendered
from apiql.server.visit import Visit


async def answered_defined(engine: Engine, found: Defined, asked: Asked, visit: Visit) -> Rendered:
    """The answer of a definition.

    Raises:
        QueryRefused: it cannot be carried out with these inputs; nothing was called.
    """
    visit.plan = found.executable.plan
    if visit.kind != found.kind:  # a request below /b/ may be for anything
        visit.was_for(found.kind.value)
    if visit.sight is not None:
        visit.sight.use_defined(found.kind, found.name)
    outcome = await engine.outcome(found.executable, asked.query, visit.events, visit.went_on)
    if isinstance(outcome, Failed):
        visit.codes = (outcome.failure.code,)
    answer = found.lowered.answer(_ended(outcome, engine.redaction))
    if answer.code is not None and not visit.codes:
        visit.codes = (answer.code,)
    headers = [(b"content-type", answer.media.encode("latin-1"))] if answer.media else []
    return Rendered(answer.status, answer.body, headers)


def _ended(outcome: Done | Failed | LeftOut, hide: Redaction) -> Ended:
    match outcome:
        case Done(value=value) if value is not MISSING:
            return Ended(value)
        case Failed(failure):
            return Ended(failure=_told(failure, hide))
        case Done(shaped=(bytes() as body, *_)):
            return Ended(body=body)
        case _:
            return Ended(None)


def _told(failure: Failure, hide: Redaction) -> Failure:
    return replace(failure, message=hide(failure.message)) if hide else failure
