"""What tasks of definitions do beside calls: choose, repeat, begin aside, compute, act."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Protocol

from apiql.errors import CallFailed, Code, Failure, ValueRefused
from apiql.ir.values import Value
from apiql.ir.works import MOST_ROUNDS, Act, Aside, Choose, Compute, Loop, Nested, Work
from apiql.runtime.json_values import plain_text
from apiql.runtime.outcome import MISSING, Done, Failed, LeftOut, Outcome, Skipped
from apiql.runtime.run import Run
from apiql.runtime.scope import Evaluate
from apiql.runtime.stated import Does, Found, Locals, failure_of, seeing
from apiql.runtime.step import NestedCall, Step
from apiql.runtime.workers import in_turn

Compile = Callable[[Value], Evaluate]
MUCH = 10**20
"""A number of rounds that is too large in any case."""
TURN = 0.005
"""Seconds that the rounds of a loop may take before others have their turn."""


class CompileNested(Protocol):
    """Compiles a plan within a plan."""

    def __call__(self, work: Nested) -> NestedCall: ...


def compile_doing(work: Work, compiled: Compile, nested: CompileNested) -> Does:
    """How a work that is no call is carried out."""
    match work:
        case Compute(value):
            return _computing(compiled(value))
        case Nested():
            return _nesting(nested(work))
        case Choose(key, cases, default):
            by_text = {text: nested(each) for text, each in reversed(cases)}
            return _choosing(compiled(key), by_text, None if default is None else nested(default))
        case Loop(count, start, each):
            return _looping(work, compiled(count), compiled(start), nested(each))
        case Aside(each):
            return _beginning(nested(each))
        case Act(name, arguments):
            made = tuple((argument, compiled(value)) for argument, value in arguments)
            return _acting(name, made)
        case _:
            raise TypeError(work)


def _computing(value: Evaluate) -> Does:
    async def compute(step: Step, run: Run, seen: Locals) -> Found | Failed:
        try:
            return Found(value(seeing(run.scope, seen)))
        except ValueRefused as refused:
            return Failed(failure_of(refused))

    return compute


async def _inner(
    call: NestedCall, step: Step, run: Run, seen: Locals, number: int = 0,
    more: Mapping[str, Any] | None = None,
) -> Found | Failed:  # fmt: skip
    """What a plan within the plan comes to."""
    assert run.nest is not None
    seeing(run.scope, seen)
    return _taken(await run.nest(step, call, (number,), run, more))


def _taken(outcome: Outcome) -> Found | Failed:
    match outcome:
        case Done(status, headers):
            if outcome.value is not MISSING:
                return Found(outcome.value, b"", status, headers)
            body = outcome.shaped[0] if outcome.shaped else b"null"
            if isinstance(body, Failure):
                return Failed(body)
            return Found(body=body, status=status, headers=headers)
        case Failed():
            return outcome
        case Skipped(failure):
            return Failed(failure)
        case LeftOut():
            return Found(None)


def _nesting(call: NestedCall) -> Does:
    async def nest(step: Step, run: Run, seen: Locals) -> Found | Failed:
        return await _inner(call, step, run, seen)

    return nest


def _choosing(key: Evaluate, cases: Mapping[str, NestedCall], default: NestedCall | None) -> Does:
    async def choose(step: Step, run: Run, seen: Locals) -> Found | Failed:
        try:
            found = key(seeing(run.scope, seen))
        except ValueRefused as refused:
            return Failed(failure_of(refused))
        text = "" if found is MISSING or found is None else plain_text(found)
        call = cases.get(text, default)
        if call is None:
            return Failed(Failure(Code.BAD_VALUE, f'no case of the switch is "{text[:80]}"'))
        return await _inner(call, step, run, seen)

    return choose


def _looping(work: Loop, count: Evaluate, start: Evaluate, call: NestedCall) -> Does:
    async def loop(step: Step, run: Run, seen: Locals) -> Found | Failed:
        try:
            scope = seeing(run.scope, seen)
            rounds, carried = _rounds(count(scope), run), start(scope)
        except (ValueRefused, CallFailed) as refused:
            return Failed(failure_of(refused))
        if work.width > 1:
            return await _side_by_side(work, call, rounds, carried, step, run, seen)
        return await _in_a_row(work, call, rounds, carried, step, run, seen)

    return loop


def _rounds(found: Any, run: Run) -> int:
    """How many rounds there are.

    Raises:
        CallFailed: more than a list may have elements.
    """
    match found:
        case bool():
            return 0
        case int() | Decimal() | float():
            number = int(max(0, min(found, MUCH)))
        case str() if found.strip().isascii() and found.strip().isdigit():
            number = int(found) if len(found) < 20 else MUCH
        case _:
            return 0
    most = max(run.fan_limits.distinct, MOST_ROUNDS)
    if number > most:
        message = f"a loop of {number} rounds goes over the limit of {most}"
        raise CallFailed(Code.FANOUT_LIMIT, message, "ask for less, or raise [limits] fanout")
    return number


async def _refused_turn(run: Run) -> Failed | None:
    """Counts a round, which may call nobody: others have their turn now and then. Why there is no
    round, if there is none.
    """
    now = run.clock()
    if now >= run.deadline:
        return Failed(Failure(Code.QUERY_TIMEOUT, "its rounds were not done in the query's time"))
    try:
        run.budget.spend_round()
    except CallFailed as refused:
        return Failed(failure_of(refused))
    if not run.budget.turned:
        run.budget.turned = now
    elif now - run.budget.turned > TURN:
        await asyncio.sleep(0)
        run.budget.turned = run.clock()
    return None


async def _in_a_row(
    work: Loop, call: NestedCall, rounds: int, carried: Any, step: Step, run: Run, seen: Locals
) -> Found | Failed:
    values = []
    for number in range(rounds):
        refused = await _refused_turn(run)
        if refused is not None:
            return refused
        found = await _inner(call, step, run, seen, number, {work.carry: carried})
        if isinstance(found, Failed):
            return found
        carried, value = found.value
        values.append(value)
    return Found([carried, values])


async def _side_by_side(
    work: Loop, call: NestedCall, rounds: int, start: Any, step: Step, run: Run, seen: Locals
) -> Found | Failed:
    async def one(number: int) -> Found | Failed:
        refused = await _refused_turn(run)
        return refused or await _inner(call, step, run, seen, number, {work.carry: start})

    made = await in_turn(range(rounds), work.width, one)
    for found in made:
        if isinstance(found, Failed):
            return found
    return Found([start, [found.value[1] for found in made if isinstance(found, Found)]])


def _beginning(call: NestedCall) -> Does:
    async def begin(step: Step, run: Run, seen: Locals) -> Found | Failed:
        if run.aside is None:
            return Failed(Failure(Code.INTERNAL, "nothing can be begun aside here"))
        run.aside(step, call, seen, run)
        return Found(None)

    return begin


def _acting(name: str, arguments: tuple[tuple[str, Evaluate], ...]) -> Does:
    async def act(step: Step, run: Run, seen: Locals) -> Found | Failed:
        found = None if run.acts is None else run.acts.get(name)
        if found is None:
            return Failed(Failure(Code.INTERNAL, f"the engine cannot do {name} here"))
        try:
            scope = seeing(run.scope, seen)
            doing = found({argument: value(scope) for argument, value in arguments})
            async with asyncio.timeout_at(run.deadline):
                return Found(await doing)
        except (ValueRefused, CallFailed) as refused:
            return Failed(failure_of(refused))
        except TimeoutError:
            return Failed(Failure(Code.QUERY_TIMEOUT, f"{name} was not done in the query's time"))

    return act
