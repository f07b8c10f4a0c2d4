"""A text of a shell -> its commands as words, with their lines. Nothing is run or looked up: a
variable stays as `{{NAME}}`, what a command would print is not known. Knows no program.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

ESCAPES = {
    "n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "a": "\a", "b": "\b",
    "f": "\f", "v": "\v", "e": "\x1b", "E": "\x1b", "?": "?",
}  # fmt: skip
_ANSI = re.compile(
    r"\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3})|(.))",
    re.DOTALL,
)
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|([A-Za-z_]\w*))")
_ANSI_END = re.compile(r"\$'((?:[^'\\]++|\\.)*+)'", re.DOTALL)
_DOUBLE = re.compile(r'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_IN_DOUBLE = re.compile(r'\\([$`"\\\n])')
_ENDS = re.compile(r"&&|\|\||[;&|\n]")
_PLAIN = re.compile(r"[^\s'\"\\$`;&|]+")
_REDIRECT = re.compile(r"[0-9]?(?:>>|>&|>|<)[ \t]*[^\s;&|]*")


@dataclass(slots=True)
class Command:
    """The words of one command, the line it begins in, and what is wrong with it."""

    line: int
    words: list[str] = field(default_factory=list)
    wrong: str | None = None


def commands_of(text: str) -> Iterator[Command]:
    """The commands of a text in their order; comments and empty ones left out."""
    text = text.replace("\r\n", "\n")
    at, line = 0, 1
    while at < len(text):
        command = Command(line)
        end = _command(text, at, command)
        line += text.count("\n", at, end)
        at = end
        if command.words or command.wrong:
            yield command


def _command(text: str, at: int, command: Command) -> int:
    """Fills in a command from a place on; returns the place behind it."""
    word: list[str] | None = None
    while at < len(text):
        end = _ENDS.match(text, at)
        if end is not None or (text[at] in " \t" or text.startswith("\\\n", at)):
            if word is not None:
                command.words.append("".join(word))
                word = None
            if end is not None:
                return end.end()
            if not command.words and text.startswith("\\\n", at):
                command.line += 1
            at += 2 if text[at] == "\\" else 1
        elif word is None and text[at] == "#":
            newline = text.find("\n", at)
            at = len(text) if newline < 0 else newline
        elif word is None and (found := _REDIRECT.match(text, at)):
            at = found.end()
        else:
            word = [] if word is None else word
            at = _piece(text, at, word, command)
    if word is not None:
        command.words.append("".join(word))
    return at


def _piece(text: str, at: int, word: list[str], command: Command) -> int:
    """One quoted piece, one variable or one letter of a word."""
    if found := _ANSI_END.match(text, at):
        word.append(_ANSI.sub(_ansi, found[1]))
        return found.end()
    if text[at] == "'":
        end = text.find("'", at + 1)
        return _open(text, command) if end < 0 else _taken(word, text[at + 1 : end], end + 1)
    if text[at] == '"':
        inner = _DOUBLE.match(text, at)
        return _open(text, command) if inner is None else _double(inner, word, command)
    if text.startswith("$(", at) or text[at] == "`":
        command.wrong = "it needs what another command prints"
        return at + 1
    if found := _VARIABLE.match(text, at):
        return _taken(word, "{{" + (found[1] or found[2]) + "}}", found.end())
    if text[at] == "\\" and at + 1 < len(text):
        return _taken(word, text[at + 1], at + 2)
    found = _PLAIN.match(text, at)
    return _taken(word, found[0] if found else text[at], found.end() if found else at + 1)


def _taken(word: list[str], piece: str, end: int) -> int:
    word.append(piece)
    return end


def _open(text: str, command: Command) -> int:
    command.wrong = "a quote is not closed; nothing behind it is read"
    return len(text)


def _double(found: re.Match[str], word: list[str], command: Command) -> int:
    parts = re.split(r"(\\[$`\"\\\n])", found[1])
    for part in parts:
        if _IN_DOUBLE.fullmatch(part):
            word.append("" if part[1] == "\n" else part[1])
            continue
        if "$(" in part or "`" in part:
            command.wrong = "it needs what another command prints"
        word.append(_VARIABLE.sub(lambda name: "{{" + (name[1] or name[2]) + "}}", part))
    return found.end()


def _ansi(found: re.Match[str]) -> str:
    short, middle, long, octal, letter = found.groups()
    digits = short or middle or long
    if letter is not None:
        return ESCAPES.get(letter, f"\\{letter}")
    code = int(digits, 16) if digits else int(octal, 8)
    return chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else "�"
