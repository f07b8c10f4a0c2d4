"""The JSON Schemas: made of the models, shipped as made, and saying what the models say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apiql.documents.schema_text import GRAMMAR, changed
from apiql.frontends.definitions.folder import read_folder
from apiql.frontends.definitions.kinds import MODELS, Generation, Kind, word
from apiql.frontends.definitions.schemas import main, schemas
from apiql.grammar_files import grammar_text
from tests.definitions.json_schema import is_valid
from tests.definitions.reading import DATA, FOLDERS, read

ROOT = Path(__file__).resolve().parents[2]
MADE = {name: json.loads(text) for name, text in schemas().items()}
THEIRS = {path.stem: json.loads(path.read_text("utf-8")) for path in DATA.glob("*/v2/schema/*")}
MODES = tuple((g.value, word(g, kind)) for g, kind in MODELS)


def schema_of(generation: str, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = MADE[f"apihub-{generation}-{kind}.schema.json"]
    return found


def test_the_schemas_that_are_shipped_are_those_of_the_models() -> None:
    assert list(changed(ROOT / "grammar", schemas())) == [], "run: make schemas"
    assert GRAMMAR == ROOT / "grammar"
    assert {path.name for path in GRAMMAR.glob("apihub-*.schema.json")} == set(MADE)
    for name, text in schemas().items():
        assert grammar_text(name) == text


def test_what_is_out_of_date_is_told_and_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("apiql.frontends.definitions.schemas.GRAMMAR", tmp_path)
    assert main([]) == 1
    assert main(["--write"]) == 0
    assert capsys.readouterr().out.split() == [*MADE, *MADE]
    assert main([]) == 0
    assert {path.name for path in tmp_path.iterdir()} == set(MADE)


@pytest.mark.parametrize("name", MADE)
def test_a_schema_tells_what_it_is_of(name: str) -> None:
    schema = MADE[name]
    assert schema["$schema"].endswith("2020-12/schema")
    assert schema["title"].startswith("APIHUB V")
    for inner in (schema, *schema.get("$defs", {}).values()):
        assert inner["description"]
        members = {n: m for n, m in inner["properties"].items() if n != "$schema"}
        undescribed = {n for n, m in members.items() if "description" not in m and "$ref" not in m}
        assert not undescribed


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_real_document_is_valid_and_by_the_schemas_of_its_authors_too(folder: str) -> None:
    count = 0
    for documents in read_folder(DATA / folder).documents.values():
        for document in documents.values():
            value = json.loads(document.text)
            own = document.origin
            kind = word(own.generation, own.kind)
            folded = json.loads(document.model.model_dump_json(by_alias=True, exclude_unset=True))
            assert is_valid(folded, schema_of(own.generation, kind)), own.file
            theirs = [s for name, s in THEIRS.items() if name.removesuffix("-simple") == kind]
            if own.generation is Generation.V2 and folder == "real/v2":
                assert all(is_valid(value, schema) for schema in theirs), own.file
                count += len(theirs)
    assert count == (2 * 60 if folder == "real/v2" else 0)


VALUE = {"from": "literal", "content": "a"}
HTTPAPI = {"id": "x", "url": "http://h.test/", "method": "GET", "requestContentType": "none"}
STEP = {"name": "s", "command": "dump"}


@pytest.mark.parametrize(
    ("kind", "value", "theirs", "ours"),
    [
        ("httpapi", HTTPAPI, True, True),
        ("httpapi", HTTPAPI | {"dynamicUrl": VALUE}, True, True),
        ("httpapi", HTTPAPI | {"cache": {"expire": VALUE, "format": "second"}}, False, True),
        ("httpapi", HTTPAPI | {"more": 1}, False, False),
        ("httpapi", HTTPAPI | {"id": 1}, False, False),
        ("httpapi", {n: v for n, v in HTTPAPI.items() if n != "url"}, False, False),
        ("httpapi", {n: v for n, v in HTTPAPI.items() if n != "id"}, False, False),
        ("httpapi", {n: v for n, v in HTTPAPI.items() if n != "method"}, False, False),
        ("httpapi", HTTPAPI | {"method": "PUT"}, False, True),
        ("httpapi", HTTPAPI | {"requestContentType": "text/xml"}, False, True),
        ("httpapi", HTTPAPI | {"args": [{"in": "query", "name": "a", "value": VALUE}]}, True, True),
        ("httpapi", HTTPAPI | {"args": [{"name": "a", "value": VALUE}]}, False, False),
        ("httpapi", HTTPAPI | {"args": [{"in": "query", "name": "a"}]}, False, False),
        ("flow", {"name": "x", "steps": []}, True, True),
        ("flow", {"name": "x"}, False, False),
        ("flow", {"name": "x", "steps": [], "more": 1}, False, False),
        ("flow", {"name": "x", "steps": [STEP]}, True, True),
        ("flow", {"name": "x", "steps": [{"name": "s"}]}, False, False),
        ("flow", {"name": "x", "steps": [STEP | {"more": 1}]}, True, True),
        ("flow", {"name": "x", "steps": [STEP | {"args": [{"name": "a"}]}]}, False, False),
        (
            "flow",
            {"name": "x", "steps": [STEP | {"args": [{"name": "a", "value": {"from": "json"}}]}]},
            False,
            False,
        ),
        (
            "flow",
            {"name": "x", "steps": [STEP | {"args": [{"name": "a", "value": {"from": "x"}}]}]},
            False,
            False,
        ),
        ("schedule", {"name": "x", "steps": [{"type": "api", "api": STEP}]}, True, True),
        ("schedule", {"name": "x", "steps": [{"type": "zzz"}]}, True, False),
        ("schedule", {"name": "x", "steps": [{}]}, False, False),
        ("schedule", {"name": "x", "steps": [], "more": 1}, True, True),
        ("schedule", {"name": "x", "steps": [], "concurrentNum": "2"}, False, False),
        ("right", {"type": "flow", "right": "bogus"}, True, True),
        ("right", {"type": "flow"}, False, False),
        ("right", {"type": "flow", "right": "public", "more": 1}, False, False),
        ("right", {"type": "flow", "right": "whitelist", "list": [{}]}, False, False),
    ],
)
def test_what_their_schemas_accept_and_what_ours_do(
    kind: str, value: Any, theirs: bool, ours: bool
) -> None:
    assert is_valid(value, THEIRS[kind]) == theirs
    assert is_valid(value, schema_of("v2", kind)) == ours
    document, _ = read(json.dumps(value), "v2", kind)
    assert (document is not None) == ours


@st.composite
def changed_documents(draw: st.DrawFn) -> tuple[str, str, Any]:
    """A real document with some part of it replaced, taken away, or put in another place."""
    generation = draw(st.sampled_from(("v1", "v2")))
    kinds = (Kind.PRIVATE, Kind.API, Kind.FLOW, Kind.SCHEDULE, Kind.RIGHT)
    documents = {k: d for k, d in REAL[generation].items() if d and k in kinds}
    kind = draw(st.sampled_from(sorted(documents)))
    value = json.loads(draw(st.sampled_from(documents[kind])))
    for _ in range(draw(st.integers(1, 3))):
        change(draw, value)
    return generation, word(Generation(generation), kind), value


def change(draw: st.DrawFn, value: Any) -> None:
    parts = list(containers(value))
    where = draw(st.sampled_from(parts))
    keys = list(where) if isinstance(where, dict) else list(range(len(where)))
    if not keys:
        return
    key = draw(st.sampled_from(keys))
    others: list[Any] = [
        1,
        "",
        "x",
        True,
        [],
        {},
        {"from": "template"},
        draw(st.sampled_from(parts)),
    ]
    if draw(st.booleans()):
        where[key] = json.loads(json.dumps(draw(st.sampled_from(others))))
    else:
        del where[key]


def containers(value: Any) -> Any:
    """All objects and lists in a value."""
    if isinstance(value, dict | list):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from containers(inner)


# Without those with names in another case, which schemas cannot know.
REAL = {
    generation: {
        kind: [d.text for d in documents.values() if d.origin.name not in ("amap_qywx", "s_switch")]
        for kind, documents in read_folder(DATA / f"{generation}_conf").documents.items()
    }
    for generation in ("v1", "v2")
}


@settings(max_examples=400, deadline=None)
@given(changed_documents())
def test_a_schema_refuses_what_the_reader_refuses(changed_document: tuple[str, str, Any]) -> None:
    generation, kind, value = changed_document
    document, problems = read(json.dumps(value), generation, kind)
    if any("older" in p.wrong or "twice" in p.wrong for p in problems):
        return
    valid = is_valid(value, schema_of(generation, kind))
    assert valid == (document is not None), [str(problem) for problem in problems]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(MODES), st.data())
def test_any_text_is_a_document_or_has_problems(mode: tuple[str, str], data: st.DataObject) -> None:
    names = st.sampled_from(["steps", "tasks", "Api", "from", "value", "args", "$schema", "json"])
    values = st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(names | st.text(), inner, max_size=4)
        ),
        max_leaves=12,
    )
    text = data.draw(st.text() | values.map(json.dumps))
    document, problems = read(text, *mode)
    assert (document is None) == any(problem.severity == "error" for problem in problems)
    for problem in problems:
        assert problem.at is None or problem.at.line >= 1
        assert problem.owner is not None
        assert str(problem).startswith(problem.place)
