"""`explain analyze` over HTTP: the query is carried out, and where its time went is the answer."""

from __future__ import annotations

from typing import Any

from apiql.engine import Engine
from apiql.errors import Code, RequestRefused
from apiql.ir.plan import Plan
from apiql.runtime.analysis_forms import as_json, as_mermaid, as_text
from apiql.runtime.decode import to_json
from apiql.runtime.step import Executable
from apiql.server.media import Wanted
from apiql.server.read import Asked
from apiql.server.render import ANSWER_HEADER, JSON_HEADER, VARY, Pairs, Rendered
from apiql.settings import Settings


def mind_what_is_told(settings: Settings, plan: Plan) -> None:
    """Lets through what this server tells of plans and of how they went.

    Raises:
        RequestRefused: FORBIDDEN.
    """
    if not settings.answer.plan:
        raise RequestRefused(Code.FORBIDDEN, "this server explains no plans")
    if plan.analyze and not settings.answer.timings:
        message = "this server tells no timings: `explain analyze` wants [answer] timings = true"
        raise RequestRefused(Code.FORBIDDEN, message)


async def analyzed(engine: Engine, executable: Executable, asked: Asked) -> Rendered:
    """The analysis in the form that is wanted, with the errors but without the data."""
    analysis, answer = await engine.analyze(executable, asked.query)
    hide = engine.redaction
    headers: Pairs = [VARY, (b"cache-control", b"no-store")]
    if asked.wanted in (Wanted.TEXT, Wanted.MERMAID):
        print_it = as_text if asked.wanted is Wanted.TEXT else as_mermaid
        headers.append((b"content-type", asked.wanted.value))
        return Rendered(200, hide(print_it(analysis)).encode(), headers)
    found: dict[str, Any] = {"errors": answer.errors} if answer.errors else {}
    told = as_json(analysis) | {"text": as_text(analysis)}
    found["extensions"] = {"analysis": hide.data(told)}
    headers.append(ANSWER_HEADER if asked.wanted is Wanted.ANSWER else JSON_HEADER)
    return Rendered(200, to_json(found), headers)
