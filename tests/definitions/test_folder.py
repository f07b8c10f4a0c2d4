"""Folders: which generation they are, which files are read, what names come of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from apiql.documents.files import MOST_BYTES, MOST_FOLDERS
from apiql.documents.modelled import MOST_PROBLEMS
from apiql.documents.problems import Severity, broken
from apiql.documents.shape import Shape
from apiql.frontends.definitions.document import Document
from apiql.frontends.definitions.folder import Definitions, read_folder
from apiql.frontends.definitions.kinds import Generation, Kind
from apiql.frontends.definitions.layout import Layout
from apiql.frontends.definitions.v1.api import Api
from tests.definitions.reading import read, write

API = '{"url": "http://h.test/"}'
HTTPAPI = '{"id": "x", "url": "http://h.test/", "method": "GET", "requestContentType": "none"}'
FLOW_1 = '{"steps": [{"api": {"id": "x"}}]}'
FLOW_2 = '{"name": "x", "steps": [{"name": "a", "command": "dump"}]}'
SCHEDULE_1 = '{"tasks": []}'
SCHEDULE_2 = '{"name": "x", "steps": []}'


def generations(found: Definitions, kind: Kind) -> dict[str, Generation]:
    return {name: d.origin.generation for name, d in found.documents[kind].items()}


@pytest.mark.parametrize(
    ("names", "layout"),
    [
        (["apis/x.json"], Layout.V1),
        (["apis/x.json", "flows/x.json", "privates/x.json", "schedules/x.json"], Layout.V1),
        (["main.json"], Layout.V2),
        (["httpapis/x.json", "flows/x.json"], Layout.V2),
        (["rights/flow/x.json"], Layout.V2),
        (["apis/x.json", "httpapis/x.json"], Layout.MIXED),
        (["flows/x.json"], Layout.MIXED),
        (["apiql.toml", "apis/x.json"], Layout.OURS),
        (["queries/x.apiql"], Layout.NONE),
    ],
)
def test_a_folder_is_known_by_what_stands_in_it(
    tmp_path: Path, names: list[str], layout: Layout
) -> None:
    assert read_folder(write(tmp_path, dict.fromkeys(names, "{}"))).layout is layout


def test_where_both_may_stand_each_file_tells_its_generation(tmp_path: Path) -> None:
    names = {
        "apis/plain.json": API,
        "apis/new.json": HTTPAPI.replace("}", ', "args": []}'),
        "httpapis/plain.json": HTTPAPI,
        "httpapis/old.json": '{"url": "http://h.test/", "Parameters": []}',
        "flows/one.json": FLOW_1,
        "flows/two.json": FLOW_2,
        "schedules/one.json": SCHEDULE_1,
        "schedules/two.json": SCHEDULE_2,
    }
    for toml in (False, True):
        found = read_folder(write(tmp_path, names | ({"apiql.toml": ""} if toml else {})))
        one, two = Generation.V1, Generation.V2
        assert generations(found, Kind.API) == {"new": two, "old": one, "plain": two}
        assert generations(found, Kind.FLOW) == {"one": one, "two": two}
        assert generations(found, Kind.SCHEDULE) == {"one": one, "two": two}
        assert [str(p) for p in found.problems] == [
            "httpapis/plain.json: warning: httpapi plain stands in apis/plain.json too: "
            "this file counts"
        ]


def test_the_first_generation_reads_every_file_and_names_folders(tmp_path: Path) -> None:
    files = dict.fromkeys(
        ["a.json", "b", "c.json.old", "shop/d.json", "x/y/e.json", ".hidden"], API
    )
    found = read_folder(write(tmp_path, {f"apis/{name}": text for name, text in files.items()}))
    assert set(found.documents[Kind.API]) == {"a", "b", "c", "shop/d", "y/e"}
    assert not found.problems


def test_the_second_generation_reads_json_alone_and_names_no_folders(tmp_path: Path) -> None:
    names = ["a.json", "b", "c.json.old", "shop/d.json", "x/y/e.json", "y/a.json"]
    found = read_folder(write(tmp_path, {f"httpapis/{name}": HTTPAPI for name in names}))
    assert set(found.documents[Kind.API]) == {"a", "d", "e"}
    assert found.documents[Kind.API]["a"].origin.file == "httpapis/y/a.json"
    assert [str(problem) for problem in found.problems] == [
        "httpapis/y/a.json: warning: httpapi a stands in httpapis/a.json too: this file counts"
    ]


def test_what_a_shadowed_file_had_wrong_is_no_longer_told(tmp_path: Path) -> None:
    found = read_folder(write(tmp_path, {"httpapis/a.json": "{", "httpapis/b/a.json": HTTPAPI}))
    assert [p.severity for p in found.problems] == [Severity.WARNING]
    assert "a" in found.documents[Kind.API]
    found = read_folder(write(tmp_path, {"httpapis/a.json": HTTPAPI, "httpapis/b/a.json": "{"}))
    assert broken(found.problems) == {("api", "a")}
    assert not found.documents[Kind.API]
    assert found.names[Kind.API] == {"a"}


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("手机归属地_mobile", True),
        ("मौसम", True),
        ("a-b.c_1", True),
        ("x" * 128, True),
        ("x" * 129, False),
        ("a b", False),
        ("a%2f", False),
        ("a;b", False),
        ("a\u202eb", False),
        ("a\nb", False),
    ],
)
def test_names_are_of_letters_and_digits_of_any_script(
    tmp_path: Path, name: str, safe: bool
) -> None:
    found = read_folder(write(tmp_path, {f"httpapis/{name}.json": HTTPAPI}))
    assert (set(found.documents[Kind.API]) == {name}) == safe
    assert [problem.severity for problem in found.problems] == [Severity.ERROR] * (not safe)
    assert all(text.isprintable() for p in found.problems for text in p.wrong)


def test_letters_are_composed_however_the_file_system_writes_them(tmp_path: Path) -> None:
    found = read_folder(write(tmp_path, {"apis/cafe\u0301.json": API}))
    assert set(found.documents[Kind.API]) == {"caf\u00e9"}


def test_a_broken_file_does_not_keep_the_others_away(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "good.json": API,
        "syntax.json": '{"url": ',
        "bytes.json": b'{"url":\n "\xff"}',
        "mark.json": b"\xef\xbb\xbf{}",
        "utf16.json": API.encode("utf-16"),
        "empty.json": "",
        "deep.json": '{"response": {"json": ' + "[" * 200_000,
        "large.json": " " * (MOST_BYTES + 1),
    }
    root = write(tmp_path, {f"apis/{name}": content for name, content in files.items()})
    os.mkfifo(root / "apis" / "pipe.json")
    (root / "apis" / "nowhere.json").symlink_to(root / "none")
    found = read_folder(root)
    assert set(found.documents[Kind.API]) == {"good"}
    assert len(found.names[Kind.API]) == 10
    assert len(broken(found.problems)) == 9
    assert [str(problem).splitlines()[0].replace(": ", "|", 1) for problem in found.problems] == [
        "apis/bytes.json:2:3|error: the file is not UTF-8",
        "apis/deep.json:1:121|error: $.response.json" + "[0]" * 98 + ": this is no JSON: "
        "the brackets nest too deeply",
        "apis/empty.json:1:1|error: $: this is no JSON: found the end of the file",
        f"apis/large.json|error: is larger than {MOST_BYTES} bytes",
        "apis/mark.json:1:1|error: $: this is no JSON: a byte order mark stands first",
        "apis/nowhere.json|error: is no file that can be read",
        "apis/pipe.json|error: is no file that can be read",
        "apis/syntax.json:1:9|error: $.url: this is no JSON: found the end of the file",
        "apis/utf16.json:1:1|error: the file is not UTF-8",
    ]


def test_folders_in_folders_end_somewhere(tmp_path: Path) -> None:
    inner = "/".join(["f"] * (MOST_FOLDERS + 1))
    found = read_folder(write(tmp_path, {"apis/a.json": API, f"apis/{inner}/b.json": API}))
    assert set(found.documents[Kind.API]) == {"a"}
    assert [problem.wrong for problem in found.problems] == [
        f"folders go deeper than {MOST_FOLDERS}"
    ]


def test_what_begins_with_a_dot_is_not_looked_at(tmp_path: Path) -> None:
    names = ["apis/.git/a.json", "apis/.b.json", "apis/..data/c.json", "apis/d.json"]
    found = read_folder(write(tmp_path, dict.fromkeys(names, API)))
    assert found.names[Kind.API] == {"d"}


def test_null_is_as_if_it_were_absent() -> None:
    text = '{"id": null, "url": "http://h.test/", "parameters": null, "cache": null}'
    document, problems = read(text)
    assert not problems
    assert isinstance(document, Document)
    assert document.model == Api(url="http://h.test/")
    document, problems = read('{"url": null}')
    assert document is None
    assert [problem.wrong for problem in problems] == ["there is no URL"]


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    root = write(tmp_path / "conf", {"apis/a.json": API})
    write(tmp_path / "elsewhere", {"b.json": API})
    (root / "apis" / "loop").symlink_to(root / "apis")
    (root / "apis" / "out").symlink_to(tmp_path / "elsewhere")
    assert set(read_folder(root).documents[Kind.API]) == {"a"}


def test_folders_of_kinds_may_stand_elsewhere(tmp_path: Path) -> None:
    root = write(tmp_path / "conf", {"apis/a.json": API, "flows/a.json": FLOW_1})
    other = write(tmp_path / "other", {"b.json": API})
    found = read_folder(root, {"apis": other, "flows": tmp_path / "nowhere"})
    assert set(found.documents[Kind.API]) == {"b"}
    assert set(found.documents[Kind.FLOW]) == {"a"}
    alone = read_folder(tmp_path / "nothing", {"apis": other})
    assert alone.layout is Layout.V1
    assert set(alone.documents[Kind.API]) == {"b"}


def test_a_folder_without_definitions_is_told(tmp_path: Path) -> None:
    for root in (tmp_path, tmp_path / "nowhere"):
        found = read_folder(root)
        assert found.layout is Layout.NONE
        assert [problem.wrong for problem in found.problems] == ["there are no definitions here"]


def test_so_many_problems_of_a_file_are_listed_and_no_more() -> None:
    steps = ", ".join(['{"name": 1}'] * 1000)
    document, problems = read(f'{{"steps": [{steps}]}}', "v1", "flow")
    assert document is None
    assert len(problems) == MOST_PROBLEMS + 1
    assert problems[0].wrong.startswith("there is more wrong")


def test_a_document_tells_the_place_of_each_part() -> None:
    text = '{"steps":\n  [{"Name": "a",\n "api": {"id": "é\\u00e9b"}}]}'
    document, problems = read(text, "v1", "flow")
    assert isinstance(document, Document)
    assert isinstance(document.model, Shape)
    assert [problem.severity for problem in problems] == []
    at, path = document.place(("steps", 0, "api", "id"))
    assert (at.line, at.column, path) == (3, 16, "$.steps[0].api.id")
    at, path = document.place(("steps", 0, "name"))
    assert (at.line, at.column, path) == (2, 13, "$.steps[0].Name")
