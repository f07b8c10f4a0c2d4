"""The JSON of requests: members that stand twice, depth and digits are found out whatever way a
body is looked at, the quick one for flat bodies or the general one.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiql.errors import Code, RequestRefused
from apiql.server.envelope import decode_json
from apiql.settings import Limits

LIMITS = Limits(nesting=4, number_digits=30)
NAMES = st.sampled_from(["a", "b", "a b", 'x":', "x: y", "\\", "ä"])
COLONS = st.sampled_from([":", " :", ": ", "\t:\n", "  :"])
NUMBERS = st.one_of(
    st.integers(-(10**34), 10**34),
    st.sampled_from([10**29, 10**30 - 1, 10**30, 10**18, -(10**18), 0]),
)
SCALARS = st.one_of(st.none(), st.booleans(), NAMES, NUMBERS)


def texts(depth: int = 5) -> st.SearchStrategy[str]:
    """JSON texts in which names may stand twice."""
    scalars = SCALARS.map(json.dumps)
    if not depth:
        return scalars
    inner = st.deferred(lambda: texts(depth - 1))
    member = st.tuples(NAMES.map(json.dumps), COLONS, inner).map("".join)
    objects = st.lists(member, max_size=3).map(lambda members: "{" + ",".join(members) + "}")
    lists = st.lists(inner, max_size=3).map(lambda items: "[" + ",".join(items) + "]")
    return st.one_of(scalars, objects, lists)


def wrong(text: str) -> set[Code]:
    """What is wrong with a text, found out in the plain way."""
    found: set[Code] = set()

    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in members}) < len(members):
            found.add(Code.BAD_REQUEST)
        return dict(members)

    value = json.loads(text, object_pairs_hook=pairs)
    long = any(len(str(abs(n))) > LIMITS.number_digits for n in numbers(value))
    return found | ({Code.LIMIT_EXCEEDED} if long or depth(value) > LIMITS.nesting else set())


def inside(value: Any) -> list[Any]:
    return (
        [*value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    )


def numbers(value: Any) -> list[int]:
    own = [value] if type(value) is int else []
    return own + [number for item in inside(value) for number in numbers(item)]


def depth(value: Any) -> int:
    own = 1 if isinstance(value, dict | list) else 0
    return own + max(map(depth, inside(value)), default=0)


@given(texts(), st.booleans())
def test_what_is_wrong_with_a_body_is_found_out(text: str, many: bool) -> None:
    body = f"[{text},{'[],' * 40}0]" if many else f"[{text}]"  # many brackets: the general way
    found = wrong(body)
    if not found:
        assert decode_json(body.encode(), LIMITS) == json.loads(body)
        return
    with pytest.raises(RequestRefused) as refused:
        decode_json(body.encode(), LIMITS)
    assert refused.value.code in found
