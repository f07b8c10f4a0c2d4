"""What values see while a plan runs: the outcomes so far, the caller's inputs, the row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from msgspec import Struct

from apiql.plugins import Moment
from apiql.runtime.outcome import Outcome
from apiql.sources.call import Headers


class Members(Protocol):
    """What the answer would hold, by name: for references in `return`."""

    def value(self, name: str) -> Any:
        """The decoded member."""


class Reply(Protocol):
    """What the work of a task came to."""

    @property
    def value(self) -> Any:
        """The value, or the decoded body."""

    @property
    def status(self) -> int | None:
        """The status of an answer."""

    @property
    def headers(self) -> Headers:
        """The headers of an answer."""


class Scope(Struct, eq=False):
    """What closures see. `row` is set while a row is looked at, `elements` while a call of a
    fan-out is made up, `members` while the answer is put together; `locals`, `reply` and `failure`
    are those of the definition's task whose values are looked at.
    """

    params: Mapping[str, Any]
    moment: Moment
    outcomes: dict[str, Outcome] = {}
    row: Any = None
    elements: tuple[Any, ...] = ()
    members: Members | None = None
    locals: Mapping[str, Any] = {}
    reply: Reply | None = None
    failure: Mapping[str, Any] | None = None


Evaluate = Callable[[Scope], Any]
ReadKey = tuple[str, tuple[str, ...], bool]
Reads = Mapping[ReadKey, int]
"""The number of each path of each task in the task's `Done.reads`; exact ones apart."""
