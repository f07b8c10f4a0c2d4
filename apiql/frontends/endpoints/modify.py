"""Modifiers -> the functions that carry them out around a call, in their order; made at load.

before(changes, exchange, past)   header, param, query, body of the phase REQUEST
after(changes, exchange, past)    status, then header, param, query, body of the phase RESPONSE
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from apiql.frontends.endpoints.dynamic import Dynamic, Reads, Values, dynamic_of, evaluated
from apiql.frontends.endpoints.message import Message
from apiql.frontends.endpoints.modifier import Modifier, Side, Target
from apiql.frontends.endpoints.modify_body import with_change
from apiql.frontends.endpoints.modify_fields import with_header, with_param, with_query

Answer: TypeAlias = Callable[[tuple[Message, ...]], Message | None]
"""The endpoint's answer, of the answers of the calls so far."""


class Exchange(Struct, frozen=True):
    """One call. `request` is its own, `onward` the endpoint's, that later calls begin with."""

    request: Message
    onward: Message
    response: Message | None = None


class Past(Struct, frozen=True):
    """The calls before this one, in their order, and what makes the endpoint's answer of them."""

    requests: tuple[Message, ...] = ()
    responses: tuple[Message, ...] = ()
    answer: Answer = lambda responses: responses[-1] if responses else None


Step: TypeAlias = Callable[[Exchange, Past], Exchange]


@dataclass(frozen=True, slots=True)
class Changes:
    """What is done before a call and behind it, and all that it reads."""

    before: tuple[Step, ...] = ()
    after: tuple[Step, ...] = ()
    reads: frozenset[Reads] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.before or self.after)


NO_VALUE = dynamic_of("")


def changes_of(modifiers: Iterable[Modifier], status: int = 0) -> Changes:
    """The changes in the order in which they are made; a status of 0 leaves the answer's."""
    ordered = sorted(modifiers, key=lambda modifier: list(Target).index(modifier.target))
    status_step = (_status(status),) if status else ()
    return Changes(
        tuple(_step(m, Side.REQUEST) for m in ordered if m.context in (None, Side.REQUEST)),
        status_step
        + tuple(_step(m, Side.RESPONSE) for m in ordered if m.context in (None, Side.RESPONSE)),
        frozenset(t.reads for m in ordered if m.value is not None for t in m.value.tokens),
    )


def before(changes: Changes, exchange: Exchange, past: Past) -> Exchange:
    """The exchange as it is called."""
    for step in changes.before:
        exchange = step(exchange, past)
    return exchange


def after(changes: Changes, exchange: Exchange, past: Past) -> Exchange:
    """The exchange as it is answered; its response must be there."""
    for step in changes.after:
        exchange = step(exchange, past)
    return exchange


def _status(status: int) -> Step:
    def run(exchange: Exchange, past: Past) -> Exchange:
        response = exchange.response
        return exchange if response is None else replace(
            exchange, response=replace(response, status=status)
        )  # fmt: skip

    return run


def _step(modifier: Modifier, phase: Side) -> Step:
    change = _change(modifier)
    value = modifier.value or NO_VALUE
    constant = value.text if value.is_constant else None
    side, propagates = modifier.side(phase), modifier.propagate

    def run(exchange: Exchange, past: Past) -> Exchange:
        text = _evaluated(value, exchange, past) if constant is None else constant
        if side is Side.RESPONSE:
            response = exchange.response
            return exchange if response is None else replace(
                exchange, response=change(response, text)
            )  # fmt: skip
        onward = change(exchange.onward, text) if propagates else exchange.onward
        return replace(exchange, request=change(exchange.request, text), onward=onward)

    return run


def _evaluated(value: Dynamic, exchange: Exchange, past: Past) -> str:
    response = exchange.response
    responses = past.responses if response is None else (*past.responses, response)
    requests = (*past.requests, exchange.request)
    return evaluated(value, Values(exchange.onward, requests, responses, past.answer))


def _change(modifier: Modifier) -> Callable[[Message, str], Message]:
    action, key = modifier.action, modifier.key
    match modifier.target:
        case Target.HEADER:
            return lambda message, text: with_header(message, action, key, text)
        case Target.QUERY:
            return lambda message, text: with_query(message, action, key, text)
        case Target.PARAM:
            return lambda message, text: with_param(message, action, key, text)
        case Target.BODY:
            return lambda message, text: replace(
                message, body=with_change(message.body, modifier, text)
            )
