"""Pieces of flows and schedules -> tasks: each hands its state on; those that stand beside each
other all begin with the same state, and their results are put into it when all have ended.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from apiql.errors import Code, ValueRefused
from apiql.frontends.definitions.lower.v1_sources import PANIC, STATE
from apiql.ir.plan import Lane, Making, Task
from apiql.ir.values import (
    FailureRoot,
    Invoke,
    Literal,
    LocalRoot,
    Ref,
    ReplyRoot,
    ResultRoot,
    Value,
)
from apiql.ir.works import Compute, Work

OWN = Ref(LocalRoot(STATE))
NULL: Value = Literal(None)
NOTHING: tuple[str, ...] = ()
NOT_FAILED: Value = Literal(False)
FAILURE = Ref(FailureRoot())
REPLY = Ref(ReplyRoot())


@dataclass(frozen=True, slots=True)
class Piece:
    """One step. Its local value `state` is what it begins with; `after` is the state behind it,
    without its own result, `before` the one that stays where its work failed. `given` are members
    that it has put into the origin for all after it. `falls`: its work may be a plan that a
    mistake ended. `failed`: whether what it did came to nothing, though its work did not.
    """

    name: str
    let: tuple[tuple[str, Value], ...]
    work: Work
    value: Value
    key: str = ""
    after: Value = OWN
    before: Value = OWN
    given: Value = NULL
    concurrent: bool = False
    falls: bool = False
    failed: Value = NOT_FAILED
    added: Callable[[str], Callable[..., Any]] | None = None
    """Gives, for a key, what makes the state behind it of `state`, reply and value, where that is
    less work than by `after`.
    """


@dataclass(slots=True)
class Chain:
    """Tasks while they are made. `state` is what the next one begins with."""

    state: Value
    tasks: list[Task] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def named(self, name: str) -> str:
        """A name that no task has."""
        found, number = name or "step", 2
        while found in self.names:
            found, number = f"{name or 'step'} {number}", number + 1
        self.names.add(found)
        return found

    def begin(self) -> tuple[tuple[str, Value], ...]:
        """The local value that every task begins with."""
        return ((STATE, self.state),)

    def add(self, name: str, let: Any, work: Work, made: Making, after: Iterable[str] = ()) -> str:
        """One more task; its name."""
        own = self.named(name)
        making = Making((*self.begin(), *let), made.result, made.instead, made.lane)
        self.tasks.append(Task(own, work, after=frozenset(after), made=making))
        return own


@dataclass(frozen=True, slots=True)
class Grouped:
    """Tasks beside each other: the name of each, and its key."""

    names: tuple[tuple[str, str], ...]

    def last(self) -> Value | None:
        """The result with a key that was there last; None where no task has a key."""
        keyed = tuple(Ref(ResultRoot(name)) for name, key in self.names if key)
        return Invoke("last", _last, keyed) if keyed else None


def groups(pieces: Iterable[Piece], width: int) -> list[list[Piece]]:
    """Those that stand beside each other together, all others alone."""
    found: list[list[Piece]] = []
    for piece in pieces:
        if width > 1 and piece.concurrent and found and found[-1][-1].concurrent:
            found[-1].append(piece)
        else:
            found.append([piece])
    return found


def put(key: str) -> Callable[..., Any]:
    """Gives a state with a result in it; the one that is given stays as it is."""

    def with_result(_: object, state: dict[str, Any], value: Any) -> dict[str, Any]:
        return {**state, key: value}

    return with_result


def held(piece: Piece, state: Value, value: Value) -> Value:
    """The state behind a piece."""
    if state is piece.after and piece.added is not None:
        return Invoke(f"with {piece.key or 'result'}", piece.added(piece.key), (OWN, REPLY, value))
    return Invoke(f"with {piece.key}", put(piece.key), (state, value)) if piece.key else state


def no_result(piece: Piece) -> Value:
    """Null in place of a result; where a mistake in a definition ended the work, nothing at all."""
    return Invoke("null", nothing, (FAILURE,)) if piece.falls else NULL


def nothing(_: object, failure: Any) -> None:
    """Null for what failed, unless a mistake or a limit ended it."""
    if failure["status"] == PANIC or failure["code"] == Code.FANOUT_LIMIT:
        code = Code.FANOUT_LIMIT if failure["code"] == Code.FANOUT_LIMIT else None
        raise ValueRefused(failure["message"], code=code, status=PANIC)


def hand_on(chain: Chain, piece: Piece) -> str:
    """A task whose result is the state behind it."""
    result = held(piece, piece.after, piece.value)
    instead = held(piece, piece.before, no_result(piece))
    if piece.falls and not piece.key:
        instead = Invoke("state", _unless_fallen, (piece.before, FAILURE))
    name = chain.add(piece.name, piece.let, piece.work, Making((), result, instead))
    chain.state = Ref(ResultRoot(name))
    return name


def _unless_fallen(_: object, state: Any, failure: Any) -> Any:
    nothing(_, failure)
    return state


def side_by_side(chain: Chain, pieces: Sequence[Piece], width: int) -> Grouped:
    """Tasks that all begin with the same state; each results in `[value, given, its place in the
    order in which they ended]`.
    """
    ended = itertools.count()

    def done(_: object, value: Any, given: Any) -> list[Any]:
        return [value, given, next(ended)]

    lane = Lane(chain.named("beside"), width)
    names = []
    for piece in pieces:
        result = Invoke("ended", done, (piece.value, piece.given))
        instead = Invoke("ended", done, (no_result(piece), piece.given))
        making = Making((), result, instead, lane)
        names.append((chain.add(piece.name, piece.let, piece.work, making), piece.key))
    return Grouped(tuple(names))


def _last(_: object, *found: list[Any]) -> Any:
    return max(found, key=lambda one: one[2])[0]


def join(chain: Chain, group: Grouped) -> str:
    """A task that puts the results of a group into the state."""
    keys = [key for _, key in group.names]

    def joined(_: object, state: dict[str, Any], *found: list[Any]) -> dict[str, Any]:
        given = {name: value for _, more, _ in found if more for name, value in more.items()}
        made = {**state, **{key: one[0] for key, one in zip(keys, found, strict=True) if key}}
        return {**made, "origin": {**state["origin"], **given}} if given else made

    results = tuple(Ref(ResultRoot(name)) for name, _ in group.names)
    value = Invoke("joined", joined, (OWN, *results))
    name = chain.add("join", (), Compute(value), Making())
    chain.state = Ref(ResultRoot(name))
    return name


def carried(chain: Chain, piece: Piece, *, rounds: bool) -> str:
    """A last task that results in `[state, value, whether it failed]`; of `rounds` without the
    last.
    """
    pack = _packed(piece.key, rounds)
    result = Invoke("carried", pack, (piece.after, piece.value, piece.failed))
    instead = Invoke("carried", pack, (piece.before, no_result(piece), Literal(True)))
    return chain.add(piece.name, piece.let, piece.work, Making((), result, instead))


def _packed(key: str, rounds: bool) -> Callable[..., Any]:
    def packed(_: object, state: dict[str, Any], value: Any, failed: bool) -> list[Any]:
        made = {**state, key: value} if key else state
        return [made, value] if rounds else [made, value, failed]

    return packed


def valued(chain: Chain, piece: Piece, *, lasting: bool) -> str:
    """A last task whose result is its value; where that failed, null if it is `lasting`."""
    lost, value = no_result(piece) if lasting else None, piece.value
    if not lasting and piece.failed != NOT_FAILED:
        value = Invoke("not failed", _not_failed, (value, piece.failed))
    result = None if value == REPLY else value  # JSON that nobody reads stays as it came
    return chain.add(piece.name, piece.let, piece.work, Making((), result, lost))


def _not_failed(_: object, value: Any, failed: bool) -> Any:
    if failed:
        raise ValueRefused("the last step inside of it failed")
    return value


def answered(chain: Chain, answer: Value, after: Iterable[str]) -> str:
    """A last task, for an answer that is not the result of the last step."""
    name = chain.named("answer")
    chain.tasks.append(Task(name, Compute(answer), after=frozenset(after)))
    return name
