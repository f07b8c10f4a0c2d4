"""What cannot be read is refused with its place and a way out, within bounds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from apiql.importers import bring
from apiql.importers.documents import MOST_BYTES
from apiql.importers.imported import MOST_OPERATIONS, ImportRefused
from tests.importers.describing import DATA

OPENAPI = "openapi: 3.0.0\nservers: [{url: 'https://x.example'}]\n"


def bomb(levels: int, by: str = "*a{}") -> str:
    """Anchors of anchors of anchors: ten times as much with each level."""
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([by.format(n - 1)] * 10)}]" for n in range(1, levels)]
    return OPENAPI + "\n".join(rows)


def merged(levels: int) -> str:
    """`<<` of lists of mappings that are made so themselves."""
    rows = ["m0: &m0 {a: 1, b: 2, c: 3}"]
    rows += [f"m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 10)}]}}" for n in range(1, levels)]
    return OPENAPI + "\n".join(rows)


def many(count: int) -> str:
    paths: dict[str, Any] = {f"/p{number}": {"get": {}} for number in range(count)}
    servers = [{"url": "https://x.example"}]
    return json.dumps({"openapi": "3.0.0", "servers": servers, "paths": paths})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "f: of no format that is known; say which: openapi, swagger, postman, curl, har"),
        ("hello", "of no format that is known"),
        ("[1]", "f: expected an object, this is a list"),
        ("{}", "f: expected one of the members `openapi`, `swagger`, `item`, `log`"),
        ('{"openapi": "3.0.0",\n "paths": {]}', "f:2:12: this is no JSON"),
        ('{"openapi": "3.0.0", "paths": {}, "paths": {}}', "the member paths stands twice"),
        ('{"openapi": "3.0.0", "x": NaN}', "NaN is no number of JSON"),
        ('{"openapi": "3.0.0", "x": 1e999}', "a value in it is none that JSON knows"),
        ('{"openapi": "\\ud800"}', "a value in it is none that JSON knows"),
        ('{"openapi": ' + "9" * 5000 + "}", "a number in it is too long"),
        ('{"openapi": ' + "[" * 500 + "]" * 500 + "}", "it nests deeper than 100"),
        ("{" * 200_000, "f"),
        ('{"openapi": "4.0"}', "neither `openapi: 3.x` nor `swagger"),
        ('{"openapi": "3.0.0"}', "paths: expected an object"),
        ('{"openapi": "3.0.0", "paths": {"/a": {"get": {}}}}', "say it with --url"),
        (
            '{"openapi": "3.0.0", "servers": [{"url": "/v1"}], "paths": {"/a": {"get": {}}}}',
            "the address /v1 names no host; say it with --url https://…",
        ),
        (many(0), "there is nothing in it that could be taken"),
        (many(MOST_OPERATIONS + 1), f"over {MOST_OPERATIONS} operations"),
        ('{"item": 1}', "item: expected a list"),
        ('{"log": {}}', "log.entries: expected a list"),
        ("openapi: {a: ]", "f:1:14: this is no YAML"),
        ("openapi: 3.0.0\n\topenapi: x", "this is no YAML"),
        ("openapi: 3.0.0\nopenapi: 3.0.0", "the member openapi stands twice"),
        ("openapi: !!python/object/apply:os.system [x]", "this is no YAML"),
        ("openapi: 3.0.0\n---\nopenapi: 3.0.0", "this is no YAML"),
        ("openapi: &a [*a]", "f"),
        ("openapi: \x00", "this is no YAML"),
        (OPENAPI + "x: " + "[" * 300 + "]" * 300, "more than 100 levels"),
        (OPENAPI + "a: &a 1\nb: [" + "*a, " * 1001 + "1]", "more than 1000 aliases"),
        (bomb(8), "its values are over 2000000"),
        ("curl " + "x.example " * 101, "over 100 URLs"),
        ("curl " + "x" * (5 * 2**20), "longer than 4 MiB"),
        (merged(8), "`<<` brings in more than 100000 members"),
    ],
    ids=range(33),
)
def test_what_cannot_be_read_is_refused(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(ImportRefused) as refused:
        bring.plan(text.encode(), "auto", bring.Choice("f"), tmp_path, "sources", None, False, {})
    assert str(refused.value).startswith(("f", "there is nothing", "line 1: "))
    assert told in str(refused.value)
    assert len(str(refused.value)) < 400
    assert not list(tmp_path.iterdir())


def test_what_is_too_long_or_no_text_is_refused(tmp_path: Path) -> None:
    for content, told in (
        (b" " * (MOST_BYTES + 1), "f: the file is longer than 16 MiB; part it"),
        (b"{}\n\xff", "f:2: the file is not UTF-8"),
    ):
        with pytest.raises(ImportRefused) as refused:
            bring.plan(content, "auto", bring.Choice("f"), tmp_path, "sources", None, False, {})
        assert str(refused.value) == told


def test_a_format_that_is_another_is_refused(tmp_path: Path) -> None:
    content = (DATA / "pets_2.json").read_bytes()
    with pytest.raises(ImportRefused, match="this is swagger, not postman"):
        bring.plan(content, "postman", bring.Choice("f"), tmp_path, "sources", None, False, {})


def test_hosts_of_a_recording_are_chosen(tmp_path: Path) -> None:
    content = (DATA / "page.har").read_bytes()
    for hosts, told in (((), "--host: ads.example, app.example"), (("x.example",), "nothing in")):
        choice = bring.Choice("f", hosts=hosts)
        with pytest.raises(ImportRefused, match=told):
            bring.plan(content, "har", choice, tmp_path, "sources", None, False, {})


def plan(document: dict[str, Any], to: Path) -> bring.Plan:
    content = json.dumps(document).encode()
    return bring.plan(content, "auto", bring.Choice("f"), to, "sources", None, False, {})


def test_words_of_yaml_are_those_of_json(tmp_path: Path) -> None:
    text = OPENAPI + (
        "paths: {/a: {get: {parameters: [{name: no, in: query, schema: "
        "{type: string, default: 2024-01-01}}, {name: x, in: query, schema: {default: 1:30}}]}}}"
    )
    choice = bring.Choice("f")
    found = bring.plan(text.encode(), "openapi", choice, tmp_path, "sources", None, False, {})
    assert "It also takes: no string = '2024-01-01', x = '1:30'." in found.shown
