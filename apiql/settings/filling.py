"""Private values and variables of the environment in the place of their names, before anything is
checked: `{ private = "amap.key" }`, `"Bearer ${private:amap.key}"`, `{ env = "NAME" }`,
`"${env:NAME}"`. So every setting can have one. Knows no section.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

from apiql.settings.places import Path as Keys
from apiql.settings.private_text import PrivateText
from apiql.settings.problems import UNKNOWN, SettingProblem
from apiql.settings.reading import Reading
from apiql.settings.report import dotted, problem_at

KINDS = ("private", "env")
FREE = frozenset({"headers", "query", "sources", "upstreams", "members", "names"})
"""Tables whose keys are names of the operator's own: `headers = { env = "test" }` is a header."""
LEAST = 4
"""Letters of a value below which it is no sign of anything that a message holds them."""
_NAMED = re.compile(r"\$(\$?)\{(private|env):([^{}]*)\}")


@dataclass(slots=True)
class Filling:
    """Fills in one document; `texts` are the values that it took, `settings` where they stand,
    `problems` what is not there.
    """

    reading: Reading
    privates: Mapping[str, str]
    environ: Mapping[str, str]
    texts: set[str] = field(default_factory=set)
    settings: set[str] = field(default_factory=set)
    problems: list[SettingProblem] = field(default_factory=list)

    def filled(self) -> dict[str, Any]:
        """The document with the values."""
        found = self._filled(self.reading.merged(), (), free=True)
        assert isinstance(found, dict)
        return found

    def _filled(self, value: Any, keys: Keys, free: bool = False) -> Any:
        match value:
            case str():
                return self._text(value, keys)
            case dict():
                named = None if free else _reference(value)
                if named is not None:
                    return PrivateText(self._value(*named, keys))
                return {k: self._filled(v, (*keys, k), k in FREE) for k, v in value.items()}
            case list():
                return [self._filled(v, (*keys, i)) for i, v in enumerate(value)]
        return value

    def _text(self, text: str, keys: Keys) -> str:
        if "${" not in text:
            return text
        names = 0

        def put(match: re.Match[str]) -> str:
            nonlocal names
            if match[1]:
                return match[0][1:]
            names += 1
            return self._value(match[2], match[3].strip(), keys)

        found = _NAMED.sub(put, text)
        return PrivateText(found) if names else found

    def _value(self, kind: str, name: str, keys: Keys) -> str:
        known = self.privates if kind == "private" else self.environ
        found = known.get(name)
        if found is None:
            self.problems.append(self._missing(kind, name, keys))
            return ""
        self.texts.add(found)
        self.settings.add(dotted(keys))
        return found

    def hidden(self, problem: SettingProblem) -> SettingProblem:
        """The problem without anything of the values that were filled in."""
        told = f"{problem.wrong} {problem.nearest or ''}"
        here = problem.setting in self.settings and problem.wrong != UNKNOWN
        if not here and not any(len(text) >= LEAST and text[:24] in told for text in self.texts):
            return problem
        wrong = "the private value that stands here cannot be used"
        return replace(problem, wrong=wrong, nearest=None)

    def _missing(self, kind: str, name: str, keys: Keys) -> SettingProblem:
        if kind == "env":
            wrong, expected = f"the environment has no {name}", "a variable that is set"
            return problem_at(self.reading, keys, wrong, expected)
        near = get_close_matches(name, self.privates, n=1)
        wrong, expected = f"there is no private {name}", "<file>.<name> of the folder privates"
        return problem_at(self.reading, keys, wrong, expected, near[0] if near else None)


def _reference(table: Mapping[str, Any]) -> tuple[str, str] | None:
    """Kind and name, where a table is nothing but one of them."""
    for kind, name in table.items():
        if len(table) == 1 and kind in KINDS and isinstance(name, str):
            return kind, name
    return None
