"""The folder of stored queries: what is loaded of it, under which names, and every way it is
refused.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from apiql.engine import Engine
from apiql.query_files import QueryFile, QueryFiles, StoredRefused, read_query_files
from apiql.runtime.step import Executable
from apiql.settings import load_settings
from apiql.sources.call import Call, Reply

CONF = Path(__file__).resolve().parent.parent / "conf"

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Makes a conf folder of files and their texts."""

    def folder(**texts: str | bytes) -> Path:
        for name, text in texts.items():
            path = tmp_path / "queries" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path

    return folder


async def upstream(call: Call) -> Reply:
    return Reply(200, (("content-type", "application/json"),), b"{}")


def engine(found: QueryFiles, **limits: str) -> Engine:
    environ = {"APIQL_UPSTREAMS__DEFAULT__URL": "http://127.0.0.1:9"}
    environ |= {f"APIQL_LIMITS__{name.upper()}": value for name, value in limits.items()}
    return Engine(load_settings(None, environ), upstream, found)


def loaded(conf: Path, **limits: str) -> Engine:
    """An engine with the stored queries of a folder."""
    return engine(read_query_files(conf), **limits)


def refused(conf: Path, **limits: str) -> list[str]:
    """What is wrong with a folder: of each problem the first line, from the folder on."""
    with pytest.raises(StoredRefused) as found:
        loaded(conf, **limits)
    assert str(found.value) == "\n\n".join(map(str, found.value.problems))
    lines = [str(problem).splitlines()[0] for problem in found.value.problems]
    return [line.removeprefix(f"{conf}{os.sep}queries{os.sep}") for line in lines]


# -- what is loaded -----------------------------------------------------------------------------


def test_files_are_queries_folders_are_parts_of_their_names(write: Write) -> None:
    text = "select * from /a"
    made = loaded(
        write(**{
            "a.apiql": text, "shop/cart.apiql": text, "shop/eu/cart@7.apiql": text,
            "shop/eu/cart@12.apiql": text, "été_1-x.apiql": text, "2024/day.apiql": text,
        })
    )  # fmt: skip
    assert set(made.catalog.queries) == {
        "a", "a/1", "shop/cart", "shop/cart/1", "shop/eu/cart", "shop/eu/cart/7",
        "shop/eu/cart/12", "été_1-x", "été_1-x/1", "2024/day", "2024/day/1",
    }  # fmt: skip
    newest = made.stored("shop/eu/cart")
    assert newest is not None
    assert (newest.name, newest.revision) == ("shop/eu/cart", 12)
    assert set(made.catalog.around.stored) >= {"query.shop.eu.cart", "query.shop.eu.cart@7"}


def test_a_file_without_a_revision_is_the_first(write: Write) -> None:
    made = loaded(write(**{"a.apiql": "select 1 as x from /a", "a@2.apiql": "select * from /b"}))
    first, newest = made.stored("a/1"), made.stored("a")
    assert first is not None
    assert newest is made.stored("a/2")
    assert first.text == "select 1 as x from /a"


def test_other_files_are_left_alone(write: Write) -> None:
    made = loaded(
        write(**{
            "README.md": "no query", "a.apiql~": "no", ".a.apiql": "no", "a.txt": "no",
            ".git/b.apiql": "no", "..data/c.apiql": "no", "d.apiql": "select * from /d",
        })
    )  # fmt: skip
    assert set(made.catalog.queries) == {"d", "d/1"}


def test_no_folder_is_no_queries(tmp_path: Path) -> None:
    assert read_query_files(None) == read_query_files(tmp_path) == QueryFiles()
    (tmp_path / "queries").mkdir()
    assert read_query_files(tmp_path) == QueryFiles()


def test_links_are_followed(write: Write, tmp_path: Path) -> None:
    write(**{"..2024/a.apiql": "select * from /a"})
    folder = tmp_path / "queries"
    (folder / "..data").symlink_to("..2024")
    (folder / "a.apiql").symlink_to("..data/a.apiql")
    (folder / "shop").symlink_to("..data")
    assert set(loaded(tmp_path).catalog.queries) == {"a", "a/1", "shop/a", "shop/a/1"}


def test_windows_lines_and_a_byte_order_mark(write: Write) -> None:
    made = loaded(write(**{"a.apiql": b"\xef\xbb\xbf-- x\r\nselect *\r\nfrom /a\r\n"}))
    assert made.stored("a") is not None


def test_the_order_of_files_does_not_matter(write: Write) -> None:
    texts = {f"q{n}.apiql": f"select * from query.q{n + 1} as q" for n in range(5)}
    made = loaded(write(**texts, **{"q5.apiql": "select * from /end"}))
    assert len(made.catalog.queries) == 12


async def test_a_stored_plan_is_compiled_once(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = write(**{"a.apiql": "select * from /a", "b.apiql": "select * from query.a as a"})
    made = loaded(conf)
    inner, outer = made.stored("a"), made.stored("b")
    assert inner is not None
    assert outer is not None
    assert nested(outer.executable) is inner.executable
    assert nested(made.executable("select * from query.a as x")) is inner.executable
    fan = "select * from query.a as x where n in [1, 2]"
    with_arguments = write(**{"a.apiql": "select * from /a where n = $n", "b.apiql": fan})
    again = loaded(with_arguments)
    found = again.stored("b")
    assert found is not None
    assert nested(found.executable) is again.catalog.queries["a"].executable


def nested(executable: Executable) -> Executable:
    """The plan inside the only step."""
    (step,) = executable.steps
    assert step.nested is not None
    return step.nested.executable


def test_the_example_can_be_loaded() -> None:
    made = Engine(load_settings(CONF, {}), upstream, read_query_files(CONF))
    assert {"user", "shop/cart", "shop/cart/1", "shop/home"} <= set(made.catalog.queries)


# -- what is refused ----------------------------------------------------------------------------


def test_every_problem_of_every_file_is_told_at_once(write: Write) -> None:
    conf = write(**{
        "a.apiql": "select * frm /a;\nselect * fron /b",
        "b/c.apiql": "select * from /c where x = nosuch.y\nand z = upper(1, 2)",
        "good.apiql": "select * from /good",
        "late.apiql": "select * from /x where a = 1 and a = 2",
        "not_utf8.apiql": b"select \xff",
        "no name.apiql": "select * from /a",
    })  # fmt: skip
    found = refused(conf)
    assert [line.split(": ")[:2] for line in found] == [
        ["a.apiql:1:10", "SYNTAX"],
        ["a.apiql:2:10", "SYNTAX"],
        [f"b{os.sep}c.apiql:1:28", "UNKNOWN_NAME"],
        [f"b{os.sep}c.apiql:2:9", "VALIDATION"],
        ["late.apiql:1:34", "DUPLICATE_NAME"],
        ["no name.apiql", "VALIDATION"],
        ["not_utf8.apiql", "VALIDATION"],
    ]


def test_a_problem_shows_its_file_line_column_and_text(write: Write) -> None:
    conf = write(**{"shop/cart.apiql": "set $id integer;\nselect * from /a where id = $ids +"})
    with pytest.raises(StoredRefused) as found:
        loaded(conf)
    first, excerpt, mark, hint = str(found.value).splitlines()
    assert first.startswith(str(conf / "queries/shop/cart.apiql") + ":2:35: SYNTAX: ")
    assert (excerpt, mark) == ("select * from /a where id = $ids +", " " * 34 + "^")
    assert hint


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "a.apiql:1:1: SYNTAX: this text selects nothing"),
        ("explain select * from /a", "a.apiql:1:9: VALIDATION: a stored query is run, not"),
        ("explain analyze select * from /a", "a.apiql:1:17: VALIDATION: a stored query is run"),
        ("select jmespath('[') as x from /a", "a.apiql:1:"),
        ("select * from nosuch", "a.apiql:1:15: UNKNOWN_SOURCE: the source `nosuch`"),
        ("select * from query.nosuch", "a.apiql:1:15: UNKNOWN_SOURCE: the source `query.nosuch`"),
        ("set q as query.nosuch; select * from q", "a.apiql:1:10: UNKNOWN_SOURCE: the source"),
        ("select * from http://h/a", "a.apiql:1:15: FORBIDDEN_UPSTREAM: "),
        ("select * from /a " + "-" * 70_000, "a.apiql: LIMIT_EXCEEDED: the text goes over"),
        ("select * from /a; " * 21, "a.apiql:1:361: LIMIT_EXCEEDED: 21 selects"),
    ],
)
def test_what_a_stored_query_cannot_be(write: Write, text: str, told: str) -> None:
    (found,) = refused(write(**{"a.apiql": text}))
    assert found.startswith(told)


@pytest.mark.parametrize(
    "name",
    [
        "a b.apiql", "a.b.apiql", "@2.apiql", "a@.apiql", "a@0.apiql", "a@02.apiql", "a@x.apiql",
        "a@1@2.apiql", "a@-1.apiql", "a@9999999999.apiql", "7.apiql", "shop/12@3.apiql",
        "-a.apiql", "sh op/a.apiql", "shop@2/a.apiql", "x" * 129 + ".apiql", "a'.apiql",
    ],
)  # fmt: skip
def test_what_is_no_name(write: Write, name: str) -> None:
    (found,) = refused(write(**{name: "select * from /a"}))
    assert found == f"{name}: VALIDATION: this is no name of a stored query"


def test_a_revision_in_two_files(write: Write) -> None:
    conf = write(**{"a.apiql": "select * from /a", "a@1.apiql": "select * from /a"})
    (found,) = refused(conf)
    assert found.startswith("a@1.apiql: DUPLICATE_NAME: revision 1 of this query is in ")
    assert found.endswith("a.apiql too")


def test_folders_too_deep_and_links_in_a_circle(write: Write, tmp_path: Path) -> None:
    write(**{"a.apiql": "select * from /a", "/".join("abcdefgh") + "/i.apiql": "select * from /i"})
    assert "a/b/c/d/e/f/g/h/i" in loaded(tmp_path).catalog.queries
    (tmp_path / "queries" / "loop").symlink_to(".")
    assert any("VALIDATION: folders go deeper than 8" in line for line in refused(tmp_path))


def test_a_file_that_may_not_be_read(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path, encoding: str) -> str:  # root may read whatever its mode is
        raise PermissionError(errno.EACCES, "Permission denied")

    conf = write(**{"a.apiql": "select * from /a"})
    monkeypatch.setattr(Path, "read_text", denied)
    assert refused(conf) == ["a.apiql: VALIDATION: cannot be read: Permission denied"]


def test_a_link_to_nowhere_and_a_file_for_a_folder(write: Write, tmp_path: Path) -> None:
    folder = tmp_path / "queries"
    folder.write_text("x")
    (problem,) = read_query_files(tmp_path).problems
    assert str(problem) == f"{folder}: VALIDATION: cannot be read: Not a directory"
    folder.unlink()
    folder.mkdir()
    (folder / "a.apiql").symlink_to("nowhere")
    assert refused(tmp_path) == ["a.apiql: VALIDATION: cannot be read: No such file or directory"]


# -- stored queries that select from each other --------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "way"),
    [
        ({"a": "select * from query.a"}, "query.a → query.a"),
        (
            {"a": "select * from query.b", "b": "select * from query.a"},
            "query.a → query.b → query.a",
        ),
        (
            {"a": "select * from query.b", "b": "set c as query.c; select * from c",
             "c": "select * from /x as x else select * from query.b"},
            "query.b → query.c → query.b",
        ),
        ({"a@2": 'select * from query."a@2" as x', "a": "select * from /a"}, "query.a → query.a"),
        (
            {"a": "select * from query.b as b", "a@2": "select * from /a",
             "b": 'select * from query."a@1" as x'},
            "query.a@1 → query.b → query.a@1",
        ),
    ],
)  # fmt: skip
def test_a_query_that_selects_from_itself(write: Write, texts: dict[str, str], way: str) -> None:
    conf = write(**{f"{name}.apiql": text for name, text in texts.items()})
    (found,) = refused(conf)
    first = way.partition(" ")[0]
    assert found.endswith(f"CYCLE: {first} selects from itself: {way}")


def test_other_problems_of_a_circle_are_told_too(write: Write) -> None:
    conf = write(**{
        "a.apiql": "select * from query.b;\nselect * from nosuch as n",
        "b.apiql": "select * from query.a where nosuch = 5 and x = a.b",
    })  # fmt: skip
    codes = [line.split(": ")[:2] for line in refused(conf)]
    assert codes == [
        ["a.apiql:1:15", "CYCLE"], ["a.apiql:2:15", "UNKNOWN_SOURCE"],
        ["b.apiql:1:48", "UNKNOWN_NAME"],
    ]  # fmt: skip


def test_who_selects_from_a_broken_query_is_not_blamed_for_it(write: Write) -> None:
    conf = write(**{
        "broken.apiql": "select",
        "reader.apiql": "set b as query.broken; select * from b where id = 1",
        "reader_of_reader.apiql": "select * from query.reader; select * from /a where x = nosuch.y",
    })  # fmt: skip
    codes = [line.split(": ")[:2] for line in refused(conf)]
    assert codes == [
        ["broken.apiql:1:7", "SYNTAX"],
        ["reader_of_reader.apiql:1:56", "UNKNOWN_NAME"],
    ]


def test_an_unknown_name_hears_of_the_nearest_whatever_the_order(write: Write) -> None:
    conf = write(**{
        "a.apiql": "select * from query.shop.carts",
        "b.apiql": "select * from query.a",
        "shop/cart.apiql": "select * from /cart",
    })  # fmt: skip
    with pytest.raises(StoredRefused) as found:
        loaded(conf)
    (problem,) = found.value.problems
    assert problem.problem.hint == "did you mean `query.shop.cart`?"


def test_an_alias_that_is_not_used_breaks_nothing(write: Write) -> None:
    conf = write(**{
        "a.apiql": "select * from query.b",
        "b.apiql": "set q as query.nosuch; select * from /b",
    })  # fmt: skip
    assert set(loaded(conf).catalog.queries) == {"a", "a/1", "b", "b/1"}


def test_parameters_are_checked_between_stored_queries(write: Write) -> None:
    conf = write(**{
        "a.apiql": "set $id integer; select * from /a where id = $id",
        "b.apiql": "select * from query.a where x = 1",
    })  # fmt: skip
    codes = [line.split(": ")[:2] for line in refused(conf)]
    assert codes == [["b.apiql:1:15", "MISSING_PARAMETER"], ["b.apiql:1:29", "UNKNOWN_NAME"]]


def test_the_limits_hold_through_all_levels(write: Write) -> None:
    texts = {
        f"q{n}.apiql": f"select * from query.q{n + 1} as q; select * from /x{n}" for n in range(3)
    }
    conf = write(**texts, **{"q3.apiql": "select * from /end"})
    assert loaded(conf).catalog.queries["q0"].executable.plan.most_calls == 4
    assert refused(conf, calls="3") == [
        "q0.apiql: LIMIT_EXCEEDED: 4 upstream calls go over the limit calls = 3"
    ]
    chain = {f"c{n}.apiql": f"select * from query.c{n + 1} as q; select * from /x where a = q.b"
             for n in range(7)}  # fmt: skip
    chain["c0.apiql"] += "; select * from /y where a = x.b"
    conf = write(**chain, **{"c7.apiql": "select * from /end"})
    assert "LIMIT_EXCEEDED: a chain of 9 tasks goes over the limit depth = 8" in refused(conf)[0]


def test_stored_queries_inside_each_other_are_bounded(write: Write) -> None:
    """One that is too deep is told of, not all that select from it."""
    texts = {f"q{n}.apiql": f"select * from query.q{n + 1} as q" for n in range(300)}
    conf = write(**texts, **{"q300.apiql": "select * from /end"})
    assert refused(conf) == [
        "q292.apiql: LIMIT_EXCEEDED: 9 stored queries that select from each other go over the limit"
        " depth = 8"
    ]


def test_problems_are_files_problems_in_the_order_of_files() -> None:
    found = QueryFiles((QueryFile("b", 1, "b", "x"), QueryFile("a", 1, "a", "x")))
    with pytest.raises(StoredRefused) as told:
        engine(found)
    assert [problem.file for problem in told.value.problems] == ["a", "b"]
