"""The examples of the documentation as whole endpoints: configuration, backends, answer."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from apiql.frontends.endpoints.refused import refused
from tests.endpoints.documented import (
    CASES,
    DEVIATIONS,
    ELSEWHERE,
    answer_to,
    config_of,
    differences,
    indexes,
    table,
)
from tests.endpoints.reading import DATA, EXAMPLES, VALUES, gateway
from tests.endpoints.running import Backends, request, run

NAMES = [case["case"] for case in CASES]


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_an_example_is_answered_as_documented(case) -> None:
    found, _ = answer_to(case)
    wrong = [(each.field, each.documented, each.ours) for each in differences(case, found)]
    known = DEVIATIONS.get(case["case"])
    expected = [] if known is None else [(known["field"], known["documented"], known["ours"])]
    assert wrong == expected


def test_every_example_is_a_case_or_somewhere_else() -> None:
    seen = frozenset[int]().union(*map(indexes, CASES)) | set(map(int, ELSEWHERE))
    assert seen == set(range(len(EXAMPLES)))
    assert DEVIATIONS.keys() <= set(NAMES)
    assert all(each["why"] for each in DEVIATIONS.values())


def test_the_table_names_all_that_is_otherwise() -> None:
    lines = [*table()]
    assert not [line for line in lines if line.endswith("WRONG")]
    assert len([line for line in lines if line.endswith("deviates")]) == len(DEVIATIONS)


def test_the_backends_are_sent_what_the_whole_configuration_says() -> None:
    case = next(each for each in CASES if each["case"] == "the whole configuration")
    _, backends = answer_to(case)
    assert backends.urls == [
        "PUT http://192.168.1.2:8051/devices",
        "GET http://user.test/users/find/gabrielcataldo.adma%40gmail.com",
    ]
    assert dict(backends.calls[1].headers) == {"X-Device-Id": "d1"}
    assert config_of(case).endpoints[0].abort_if == frozenset()


def test_the_seeds_own_configuration_is_carried_out() -> None:
    text = (DATA / "configs" / "seed002_example.json").read_text("utf-8")
    found = gateway(text, VALUES)
    backends = Backends({"*": {"body": {"id": "7", "name": "Ray"}}})
    fields = {"X-Forwarded-For": "9.9.9.9", "X-Trace-Id": "t" * 16}
    answer = run(found, backends, request(fields, params={"key": "7"}))
    assert (answer.status, json.loads(answer.body)) == (200, {"id": "7", "name": "Ray"})
    assert dict(answer.headers)["x-gopen-complete"] == "true"
    last = {**dict(backends.calls[-1].headers), **dict(backends.calls[-1].passing)}
    assert (last["X-Forwarded-For"], last["X-Trace-Id"]) == ("9.9.9.9", "t" * 16)
    assert last["X-Device-Id"] == "7"
    assert len(backends.calls) == len(found.endpoints[0].calls)


@pytest.mark.parametrize(
    ("index", "shares"), [(1, {1: 50, 2: 50}), (2, {1: 25, 2: 75}), (3, {1: 33.3, 2: 66.7})]
)
def test_a_host_is_taken_as_often_as_it_stands_in_the_list(index, shares) -> None:
    text = EXAMPLES[index]["text"]
    hosts = json.loads(text[text.index("[") :])
    backend = {"hosts": hosts, "path": "/a", "method": "GET"}
    found = gateway(
        {"port": 1, "endpoints": [{"path": "/a", "method": "GET", "backends": [backend]}]}
    )
    drawn = Counter[str]()
    for number in range(60):
        backends = Backends({"*": {"body": 1}})
        run(found, backends, bits=lambda count, n=number: ((2 * n + 1) << count) // 120)
        drawn[backends.calls[0].origin.host] += 1
    assert {int(name[-1]): round(count / 0.6, 1) for name, count in drawn.items()} == shares


@pytest.mark.parametrize("index", [46, 48, 50, 52])
def test_refusals_of_the_server_have_the_documented_shape(index) -> None:
    told, fields = EXAMPLES[index]["json"], EXAMPLES[index - 1]["text"].splitlines()
    found = refused(429, told["message"], told["endpoint"], "dev/.json", 1_714_122_773.501)
    made = json.loads(found.body)
    assert [*made] == [*told]
    assert (made["endpoint"], made["message"]) == (told["endpoint"], told["message"])
    assert made["timestamp"] == "2024-04-26T09:12:53.501Z"
    documented = {line.split(": ")[0].lower() for line in fields} - {"date", "content-length"}
    assert dict(found.headers).keys() == documented
