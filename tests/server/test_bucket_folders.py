"""The folders of buckets: what may stand in them, what of the main one holds, what is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from apiql.cli import cli
from apiql.query_files import StoredRefused
from apiql.server.configuration import Configuration, Place, look, read_configuration
from apiql.server.worker import worker
from apiql.settings import SettingsError

MAIN = """
[buckets]
enabled = true
{}
[limits]
calls = 50
[upstreams.default]
url = "http://main.example"
headers = {{ X-Key = "main's" }}
[upstreams.default.sources.users]
path = "/users"
[upstreams.default.sources.orders]
path = "/orders"
"""


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """A main folder with buckets turned on."""
    write(tmp_path, "apiql.toml", MAIN.format(""))
    return tmp_path


def write(conf: Path, name: str, text: str = "") -> None:
    file = conf / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def read(conf: Path, **environ: str) -> Configuration:
    return read_configuration(
        Place(conf, {f"APIQL_{name}": text for name, text in environ.items()})
    )


def refused(conf: Path) -> str:
    with pytest.raises(SettingsError) as caught:
        read(conf)
    return str(caught.value).replace(f"{conf}/", "")


def test_a_bucket_is_laid_over_the_main_folder(conf: Path) -> None:
    own = 'answer.details = "full"\nlimits.fanout = 7\n[upstreams.own]\nurl = "http://a.example"'
    write(conf, "buckets/a/apiql.toml", own)
    write(conf, "buckets/a/queries/q.apiql", "select * from /x as x")
    write(conf, "buckets/b/apiql.toml")
    write(conf, "buckets/.hidden/apiql.toml", "nonsense")
    write(conf, "buckets/readme.md", "no folder")
    write(conf, "queries/main.apiql", "select * from users as u")
    found = read(conf, ANSWER__PLAN="false")
    a, b = found.buckets["a"], found.buckets["b"]
    assert list(found.buckets) == ["a", "b"]
    assert (a.settings.answer.details, a.settings.answer.plan) == ("full", False)
    assert (a.settings.limits.calls, a.settings.limits.fanout) == (50, 7)
    assert (list(a.settings.upstreams), list(b.settings.upstreams)) == (["own"], [])
    assert [file.name for file in a.queries.files] == ["q"]
    assert [file.name for file in found.queries.files] == ["main"]
    assert b.queries.files == ()
    assert found.settings.answer.details == "status"


def test_of_what_bounds_the_process_a_bucket_has_a_part(conf: Path) -> None:
    write(conf, "buckets/a/apiql.toml")
    write(conf, "buckets/b/apiql.toml", '[limits]\ncache_bytes = "5MiB"\nqueries = 100')
    write(conf, "buckets/c/apiql.toml", 'limits.response_bytes = "20MiB"')
    found = read(conf, BUCKETS__MOST="32", LIMITS__CACHE_ENTRIES="5", QUERIES__PERSISTED="0")
    a, b, c = (found.buckets[name].settings for name in "abc")
    main = found.settings.limits
    assert (a.limits.queries, a.limits.queries_waiting) == (main.queries // 32, 2048 // 32)
    assert (a.limits.cache_bytes, a.limits.cache_entries) == (2 << 20, 1)
    assert (a.limits.connections, a.limits.plans_cached) == (32, 31)
    assert (a.queries.persisted, a.queries.persisted_bytes) == (0, 128 << 10)
    assert a.limits.bytes_in_flight == 8 << 20, "no less than one body"
    assert (b.limits.cache_bytes, b.limits.queries) == (5 << 20, 100)
    assert c.limits.bytes_in_flight == 20 << 20
    assert a.limits.tasks == main.tasks, "what bounds one query is the same"


def test_a_bucket_has_no_rate_but_its_own(conf: Path) -> None:
    write(conf, "buckets/a/apiql.toml")
    write(conf, "buckets/b/apiql.toml", '[clients]\nrate = "5/s"\nby = "header:X-App"')
    given = {"CLIENTS__RATE": "100/s", "CLIENTS__TRUSTED_PROXIES": "10.0.0.0/8"}
    found = read(conf, **given)
    a, b = (found.buckets[name].settings.clients for name in "ab")
    assert (a.rate, b.rate, b.by) == (None, (5, 1), "header:x-app")
    assert a.trusted_proxies == b.trusted_proxies == found.settings.clients.trusted_proxies


def test_with_inherit_the_main_upstreams_and_queries_are_seen(conf: Path) -> None:
    write(conf, "apiql.toml", MAIN.format("inherit = true"))
    write(conf, "queries/one.apiql", "select * from users as u")
    write(conf, "queries/two.apiql", "select * from orders as o")
    write(conf, "queries/two@2.apiql", "select * from orders as o")
    own = 'upstreams.more = { url = "http://a.example", sources.users.path = "/u" }'
    write(conf, "buckets/a/apiql.toml", own)
    write(conf, "buckets/a/queries/two.apiql", "select * from users as u")
    write(conf, "buckets/b/apiql.toml", 'upstreams.default.url = "http://b.example"')
    found = read(conf)
    a, b = (found.buckets[name] for name in "ab")
    assert list(a.settings.upstreams) == ["default", "more"]
    assert list(a.settings.upstreams["default"].sources) == ["orders"]
    assert [(f.name, f.revision) for f in a.queries.files] == [("two", 1), ("one", 1)]
    assert (b.settings.upstreams["default"].headers, b.settings.upstreams["default"].sources) == (
        {}, {},
    )  # fmt: skip
    with pytest.raises(StoredRefused) as caught:
        worker(Place(conf, {}), lambda notice: None)
    assert "queries/one.apiql (in the bucket b):1:15: UNKNOWN_SOURCE" in str(caught.value)


def test_what_is_the_processes_is_refused_in_a_bucket(conf: Path) -> None:
    own = """\
limits.queries = 600
limits.header_bytes = "1MiB"
[server]
port = 1
[upstreams.default]
url = "http://a.example"
timeot = 3
[store]
url = "redis://:s3cret@127.0.0.1/0"
[clients]
rate = "5/s"
trusted_proxies = ["10.0.0.1"]
[admin]
[buckets]
enabled = true
[nonsense]
"""
    write(conf, "buckets/a/apiql.toml", own)
    found = refused(conf)
    assert found == GOLDEN
    assert "s3cret" not in found


GOLDEN = """\
buckets/a/apiql.toml:3:2: server: this is the whole process's, not a bucket's
    expected: it in the main apiql.toml
buckets/a/apiql.toml:7:1: upstreams.default.timeot: there is no such setting
    did you mean upstreams.default.timeout?
buckets/a/apiql.toml:8:2: store: this is the whole process's, not a bucket's
    expected: it in the main apiql.toml
buckets/a/apiql.toml:12:1: clients.trusted_proxies: this is the whole process's, not a bucket's
    expected: it in the main apiql.toml
buckets/a/apiql.toml:13:2: admin: this is the whole process's, not a bucket's
    expected: it in the main apiql.toml
buckets/a/apiql.toml:14:2: buckets: this is the whole process's, not a bucket's
    expected: it in the main apiql.toml
buckets/a/apiql.toml:16:2: nonsense: there is no such setting
    expected: one of answer, clients, limits, queries, rights, security, upstreams"""


def test_a_bucket_lets_no_more_through_than_the_process(conf: Path) -> None:
    write(conf, "buckets/a/apiql.toml", 'limits.queries = 600\n[limits.x]\nheader_bytes = "1MiB"')
    assert "limits.x: there is no such setting" in refused(conf)
    write(conf, "buckets/a/apiql.toml", '[limits]\nqueries = 600\nheader_bytes = "1MiB"')
    assert refused(conf) == (
        "buckets/a/apiql.toml:2:1: limits.queries: more than the main apiql.toml lets through "
        "(512)\n    expected: as much or less\n"
        "buckets/a/apiql.toml:3:1: limits.header_bytes: more than the main apiql.toml lets "
        "through (65536)\n    expected: as much or less"
    )


@pytest.mark.parametrize(
    "own", ["limits = 3", "upstreams = 3", "clients = []", "[queries]\nmode = 3"]
)
def test_values_of_another_kind_are_problems_with_their_place(conf: Path, own: str) -> None:
    write(conf, "buckets/a/apiql.toml", own)
    assert refused(conf).startswith("buckets/a/apiql.toml:")


@pytest.mark.parametrize("name", ["-a", "_a", "ä", "a b", "a" * 65, "a:b", "a#"])
def test_names_are_safe(conf: Path, name: str) -> None:
    write(conf, f"buckets/{name}/apiql.toml")
    assert f"buckets/{name}: this is no name of a bucket" in refused(conf)


def test_folders_that_are_no_buckets_are_told_together(conf: Path) -> None:
    write(conf, "apiql.toml", MAIN.format("most = 3"))
    for name in ("Acme", "acme", "b"):
        write(conf, f"buckets/{name}/apiql.toml")
    write(conf, "buckets/c/buckets/d/apiql.toml")
    assert refused(conf).replace("    ", "") == (
        "buckets/acme: only its case tells it from Acme\nexpected: another name\n"
        "buckets: 4 buckets are more than buckets.most = 3\n"
        "expected: a larger one: each bucket's part is then smaller\n"
        "buckets/c/buckets: a bucket has no buckets\nexpected: them beside it\n"
        "buckets/c/apiql.toml: a bucket has this file\nexpected: it, be it empty"
    )


def test_buckets_that_nothing_turns_on_or_off_are_refused(conf: Path) -> None:
    write(conf, "buckets/a/apiql.toml", "nonsense")
    write(conf, "apiql.toml")
    assert refused(conf).startswith("buckets: there are buckets, and nothing says")
    write(conf, "apiql.toml", "buckets.enabled = false")
    assert read(conf).buckets == {}


def test_files_of_a_bucket_are_watched_and_count_for_the_revision(conf: Path) -> None:
    deep = "buckets/a/queries/" + "x/" * 8 + "q.apiql"
    write(conf, "buckets/a/apiql.toml", 'upstreams.a = { url = "https://a", verify = "/ca.pem" }')
    write(conf, deep, "select * from /x as x")
    found = read(conf)
    assert found.others == ("/ca.pem",)
    place = Place(conf, {})
    assert str(conf / deep) in look(place, ())
    write(conf, deep, "select * from /y as x")
    assert read(conf).revision != found.revision


def test_all_shown_in_development_is_shown_of_buckets_too(conf: Path) -> None:
    write(conf, "buckets/a/apiql.toml")
    found = read_configuration(Place(conf, {}, dev=True))
    assert found.buckets["a"].settings.answer.details == "full"


def test_the_command_line_checks_buckets(conf: Path) -> None:
    write(conf, "buckets/a/apiql.toml")
    run = CliRunner()
    assert "; buckets: 1" in run.invoke(cli, ["check", "--conf", str(conf)]).output
    write(conf, "buckets/a/queries/q.apiql", "select frm")
    checked = run.invoke(cli, ["check", "--conf", str(conf)])
    assert checked.exit_code == 1
    assert "buckets/a/queries/q.apiql:1:" in checked.output
