"""Whatever code that is not ours raises is a value, with what it says of itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apiql.plug_in_edge import Broken, outcome


class Silent(Exception):
    """Cannot say what it is."""

    def __str__(self) -> str:
        raise Silent


def raising(error: BaseException) -> Callable[[], Any]:
    """What raises it."""

    def call() -> Any:
        raise error

    return call


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ValueError("a\n b"), "ValueError: a b"),
        (ValueError("x" * 300), f"ValueError: {'x' * 200}"),
        (KeyError(), "KeyError"),
        (Silent(), "Silent"),
        (SystemExit("S"), "SystemExit: S"),
        (BaseException("b"), "BaseException: b"),
        (RecursionError(), "RecursionError"),
        (SyntaxError("no"), "SyntaxError: no"),
    ],
)
def test_what_is_raised_is_told(error: BaseException, why: str) -> None:
    assert outcome(raising(error), "nowhere.py") == Broken(why, None)
    assert outcome(lambda: 5, "nowhere.py") == 5


def test_the_line_is_the_last_one_of_its_file() -> None:
    text = "def f():\n    raise ValueError\ndef g():\n    f()\n"
    names: dict[str, Any] = {}
    exec(compile(text, "its.py", "exec"), names)
    assert outcome(names["g"], "its.py") == Broken("ValueError", 2)
    broken = outcome(lambda: compile("x = (", "its.py", "exec"), "its.py")
    assert broken == Broken("SyntaxError: '(' was never closed", 1)


def test_who_stops_the_process_is_not_a_plug_in() -> None:
    with pytest.raises(KeyboardInterrupt):
        outcome(raising(KeyboardInterrupt()), "its.py")
