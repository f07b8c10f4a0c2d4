"""What an expression may name while it is compiled: functions, and variables with their slots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from apiql.gotemplate.calls import Builtin


class Slots:
    """Counts the places that the variables of one template need at once."""

    def __init__(self) -> None:
        self.most = 1


@dataclass(frozen=True, slots=True)
class Scope:
    """The variables known at a point; `$` is slot 0. `used` slots are taken."""

    functions: Mapping[str, Builtin]
    slots: Slots
    variables: Mapping[str, int]
    used: int = 1

    def with_variables(self, names: tuple[str, ...]) -> Scope:
        """The scope behind a declaration; a name that is there already is hidden."""
        places = {name: self.used + place for place, name in enumerate(names)}
        used = self.used + len(names)
        self.slots.most = max(self.slots.most, used)
        return Scope(self.functions, self.slots, {**self.variables, **places}, used)


def outermost(functions: Mapping[str, Builtin]) -> Scope:
    """The scope at the start of a template."""
    return Scope(functions, Slots(), {"$": 0})
