"""The 57 examples of the documentation: configurations are read, answers are made of those that
backends must have given. Fragments are refused; what the gateway itself says is the server's.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from apiql.dotenv_text import read_dotenv
from apiql.frontends.endpoints.answer import aborted, aborts, answer_of
from apiql.frontends.endpoints.folder import read_gateway
from apiql.frontends.endpoints.gateway import Endpoint
from apiql.frontends.endpoints.message import Message, body_of
from apiql.frontends.endpoints.modify import Exchange, Past, after, before
from apiql.frontends.endpoints.substitution import substituted
from apiql.frontends.endpoints.units import duration_of, duration_text, size_of, size_text
from tests.endpoints.reading import EXAMPLES, VALUES, answered, endpoint, gateway

CONFIGURATIONS = (0, 13, 20, 26, 32)
FRAGMENTS = (4, 5, 6, 7, 8, 16, 19, 23, 29, 30, 31, 35, 36, 39)
SETTINGS = (9,)
HOSTS = (1, 2, 3)
ENVIRONMENT = (10, 11, 12)
ANSWERS = {
    13: ((14, 15, 16), (17, 18, 19)),
    20: ((21, 22, 23), (None, 25, 24)),
    26: ((27, 28, 29),),
    32: ((33, 34, 35),),
    36: ((37, 38, 39),),
}
STATUSES = {30: 201, 31: 100}
HEADERS = (40, 41, 42, 43, 44)
DEFAULTS = {
    46: f"payload too large error: permitted limit is {size_text(1)}",
    48: f"too many requests error: permitted limit is 1 every {duration_text(10**9)}",
    50: f"header too large error: permitted limit is {size_text(1)}",
    52: None,
    54: None,
    56: f"gateway timeout: {duration_text(5 * 60 * 10**9)}",
}
"""Answers of the gateway itself: the texts that units stand in."""
HEADERS_OF_DEFAULTS = (45, 47, 49, 51, 53, 55)

OTHERWISE = {
    "22, X-Gopen-Success": "a 403 is no success: false",
    "35, lists": "first the first backend, then the second",
    "35, birthDate": "no member of one backend is lost",
    "56": "durations are printed as Go does: 5m0s",
}
"""Where the examples contradict the rules, and the rules win."""


def test_every_example_is_looked_at() -> None:
    answers = {index for pairs in ANSWERS.values() for each in pairs for index in each}
    seen = {*CONFIGURATIONS, *FRAGMENTS, *SETTINGS, *HOSTS, *ENVIRONMENT, *answers, *STATUSES}
    seen |= {*HEADERS, *DEFAULTS, *HEADERS_OF_DEFAULTS}
    assert seen - {None} == set(range(57)) == set(range(len(EXAMPLES)))


def text_of(index: int) -> str:
    found: str = EXAMPLES[index]["text"]
    return found


def json_of(index: int) -> Any:
    return EXAMPLES[index]["json"]


@pytest.mark.parametrize("index", CONFIGURATIONS)
def test_a_configuration_is_read(index: int) -> None:
    found = gateway(json_of(index))
    assert found.port == 8080
    assert [str(each) for each in found.endpoints] == ["GET /users/find/:key"]


@pytest.mark.parametrize("index", CONFIGURATIONS)
def test_without_its_environment_it_is_not(index: int) -> None:
    found, problems = read_gateway(json.dumps(json_of(index)), "dev/.json", {})
    assert found is None
    assert any("the environment has no value for $" in str(problem) for problem in problems)


@pytest.mark.parametrize("index", FRAGMENTS)
def test_a_fragment_is_no_configuration(index: int) -> None:
    found, problems = read_gateway(json.dumps(json_of(index)), "dev/.json", VALUES)
    assert found is None
    assert problems


def test_what_settings_show_is_a_configuration() -> None:
    found = gateway(json_of(9)["setting"])
    assert found.settings == json_of(9)["setting"]
    assert json_of(9)["endpoints"] == len(found.endpoints)


@pytest.mark.parametrize("index", HOSTS)
def test_hosts_are_as_often_there_as_they_are_written(index: int) -> None:
    hosts = json.loads(text_of(index)[text_of(index).index("[") :])
    backend = {"hosts": hosts, "path": "/a", "method": "GET"}
    assert endpoint({"backends": [backend]}).calls[0].backend.hosts == tuple(hosts)


def test_the_environment_is_put_in() -> None:
    values = read_dotenv(text_of(11), "dev/.env")
    made = substituted(json.dumps(json_of(10)), values)
    assert json.loads(made.text) == json_of(12)
    found, problems = read_gateway(json.dumps(json_of(10)), "dev/.json", values)
    assert found is not None
    assert found.redis is not None
    assert found.redis.password == "12345"
    assert [problem.wrong for problem in problems] == ["there are no endpoints"]


def answer(found: Endpoint, responses: list[Message]) -> Message:
    """What an endpoint answers, call by call, as one that carries it out does."""
    made: list[Message] = []
    for call, response in zip(found.calls, responses, strict=False):
        request = Message(path=call.backend.path)
        exchange = before(call.backend.changes, Exchange(request, request), Past())
        done = after(call.backend.changes, replace(exchange, response=response), Past())
        assert done.response is not None
        made.append(done.response)
        if aborts(found.abort_if, response.status, done.response.status):
            return aborted(found.shape, done.response, len(made))
    return answer_of(found.shape, made)


def backends_of(index: int, body: Any) -> list[Message]:
    """What the backends must have answered for a body of an example."""
    match index:
        case 26:
            first, second, third = (
                {k: v for k, v in e.items() if k not in ("ok", "code")} for e in body
            )
            return [answered(first), answered(second), answered(third["version"])]
        case 32:
            both = {name: value for name, value in body.items() if isinstance(value, list)}
            del both["usersId"]
            first = {name: body[name] for name in ("name", "gender", "currentPage", "lastSeenAt")}
            second = {name: body[name] for name in ("usersId", "status")}
            first |= {name: values[0] for name, values in both.items()}
            second |= {name: values[1] for name, values in both.items()}
            return [answered(first), answered(second), answered(body["version"])]
        case 36:
            first = {k: v for k, v in body.items() if k not in ("device", "version")}
            return [answered(first), answered(body["device"]), answered(body["version"])]
        case _:
            return [answered(body)]


def config_of(index: int) -> Any:
    if index != 36:
        return json_of(index)
    config = json.loads(json.dumps(json_of(32)))
    config["endpoints"][0]["backends"][1] = json_of(36)
    return config


CASES = [(index, *each) for index, pairs in ANSWERS.items() for each in pairs]


@pytest.mark.parametrize(("index", "status", "headers", "body"), CASES)
def test_an_answer(index: int, status: int | None, headers: int, body: int) -> None:
    (found,) = gateway(config_of(index)).endpoints
    expected = "404 page not found" if body == 24 else json_of(body)
    code = 404 if status is None else int(text_of(status).split()[1])
    responses = backends_of(index, expected)
    if body == 24:
        responses = [answered({}), answered({"id": 1}), answered(expected, code)]
    elif len(responses) == 1:
        responses = [answered(expected, code)]
    made = answer(found, responses)
    assert made.status == code
    assert made.body is not None
    shown = made.body.text if isinstance(expected, str) else made.body.value
    assert shown == expected
    told = dict(line.split(": ", 1) for line in text_of(headers).splitlines())
    assert told.keys() - made.headers.keys() == {"Date", "Content-Length"}
    if headers == 22:
        told["X-Gopen-Success"] = "false"
    for name, values in made.headers.items():
        assert ", ".join(values) == told[name]


def test_members_of_both_are_first_the_first_backends() -> None:
    (found,) = gateway(json_of(32)).endpoints
    made = answer(found, [answered({"id": 1, "a": 1}), answered({"id": 2}), answered("v1")])
    assert made.body is not None
    assert made.body.text == '{"id":[1,2],"a":1,"version":"v1"}'


@pytest.mark.parametrize("index", STATUSES)
def test_the_most_frequent_status_or_the_last_one(index: int) -> None:
    (found,) = gateway(json_of(26)).endpoints
    made = answer(found, [answered({}, each["code"]) for each in json_of(index)])
    assert made.status == STATUSES[index]
    assert made.body is not None
    assert isinstance(made.body.value, list)
    for each, shown in zip(json_of(index), made.body.value, strict=True):
        assert shown == {"ok": 200 <= each["code"] <= 299, "code": each["code"]}


def fields(index: int) -> dict[str, tuple[str, ...]]:
    pairs = (line.split(": ", 1) for line in text_of(index).splitlines())
    return {name: (text,) for name, text in pairs}


@pytest.mark.parametrize(("given", "index"), [((40,), 41), ((42, 43), 44)])
def test_header_fields_are_joined(given: tuple[int, ...], index: int) -> None:
    backend = {"hosts": ["http://a.test"], "path": "/a", "method": "GET"}
    found = endpoint({"backends": [backend] * len(given), "aggregate-responses": True})
    body = body_of(b'{"a":1}', "application/json")
    made = answer_of(found.shape, [Message(fields(each), body, 200) for each in given])
    expected = {n: v for n, v in fields(index).items() if n not in ("Date", "Content-Length")}
    assert {name: (", ".join(values),) for name, values in made.headers.items()} == expected


@pytest.mark.parametrize("index", DEFAULTS)
def test_what_the_gateway_itself_says(index: int) -> None:
    told = json_of(index)["message"]
    assert told
    if DEFAULTS[index] is not None:
        assert DEFAULTS[index] == told.replace("5m", "5m0s")
    headers = fields(index - 1)
    assert headers["X-Gopen-Success"] == headers["X-Gopen-Complete"] == ("false",)


def test_the_units_of_the_documentation() -> None:
    assert duration_text(duration_of("5m") or 0) == "5m0s"
    assert size_text(size_of("3MB") or 0) == "3.0MB"
    assert len(OTHERWISE) == 4
