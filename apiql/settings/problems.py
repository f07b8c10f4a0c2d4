"""What is wrong with the settings, and where: one error that lists all of it."""

from __future__ import annotations

from dataclasses import dataclass

from apiql.errors import ApiqlError

UNKNOWN = "there is no such setting"


@dataclass(frozen=True, slots=True)
class SettingProblem:
    """One thing that is wrong.

    `file`, `line` and `column` (both from 1) say where, or `variable` names the variable of the
    environment; `also` is a second place that has part in it. `setting` is dotted, or empty.
    """

    setting: str
    wrong: str
    expected: str | None = None
    nearest: str | None = None
    file: str | None = None
    line: int | None = None
    column: int | None = None
    variable: str | None = None
    also: str | None = None

    @property
    def place(self) -> str:
        """`conf/apiql.toml:3:1`, or the variable's name."""
        if self.variable is not None:
            return self.variable
        parts = (self.file or "settings", self.line, self.column)
        return ":".join(str(part) for part in parts if part is not None)

    def __str__(self) -> str:
        head = ": ".join(part for part in (self.place, self.setting, self.wrong) if part)
        lines = [head]
        if self.also is not None:
            lines.append(f"    also at {self.also}")
        if self.expected is not None:
            lines.append(f"    expected: {self.expected}")
        if self.nearest is not None:
            lines.append(f"    did you mean {self.nearest}?")
        return "\n".join(lines)


class SettingsError(ApiqlError):
    """Settings that cannot be used, with every problem found in them."""

    def __init__(self, problems: tuple[SettingProblem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems
