"""The text of a dotenv file -> its variables. Reads no file and changes no environment."""

from __future__ import annotations

import re
from collections.abc import Mapping

from apiql.errors import ApiqlError, Location

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_EXPORT = re.compile(r"export[ \t]+(?=[^ \t=])")
_BLANK = re.compile(r"[ \t]*")
_INSIDE = {
    '"': re.compile(r'(?:[^"\\]++|\\.)*+', re.DOTALL),
    "'": re.compile(r"[^']*+"),
}
"""What stands between quotes; nothing is tried again, so nothing is remembered for it."""
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$"}
_LINE = "NAME=value, NAME='value', NAME=\"value\", or # and a comment"


class DotenvRefused(ApiqlError):
    """A dotenv file that cannot be used, with the place of the mistake; no value is repeated."""

    def __init__(self, file: str, at: Location | None, wrong: str, expected: str) -> None:
        self.file, self.at, self.wrong, self.expected = file, at, wrong, expected
        place = file if at is None else f"{file}:{at.line}:{at.column}"
        super().__init__(f"{place}: {wrong}\n    expected: {expected}")


def read_dotenv(text: str, file: str) -> Mapping[str, str]:
    """The variables of a text, in its order; of two of one name the last counts. `file` is named in
    messages.

    A line is `NAME=value`, with or without `export` before it, empty, or a comment from `#`. A name
    is letters, digits, `_`, `.` and `-`, no digit first; blanks around it and the value do not
    count. A value is one of

    - a bare text up to the end of the line or to a `#` with a blank before it, as it stands there;
    - `'…'`: as it stands there, over several lines too;
    - `"…"`: the same, where `\\n`, `\\r`, `\\t`, `\\"`, `\\\\` and `\\$` are what they are in a
      shell or C, and any other `\\` is one;
    - nothing: the empty text.

    Nothing is expanded: `$HOME`, `${HOME}`, `$(date)` and `~` are these very letters.

    Raises:
        DotenvRefused: at the first line that is none of these.
    """
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n")
    return _Reader(plain, file).variables()


class _Reader:
    """Goes through a text once."""

    def __init__(self, text: str, file: str) -> None:
        self.text, self.file, self.at = text, file, 0

    def variables(self) -> dict[str, str]:
        found: dict[str, str] = {}
        while self._at_variable():
            name, value = self._variable()
            found[name] = value
        return found

    def _at_variable(self) -> bool:
        """Passes blank lines and comments; whether something is left."""
        size = len(self.text)
        self._pass(_BLANK)
        while self.at < size and self.text[self.at] in "#\n":
            self.at = self._line_end() + 1
            self._pass(_BLANK)
        return self.at < size

    def _variable(self) -> tuple[str, str]:
        self._pass(_EXPORT)
        found = _NAME.match(self.text, self.at)
        if found is None:
            raise self._refused(self.at, "no name of a variable begins here", _LINE)
        self.at = found.end()
        self._pass(_BLANK)
        if not self.text.startswith("=", self.at):
            wrong = f"there is no `=` behind the name {found[0][:80]}"
            raise self._refused(self.at, wrong, f"{found[0][:80]}=value")
        self.at += 1
        self._pass(_BLANK)
        value = self._quoted() if self.text[self.at : self.at + 1] in ("'", '"') else self._bare()
        self.at += 1
        return found[0], value

    def _bare(self) -> str:
        start, self.at = self.at, self._line_end()
        return self._sound(_without_comment(self.text[start : self.at]).rstrip(" \t"), start)

    def _quoted(self) -> str:
        start, mark = self.at, self.text[self.at]
        end = self._end_of(mark)
        value = self._sound(self.text[start + 1 : end], start)
        self.at = end + 1
        rest = self.text[self.at : self._line_end()]
        if _without_comment(rest).strip(" \t"):
            wrong = "something stands behind the quote that ends the value"
            expected = 'the end of the line, or a blank, # and a comment; \\" is a quote in "…"'
            raise self._refused(self.at, wrong, expected)
        self.at = self._line_end()
        return re.sub(r'\\([nrt"\\$])', lambda m: _ESCAPES[m[1]], value) if mark == '"' else value

    def _end_of(self, mark: str) -> int:
        """Where the quote of a value is closed."""
        found = _INSIDE[mark].match(self.text, self.at + 1)
        end = self.at + 1 if found is None else found.end()
        if self.text[end : end + 1] != mark:
            raise self._refused(self.at, "the quote that begins here is never closed", mark)
        return end

    def _sound(self, value: str, start: int) -> str:
        if "\0" in value:
            at = self.text.index("\0", start)
            raise self._refused(at, "no variable holds a NUL", "text without control characters")
        return value

    def _pass(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self.text, self.at)
        self.at = self.at if found is None else found.end()

    def _line_end(self) -> int:
        found = self.text.find("\n", self.at)
        return len(self.text) if found < 0 else found

    def _refused(self, at: int, wrong: str, expected: str) -> DotenvRefused:
        line = self.text.count("\n", 0, at) + 1
        column = at - (self.text.rfind("\n", 0, at) + 1) + 1
        return DotenvRefused(self.file, Location(line, column), wrong, expected)


def _without_comment(line: str) -> str:
    """What stands before a `#` that begins the line or has a blank before it."""
    at = line.find("#")
    while at > 0 and line[at - 1] not in " \t":
        at = line.find("#", at + 1)
    return line if at < 0 else line[:at]
