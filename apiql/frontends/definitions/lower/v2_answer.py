"""What a definition of the second generation answers: the documents that its steps wrote."""

from __future__ import annotations

from typing import Any

from apiql.errors import Code
from apiql.frontends.definitions.lower.lowered import Answered, Ended
from apiql.frontends.definitions.lower.told import problem, to_json
from apiql.frontends.definitions.lower.v2_state import State, Why, Written, status_of
from apiql.gotemplate import Kind
from apiql.gotemplate.printing import text_of
from apiql.gotemplate.values import seen

DENIED = "not allowed, or not there"


def answer(ended: Ended) -> Answered:
    """The answer of what a definition came to."""
    if ended.failure is not None:
        failure = ended.failure
        why = {"code": failure.code, "message": failure.message, "status": failure.status}
        return _error(why)
    state = ended.value
    if not isinstance(state, State):
        return Answered(200, "", b"")
    if state.out:
        first = state.out[0]
        body = b"".join(map(_body, state.out))
        return Answered(_status(first.status), first.media, body, _code_of(state.failure))
    if state.failure is not None:
        return _error(state.failure)
    return Answered(200, "", b"")


def data(moment: Any, state: State) -> Any:
    """What those see who select from a definition: its last document that is JSON."""
    written = (doc.value for doc in reversed(state.out) if doc.media.startswith("application/json"))
    return next(written, None)


def _body(written: Written) -> bytes:
    value = written.value
    if written.media.startswith("application/json"):
        return to_json(value)
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    return text_of(seen(value, Kind.NUMBER)).encode("utf-8", "replace")


def _error(why: Why) -> Answered:
    """A failure that no flow wrote an answer for; of what is denied no more than that."""
    status, code = status_of(why), _code_of(why) or Code.BAD_VALUE
    message = DENIED if status == 403 else str(why["message"])
    return problem(_status(status), code, message)


def _code_of(why: Why | None) -> Code | None:
    if why is None:
        return None
    return Code.FORBIDDEN if status_of(why) == 403 else Code[why.get("code") or Code.BAD_VALUE]


def _status(status: int) -> int:
    """The status of an answer: 0 is what schedules end with that have no job in the row."""
    if status == 0:
        return 200
    return status if 200 <= status <= 599 else 500
