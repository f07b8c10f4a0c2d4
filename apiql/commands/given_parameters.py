"""Parameters of a command line: `--params` and `--param name=value`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from apiql.errors import ApiqlError, ValueRefused
from apiql.runtime.json_values import decode


class ParameterError(ApiqlError):
    """A parameter of the command line that cannot be read."""


def parameters(whole: str | None, single: Iterable[str]) -> dict[str, Any]:
    """The parameters of `--params` and, over them, of each `--param name=value`."""
    found: dict[str, Any] = {}
    if whole is not None:
        try:
            read = decode(whole.encode())
        except ValueRefused as refused:
            raise ParameterError(f"--params: {refused.message}") from None
        if not isinstance(read, dict):
            raise ParameterError('--params: expected a JSON object: {"id": 7}')
        found |= read
    for pair in single:
        name, mark, text = pair.partition("=")
        if not mark or not name:
            raise ParameterError(f"--param {pair}: expected name=value")
        found[name] = _value(text)
    return found


def _value(text: str) -> Any:
    """JSON where it is some, else the text itself."""
    try:
        return decode(text.encode())
    except ValueRefused:
        return text
