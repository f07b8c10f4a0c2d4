"""The JSON Schema of configurations: made of the models, shipped as made, saying what they say."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from apiql.frontends.endpoints.schemas import NAME, schema_text
from apiql.grammar_files import grammar_text
from tests.endpoints.reading import DATA, EXAMPLES

MADE: dict[str, Any] = json.loads(schema_text())
THEIRS = json.loads((DATA / "schemas" / "json-schema.8efe98b.json").read_text("utf-8"))


def test_the_schema_that_is_shipped_is_that_of_the_models() -> None:
    assert grammar_text(NAME) == schema_text(), "run: make schemas"


OBJECTS = {
    "": "",
    "cache": "WrittenCache",
    "endpoint-cache": "WrittenEndpointCache",
    "limiter": "WrittenLimiter",
    "security-cors": "WrittenCors",
    "endpoint": "WrittenEndpoint",
    "backend": "WrittenBackend",
    "backend-modifiers": "WrittenModifiers",
    "backend-extra-config": "ExtraConfig",
    "header-modifier": "HeaderModifier",
    "param-modifier": "ParamModifier",
    "query-modifier": "QueryModifier",
    "body-modifier": "BodyModifier",
}


@pytest.mark.parametrize(("theirs", "ours"), OBJECTS.items())
def test_every_member_of_the_documentation_is_there(theirs: str, ours: str) -> None:
    documented = THEIRS["definitions"][theirs] if theirs else THEIRS
    made = MADE["$defs"][ours] if ours else MADE
    assert set(documented["properties"]) <= set(made["properties"])
    more = set(made["properties"]) - set(documented["properties"])
    assert more <= {"@comment", "request"}
    assert set(made["required"] if "required" in made else ()) <= {
        *documented.get("required", ()), "context", "action"
    }  # fmt: skip
    for name, told in documented["properties"].items():
        words = told.get("enum") if theirs else None
        assert words is None or set(words) <= set(made["properties"][name]["enum"])


def test_patterns_take_what_is_read_and_names() -> None:
    timeout = re.compile(MADE["properties"]["timeout"]["pattern"])
    assert all(timeout.search(text) for text in ("1h30m", "500ms", "$TIMEOUT"))
    assert not timeout.search("5 minutes")
    hosts = MADE["$defs"]["WrittenBackend"]["properties"]["hosts"]["items"]["pattern"]
    config = EXAMPLES[0]["json"]
    for backend in (*config["endpoints"][0]["backends"], *config["middlewares"].values()):
        assert all(re.search(hosts, host) for host in backend["hosts"])
