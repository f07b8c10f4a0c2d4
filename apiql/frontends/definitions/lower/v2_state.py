"""What the steps of the second generation hand on to each other: the heap that templates see, what
is to be answered, how the last step ended. A state is never changed: each step makes a new one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace as renewed

from apiql.errors import ValueRefused
from apiql.gotemplate.values import Data, Kind

Heap: TypeAlias = dict[str, Any]
Why: TypeAlias = Mapping[str, Any]
"""A failure as the runtime shows it: `code`, `message`, `status`."""

_FIXED, _VERSION = 0xF << 76 | 0x3 << 62, 0x4 << 76 | 0x2 << 62
NUMBERS: Mapping[str, Kind] = {"origin": Kind.FLOAT, "loop": Kind.INT}
"""The numbers of upstreams are texts to Go's templates, those of a request floats."""


class Written(Struct, frozen=True):
    """A document of the answer."""

    status: int
    media: str
    value: Any


class State(Struct, frozen=True):
    """`given` is what the last command came to, `value` that of the last one with a resultKey.
    `query` and `headers` are those of the request. `status` is that of the last job of a schedule;
    with a `failure` the steps have come to their end.
    """

    heap: Heap
    query: Mapping[str, str]
    headers: Mapping[str, str]
    out: tuple[Written, ...] = ()
    given: Any = None
    value: Any = None
    status: int = 200
    failure: Why | None = None
    fresh: Callable[[], str] = str
    """The number of a request that says none itself."""
    before: State | None = None
    """What the steps began with that stand or fall together."""


Pure: TypeAlias = Callable[[Any, State], State]
"""A step that calls nobody: takes the moment of the run and the state before it."""


def data_of(heap: Heap) -> Data:
    """The heap as templates see it."""
    return Data(heap, Kind.NUMBER, NUMBERS)


def kept(state: State, key: str, given: Any) -> State:
    """The state with what a command came to."""
    if not key:
        return state if state.given is given else renewed(state, given=given)
    return renewed(state, heap={**state.heap, key: given}, given=given, value=given)


def with_heap(state: State, heap: Heap) -> State:
    """The state with another heap."""
    return renewed(state, heap=heap)


def entered(moment: Any, state: State) -> State:
    """The state that a flow begins with: it has no value yet."""
    return renewed(state, given=None, value=None, status=200)


def left(state: State, inner: State, key: str) -> State:
    """The state behind a flow that went on in the same heap."""
    return kept(renewed(state, heap=inner.heap, out=inner.out), key, inner.value)


def status_of(why: Why) -> int:
    """The status that a failure is answered with."""
    found = why.get("status")
    return 500 if found is None else int(found)


def failed(state: State, why: Why) -> State:
    """The state behind a step that failed."""
    return renewed(state, failure=why, status=status_of(why))


def why_of(refused: ValueRefused) -> Why:
    """A refusal as the runtime shows failures."""
    code = None if refused.code is None else refused.code.value
    return {"code": code, "message": refused.message, "status": refused.status}


def refused(message: str, status: int = 500, hint: str | None = None) -> ValueRefused:
    """The error of a step that cannot be done, with the status of the answer."""
    return ValueRefused(message, hint, status=status)


def number_of(known: str | None, random_bits: Callable[[int], int]) -> Callable[[], str]:
    """The number of a request, which is made once somebody wants it."""
    found = [known] if known else []

    def fresh() -> str:
        if not found:
            found.append(_uuid(random_bits(128)))
        return found[0]

    return fresh


def _uuid(bits: int) -> str:
    """A random UUID (RFC 9562, 5.4)."""
    text = f"{bits & ~_FIXED | _VERSION:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
