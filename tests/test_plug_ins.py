"""Plug-ins: what they add, what is refused and where, and what becomes of one that fails."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import pytest

from apiql import cli, plug_in_files
from apiql.commands.checked_definitions import checked
from apiql.commands.run_once import Setup
from apiql.definition_files import read_definitions
from apiql.engine import NO_QUERIES, all_functions
from apiql.events import ConfRefused
from apiql.gotemplate import Data, compile_template
from apiql.plug_in_files import (
    NO_PLUG_INS,
    PlugIns,
    PlugInsRefused,
    plug_in_paths,
    read_plug_ins,
)
from apiql.plugins import Moment, PlugIn
from apiql.server.reload import Outcome
from apiql.settings import PlugIns as Named
from apiql.settings import Settings, load_settings
from tests.server.conf import Folder, running
from tests.server.upstream import upstream

DOCS = Path(__file__).resolve().parents[1] / "docs"
HEAD = "from apiql.plugins import Function, PlugIn\n"


@pytest.fixture(autouse=True)
def no_modules() -> Iterator[None]:
    """Modules of plug-ins end with their test."""
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("apiql_plug_in."):
            del sys.modules[name]


def example() -> str:
    """The plug-in of the documentation."""
    return (DOCS / "plugins.md").read_text("utf-8").partition("```python\n")[2].partition("```")[0]


def loaded(folder: Path, *files: str, **texts: str) -> PlugIns:
    """The plug-ins of these texts."""
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text)
    named = Named(files=files or tuple(texts), folder=str(folder))
    return read_plug_ins(None, named, all_functions())


def refused(folder: Path, *files: str, **texts: str) -> str:
    """What is told of them."""
    with pytest.raises(PlugInsRefused) as caught:
        loaded(folder, *files, **texts)
    return str(caught.value).replace(f"{folder}/", "")


def called(found: PlugIns, name: str, *arguments: Any) -> Any:
    function = found.added_to(all_functions()).find(name)
    assert function is not None
    return function.apply(arguments, Moment(0, lambda bits: 0))


def rendered(found: PlugIns, text: str, data: Any = None) -> str:
    template = compile_template(text, found.templates)
    return template.render(Data(data)).text


# -- what they add --------------------------------------------------------------------------------


def test_the_example_of_the_documentation(tmp_path: Path) -> None:
    found = loaded(tmp_path, sign=example())
    assert called(found, "INITIALS", "ada  lovelace") == "AL"
    assert called(found, "initials", None) is None
    signed = found.values["sign"]("a", "b")
    assert re.fullmatch("[0-9a-f]{16}", signed)
    assert rendered(found, '{{sign "a" .b}}', {"b": "b"}) == signed != found.values["sign"]("a")
    assert found.count == 1


def test_nothing_is_loaded_that_is_not_named(tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text("raise SystemExit")
    assert read_plug_ins(tmp_path, Named(folder=str(tmp_path)), all_functions()) is NO_PLUG_INS
    assert loaded(tmp_path, sign=example()).count == 1


def test_the_folder_is_that_of_the_conf_folder(tmp_path: Path) -> None:
    (tmp_path / "plugins" / "shop").mkdir(parents=True)
    (tmp_path / "plugins" / "shop" / "sign.py").write_text(example())
    found = read_plug_ins(tmp_path, Named(files=("shop/sign",)), all_functions())
    assert [function.name for function in found.functions] == ["initials"]


VALUES = (
    HEAD
    + """
from decimal import Decimal
def register():
    return PlugIn(functions={"make": lambda what: {
        "float": 0.1, "tuple": (1, 2.5), "inside": {"a": [None, True, "x", Decimal("1.50")]},
        "nan": float("nan"), "set": {1}, "keys": {1: 2}, "bytes": b"", "object": object(),
    }[what]})
"""
)


@pytest.mark.parametrize(
    ("what", "value"),
    [("float", Decimal("0.1")), ("tuple", [1, Decimal("2.5")]),
     ("inside", {"a": [None, True, "x", Decimal("1.50")]})],
)  # fmt: skip
def test_what_a_function_gives_is_json(tmp_path: Path, what: str, value: Any) -> None:
    found = called(loaded(tmp_path, a=VALUES), "make", what)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("what", ["nan", "set", "keys", "bytes", "object"])
def test_what_is_no_json_is_a_mistake_of_the_plug_in(tmp_path: Path, what: str) -> None:
    with pytest.raises(TypeError, match=r"make\(\) of a plug-in gave .*, and not JSON"):
        called(loaded(tmp_path, a=VALUES), "make", what)


TEMPLATES = (
    HEAD
    + """
def kind(value): return f"{type(value).__name__} {value!r}"
def bad(): return [1]
def register():
    return PlugIn(templates={"kind": kind, "bad": bad, "two": lambda: 2}, values={"bad": bad})
"""
)


@pytest.mark.parametrize(
    ("text", "told"),
    [("{{kind .n}}", "str &#39;5&#39;"), ("{{kind .l}}", "list [1, 2]"),
     ("{{kind .m}}", "dict {'a': 1}"), ("{{kind .none}}", "NoneType None"),
     ("{{kind .missing}}", "NoneType None"), ("{{kind 7}}", "int 7"), ("{{kind 1.5}}", "float 1.5"),
     ('{{kind "x"}}', "str 'x'"), ("{{two | kind}}", "int 2"), ("{{if eq two 2}}y{{end}}", "y")],
)  # fmt: skip
def test_templates_give_plain_python(tmp_path: Path, text: str, told: str) -> None:
    data = {"n": 5, "l": [1, 2], "m": {"a": 1}, "none": None}
    assert rendered(loaded(tmp_path, a=TEMPLATES), text, data) == told.replace("&#39;", "'")


def test_templates_and_values_take_less(tmp_path: Path) -> None:
    found = loaded(tmp_path, a=TEMPLATES)
    with pytest.raises(
        TypeError, match=r"bad\(\) of a plug-in gave list, and not a text, a number"
    ):
        rendered(found, "{{bad}}")
    with pytest.raises(TypeError, match=r"bad\(\) of a plug-in gave list, and not a text"):
        found.values["bad"]()


ARITIES = (
    HEAD
    + """
def register():
    return PlugIn(functions={
        "none": lambda: 1, "one": lambda a: 1, "some": lambda a, b=1: 1, "many": lambda a, *b: 1,
        "named": lambda a, *, b=1: 1, "builtin": max,
        "whole": Function("whole", lambda a: a, 1, 1, null_passes=False, volatile=True),
    })
"""
)


def test_how_many_arguments_is_read_off(tmp_path: Path) -> None:
    found = {function.name: function for function in loaded(tmp_path, a=ARITIES).functions}
    arities = {name: (function.least, function.most) for name, function in found.items()}
    assert arities == {
        "none": (0, 0), "one": (1, 1), "some": (1, 2), "many": (1, None), "named": (1, 1),
        "builtin": (0, None), "whole": (1, 1),
    }  # fmt: skip
    assert found["whole"].volatile


def test_a_plug_in_with_a_dataclass_and_an_import(tmp_path: Path) -> None:
    """Modules that look themselves up by their name."""
    text = (
        "from __future__ import annotations\nfrom dataclasses import dataclass, field\n"
        + HEAD
        + (
            "@dataclass\nclass P:\n    a: int = 1\n"
            "def register() -> PlugIn:\n    return PlugIn(functions={'p': lambda: P().a})\n"
        )
    )
    assert called(loaded(tmp_path, a=text), "p") == 1


# -- what is refused ------------------------------------------------------------------------------

BAD: Mapping[str, tuple[str, str]] = {
    "syntax": ("x = (\n", "a.py:1:1: VALIDATION: the plug-in cannot be loaded: SyntaxError: '('"),
    "raises": ("\n\nx = 1 / 0\n", "a.py:3:1: VALIDATION: the plug-in cannot be loaded: "
               "ZeroDivisionError: division by zero"),
    "raises inside": ("import json\ndef f():\n    json.loads('{')\nf()\n",
                      "a.py:3:1: VALIDATION: the plug-in cannot be loaded: JSONDecodeError: "),
    "ends the process": ("import sys\nsys.exit('S')\n", "a.py:2:1: VALIDATION: the plug-in cannot "
                         "be loaded: SystemExit: S"),
    "raises no exception": ("class E(BaseException): pass\nraise E('x')\n", "a.py:2:1: VALIDATION: "
                            "the plug-in cannot be loaded: E: x"),
    "raises what cannot be told": (
        "class E(Exception):\n    def __str__(self): raise E()\nraise E()\n",
        "a.py:3:1: VALIDATION: the plug-in cannot be loaded: E"),
    "no package": ("import nowhere_at_all\n", "a.py:1:1: VALIDATION: the plug-in cannot be loaded: "
                   "ModuleNotFoundError: No module named 'nowhere_at_all'"),
    "NUL": ("\0", "a.py: VALIDATION: the plug-in cannot be loaded: "),
    "no register": ("x = 1\n", "a.py: VALIDATION: there is no function register()\n"
                    "def register() -> PlugIn: "),
    "register is no function": ("register = 1\n", "there is no function register()"),
    "register raises": ("def register():\n    return {}['a']\n",
                        "a.py:2:1: VALIDATION: the plug-in cannot be loaded: KeyError: 'a'"),
    "register wants": ("def register(a): pass\n", "a.py: VALIDATION: the plug-in cannot be loaded: "
                       "TypeError: register() missing"),
    "gives none": ("def register(): pass\n", "a.py: VALIDATION: register() gave NoneType, no "),
    "no dict": (HEAD + "def register(): return PlugIn(functions=[max])\n",
                "a.py: VALIDATION: `functions` is no dict"),
    "no function": (HEAD + "def register(): return PlugIn(functions={'f': 1})\n",
                    "a.py: VALIDATION: functions: f: it cannot be called"),
    "no name": (HEAD + "def register(): return PlugIn(values={'a-b': max})\n",
                "a.py: VALIDATION: values: 'a-b' is no name of a function"),
    "async": (HEAD + "async def f(): pass\ndef register(): return PlugIn(templates={'f': f})\n",
              "a.py:2:1: VALIDATION: templates: f: it is async"),
    "generator": (HEAD + "def f(): yield 1\ndef register(): return PlugIn(values={'f': f})\n",
                  "a.py:2:1: VALIDATION: values: f: it is a generator"),
    "by name": (HEAD + "def f(*, b): pass\ndef register(): return PlugIn(functions={'f': f})\n",
                "a.py:2:1: VALIDATION: functions: f: it needs b by its name"),
    "standard": (HEAD + "def f(): pass\ndef register(): return PlugIn(functions={'UPPER': f})\n",
                 "a.py:2:1: VALIDATION: functions: there is a upper already, without plug-ins"),
    "a word": (HEAD + "def f(): pass\ndef register(): return PlugIn(functions={'negate': f})\n",
               "functions: there is a negate already"),
    "of Go": (HEAD + "def f(): pass\ndef register(): return PlugIn(templates={'printf': f})\n",
              "templates: there is a printf already"),
    "of APIHUB": (HEAD + "def f(): pass\ndef register(): return PlugIn(values={'md5': f})\n",
                  "values: there is a md5 already"),
    "twice in one": (HEAD + "def f(): pass\ndef g(): pass\n"
                     "def register(): return PlugIn(functions={'f': f, 'F': g})\n",
                     "a.py:3:1: VALIDATION: functions: F stands in a.py:2 too"),
    "another name": (HEAD + "def register():\n"
                     "    return PlugIn(functions={'f': Function('g', max, 1, 1)})\n",
                     "a.py: VALIDATION: functions: f: it is called g by itself"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_each_is_told_with_its_place(what: str, tmp_path: Path) -> None:
    text, told = BAD[what]
    before = set(sys.modules)
    found = refused(tmp_path, a=text)
    assert told in found
    assert "Traceback" not in found
    left = {name for name in set(sys.modules) - before if name.startswith("apiql_plug_in.")}
    assert not left or "cannot be loaded" not in found


def test_a_name_in_two_of_them_is_told_with_both_places(tmp_path: Path) -> None:
    one = HEAD + "def f(): pass\ndef register(): return PlugIn(functions={'f': f})\n"
    told = refused(tmp_path, a=one, b="\n\n" + one)
    assert told == (
        "b.py:4:1: VALIDATION: functions: f stands in a.py:2 too\nanother name for one of them"
    )


def test_all_of_them_are_told_of_together(tmp_path: Path) -> None:
    told = refused(tmp_path, "a", "b", "gone", a="1 / 0", b="x = (")
    for part in ("a.py:1:1", "b.py:1:1", "gone.py: VALIDATION: cannot be read: No such"):
        assert part in told


def test_what_anybody_may_write_is_not_run(tmp_path: Path) -> None:
    sign = tmp_path / "sign"
    (tmp_path / "a.py").write_text(f"open({str(sign)!r}, 'w')\n")
    (tmp_path / "a.py").chmod(0o666)
    assert "a.py: VALIDATION: anybody may write" in refused(tmp_path, "a")
    (tmp_path / "a.py").chmod(0o644)
    tmp_path.chmod(0o777)
    assert "anybody may write" in refused(tmp_path, "a")
    tmp_path.chmod(0o755)
    os.truncate(tmp_path / "a.py", 2 << 20)
    assert "is larger than 1048576 bytes" in refused(tmp_path, "a")
    assert not sign.exists()


@pytest.mark.parametrize("name", ["../a", "/etc/a", "a.py", "", "a b", "a/../b", 7])
def test_a_name_is_no_way_out_of_the_folder(name: Any) -> None:
    with pytest.raises(ValueError, match="names no plug-in"):
        Named(files=(name,))


# -- entry points ---------------------------------------------------------------------------------


def entries(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    """Entry points as installed packages have them."""
    points = [EntryPoint(name, value, "apiql.plugins") for name, value in values.items()]

    def found(**wanted: Any) -> EntryPoints:
        return EntryPoints(points).select(**wanted)

    monkeypatch.setattr(plug_in_files, "entry_points", found)


def of_entry_point(name: str) -> PlugIns:
    return read_plug_ins(None, Named(entry_points=(name,)), all_functions())


def offered() -> PlugIn:
    """An entry point of the tests."""
    return PlugIn(functions={"twice": lambda number: number * 2})


def test_entry_points(monkeypatch: pytest.MonkeyPatch) -> None:
    entries(monkeypatch, acme="tests.test_plug_ins:offered", other="tests.test_plug_ins")
    assert called(of_entry_point("acme"), "twice", 4) == 8
    with pytest.raises(PlugInsRefused, match=r"apiql.plugins:other: .*no PlugIn|no function"):
        of_entry_point("other")
    with pytest.raises(
        PlugInsRefused, match="nosuch: VALIDATION: is not installed\ninstalled: acme"
    ):
        of_entry_point("nosuch")
    entries(monkeypatch, gone="nowhere_at_all:register")
    with pytest.raises(PlugInsRefused, match="ModuleNotFoundError"):
        of_entry_point("gone")


# -- in use ---------------------------------------------------------------------------------------

FAILING = (
    HEAD
    + """
from apiql.errors import ValueRefused
def twice(number): return number * 2
def fails(number): return [][number]
def refuses(number): raise ValueRefused("only even numbers", "try 2")
def register():
    return PlugIn(functions={"twice": twice, "fails": fails, "refuses": refuses},
                  templates={"twice": twice}, values={"thrice": lambda: ""})
"""
)


@pytest.fixture
async def folder(tmp_path: Path) -> Any:
    """A conf folder with a plug-in."""
    async with upstream() as up:
        found = Folder(tmp_path / "conf", up.port)
        found.settings('[plugins]\nfiles = ["more"]')
        (found.path / "plugins").mkdir()
        (found.path / "plugins" / "more.py").write_text(FAILING)
        found.query("select twice(id) as double from /users/1 as user")
        yield found


async def test_texts_call_it(folder: Folder) -> None:
    async with running(folder) as server:
        assert await server.asked() == {"user": {"double": 2}}
        wrong = await server.site.ask("select twice(1, 2) as x from /users/1 as user")
        assert wrong.status == 422
        assert wrong.json()["errors"][0]["message"] == "twice() takes 1 argument, got 2"


async def test_what_fails_fails_alone(folder: Folder, caplog: pytest.LogCaptureFixture) -> None:
    async with running(folder) as server:
        with caplog.at_level(logging.ERROR):
            broken = await server.site.ask("select fails(id) as x from /users/1 as user")
        assert broken.status == 500
        assert broken.json()["code"] == "INTERNAL"
        for word in ("Traceback", "IndexError", "more.py", "fails"):
            assert word not in broken.body.decode()
        assert "IndexError" in caplog.text
        assert "more.py" in caplog.text
        told = await server.site.ask("select refuses(id) as x from /users/1 as user")
        assert told.json()["errors"][0]["code"] == "BAD_VALUE"
        assert "only even numbers" in told.body.decode()
        assert await server.asked() == {"user": {"double": 2}}


async def test_a_reload_takes_its_changes_or_leaves_all_as_it_was(folder: Folder) -> None:
    file = folder.path / "plugins" / "more.py"
    async with running(folder) as server:
        await server.looked()
        file.write_text(FAILING.replace("number * 2", "number * 3"))
        assert await server.looked() is Outcome.LOADED
        assert await server.asked() == {"user": {"double": 3}}
        file.write_text(FAILING + "\n1 / 0\n")
        assert await server.looked() is Outcome.REFUSED
        assert await server.asked() == {"user": {"double": 3}}
        (notice,) = [each for each in server.told if isinstance(each, ConfRefused)]
        line = len(FAILING.splitlines()) + 2
        assert notice.lines == (
            f"plugins/more.py:{line}:1: VALIDATION: the plug-in cannot be loaded: "
            "ZeroDivisionError: division by zero",
        )
        file.write_text(FAILING.replace("number * 2", "number * 4"))
        assert await server.looked() is Outcome.LOADED
        assert await server.asked() == {"user": {"double": 4}}


async def test_the_command_line_tells_of_them(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def apiql(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["apiql", *words, "--conf", str(folder.path)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out + err

    code, told = apiql("check")
    assert (code, "plug-ins: 1" in told) == (0, True), told
    assert "warning" not in told
    (folder.path / "plugins" / "idle.py").write_text("1 / 0")
    code, told = apiql("check")
    assert code == 0
    assert "plugins/idle.py: warning: nothing names this plug-in: it is not loaded" in told
    (folder.path / "plugins" / "more.py").write_text("\n1 / 0")
    for command in ("check", "serve"):
        code, told = apiql(command)
        assert code == 1
        assert "plugins/more.py:2:1: VALIDATION: the plug-in cannot be loaded: ZeroDivis" in told
        assert "Traceback" not in told


def test_definitions_may_name_them(tmp_path: Path) -> None:
    found = loaded(tmp_path, a=FAILING)
    api = ('{"id": "a", "url": "http://a", "method": "GET", "parameters": [{"in": "query", '
           '"name": "x", "from": {"from": "func", "name": "thrice"}}, {"in": "query", "name": "y",'
           ' "from": {"from": "template", "name": "{{twice 2}}"}}]}')  # fmt: skip
    (tmp_path / "apis").mkdir()
    (tmp_path / "apis" / "a.json").write_text(api)
    setup = Setup(Settings(), NO_QUERIES, definitions=read_definitions(tmp_path))
    assert len(checked(setup, False).errors) == 2
    assert not checked(replace(setup, plug_ins=found), False).errors


def test_what_no_plug_in_adds_changes_nothing() -> None:
    functions = all_functions()
    assert NO_PLUG_INS.added_to(functions) == functions


def test_the_folder_of_old_is_that_of_plug_ins() -> None:
    settings = load_settings(None, {"TGAH_PLUGIN_DEF_PATH": "x", "APIQL_PLUGINS__FILES": "a, b/c"})
    paths = plug_in_paths(None, settings.plugins)
    assert list(paths.values()) == [Path("x/a.py"), Path("x/b/c.py")]
