"""What is nobody else's business stays out of all that is written and told; what a shell means."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from apiql.importers import bring
from apiql.importers.shell_words import commands_of
from apiql.importers.toml_text import value

SECRET = "S3CRET"
BODY = {"mode": "raw", "raw": json.dumps({"in": {"password": SECRET}, "l": [{"token": SECRET}]})}
URL = "https://x.example"


def collection(request: dict[str, Any], *variables: dict[str, Any]) -> str:
    """A collection of Postman with one request."""
    item = [{"name": "a", "request": {"method": "POST", "url": f"{URL}/a"} | request}]
    return json.dumps({"info": {"name": "p"}, "variable": variables, "item": item})


def both(text: str, to: Path) -> str:
    """All that is written and told of it, as sources and as definitions."""
    plans = (
        bring.plan(text.encode(), "auto", bring.Choice("f"), to, as_, None, False, {})
        for as_ in ("sources", "httpapi")
    )
    return "".join(plan.shown + bring.told(plan) for plan in plans)


@pytest.mark.parametrize(
    "text",
    [
        collection({"body": BODY}),
        collection({"url": f"{URL}/{{{{city}}}}"},
                   {"key": "city", "value": SECRET, "type": "secret"}),
        collection({"url": f"{URL}/{{{{token}}}}"}, {"key": "token", "value": SECRET}),
        f"curl {URL}/a\ncurl ftp://u:{SECRET}@x.example/a",
        f"curl {URL}/a -u u:{SECRET}",
        f"curl https://u:{SECRET}@x.example/a",
        f"curl {URL}/a --json '{json.dumps({'a': 1, 'in': {'api-key': SECRET}})}'",
        f"curl {URL}/a -H 'Authorization: {SECRET}' -H 'X-Api-Key: {SECRET}' -b 'sid={SECRET}'",
        f"curl '{URL}/a?access_token={SECRET}' -d 'pwd={SECRET}'",
    ],
    ids=range(9),
)  # fmt: skip
def test_no_secret_is_written_or_told(text: str, tmp_path: Path) -> None:
    found = both(text, tmp_path)
    assert "x.example" in found
    assert SECRET not in found


def test_how_a_secret_is_sent_is_written(tmp_path: Path) -> None:
    assert '#kind = "basic"' in both(f"curl {URL}/a -u u:p", tmp_path)
    assert '#kind = "bearer"' in both(f"curl {URL}/a -H 'Authorization: Bearer x'", tmp_path)


def test_headers_of_the_connection_are_not_sent_again(tmp_path: Path) -> None:
    found = both(f"curl {URL}/a -H 'Host: y.example' -H 'X-Kept: z'", tmp_path)
    assert "y.example" not in found
    assert 'headers = { X-Kept = "z" }' in found
    assert "line 1: the header Host belongs to who calls; not taken" in found


def test_several_types_are_any(tmp_path: Path) -> None:
    parameters = [
        {"name": name, "in": "query", "schema": {"type": types}}
        for name, types in (("a", ["string", "integer"]), ("b", ["string", "null"]))
    ]
    paths = {"/a": {"get": {"parameters": parameters}}}
    text = json.dumps({"openapi": "3.1.0", "servers": [{"url": URL}], "paths": paths})
    assert "It also takes: a, b string." in both(text, tmp_path)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("\\\n\\\ncurl a", [(3, ["curl", "a"], None)]),
        ("curl 'a'#b # c\n# d\ncurl e", [(1, ["curl", "a#b"], None), (3, ["curl", "e"], None)]),
        ("curl a$(b)", [(1, ["curl", "a(b)"], "it needs what another command prints")]),
        ("curl `b`", [(1, ["curl", "b"], "it needs what another command prints")]),
    ],
)  # fmt: skip
def test_what_a_shell_means(text: str, found: list[tuple[int, list[str], str | None]]) -> None:
    assert [(each.line, each.words, each.wrong) for each in commands_of(text)] == found


@pytest.mark.parametrize("text", ["\x7f", "\x00\x1f\n", "\u0085\u2028", '"\\'])
def test_toml_reads_any_letter(text: str) -> None:
    assert tomllib.loads(f"a = {value(text)}") == {"a": text}
