"""One table as JSON and in sqlite3, and rows that are alike in both."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.harness.row_query import row_query

NUMBERS, TEXTS, FLAGS = ("a", "b"), ("s", "t"), ("f",)
COLUMNS = ("id", *NUMBERS, *TEXTS, *FLAGS)
LETTERS = "aAbé%_"


@dataclass(frozen=True)
class Spelled:
    """A number as JSON has it and as SQLite does."""

    json: str

    @property
    def sql(self) -> int | float:
        """Quarters are exact in binary."""
        return float(self.json) if "." in self.json else int(self.json)


def quarters(number: int) -> Spelled:
    """0.25, 1.0 or (now and then) 1."""
    whole, rest = divmod(number, 4)
    return Spelled(str(whole)) if not rest and whole % 2 else Spelled(str(Decimal(number) / 4))


INTEGERS = st.integers(-3, 3).map(str).map(Spelled)
ROWS = st.lists(
    st.tuples(
        st.none() | INTEGERS,
        st.none() | INTEGERS | st.integers(-8, 8).map(quarters),
        st.none() | st.text(LETTERS, max_size=3),
        st.none() | st.text("ab", max_size=1),
        st.none() | st.booleans(),
    ),
    max_size=12,
)


def json_of(rows: Sequence[tuple[Any, ...]], sparse: bool) -> bytes:
    """The table as a body; `sparse` leaves out what is null, which clauses see no difference in."""
    written = []
    for number, row in enumerate(rows):
        members = [f'"id":{number}']
        for name, value in zip(COLUMNS[1:], row, strict=True):
            if value is not None or not sparse:
                spelled = value.json if isinstance(value, Spelled) else json.dumps(value)
                members.append(f'"{name}":{spelled}')
        written.append("{" + ", ".join(members) + "}")
    return ("[" + ", ".join(written) + "]").encode()


def sqlite_rows(rows: Sequence[tuple[Any, ...]], statement: str) -> list[tuple[Any, ...]]:
    """What SQLite answers."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("pragma case_sensitive_like = on")
        connection.execute(f"create table x ({', '.join(COLUMNS)})")
        values = [
            (n, *(v.sql if isinstance(v, Spelled) else v for v in row))
            for n, row in enumerate(rows)
        ]
        connection.executemany("insert into x values (?, ?, ?, ?, ?, ?)", values)
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def our_rows(text: str, body: bytes, names: Sequence[str]) -> list[tuple[Any, ...]]:
    """What we answer, by the names of the columns."""
    found = json.loads(row_query(text).shown(body))
    return [tuple(row.get(name) for name in names) for row in found]


def alike(ours: list[tuple[Any, ...]], theirs: list[tuple[Any, ...]]) -> bool:
    """Whether rows are equal: true as 1, means as far as binary holds them."""
    if len(ours) != len(theirs):
        return False
    pairs = (
        pair
        for one, other in zip(ours, theirs, strict=True)
        for pair in zip(one, other, strict=True)
    )
    return all(_equal(one, other) for one, other in pairs)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, float) or isinstance(other, float):
        both = one is not None and other is not None
        return both and abs(one - other) < 1e-9
    return bool(one == other)
