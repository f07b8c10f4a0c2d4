"""Where keys and values stand in a TOML text."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from apiql.settings.places import Place, places_of


def test_places_of_all_that_toml_can_write() -> None:
    text = '''\
a.b = "x # no" # yes
"q.\\u0041" = [1, [2, "]"], { k = 3 }] # ]
[t."u v".w]
m = """
= [x]
"""
n = { o.p = 1.5, q = {} }
[[list]]
d = 1979-05-27T07:32:00Z
'''
    places = places_of(text)
    assert places.keys == {
        ("a",): Place(1, 1),
        ("a", "b"): Place(1, 3),
        ("q.A",): Place(2, 1),
        ("q.A", 2, "k"): Place(2, 30),
        ("t",): Place(3, 2),
        ("t", "u v"): Place(3, 4),
        ("t", "u v", "w"): Place(3, 10),
        ("t", "u v", "w", "m"): Place(4, 1),
        ("t", "u v", "w", "n"): Place(7, 1),
        ("t", "u v", "w", "n", "o"): Place(7, 7),
        ("t", "u v", "w", "n", "o", "p"): Place(7, 9),
        ("t", "u v", "w", "n", "q"): Place(7, 18),
        ("list",): Place(8, 3),
        ("list", "d"): Place(9, 1),
    }
    assert places.values[("q.A", 1, 1)] == Place(2, 22)
    assert places.values[("t", "u v", "w", "m")] == Place(4, 5)


def dotted(data: dict[str, Any], path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    for key, value in data.items():
        found |= {(*path, key)} | (
            dotted(value, (*path, key)) if isinstance(value, dict) else set()
        )
    return found


@given(st.text(alphabet="ab.=[]{}\"'#\\\n ,1", max_size=40))
def test_every_key_of_whatever_tomllib_accepts_has_a_place(text: str) -> None:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert dotted(data) <= set(places_of(text).keys)
