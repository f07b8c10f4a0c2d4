"""Bodies and paths that somebody else made cost no more than their size, and break nothing."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from apiql.frontends.endpoints import xml_text
from apiql.frontends.endpoints.aggregate import Kept, aggregated
from apiql.frontends.endpoints.json_edit import MOST_PADDED, MOST_PADDING, put
from apiql.frontends.endpoints.json_find import finder
from apiql.frontends.endpoints.json_path import MOST_QUERIES, NoPath, path_of
from apiql.frontends.endpoints.json_value import MISSING, TooDeep
from apiql.frontends.endpoints.message import Body, Message
from apiql.frontends.endpoints.modify import Exchange, Past, before
from apiql.frontends.endpoints.xml_text import xml_of
from tests.endpoints.reading import endpoint


def queries(levels: int) -> str:
    """Queries in each other."""
    return "#(" * levels + "a" + ")" * levels


def merged(*bodies: dict[str, Any]) -> dict[str, Any]:
    """What an endpoint that aggregates makes of them."""
    return aggregated(Kept(200, Body(json.dumps(body).encode()), "x") for body in bodies)


def test_queries_in_each_other_have_an_end() -> None:
    path_of(queries(MOST_QUERIES))
    with pytest.raises(NoPath, match="no more than 8 queries stand in each other") as refused:
        path_of(queries(MOST_QUERIES + 1))
    assert refused.value.at == 2 * MOST_QUERIES
    with pytest.raises(NoPath, match="no more than 8 queries"):
        path_of("a." + "#(b==1)." * 3 + queries(50_000))
    with pytest.raises(NoPath, match="no more than 8 queries"):
        path_of("#(a." * 9 + "a" + ")" * 9)


def test_a_name_of_queries_is_a_name() -> None:
    name = "a." + queries(50_000)
    assert merged({name: 1}, {"b": 2}) == {name: 1, "b": 2}


@pytest.mark.parametrize("operand", ["nan", "snan", "inf", "-infinity", "NaN"])
def test_a_number_is_compared_with_numbers(operand: str) -> None:
    body = {"l": [{"n": 1}, {"n": Decimal("1.5")}, {"n": "x"}]}
    for operator in ("<", "<=", "==", ">", ">="):
        assert finder(path_of(f"l.#(n{operator}{operand}).n"))(body) in (MISSING, "x")


def test_names_with_indexes_pad_only_so_much() -> None:
    """One body of many lists, each with a place far behind its end: what is padded has a bound."""
    far = ".".join([str(MOST_PADDING)] * 60)
    made = merged({f"a{number}.{far}": 1 for number in range(2000)}, {})
    assert json.dumps(made).count("null") < 2 * MOST_PADDED * MOST_PADDING
    assert merged({f"a.{MOST_PADDING}": 1}, {})["a"] == [None] * MOST_PADDING + [1]


def test_attributes_take_linear_time() -> None:
    attributes = {f"-a{number:06}": number for number in range(100_000)}
    assert xml_of({**attributes, "b": 1}).endswith(' a099999="99999">\n  <b>1</b>\n</object>')


def test_lines_that_stand_deep_are_not_written_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deep: Any = [1] * 100
    for _ in range(90):
        deep = {"a": deep}
    whole = xml_of(deep)
    monkeypatch.setattr(xml_text, "MOST_LETTERS", len(whole) + 1)
    assert xml_of(deep) == whole
    monkeypatch.setattr(xml_text, "MOST_LETTERS", len(whole))
    with pytest.raises(TooDeep, match="a body is longer than"):
        xml_of(deep)


@pytest.mark.parametrize("action", ["RPL", "REN"])
def test_letters_that_become_many_have_an_end(action: str) -> None:
    modifier = {"context": "REQUEST", "action": action, "key": "a", "value": "#request.query.n.0"}
    call = {"hosts": ["http://a.test"], "path": "/", "method": "POST"}
    written = {"path": "/", "backends": [{**call, "modifiers": {"body": [modifier]}}]}
    changes = endpoint(written).calls[0].backend.changes
    body = Body(b"ab" * 500_000, "text/plain")
    message = Message(body=body, query={"n": ("c" * 10,)})
    found = before(changes, Exchange(message, message), Past()).request.body
    assert found is not None
    assert found.text == ("c" * 10 + "b") * 500_000
    longer = replace(message, query={"n": ("c" * 1_000_000,)})
    with pytest.raises(TooDeep, match="a body of text would be longer than 16777216 letters"):
        before(changes, Exchange(longer, longer), Past())


def test_many_places_take_linear_time() -> None:
    """The list is copied once, and what was given is as it was."""
    body = {"l": [{"x": 1, "y": [1, 2]} for _ in range(100_000)], "m": 1}
    found: Any = put(body, path_of("l.#.x"), [2])
    assert found["l"] == [{"x": [2], "y": [1, 2]}] * 100_000
    assert found["m"] == 1
    assert body["l"] == [{"x": 1, "y": [1, 2]}] * 100_000
    again: Any = put(found, path_of("l.#(x.#==1)#.y.*"), 3)
    assert again["l"] == [{"x": [2], "y": [1, 2]}] * 100_000
    again = put(found, path_of("l.#.y.1"), 3)
    assert again["l"] == [{"x": [2], "y": [1, 3]}] * 100_000
    assert found["l"][0] == {"x": [2], "y": [1, 2]}
