"""What several plug-ins add, put together: no name twice, and none that there is without them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from apiql import gotemplate
from apiql.errors import Code, Location, Problem
from apiql.frontends.definitions.kinds import FUNCTIONS
from apiql.frontends.text.words import RESERVED
from apiql.gotemplate.calls import BUILTINS
from apiql.plug_in_functions import Unfit, of_templates, of_texts, of_values
from apiql.plugins import Function, PlugIn, Registry
from apiql.query_files import FileProblem
from apiql.runtime.evaluate import CHAINS, OPERATORS

_NAME = re.compile(r"[A-Za-z_]\w{0,63}", re.ASCII)
_OF_TEXTS = RESERVED | OPERATORS.keys() | CHAINS.keys() | {"zip"}
"""Words that mean something else before a bracket."""
_OF_DEFINITIONS = frozenset().union(*FUNCTIONS.values())
_OF_TEMPLATES = _OF_DEFINITIONS | BUILTINS.keys() | {
    "block", "break", "continue", "define", "else", "end", "false", "if", "nil", "range",
    "template", "true", "with",
}  # fmt: skip
_PARTS = ("functions", "templates", "values")

Made = TypeVar("Made")


@dataclass(slots=True)
class Merging:
    """Takes one plug-in after the other."""

    standard: Registry
    functions: dict[str, Function] = field(default_factory=dict)
    templates: dict[str, gotemplate.Function] = field(default_factory=dict)
    values: dict[str, Callable[..., str]] = field(default_factory=dict)
    _places: dict[tuple[str, str], str] = field(default_factory=dict)

    def take(self, plug_in: PlugIn, file: str) -> list[FileProblem]:
        """Adds what it has; what is wrong with it otherwise."""
        for part in _PARTS:
            if not isinstance(getattr(plug_in, part), Mapping):
                return [_problem(file, None, f"`{part}` is no dict of functions by their names")]
        standard = self.standard.functions.keys() | _OF_TEXTS
        return [
            *self._added("functions", plug_in.functions, of_texts, self.functions, standard, file),
            *self._added(
                "templates", plug_in.templates, of_templates, self.templates, _OF_TEMPLATES, file
            ),
            *self._added("values", plug_in.values, of_values, self.values, _OF_DEFINITIONS, file),
        ]

    def _added(
        self, part: str, given: Mapping[Any, Any], made: Callable[[str, Any], Made],
        into: dict[str, Made], taken: Any, file: str,
    ) -> Iterator[FileProblem]:  # fmt: skip
        for name, call in given.items():
            if not isinstance(name, str) or _NAME.fullmatch(name) is None:
                wrong = f"{part}: {ascii(name)[:80]} is no name of a function"
                yield _problem(file, call, wrong, "letters from a to z, digits and _")
                continue
            key = name.lower() if part == "functions" else name
            place = place_of(call, file)
            if key in taken:
                wrong = f"{part}: there is a {key} already, without plug-ins"
                yield _problem(file, call, wrong, "another name")
            elif (part, key) in self._places:
                wrong = f"{part}: {name} stands in {self._places[part, key]} too"
                yield _problem(file, call, wrong, "another name for one of them")
            else:
                self._places[part, key] = place
                try:
                    into[key] = made(key, call)
                except Unfit as unfit:
                    yield _problem(file, call, f"{part}: {name}: {unfit}")


def place_of(call: Any, file: str) -> str:
    """Where a function stands: `conf/plugins/sign.py:7`."""
    line = _line(call, file)
    return file if line is None else f"{file}:{line}"


def _line(call: Any, file: str) -> int | None:
    call = call.call if isinstance(call, Function | gotemplate.Function) else call
    code = getattr(call, "__code__", None)
    return code.co_firstlineno if code is not None and code.co_filename == file else None


def _problem(file: str, call: Any, wrong: str, hint: str | None = None) -> FileProblem:
    line = _line(call, file)
    at = () if line is None else (Location(line, 1),)
    return FileProblem(file, Problem(Code.VALIDATION, wrong, at, hint))
