"""What a plug-in can add: functions, in a registry that is passed in, never a global. `PlugIn` is
what its code gives.

Knows nothing of the runtime; the standard functions are assembled there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from apiql.errors import ValueRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class PlugIn:
    """What the function `register()` of a plug-in gives: Python functions, by the names that they
    are to have. `functions` are for texts (`select initials(name)`), `templates` for Go templates
    of definitions (`{{initials .origin.name}}`), `values` for their `"from": "func"`.
    """

    functions: Mapping[str, Callable[..., Any] | Function] = field(default_factory=dict)
    templates: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    values: Mapping[str, Callable[..., str]] = field(default_factory=dict)


class Moment(Struct, frozen=True):
    """The instant of one query and its source of randomness: what contextual functions read.

    `unix_ms` is wall-clock time in milliseconds, the same for the whole query. `random_bits(n)`
    yields a new integer of n bits in each call (`secrets.randbits`). A subclass may carry more
    of the caller (headers, cookies) to functions that ask for it.
    """

    unix_ms: int
    random_bits: Callable[[int], int]


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the language; `call` takes JSON values by position and returns one.

    `most` is None where any number of arguments goes. `lazy`: `call` takes callables without
    arguments, one for each argument, and computes those it wants. `null_passes`: any null
    argument makes null without a call (not for `lazy`, which sees no values). `contextual`:
    the `Moment` comes first. What `call` cannot take it refuses with `ValueRefused`.
    """

    name: str
    call: Callable[..., Any]
    least: int
    most: int | None
    lazy: bool = False
    null_passes: bool = True
    contextual: bool = False
    doc: str = ""
    volatile: bool = False
    """Another value in each call: calls that hold one are never equal."""
    prepare: Callable[[Sequence[Any]], Function] | None = None
    """Takes constant arguments in ahead, once for a plan; what is not constant is not text."""

    @property
    def takes_values(self) -> bool:
        """Whether `call` is given nothing but the values, whatever they are."""
        return not (self.lazy or self.null_passes or self.contextual)

    def accepts(self, count: int) -> bool:
        """Whether this many arguments are right."""
        return count >= self.least and (self.most is None or count <= self.most)

    @property
    def arity(self) -> str:
        """For messages: "1 argument", "2 or 3 arguments", "1 or more arguments"."""
        if self.most is None:
            return f"{self.least} or more arguments"
        if self.most == self.least:
            return f"{self.least} argument" + ("" if self.least == 1 else "s")
        between = "or" if self.most == self.least + 1 else "to"
        return f"{self.least} {between} {self.most} arguments"

    def apply(self, arguments: Sequence[Any], moment: Moment) -> Any:
        """The function's value for these arguments (for `lazy`: callables that make them)."""
        if not self.accepts(len(arguments)):
            raise ValueRefused(f"{self.name}() takes {self.arity}, got {len(arguments)}")
        if self.null_passes and not self.lazy and any(value is None for value in arguments):
            return None
        if self.contextual:
            return self.call(moment, *arguments)
        return self.call(*arguments)


@dataclass(frozen=True, slots=True)
class Registry:
    """The functions of one engine by lower-case name; adding one makes a new registry."""

    functions: Mapping[str, Function] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of(cls, *functions: Function) -> Registry:
        """A registry of these; ValueError where two share a name."""
        found: dict[str, Function] = {}
        for function in functions:
            name = function.name.lower()
            if name in found:
                raise ValueError(f"two functions are named {name}")
            found[name] = function
        return cls(MappingProxyType(found))

    def with_function(self, function: Function) -> Registry:
        """This registry and one function more; ValueError where its name is taken."""
        return Registry.of(*self.functions.values(), function)

    def in_place(self, function: Function) -> Registry:
        """This registry with another function in the place of the one of its name."""
        return Registry(MappingProxyType({**self.functions, function.name.lower(): function}))

    def find(self, name: str) -> Function | None:
        """The function of this name, in any case of letters; None where there is none."""
        return self.functions.get(name.lower())

    def volatile(self) -> frozenset[str]:
        """The names of the functions whose values differ from call to call."""
        return frozenset(name for name, f in self.functions.items() if f.volatile)

    def names(self) -> tuple[str, ...]:
        """All names, sorted: for `did you mean` and the docs."""
        return tuple(sorted(self.functions))
