"""What Prometheus reads: histograms of requests and calls, and that all of it is well formed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from apiql.errors import Code
from apiql.events import Figure, Histogram
from apiql.server.durations import BOUNDS, DOUBLING, MOST, SECONDS, Durations
from apiql.server.exposition import exposed
from apiql.server.measured import Measured
from apiql.server.visit import REQUEST, Mark
from apiql.settings import Settings, Upstream
from apiql.sources.call import Call, Origin
from tests.server.client import Response, Site
from tests.server.conf import USER, Folder, Running, running
from tests.server.exposition import Read, read
from tests.server.upstream import Upstream as Up

loop = pytest.mark.asyncio(loop_scope="session")
DOCS = Path(__file__).resolve().parents[2] / "docs"
EVIL = 'x"} 1\nforged_total 1'


@pytest_asyncio.fixture(loop_scope="session")
async def server(tmp_path: Path, up: Up) -> AsyncIterator[Running]:
    """A server whose admin listener has any free port."""
    folder = Folder(tmp_path / "conf", up.port)
    folder.settings("[upstreams.default.sources.users]\npath = '/users/{id}'\n[admin]\nport = 0")
    folder.query(USER.format(1), "one")
    async with running(folder) as found:
        yield found


async def scraped(server: Running, **headers: str) -> dict[str, Read]:
    """What the admin listener of the server tells."""
    response = await answered(server, **headers)
    return read(response.body.decode(), "openmetrics" in response.headers["content-type"])


async def answered(server: Running, **headers: str) -> Response:
    """The answer of the admin listener."""
    assert server.admin is not None
    host = server.admin.removeprefix("http://")
    response = await Site(server.admin).send("GET", "/metrics", headers={"Host": host} | headers)
    assert response.status == 200
    return response


def count_of(family: Read, **labels: str) -> float:
    """How many a histogram has counted, of the series with these labels."""
    return sum(
        value
        for (name, found), value in family.samples.items()
        if name.endswith("_count") and labels.items() <= dict(found).items()
    )


@loop
async def test_requests_are_measured_by_route_kind_and_status(server: Running) -> None:
    await server.asked("one")
    await server.site.ask("select name from users where id = 2")
    await server.site.ask("select frm")
    found = (await scraped(server))["apiql_request_duration_seconds"]
    assert count_of(found, route="/query/", kind="query", status_class="2xx") == 1
    assert count_of(found, route="/apiql", kind="text", status_class="2xx") == 1
    assert count_of(found, route="/apiql", kind="text", status_class="4xx") == 1
    assert count_of(found) == 3


@loop
async def test_the_histograms_of_old_have_their_labels_and_buckets(server: Running) -> None:
    await server.asked("one")
    families = await scraped(server)
    taken, made = families["http_in_duration_second"], families["http_out_duration_second"]
    assert count_of(taken, child="", code="200", root="one", type="query") == 1
    assert count_of(made, child="default", code="200", root="one", type="query") == 1
    bounds = [dict(labels)["le"] for name, labels in taken.samples if name.endswith("_bucket")]
    assert bounds == ["1", "2", "4", "8", "16", "32", "64", "128", "+Inf"]


@loop
async def test_calls_are_measured_by_upstream_method_and_outcome(server: Running) -> None:
    await server.site.ask("select * from /users/1 as a; select * from /users/9999 as b")
    await server.site.ask("select * from /status/500 as a retry 0")
    found = (await scraped(server))["apiql_call_duration_seconds"]
    assert count_of(found, upstream="default", method="GET", outcome="2xx") >= 1
    assert count_of(found, upstream="default", method="GET", outcome="5xx") >= 1


@loop
async def test_nothing_of_a_request_becomes_a_label(server: Running) -> None:
    secret = "S3CRET-7f1c"
    await server.site.ask(f"select * from /users/1 as {secret.replace('-', '_')}")
    await server.site.send("GET", f"/query/{secret}?{secret}=1", headers={"X-Request-Id": secret})
    await server.site.send(secret, "/apiql", headers={secret: secret})
    response = await answered(server)
    assert b'route="/query/",status_class="4xx"' in response.body
    assert secret.encode() not in response.body
    assert b"S3CRET_7f1c" not in response.body


@loop
async def test_both_formats_are_well_formed(server: Running) -> None:
    await server.asked("one")
    plain = await scraped(server)
    opened = await scraped(server, Accept="application/openmetrics-text; version=1.0.0")
    assert {name.removesuffix("_total") for name in plain} == opened.keys()
    buckets = [dict(labels) for _, labels in opened["http_in_duration_second"].samples]
    assert [found["le"] for found in buckets if "le" in found][:2] == ["1.0", "2.0"]


@loop
async def test_every_family_is_documented(server: Running) -> None:
    await server.asked("one")
    text = (DOCS / "metrics.md").read_text(encoding="utf-8")
    for name, family in (await scraped(server)).items():
        assert f"`{name}" in text, f"{name} is not in docs/metrics.md"
        labels = {label for _, found in family.samples for label, _ in found} - {"le"}
        row = next(line for line in text.splitlines() if f"`{name}" in line)
        assert all(label in row for label in labels), (name, labels)


@loop
async def test_connections_are_counted(server: Running) -> None:
    await server.asked("one")
    families = await scraped(server)
    labels = (("upstream", "default"),)
    assert families["apiql_pool_connections"].samples["apiql_pool_connections", labels] >= 1
    assert families["apiql_pool_waiting"].samples["apiql_pool_waiting", labels] == 0


# -- counting -------------------------------------------------------------------------------------


def settings() -> Settings:
    return Settings(upstreams={"shop": Upstream(url="http://a.example")})


def call(service: str, method: str = "GET") -> Call:
    return Call(method, Origin("http", "a", 80), "/x", (), None, 1.0, service=service)


def labels_of(found: Measured, name: str) -> list[dict[str, str]]:
    return [dict(each.labels) for each in found.families() if each.name == name]


def test_hosts_and_methods_that_no_configuration_names_are_other() -> None:
    found = Measured(settings())
    for service, method in (("shop", "GET"), ("evil.example", "GET"), ("evil2", "BREW")):
        found.made(call(service, method), 0.1, 200, None)
    found.made(call("shop"), 0.1, None, Code.UPSTREAM_TIMEOUT)
    assert labels_of(found, "apiql_call_duration_seconds") == [
        {"upstream": "shop", "method": "GET", "outcome": "2xx"},
        {"upstream": "other", "method": "GET", "outcome": "2xx"},
        {"upstream": "other", "method": "other", "outcome": "2xx"},
        {"upstream": "shop", "method": "GET", "outcome": "UPSTREAM_TIMEOUT"},
    ]
    assert labels_of(found, "http_out_duration_second")[-1]["code"] == "504"


async def test_a_call_is_counted_for_the_query_that_makes_it() -> None:
    found = Measured(settings())

    async def one(name: str) -> None:
        mark = Mark(b"1", "query")
        REQUEST.set(mark)
        mark.name = name
        await asyncio.sleep(0)
        found.made(call("shop"), 0.1, 200, None)

    async with asyncio.TaskGroup() as group:
        for name in ("a", "b", "a"):
            group.create_task(one(name))
    roots = {each["root"] for each in labels_of(found, "http_out_duration_second")}
    assert roots == {"a", "b"}


def test_each_duration_is_in_its_bucket() -> None:
    durations = Durations("other")
    for seconds in (0.0005, 0.001, 0.0011, 2.0, 2.1, 1000.0):
        durations.of("a").note(seconds)
    (fine,) = durations.family("f", "told", SECONDS, lambda key: {})
    (coarse,) = durations.family("c", "told", DOUBLING, lambda key: {})
    assert fine.counts[:2] == (2, 1)
    assert (sum(fine.counts), fine.counts[-1]) == (6, 1)
    assert coarse.counts == (3, 1, 1, 0, 0, 0, 0, 0, 1)
    assert set(SECONDS) | set(DOUBLING) == set(BOUNDS)


def test_there_is_no_end_of_series() -> None:
    durations = Durations("other")
    for number in range(MOST + 50):
        durations.of(str(number)).note(0.1)
    assert len(durations.series) == MOST + 1
    assert sum(durations.series["other"].counts) == 50


def test_labels_and_words_are_escaped() -> None:
    histogram = Histogram("a_seconds", 'w"o\\r\nds', (0.5,), (1, 2), 3.25, {"l": EVIL})
    figure = Figure("b_total", "b", 1, {"l": EVIL}, counter=True)
    for is_open in (False, True):
        found = read(exposed([histogram, figure], is_open).decode(), is_open)
        assert found.keys() == {"a_seconds", "b" if is_open else "b_total"}
        samples = found["a_seconds"].samples
        assert [value for (name, _), value in samples.items() if "_bucket" in name] == [1, 3]
        assert sorted(value for (name, _), value in samples.items() if "_b" not in name) == [
            3,
            3.25,
        ]


def test_every_name_in_the_code_is_documented() -> None:
    text = (DOCS / "metrics.md").read_text(encoding="utf-8")
    code = "".join(file.read_text("utf-8") for file in (DOCS.parent / "apiql").rglob("*.py"))
    names = set(re.findall(r'Figure\(\s*"((?:apiql|process)_[a-z_]+)"', code))
    assert len(names) > 25
    assert not [name for name in names if f"`{name}" not in text]
