"""Reads the quick way to what most templates consist of: finds what the template itself would
write, or leaves it to that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from apiql.gotemplate import Data, Kind
from apiql.gotemplate.quick import Way, text_at


def quick_reader(
    way: Way, render: Callable[[Data], str], named: Mapping[str, Kind]
) -> Callable[[object, Any], str]:
    """The quick way to a text in the state, which is most of what templates are used for; whatever
    else is there, or is not there, the template writes.
    """

    def read(_: object, state: Any) -> str:
        found = text_at(state, way, named)
        return render(Data(state, Kind.NUMBER, named)) if found is None else found

    return read
