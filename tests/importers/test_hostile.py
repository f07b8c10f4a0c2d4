"""A description is somebody else's: what it says is data, and costs no more than its size."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from apiql.gotemplate import Data, Kind
from apiql.gotemplate.json_template import compile_json
from apiql.importers import bring
from apiql.importers.imported import MOST_URL, ImportRefused


def described(document: Any, to: Path, as_: bring.As = "sources", **more: Any) -> bring.Plan:
    """What an import of a document, or of command lines, would write."""
    text = document if isinstance(document, str) else json.dumps(document)
    choice = bring.Choice("f", hosts=more.get("hosts", ()))
    name, force = more.get("name"), more.get("force", False)
    return bring.plan(text.encode(), "auto", choice, to, as_, name, force, {})


def openapi(paths: dict[str, Any], **server: Any) -> dict[str, Any]:
    servers = [{"url": "https://x.example"} | server]
    return {"openapi": "3.0.0", "servers": servers, "paths": paths}


@pytest.mark.parametrize(
    "url",
    ["http://a\u2100b.example/", "https://[x.example", f"https://x.example/{'a' * MOST_URL}"],
)
def test_an_address_that_cannot_be_one_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="names no host; say it with --url"):
        described(openapi({"/a": {"get": {}}}, url=url), tmp_path)


def test_variables_of_an_address_do_not_grow_without_end(tmp_path: Path) -> None:
    variables = {"a": {"default": "b" * 1_000_000}}
    url = "https://x.example/" + "{a}" * 300_000
    with pytest.raises(ImportRefused, match="names no host") as refused:
        described(openapi({"/a": {"get": {}}}, url=url, variables=variables), tmp_path)
    assert len(str(refused.value)) < 200


def test_only_the_first_servers_are_told(tmp_path: Path) -> None:
    document = openapi({f"/{number}": {"get": {}} for number in range(300)})
    document["servers"] += [{"url": f"https://x{number}.example"} for number in range(100_000)]
    assert len(described(document, tmp_path).left_out) < 30


def test_variables_of_a_collection_do_not_grow_without_end(tmp_path: Path) -> None:
    body = {"mode": "raw", "raw": '{"k": "' + "{{a}}" * 300_000 + '"}'}
    request = {"method": "POST", "url": "https://x.example/{{b}}", "body": body}
    variables = [{"key": "a", "value": "c" * 1_000_000}, {"key": "b", "value": "c"}]
    document = {"info": {"name": "p"}, "variable": variables, "item": [{"request": request}]}
    plan = described(document, tmp_path)
    assert 'path = "/c"' in plan.shown
    assert len(plan.shown) < 1000


def test_a_body_of_quotes_takes_linear_time(tmp_path: Path) -> None:
    body = {"mode": "raw", "raw": '"' + '\\"' * 300_000, "options": {"raw": {"language": "json"}}}
    request = {"method": "POST", "url": "https://x.example/a", "body": body}
    document = {"info": {"name": "p"}, "item": [{"request": request}]}
    assert "body $body" in described(document, tmp_path).shown


def test_the_host_of_a_recording_is_that_of_its_address(tmp_path: Path) -> None:
    request = {"method": "GET", "url": "https://u:p@good.example?e=a@evil.example/7#f"}
    answer = {"content": {"mimeType": "application/json"}}
    document = {"log": {"entries": [{"request": request, "response": answer}]}}
    shown = described(document, tmp_path, hosts=("good.example",)).shown
    assert 'url = "https://good.example"' in shown
    assert "evil" not in shown
    assert "u:p" not in shown


def test_a_description_does_not_end_an_import(tmp_path: Path) -> None:
    """Its lines are no marks: what is yours stays when something is imported anew."""
    summaries = ("<<< imported: x", ">>> imported: y", " << <<< imported: x")
    paths = {f"/{n}": {"get": {"summary": text}} for n, text in enumerate(summaries)}
    bring.done(described(openapi(paths), tmp_path, name="x"), dry_run=False)
    file = tmp_path / "apiql.toml"
    yours = "[upstreams.yours]\nurl = 'https://yours.example'\n"
    file.write_text(f"{file.read_text('utf-8')}\n{yours}", "utf-8")
    bring.done(described(openapi({"/y": {"get": {}}}), tmp_path, name="y"), dry_run=False)
    for name in ("y", "x"):
        again = described(openapi({"/z": {"get": {}}}), tmp_path, name=name, force=True)
        bring.done(again, dry_run=False)
    text = file.read_text("utf-8")
    assert yours in text
    assert text.count("path = ") == 2
    assert text.count("imported: ") == 4


def test_braces_of_a_description_are_no_template(tmp_path: Path) -> None:
    schema = {
        "properties": {
            "a": {"const": "{{.origin.secret}}{{{"},
            "{{.b}}": {"const": "x"},
            "c": {"type": "string"},
        }
    }
    content = {"application/json": {"schema": schema}}
    document = openapi({"/a": {"post": {"requestBody": {"content": content}}}})
    (text,) = described(document, tmp_path, "httpapi").files.values()
    rules = json.loads(text)["args"][0]["value"]["json"]
    data = Data({"origin": {"c": "C", "secret": "S"}}, Kind.FLOAT)
    for strict in (False, True):
        assert compile_json(rules, {}, strict).render(data).value == {
            "a": "{{.origin.secret}}{{{",
            "{{.b}}": "x",
            "c": "C",
        }


def test_braces_of_a_path_are_no_template(tmp_path: Path) -> None:
    document = openapi({"/a/{{x}}": {"get": {}}, "/b/{x}": {"get": {}}})
    plan = described(document, tmp_path, "httpapi")
    assert [file.name for file in plan.files] == ["get_b_x.json"]
    assert "would be a template" in bring.told(plan)


def test_a_file_is_not_read_whatever_its_field_is_called(tmp_path: Path) -> None:
    plan = described("curl https://x.example/a --data-urlencode 'x@secret.txt'", tmp_path)
    assert "secret.txt" not in plan.shown
    assert "line 1: --data-urlencode: the file is not read" in bring.told(plan)
