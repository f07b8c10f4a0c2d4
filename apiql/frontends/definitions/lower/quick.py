"""Reads the quick way to what most templates consist of: finds what the template itself would
write, or leaves it to that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from apiql.gotemplate import Data, Kind


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
