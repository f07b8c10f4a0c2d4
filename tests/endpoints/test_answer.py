"""Answers of endpoints: abort, omit, group, list, aggregate, encode."""

from __future__ import annotations

from typing import Any

import pytest

from apiql.frontends.endpoints.answer import Part, Shape, aborted, aborts, answer_of
from apiql.frontends.endpoints.message import Body, Message
from tests.endpoints.reading import answered, endpoint

TWO = (Part("user"), Part())


def text(message: Message) -> str | None:
    return None if message.body is None else message.body.text


def told(message: Message) -> tuple[str, str]:
    headers = message.headers
    return headers["X-Gopen-Complete"][0], headers["X-Gopen-Success"][0]


@pytest.mark.parametrize(
    ("abort_if", "statuses", "ends"),
    [
        (None, (200,), False),
        (None, (404,), True),
        (None, (200, 500), True),
        (None, (500, 200), True),
        (frozenset(), (500,), False),
        (frozenset({204}), (204,), True),
        (frozenset({204}), (500,), False),
    ],
)
def test_what_ends_an_endpoint(
    abort_if: frozenset[int] | None, statuses: tuple[int, ...], ends: bool
) -> None:
    assert aborts(abort_if, *statuses) is ends


def test_the_one_that_ends_it_is_the_answer() -> None:
    made = aborted(Shape(TWO, 2), answered({"a": 1}, 403, X_A="1", Date="now"), 1)
    assert (made.status, text(made), told(made)) == (403, '{"a": 1}', ("false", "false"))
    assert made.headers["X-A"] == ("1",)
    assert "Date" not in made.headers
    assert told(aborted(Shape(TWO, 2), answered(None, 202), 2)) == ("true", "true")


def test_nothing_is_204() -> None:
    made = answer_of(Shape((Part(is_omitted=True),), 1), [answered({"a": 1}, X_A="1")])
    assert (made.status, made.body, told(made)) == (204, None, ("true", "true"))
    assert "X-A" not in made.headers


def test_one_is_itself() -> None:
    made = answer_of(Shape((Part(),), 1), [answered({"a": 1}, 201)])
    assert (made.status, text(made)) == (201, '{"a": 1}')


@pytest.mark.parametrize(("name", "key"), [("user", "user"), ("", "backend-0")])
def test_one_that_is_grouped(name: str, key: str) -> None:
    shape = Shape((Part(name, is_grouped=True),), 1)
    assert text(answer_of(shape, [answered([1])])) == f'{{"{key}":[1]}}'
    assert text(answer_of(shape, [answered("text")])) == f'{{"{key}":"text"}}'
    assert answer_of(shape, [answered(None)]).body is None


def test_as_long_as_some_are_missing_nothing_is_omitted() -> None:
    parts = (Part("log", is_omitted=True), Part("user"))
    responses = [answered({"l": 1}), answered({"u": 2})]
    assert text(answer_of(Shape(parts, 2), responses)) == '{"u": 2}'
    made = answer_of(Shape(parts, 3, is_aggregated=True), responses)
    assert (text(made), told(made)) == ('{"l":1,"u":2}', ("false", "true"))
    assert text(answer_of(Shape(parts, 2), responses[:1])) == '{"l": 1}'


def test_success_is_that_of_all_calls_of_those_that_are_omitted_too() -> None:
    parts = (Part("log", is_omitted=True), Part("user"))
    for statuses, is_success in (
        ((200, 201), "true"),
        ((404, 200), "false"),
        ((200, 304), "false"),
    ):
        responses = [answered({"a": 1}, status) for status in statuses]
        assert told(answer_of(Shape(parts, 2), responses)) == ("true", is_success)


def test_a_list_of_those_that_have_a_body() -> None:
    parts = (*TWO, Part("none"), Part("grouped", is_grouped=True), Part("text"))
    given = [
        answered({"ok": "mine", "a": 1}, 500),
        answered([1], 201),
        answered(None),
        answered({"b": 2}),
        answered("x"),
    ]
    assert text(answer_of(Shape(parts, 5), given)) == (
        '[{"ok":[false,"mine"],"code":500,"a":1},{"ok":true,"code":201,"backend-1":[1]},'
        '{"ok":true,"code":200,"grouped":{"b":2}},{"ok":true,"code":200,"text":"x"}]'
    )
    assert answer_of(Shape(TWO, 2), [answered(None), answered(None)]).body is None


@pytest.mark.parametrize(
    ("bodies", "expected"),
    [
        (({"a": 1}, {"a": 2}, {"a": 3}), '{"a":[[1,2],3]}'),
        (({"a.b": 1}, {"a": {"b": 2}}), '{"a":[{"b":1},{"b":2}]}'),
        (({"a": {"x": 1}}, {"a.b": 2, "a.c": 3}), '{"a":{"x":1,"b":2,"c":3}}'),
        (({"a": [1]}, {"a.0": 2, "a.-1": 3}), '{"a":[[1,2],3]}'),
        (({"a": 1}, {"a.9999999": 2}), '{"a":1}'),
        (
            ({"@id": 1, "a#b": 2, "a|b": 3, ":c": 4, "": 5},),
            '{"@id":1,"a#b":2,"a|b":3,":c":4,"":5}',
        ),
        (({"a..b": 1, ".": 2},), '{"a..b":1,".":2}'),
        (({".".join("a" * 200): 1},), f'{{"{".".join("a" * 200)}":1}}'),
        (({"x*": 1}, {"x": 2}), '{"x":2}'),
        (([1], "text", {"a": 1}), '{"backend-0":[1],"backend-1":"text","a":1}'),
        ((None, {"a": 1}), '{"a":1}'),
        ((None, None), "{}"),
    ],
)
def test_one_object_of_all(bodies: tuple[Any, ...], expected: str) -> None:
    given = [answered(body) for body in bodies]
    if len(given) == 1:
        given.append(answered(None))
    shape = Shape((Part(),) * len(given), len(given), is_aggregated=True)
    originals = [None if each.body is None else each.body.value for each in given]
    again = repr(originals)
    assert text(answer_of(shape, given)) == expected
    assert repr(originals) == again, "a body has changed"


@pytest.mark.parametrize(
    ("statuses", "status", "success"),
    [
        ((200, 200, 201), 200, "true"),
        ((200, 201), 201, "true"),
        ((200, 404, 200), 200, "false"),
        ((200, 302), 302, "false"),
    ],
)
def test_the_status_of_several(statuses: tuple[int, ...], status: int, success: str) -> None:
    shape = Shape((Part(),) * len(statuses), len(statuses))
    made = answer_of(shape, [answered({}, each) for each in statuses])
    assert (made.status, told(made)[1]) == (status, success)


@pytest.mark.parametrize(
    ("encode", "body", "media", "expected"),
    [
        ("JSON", {"a": 1}, "application/json", '{"a": 1}'),
        ("JSON", 'say "a"', "application/json", '{"text":"say \\"a\\""}'),
        ("TEXT", {"a": 1}, "text/plain", '{"a": 1}'),
        ("XML", {"b": 1, "a": None}, "application/xml", "<object>\n  <a/>\n  <b>1</b>\n</object>"),
        ("XML", "a < b", "application/xml", "<string>a &lt; b</string>"),
        (None, {"a": 1}, "application/json", '{"a": 1}'),
        (None, "text", "text/plain", "text"),
    ],
)
def test_notations(encode: str | None, body: Any, media: str, expected: str) -> None:
    members = {} if encode is None else {"response-encode": encode}
    made = answer_of(endpoint(members).shape, [answered(body)])
    assert (text(made), made.headers["Content-Type"]) == (expected, (media,))


def test_other_media_are_called_text_and_stay() -> None:
    given = Message({"Content-Type": ("image/png",)}, Body(b"\x89PNG", "image/png"), 200)
    made = answer_of(Shape((Part(),), 1), [given])
    assert made.headers["Content-Type"] == ("text/plain",)
    assert made.body is not None
    assert made.body.data == b"\x89PNG"
