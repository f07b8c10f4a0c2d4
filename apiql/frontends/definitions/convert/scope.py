"""What the values of a step can see: the body of the request, results, what was sent. Knows no
template.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from apiql.frontends.definitions.convert.conversion import Conversion, Place
from apiql.frontends.definitions.convert.values import Fixed, Members, Path, Result, Value, inside
from apiql.frontends.definitions.kinds import Generation

_ELSEWHERE: Mapping[str, str] = {
    "loop": "the index of a loop",
    "base": "what the gateway knows of a request",
    "stats": "what the gateway knows of a call",
}


@dataclass(slots=True)
class Scope:
    """The values that can be named. `origin` are members that steps put into the body; where it is
    `closed` there are no others. `data` stands in place of all: templates over one answer.
    """

    generation: Generation
    results: dict[str, Value] = field(default_factory=dict)
    origin: dict[str, Value] = field(default_factory=dict)
    sent: dict[str, Value] = field(default_factory=dict)
    data: Result | None = None
    closed: bool = False
    private: str = ""

    def calling(self, private: str) -> Scope:
        """That of a call: it sees the same, and has its own private values."""
        return Scope(self.generation, self.results, self.origin, {}, None, self.closed, private)

    def found(self, conversion: Conversion, names: Path, place: Place) -> Value:
        """What stands at a path, from the top."""
        if self.data is not None:
            return Result(self.data.name, self.data.path + names)
        value = self._at(conversion, names, place)
        return (
            value
            if value is not None
            else conversion.gap(place, f"nothing is known to stand at .{'.'.join(map(str, names))}")
        )

    def _at(self, conversion: Conversion, names: Path, place: Place) -> Value | None:
        head, *rest = names
        if head == "origin" and rest:
            return self._of_body(conversion, str(rest[0]), tuple(rest[1:]), place)
        if head == "origin":
            return conversion.gap(place, "the body of the request as a whole")
        if head == "vars":
            known = {str(name): Fixed("") for name in rest[:1]} | self.sent
            return inside(Members(known), tuple(rest))
        if head in _ELSEWHERE and head not in self.results:
            return conversion.gap(place, _ELSEWHERE[str(head)])
        found = self.results.get(str(head))
        return None if found is None else inside(found, tuple(rest))

    def _of_body(self, conversion: Conversion, name: str, path: Path, place: Place) -> Value | None:
        if name in self.origin:
            return inside(self.origin[name], path)
        if self.closed:
            return Fixed("")
        may_lack = self.generation is Generation.V1
        return inside(conversion.parameter(name, "body", may_lack, place), path)
