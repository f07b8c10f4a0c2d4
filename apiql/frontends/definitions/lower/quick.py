"""The quick way to what most templates consist of: a path, and at most one index. Finds what the
template itself would write, or leaves it to that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from apiql.gotemplate import Data, Kind

_NAMES: Final = r"\.((?:[^\W\d]\w*)(?:\.[^\W\d]\w*)*)"
_PATH: Final = re.compile(
    rf"\{{\{{\s*(?:{_NAMES}|\(index {_NAMES} (\d{{1,9}})\)((?:\.[^\W\d]\w*)*))\s*\}}\}}"
)


def quick_path(text: str) -> tuple[str | int, ...]:
    """The way to what a template consists of, if that is a path and at most one index; or none."""
    found = _PATH.fullmatch(text)
    if found is None:
        return ()
    before, index, behind = found[1] or found[2], found[3], found[4] or ""
    names = (*before.split("."), *((int(index),) if index else ()), *behind.split("."))
    return tuple(name for name in names if name != "")


def quick_reader(
    way: tuple[str | int, ...], render: Callable[[Data], str], named: Mapping[str, Kind]
) -> Callable[[object, Any], str]:
    """The quick way to a text in the state, which is most of what templates are used for; whatever
    else is there, or is not there, the template writes.
    """

    def read(_: object, state: Any) -> str:
        found: Any = state
        try:
            for step in way:
                if type(found) is not (dict if type(step) is str else list):
                    return render(Data(state, Kind.NUMBER, named))
                found = found[step]  # type: ignore[index]
        except LookupError:
            return render(Data(state, Kind.NUMBER, named))
        return found if type(found) is str else render(Data(state, Kind.NUMBER, named))

    return read
