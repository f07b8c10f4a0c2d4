"""What is seen only where definitions are looked at together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from apiql import definition_files
from apiql.errors import Code, Location, Problem
from apiql.frontends.definitions.checks import Known, check
from apiql.frontends.definitions.folder import read_folder
from apiql.frontends.definitions.kinds import FUNCTIONS, Generation
from tests.definitions.reading import write

PRIVATE = {"privates": [{"name": "key", "value": "s3cret"}]}


def told(root: Path, files: dict[str, Any], known: Known | None = None) -> list[str]:
    """The problems of a folder: place, severity, and the first line."""
    texts = {n: v if isinstance(v, str) else json.dumps(v) for n, v in files.items()}
    found = read_folder(write(root, texts))
    problems = check(found) if known is None else check(found, known)
    assert "s3cret" not in "".join(map(str, problems))
    return [f"{p.file}: {p.severity}: {p.path}: {p.wrong}" for p in problems]


def api(**more: Any) -> dict[str, Any]:
    return {"url": "http://h.test/", **more}


def httpapi(**more: Any) -> dict[str, Any]:
    usual = {"id": "x", "url": "http://h.test/", "method": "GET", "requestContentType": "none"}
    return usual | more


def given(kind: str, name: str) -> dict[str, Any]:
    return {"in": "query", "name": "p", "from": {"from": kind, "name": name}}


def argument(name: str, content: str, kind: str = "literal") -> dict[str, Any]:
    return {"name": name, "value": {"from": kind, "content": content}}


def step(command: str, *args: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "s", "command": command, "args": list(args), **more}


def flow(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"name": "x", "steps": list(steps)}


def broken_at(text: str, functions: frozenset[str]) -> Problem | None:
    """A template is broken where it says so, and calls `f`, if that is a function."""
    if "{{f}}" in text and "f" not in functions:
        return Problem(Code.SYNTAX, "no function f")
    at = text.find("BROKEN")
    if at < 0:
        return None
    line = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    return Problem(Code.SYNTAX, "broken", (Location(line, column),), "a template that is whole")


KNOWN = Known(FUNCTIONS, broken_at)


def test_names_of_the_first_generation_lead_somewhere(tmp_path: Path) -> None:
    own = {"name": "p", "from": {"from": "private", "name": "k"}}
    files = {
        "privates/keys.json": PRIVATE,
        "apis/good.json": api(private="keys", parameters=[given("private", "key")]),
        "apis/nofile.json": api(private="kees", parameters=[given("private", "key")]),
        "apis/noname.json": api(private="keys", parameters=[given("private", "kay")]),
        "apis/none.json": api(parameters=[given("private", "key")]),
        "flows/f.json": {
            "steps": [
                {"api": {"id": "good", "private": "nope"}},
                {"api": {"id": "god"}},
                {"api": {"id": "good", "private": "keys", "parameters": [own]}},
            ]
        },
        "schedules/s.json": {
            "tasks": [
                {"type": "flow", "name": "g", "private": "keys"},
                {
                    "type": "control", "name": "loop", "key": {"from": "template", "name": "2"},
                    "tasks": [{"type": "api", "name": "goood"}],
                },
                {
                    "type": "control", "name": "switch", "key": {"from": "origin", "name": "k"},
                    "cases": [{"value": "a", "tasks": [{"type": "flow", "name": "f"}]}],
                },
            ]
        },
    }  # fmt: skip
    assert told(tmp_path, files) == [
        'apis/nofile.json: warning: $.private: there is no private "kees"',
        'apis/noname.json: warning: $.parameters[0].from.name: private "keys" has no value "kay"',
        "apis/none.json: warning: $.parameters[0].from.name: no file of private values is named",
        'flows/f.json: warning: $.steps[0].api.private: there is no private "nope"',
        'flows/f.json: warning: $.steps[1].api.id: there is no api "god"',
        "flows/f.json: warning: $.steps[2].api.parameters[0].from.name: "
        'private "keys" has no value "k"',
        'schedules/s.json: warning: $.tasks[0].name: there is no flow "g"',
        'schedules/s.json: warning: $.tasks[1].tasks[0].name: there is no api "goood"',
    ]


def test_names_of_the_second_generation_lead_somewhere(tmp_path: Path) -> None:
    files = {
        "main.json": flow(
            step("apiGateway", argument("pre", "before"), argument("postOK", "none"))
        ),
        "privates/keys.json": PRIVATE,
        "httpapis/good.json": httpapi(private="keys"),
        "flows/f.json": flow(
            step("httpApi", argument("name", "good"), argument("private", "nope")),
            step("httpApi", argument("name", "{{.base.root}}", "template")),
            step("httpApi", argument("nam", "good")),
            step("flowApi", argument("name", "g")),
            step("scheduleApi", argument("name", "t")),
            step("createHtml", argument("type", "resource"), argument("content", "a.tmpl")),
            step("createHtml", argument("type", "resource"), argument("content", "b.tmpl")),
            step("dump", argument("a", "k", "private"), private="keys"),
        ),
        "schedules/s.json": flow(
            {"type": "api", "private": "keys", "api": step("flowApi", argument("name", "e"))},
            {"type": "switch", "control": {"name": "w", "key": argument("", "k")["value"]}},
        ),
        "rights/flow/f.json": {"type": "flow", "right": "public"},
        "rights/flow/g.json": {"type": "flow", "right": "public"},
        "rights/httpapi/good.json": {"type": "flow", "right": "public"},
        "templates/a.tmpl": "a",
    }
    assert told(tmp_path, files) == [
        'flows/f.json: warning: $.steps[0].args[1].value.content: there is no private "nope"',
        'flows/f.json: warning: $.steps[2].command: httpApi has no argument "name"',
        'flows/f.json: warning: $.steps[3].args[0].value.content: there is no flow "g"',
        'flows/f.json: warning: $.steps[4].args[0].value.content: there is no schedule "t"',
        "flows/f.json: warning: $.steps[6].args[1].value.content: "
        "there is no file templates/b.tmpl",
        'flows/f.json: warning: $.steps[7].args[0].value.content: private "keys" has no value "k"',
        'main.json: warning: $.steps[0].args[0].value.content: there is no flow "before"',
        'rights/flow/g.json: warning: $: there is no flow "g"',
        "rights/httpapi/good.json: warning: $.type: the file stands among the rights of httpapi",
        "schedules/s.json: warning: $.steps[0].private: is not used here",
        'schedules/s.json: warning: $.steps[0].api.args[0].value.content: there is no flow "e"',
        "schedules/s.json: warning: $.steps[1].control: the switch has no cases",
    ]


def test_names_are_found_in_the_folder_beside_too(tmp_path: Path) -> None:
    files = {
        "privates/shop/keys.json": PRIVATE,
        "apis/shop/a.json": api(private="keys", parameters=[given("private", "nope")]),
        "flows/shop/f.json": {"steps": [{"api": {"id": "a"}}]},
        "flows/other/f.json": {"steps": [{"api": {"id": "a"}}]},
        "flows/g.json": {"steps": [{"api": {"id": "shop/a"}}]},
    }
    assert told(tmp_path, files) == [
        'apis/shop/a.json: warning: $.parameters[0].from.name: private "keys" has no value "nope"',
        'flows/other/f.json: warning: $.steps[0].api.id: there is no api "a"',
    ]


def test_a_broken_definition_is_there(tmp_path: Path) -> None:
    files = {"apis/a.json": "{", "flows/f.json": {"steps": [{"api": {"id": "a"}}]}}
    assert [text.split(": $")[0] for text in told(tmp_path, files)] == ["apis/a.json: error"]


def test_functions_are_known(tmp_path: Path) -> None:
    files = {
        "apis/a.json": api(parameters=[given("func", "utc"), given("func", "utcms")]),
        "httpapis/b.json": httpapi(
            args=[
                argument("a", "utc_ms", "func") | {"in": "query"},
                argument("b", "utcms", "func") | {"in": "query"},
                argument("c", "mine", "func") | {"in": "query"},
            ]
        ),
    }
    assert told(tmp_path, files) == [
        'apis/a.json: error: $.parameters[1].from.name: there is no function "utcms"',
        'httpapis/b.json: error: $.args[1].value.content: there is no function "utcms"',
        'httpapis/b.json: error: $.args[2].value.content: there is no function "mine"',
    ]
    functions = {g: names | {"mine", "utcms"} for g, names in FUNCTIONS.items()}
    assert told(tmp_path, files, Known(functions)) == []


def links(**calls: str) -> dict[str, Any]:
    """Flows by name, each with the flows it calls."""
    return {
        f"flows/{name}.json": flow(*(step("flowApi", argument("name", c)) for c in called.split()))
        for name, called in calls.items()
    }


@pytest.mark.parametrize(
    ("calls", "endless"),
    [
        ({"a": "a"}, {"a": "a -> flow a"}),
        ({"a": "b", "b": "c", "c": ""}, {}),
        ({"a": "b c", "b": "c", "c": "", "d": "a b c"}, {}),
        ({"a": "b", "b": "a"}, {"a": "a -> flow b -> flow a", "b": "b -> flow a -> flow b"}),
        ({"a": "b", "b": "b", "c": "a"}, {"b": "b -> flow b"}),
        (
            {"a": "x b", "x": "", "b": "c d", "c": "", "d": "a"},
            {
                "a": "a -> flow b -> flow d -> flow a",
                "b": "b -> flow d -> flow a -> flow b",
                "d": "d -> flow a -> flow b -> flow d",
            },
        ),
    ],
)
def test_what_calls_itself_is_an_error(
    tmp_path: Path, calls: dict[str, str], endless: dict[str, str]
) -> None:
    found = told(tmp_path, {"httpapis/x.json": httpapi()} | links(**calls))
    ends = {t.split("/")[1].split(".")[0]: t.partition("never ends: flow ")[2] for t in found}
    assert ends == endless
    assert all(": error: $.steps[" in text for text in found)


def test_flows_and_schedules_may_call_each_other_but_not_in_circles(tmp_path: Path) -> None:
    loop = {
        "type": "loop",
        "control": {
            "name": "l",
            "key": argument("", "2")["value"],
            "steps": [{"type": "api", "api": step("flowApi", argument("name", "f"))}],
        },
    }
    files = {
        "schedules/s.json": flow(loop),
        "flows/f.json": flow(step("scheduleApi", argument("name", "s"))),
        "httpapis/x.json": httpapi(),
    }
    assert told(tmp_path, files) == [
        "flows/f.json: error: $.steps[0].args[0].value.content: "
        "this never ends: flow f -> schedule s -> flow f",
        "schedules/s.json: error: $.steps[0].control.steps[0].api.args[0].value.content: "
        "this never ends: schedule s -> flow f -> schedule s",
    ]


def test_a_long_circle_is_found_soon_and_told_shortly(tmp_path: Path) -> None:
    calls = {f"f{at}": f"f{(at + 1) % 300}" for at in range(300)}
    found = told(tmp_path, {"httpapis/x.json": httpapi()} | links(**calls))
    assert len(found) == 300
    assert found[0].endswith("-> flow f5 -> flow f6 -> … -> flow f0")


@pytest.mark.parametrize(
    ("rounds", "problem"),
    [
        ("1000", None),
        ("1001", "the loop runs 1001 times"),
        ("9" * 5000, f"the loop runs {'9' * 30} times"),
        ("many", 'the loop never runs: "many" is no number'),
        ("", 'the loop never runs: "" is no number'),
        ("{{len .origin.l}}", None),
    ],
)
def test_loops_that_say_how_often_they_run(
    tmp_path: Path, rounds: str, problem: str | None
) -> None:
    one = {"type": "control", "name": "loop", "key": {"from": "template", "name": rounds}}
    two = {"name": "l", "key": {"from": "template", "content": rounds}, "steps": []}
    files = {
        "apis/x.json": api(),
        "httpapis/x.json": httpapi(),
        "schedules/one.json": {"tasks": [one]},
        "schedules/two.json": flow({"type": "loop", "control": two}),
    }
    places = ("one.json: warning: $.tasks[0].key", "two.json: warning: $.steps[0].control.key")
    found = [text for text in told(tmp_path, files) if "stands in" not in text]
    assert found == [f"schedules/{place}: {problem}" for place in places if problem]


def test_loops_in_loops(tmp_path: Path) -> None:
    job: dict[str, Any] = {"type": "api", "name": "x"}
    for _ in range(9):
        key = {"from": "template", "name": "2"}
        job = {"type": "control", "name": "loop", "key": key, "tasks": [job]}
    files = {"apis/x.json": api(), "schedules/s.json": {"tasks": [job]}}
    (found,) = told(tmp_path, files)
    assert found.endswith(".key: loops stand 9 deep in each other")


def test_templates_of_the_first_generation_parse(tmp_path: Path) -> None:
    template = {"from": "JsonTemplate", "template": {"a": ["x", "{{BROKEN"], "{{BROKEN": 1}}
    files = {
        "apis/a.json": api(
            parameters=[
                given("template", "{{BROKEN"),
                given("template", "{{.a}}"),
                given("origin", "BROKEN"),
                given("query", "BROKEN"),
                {"in": "body", "name": "b", "from": template},
                {"in": "body", "name": "c", "value": "{{BROKEN", "from": template},
            ],
            response={"json": {"a": "{{BROKEN", "b": "BROKEN"}},
        ),
        "flows/f.json": {
            "steps": [
                {"response": {"type": "html", "from": {"from": "template", "name": "BROKEN"}}},
                {"response": {"json": ["{{BROKEN"]}},
                {"response": {"type": "json", "from": template}},
            ]
        },
    }
    mark = "the template does not parse: broken"
    assert told(tmp_path, files, KNOWN) == [
        f"apis/a.json: error: $.parameters[0].from.name: {mark}",
        'apis/a.json: warning: $.parameters[2].from.name: "BROKEN" is no path',
        f"apis/a.json: error: $.parameters[4].from.template.a[1]: {mark}",
        f'apis/a.json: error: $.parameters[4].from.template["{{{{BROKEN"]: {mark}',
        f"apis/a.json: error: $.response.json.a: {mark}",
        f"flows/f.json: error: $.steps[0].response.from.name: {mark}",
        f"flows/f.json: error: $.steps[1].response.json[0]: {mark}",
        f"flows/f.json: error: $.steps[2].response.from.template.a[1]: {mark}",
        f'flows/f.json: error: $.steps[2].response.from.template["{{{{BROKEN"]: {mark}',
    ]


def test_what_belongs_to_the_process_is_told_where_it_cannot_follow(tmp_path: Path) -> None:
    files = {
        "flows/f.json": flow(step("loadConf"), step("dump")),
        "httpapis/x.json": httpapi(),
        "main.json": flow(
            step("loadConf"),
            step("setDefaultAccessRight", argument("default", "deny")),
            step("apiGateway", argument("pre", "f"), argument("postOK", "a.b", "heap"),
                 argument("port", "TGAH_PORT", "env")),
        ),
    }  # fmt: skip
    assert told(tmp_path, files) == [
        "flows/f.json: warning: $.steps[0].command: "
        "loadConf belongs to the process: a request does nothing of it",
        "main.json: warning: $.steps[2].args[1].value: postOK is known only at the start",
    ]


def test_templates_of_the_second_generation_parse(tmp_path: Path) -> None:
    files = {
        "httpapis/x.json": httpapi(cache={"expire": {"from": "template", "content": "BROKEN"},
                                          "format": "second"}),
        "flows/f.json": flow(
            step("createHtml", argument("type", "local"), argument("content", "BROKEN")),
            step("dump", argument("a", "BROKEN", "heap"), argument("b", "BROKEN")),
            step("dump", {"name": "a", "value": {"from": "jsonRaw", "json": {"a": "{{BROKEN"}}}),
        ),
        "templates/t.tmpl": "\n  BROKEN",
    }  # fmt: skip
    mark = "the template does not parse: broken"
    assert told(tmp_path, files, KNOWN) == [
        f"flows/f.json: error: $.steps[0].args[1].value.content: {mark}",
        'flows/f.json: warning: $.steps[1].args[0].value.content: "BROKEN" is no path',
        f"flows/f.json: error: $.steps[2].args[0].value.json.a: {mark}",
        f"httpapis/x.json: error: $.cache.expire.content: {mark}",
        f"templates/t.tmpl: error: : {mark}",
    ]


@pytest.mark.parametrize(
    "written", ['{{"BROKEN', "{{\\\n\n\té😀\\\\ BROKEN", "BROKEN", 'a"b"c\r\nBROKEN', "x"]
)
def test_a_problem_inside_a_template_stands_at_its_letter(tmp_path: Path, written: str) -> None:
    template = f"{written}{{{{BROKEN" if "BROKEN" not in written else written
    text = json.dumps(api(response={"json": {"a": template, template: 1}}), indent=2)
    root = write(tmp_path, {"apis/a.json": text})
    problems = check(read_folder(root), KNOWN)
    assert len(problems) == (2 if "{{" in template else 0)
    for problem in problems:
        assert problem.at is not None
        line = text.splitlines()[problem.at.line - 1]
        assert line[problem.at.column - 1 :].startswith("BROKEN")


def test_texts_of_a_json_template_see_the_variables_of_those_before(tmp_path: Path) -> None:
    def counting(text: str, functions: frozenset[str]) -> Problem | None:
        declared, used = text.find("{{$n := 0}}"), text.find("{{$n}}")
        wrong = used >= 0 and not 0 <= declared < used
        return Problem(Code.SYNTAX, "no $n", (Location(1, used + 1),)) if wrong else None

    rules = {"b": ["{{$n}}"], "a": "{{$n := 0}}x"}
    files = {
        "apis/good.json": api(response={"json": rules}),
        "apis/late.json": api(response={"json": ["{{$n}}", "{{$n := 0}}"]}),
        "apis/none.json": api(response={"json": {"b": {"c": "{{$n}}"}}}),
    }
    assert told(tmp_path, files, Known(FUNCTIONS, counting)) == [
        "apis/late.json: error: $.response.json[0]: the template does not parse: no $n",
        "apis/none.json: error: $.response.json.b.c: the template does not parse: no $n",
    ]


def test_templates_know_the_functions_of_their_generation_but_files_know_none(
    tmp_path: Path,
) -> None:
    files = {
        "apis/one.json": api(response={"json": "{{f}}"}),
        "httpapis/two.json": httpapi(dynamicUrl=argument("", "{{f}}", "template")["value"], url=""),
        "templates/t.tmpl": "{{f}}",
    }
    functions = {Generation.V1: FUNCTIONS[Generation.V1], Generation.V2: frozenset({"f"})}
    known = Known(functions, broken_at)
    mark = "the template does not parse: no function f"
    assert told(tmp_path, files, known) == [
        f"apis/one.json: error: $.response.json: {mark}",
        f"templates/t.tmpl: error: : {mark}",
    ]


def test_of_members_that_stand_twice_the_last_is_looked_at(tmp_path: Path) -> None:
    text = '{"url": "http://h.test/", "response": {"json": {"a": "{{.x}}",\n"a": "{{BROKEN"}}}'
    doubled, broken = check(read_folder(write(tmp_path, {"apis/a.json": text})), KNOWN)
    assert doubled.at == Location(2, 1)
    assert broken.at == Location(2, 9)


def test_problems_stand_in_the_order_of_files_and_places(tmp_path: Path) -> None:
    parameters = [given("func", "b"), given("private", "x"), given("func", "a")]
    files = {"apis/b.json": api(parameters=parameters, more=1), "apis/a.json": "{"}
    root = write(
        tmp_path, {n: v if isinstance(v, str) else json.dumps(v) for n, v in files.items()}
    )
    places = [(p.file, p.at and (p.at.line, p.at.column)) for p in check(read_folder(root))]
    assert places == sorted(places)
    assert len(places) == 5


def test_each_generation_has_functions() -> None:
    assert set(FUNCTIONS) == set(Generation)


# -- too deep, too many ---------------------------------------------------------------------------


def chain(length: int, times: int = 1) -> dict[str, Any]:
    """Flows that each call the next one, so often."""
    inner = {f"flows/f{n}.json": flow(*(step("flowApi", argument("name", f"f{n + 1}")),) * times)
             for n in range(length)}  # fmt: skip
    return {**inner, f"flows/f{length}.json": flow(step("dump"))}


def test_what_calls_itself_through_many_is_not_followed_without_end(tmp_path: Path) -> None:
    assert told(tmp_path / "fits", chain(49)) == []
    (found,) = told(tmp_path / "one", chain(50))
    where = "flows/f0.json: error: $.steps[0].args[0].value.content: "
    assert found == f"{where}what is called here makes it 51 steps deep"
    assert len(told(tmp_path / "many", chain(2000))) == 1951


def test_jobs_inside_each_other_count(tmp_path: Path) -> None:
    def inside(depth: int, job: dict[str, Any]) -> dict[str, Any]:
        if not depth:
            return job
        key = {"from": "literal", "content": "1"}
        cases = [{"value": "1", "steps": [inside(depth - 1, job)]}]
        return {"type": "switch", "control": {"name": "s", "key": key, "cases": cases}}

    files: dict[str, Any] = {}
    for number in range(6):
        call = {"type": "api", "api": step("scheduleApi", argument("name", f"s{number + 1}"))}
        files[f"schedules/s{number}.json"] = {"name": "s", "steps": [inside(9, call)]}
    files["schedules/s6.json"] = {"name": "s", "steps": []}
    found = told(tmp_path, files)
    assert [line.split(":")[0] for line in found] == ["schedules/s0.json", "schedules/s1.json"]
    assert [line.rpartition("makes it ")[2] for line in found] == ["61 steps deep", "51 steps deep"]


def test_calls_that_multiply_are_counted_and_not_made(tmp_path: Path) -> None:
    found = told(tmp_path, chain(40, times=2))
    assert len(found) == 40 - 12
    assert f"it comes to {2**41 - 2} calls of flows and schedules" in found[0]


def test_those_that_never_end_are_told_once(tmp_path: Path) -> None:
    files = {**chain(3), "flows/f3.json": flow(step("flowApi", argument("name", "f0")))}
    assert all("never ends" in line for line in told(tmp_path, files))


# -- what cannot work -----------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["127.0.0.1/a", "/a", "ftp://h.test/a", "http:///a", "a"])
def test_an_address_that_cannot_be_called(tmp_path: Path, url: str) -> None:
    files = {"apis/a.json": api(url=url), "httpapis/b.json": httpapi(url=url)}
    wrong = "warning: $.url: this is no address that can be called"
    assert told(tmp_path, files) == [f"apis/a.json: {wrong}", f"httpapis/b.json: {wrong}"]
    assert (
        told(tmp_path, {"apis/a.json": api(url="HTTPS://h.test"), "httpapis/b.json": httpapi()})
        == []
    )


@pytest.mark.parametrize(
    ("layout", "odd"),
    [("second", False), ("Second", False), ("20060102150405", False), ("yyyy-mm-dd", True)],
)
def test_a_layout_that_no_time_has(tmp_path: Path, layout: str, odd: bool) -> None:
    first = {"from": {"from": "header", "name": "Expires"}, "format": layout}
    second = {"expire": {"from": "header", "content": "Expires"}, "format": layout}
    files = {"apis/a.json": api(cache=first), "httpapis/b.json": httpapi(cache=second)}
    wrong = f'warning: $.cache.format: no time is written as "{layout}": nothing is kept'
    expected = [f"apis/a.json: {wrong}", f"httpapis/b.json: {wrong}"]
    assert told(tmp_path, files) == (expected if odd else [])


def test_private_values_are_known_before_a_call(tmp_path: Path) -> None:
    files = {
        "httpapis/x.json": httpapi(), "privates/p.json": PRIVATE,
        "flows/f.json": flow(
            step("httpApi", argument("name", "x"), argument("private", "p")),
            step("httpApi", argument("name", "x"), argument("private", "file", "query")),
        ),
    }  # fmt: skip
    where = "flows/f.json: warning: $.steps[1].args[1].value: "
    assert told(tmp_path, files) == [f"{where}which private values a call has is known before it"]


def test_no_expectation_says_so_twice(tmp_path: Path) -> None:
    files = {"apis/a.json": json.dumps(api(response={"json": ["{{if}}", "{{range .x}}"]})),
             "httpapis/b.json": "{}", "templates/t.tmpl": "{{if}}"}  # fmt: skip
    found = check(read_folder(write(tmp_path, files)), definition_files.KNOWN)
    hints = [problem.expected or "" for problem in found]
    assert len([hint for hint in hints if hint]) >= 2
    assert not any(hint.startswith("expected") for hint in hints)
