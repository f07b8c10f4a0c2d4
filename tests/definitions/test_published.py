"""The published definitions of both generations, and the folders with some that are broken on
purpose: all is read, and what is wrong stands in the golden texts beside this file.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from apiql.documents.problems import Severity, broken
from apiql.frontends.definitions.checks import check
from apiql.frontends.definitions.folder import read_folder
from apiql.frontends.definitions.kinds import Generation, Kind
from apiql.frontends.definitions.v1.schedule import Schedule
from apiql.frontends.definitions.v2.flow import Main
from apiql.json_nodes import plain
from tests.definitions.reading import DATA, FOLDERS

COUNTS = {
    "real/v1": {Kind.API: 10, Kind.FLOW: 5, Kind.SCHEDULE: 1},
    "real/v2": {Kind.MAIN: 1, Kind.API: 20, Kind.FLOW: 23, Kind.SCHEDULE: 5, Kind.RIGHT: 12},
    "v1_conf": {Kind.PRIVATE: 6, Kind.API: 36, Kind.FLOW: 15, Kind.SCHEDULE: 10},
    "v2_conf": {
        Kind.MAIN: 1, Kind.PRIVATE: 10, Kind.API: 40, Kind.FLOW: 41, Kind.SCHEDULE: 14,
        Kind.RIGHT: 15,
    },
}  # fmt: skip
BROKEN = {
    "real/v1": set(),
    "real/v2": set(),
    "v1_conf": {("api", "t_nourl"), ("api", "t_unknownfrom"), ("schedule", "s_badtype")},
    "v2_conf": {("schedule", "s_badtype")},
}


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_is_read_and_its_problems_are_those_of_the_golden_text(
    folder: str, request: pytest.FixtureRequest
) -> None:
    found = read_folder(DATA / folder)
    problems = check(found)
    told = "".join(f"{problem}\n" for problem in problems)
    golden = Path(__file__).with_name(folder.replace("/", "_") + ".txt")
    if request.config.getoption("--update"):
        golden.write_text(told, "utf-8")
    assert told == golden.read_text("utf-8")
    assert {k: len(d) for k, d in found.documents.items() if d} == COUNTS[folder]
    assert broken(problems) == BROKEN[folder]
    files = [p for p in (DATA / folder).rglob("*.json") if p.parent.name not in ("smoke", "schema")]
    count = sum(map(len, found.names.values())) + (DATA / folder / "main_example.json").is_file()
    assert len(files) == count


@pytest.mark.parametrize("folder", ["real/v1", "real/v2"])
def test_what_was_published_has_warnings_alone(folder: str) -> None:
    assert {p.severity for p in check(read_folder(DATA / folder))} == {Severity.WARNING}


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_model_holds_what_its_file_holds(folder: str) -> None:
    for documents in read_folder(DATA / folder).documents.values():
        for document in documents.values():
            kept = document.model.model_dump(by_alias=True, exclude_unset=True)
            assert kept == _tuples(plain(document.root)), document.origin.file


def _tuples(value: object) -> object:
    """As the models hold it: lists are tuples, free JSON stays as it is."""
    match value:
        case dict():
            free = ("json", "template")
            return {k: v if k in free else _tuples(v) for k, v in value.items()}
        case list():
            return tuple(map(_tuples, value))
        case _:
            return value


def test_names_in_another_case_are_taken() -> None:
    schedule = read_folder(DATA / "real/v1").documents[Kind.SCHEDULE]["amap_qywx"].model
    assert isinstance(schedule, Schedule)
    assert schedule.concurrent_num == 2
    assert [job.concurrent for job in schedule.tasks] == [True, True, False]


def test_a_definition_is_found_by_its_file_whatever_its_script() -> None:
    found = read_folder(DATA / "real/v2")
    document = found.documents[Kind.API]["手机归属地_mobile"]
    assert document.origin.generation is Generation.V2
    assert document.origin.file == "httpapis/手机归属地_mobile.json"
    at, path = document.place(("args", 0, "value"))
    line = document.text.splitlines()[at.line - 1]
    assert path == "$.args[0].value"
    assert line[at.column - 1] == "{"


def test_the_start_is_read() -> None:
    main = read_folder(DATA / "real/v2").documents[Kind.MAIN]["main"].model
    assert isinstance(main, Main)
    assert main.steps[-1].command == "apiGateway"


def test_templates_are_kept_as_they_are() -> None:
    (template,) = read_folder(DATA / "v2_conf").templates.values()
    assert template.text == (DATA / "v2_conf" / template.file).read_text("utf-8")
