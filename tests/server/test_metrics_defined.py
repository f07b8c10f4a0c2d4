"""What Prometheus reads of definitions: requests by their names, calls by the ids of httpapis."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from apiql.demo.serving import serving
from apiql.figure_names import FigureNames, joined
from apiql.server.configuration import Place
from apiql.server.measured import Measured
from apiql.server.visit import REQUEST, Mark, Visit
from apiql.server.worker import worker
from apiql.settings import Settings, Upstream
from apiql.sources.call import Call, Origin
from tests.apihub.written import call, flow, httpapi, job, main, respond, step, text, value
from tests.server.client import Site
from tests.server.conf import Folder, Running, running
from tests.server.exposition import Labels, Read, read
from tests.server.test_metrics import answered, count_of
from tests.server.upstream import Upstream as Up

loop = pytest.mark.asyncio(loop_scope="session")
SECRET = "S3CRET-91bd"


def counting(way: str, root: str = "", child: str = "{{.stats.child}}") -> dict[str, Any]:
    """The step that flows of old count with; `root` and `child` may be written down."""
    given = {
        "root": text(root) if root else value("template", "{{.base.root}}"),
        "child": value("template", child) if "{{" in child else text(child),
        "type": value("template", "{{.base.type}}"), "code": value("template", "{{.stats.code}}"),
        "duration": value("template", "{{.stats.duration}}"),
    }  # fmt: skip
    return step("promHttpCounterInc", httpInOut=text(way), **given)


def definitions(port: int) -> dict[str, Any]:
    """A folder of the second generation with the flows that count."""

    def api(id: str, path: str) -> dict[str, Any]:
        return {**httpapi(""), "id": id, "url": f"http://127.0.0.1:{port}{path}"}

    return {
        "main": main(),
        "httpapis/one": api("user_api", "/users/1"),
        "httpapis/gone": api("gone_api", "/users/9999"),
        "flows/both": flow(call("one"), respond("r")),
        "flows/aside": flow(
            call("one"), counting("httpOut", child="my step"),
            counting("httpOut", child="{{.origin.child}}"), counting("httpIn", root="my work"),
            respond("r"),
        ),
        "flows/_HTTPOK": flow(counting("httpOut")),
        "flows/_HTTPNOK": flow(counting("httpOut")),
        "flows/_APIGATEWAY_POST_OK": flow(counting("httpIn")),
        "schedules/aside": {
            "name": "aside",
            "steps": [job(call("gone", "x"), "background"), job(call("one")), job(respond("r"))],
        },
        "schedules/row": {"name": "row", "steps": [job(call("one")), job(respond("r"))]},
    }  # fmt: skip


@pytest_asyncio.fixture(loop_scope="session")
async def server(tmp_path: Path, up: Up) -> AsyncIterator[Running]:
    """A server of such a folder, with an admin listener."""
    folder = Folder(tmp_path / "conf", up.port)
    folder.settings("[admin]\nport = 0")
    written(folder, definitions(up.port))
    async with running(folder) as found:
        yield found


def written(folder: Folder, files: Mapping[str, Any]) -> None:
    """Writes definitions."""
    for name, found in files.items():
        path = folder.path / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found))


async def asked(server: Running, path: str, body: Any = None) -> int:
    """The status of a definition's answer."""
    raw = b"" if body is None else json.dumps(body).encode()
    return (await server.site.send("POST", path, raw)).status


async def scraped(server: Running) -> dict[str, Read]:
    """All figures."""
    return read((await answered(server)).body.decode())


def series(family: Read) -> dict[Labels, float]:
    """How many of each series."""
    return {labels: n for (name, labels), n in family.samples.items() if name.endswith("_count")}


def labels(child: str, code: str, root: str, kind: str) -> Labels:
    """The four labels of old, in their order."""
    return (("child", child), ("code", code), ("root", root), ("type", kind))


@loop
async def test_requests_and_calls_of_definitions_are_counted_once(server: Running) -> None:
    for path in ("/flow/both", "/httpapi/one", "/schedule/row", "/httpapi/gone", "/flow/both"):
        await asked(server, path)
    families = await scraped(server)
    assert series(families["http_in_duration_second"]) == {
        labels("", "200", "both", "flow"): 2, labels("", "200", "one", "httpapi"): 1,
        labels("", "200", "row", "schedule"): 1, labels("", "404", "gone", "httpapi"): 1,
    }  # fmt: skip
    assert series(families["http_out_duration_second"]) == {
        labels("user_api", "200", "both", "flow"): 2,
        labels("user_api", "200", "one", "httpapi"): 1,
        labels("user_api", "200", "row", "schedule"): 1,
        labels("gone_api", "404", "gone", "httpapi"): 1,
    }


@loop
async def test_jobs_in_the_background_are_counted_while_they_run_and_if_they_fail(
    server: Running,
) -> None:
    assert await asked(server, "/schedule/aside") == 200
    for _ in range(1000):
        families = await scraped(server)
        running, failed = (
            sum(families[f"apiql_asides_{name}"].samples.values())
            for name in ("running", "failed_total")
        )
        assert running + failed == 1
        if failed:
            return
    raise AssertionError("it does not end")


@loop
async def test_the_histograms_have_the_buckets_of_old(server: Running) -> None:
    await asked(server, "/flow/both")
    for name in ("http_in_duration_second", "http_out_duration_second"):
        family = (await scraped(server))[name]
        bounds = [dict(ls)["le"] for sample, ls in family.samples if sample.endswith("_bucket")]
        assert bounds == ["1", "2", "4", "8", "16", "32", "64", "128", "+Inf"]


@loop
async def test_calls_of_httpapis_have_a_name_among_our_own_figures(server: Running) -> None:
    await asked(server, "/flow/both")
    found = (await scraped(server))["apiql_call_duration_seconds"]
    assert count_of(found, upstream="one", method="GET", outcome="2xx") == 1


@loop
async def test_a_step_counts_what_it_names_itself_and_nothing_of_a_request(server: Running) -> None:
    assert await asked(server, "/flow/aside", {"child": SECRET}) == 200
    families = await scraped(server)
    taken, made = families["http_in_duration_second"], families["http_out_duration_second"]
    assert series(made) == {
        labels("user_api", "200", "aside", "flow"): 1, labels("my step", "200", "aside", "flow"): 1,
    }  # fmt: skip
    assert series(taken) == {
        labels("", "200", "aside", "flow"): 1, labels("", "200", "my work", "flow"): 1,
    }  # fmt: skip


@loop
async def test_the_name_that_a_request_asks_for_is_no_label(tmp_path: Path, up: Up) -> None:
    """In a folder of old, what is not there goes the way of all that is."""
    folder = Folder(tmp_path / "old", up.port)
    written(folder, definitions(up.port))
    app, _ = worker(Place(folder.path, {"APIQL_ADMIN__PORT": "0"}), lambda notice: None)
    async with serving(app) as url:
        paths = (f"/flow/{SECRET}", f"/httpapi/{SECRET}/v1", f"/schedule/{SECRET}")
        found = [(await Site(url).send("POST", path)).status for path in paths]
        assert app.admin is not None
        host = {"Host": app.admin.removeprefix("http://")}
        response = await Site(app.admin).send("GET", "/metrics", headers=host)
    assert found == [403, 403, 403]
    assert SECRET.encode() not in response.body
    taken = read(response.body.decode())["http_in_duration_second"]
    assert count_of(taken, root="", type="flow", code="403") == 1


@loop
async def test_other_definitions_count_by_their_names_after_a_reload(
    server: Running, up: Up
) -> None:
    await asked(server, "/httpapi/one")
    api = {**httpapi(""), "id": "renamed", "url": f"http://127.0.0.1:{up.port}/users/1"}
    written(server.folder, {"httpapis/one": api, "httpapis/two": {**api, "id": "two_api"}})
    await server.looked()
    await asked(server, "/httpapi/two")
    made = series((await scraped(server))["http_out_duration_second"])
    assert made[labels("two_api", "200", "two", "httpapi")] == 1
    assert made[labels("renamed", "200", "one", "httpapi")] == 1


# -- names ----------------------------------------------------------------------------------------


def test_folders_that_do_not_agree_count_by_name() -> None:
    one = FigureNames({"a": "x", "b": "y"}, frozenset({"a", "b"}), frozenset({"w"}))
    two = FigureNames({"a": "z", "b": "y", "w": "w"}, frozenset({"a", "b", "w"}))
    found = joined((one, two))
    assert found.calls == {"a": "a", "b": "y", "w": "w"}
    assert found.words == frozenset()


async def test_an_upstream_keeps_its_name_where_an_httpapi_has_the_same() -> None:
    found = Measured(Settings(upstreams={"shop": Upstream(url="http://a.example")}))
    found.settle(Settings(upstreams={"shop": Upstream(url="http://a.example")}),
                 FigureNames({"shop": "shop_api"}, frozenset({"shop"})))  # fmt: skip
    for kind in ("text", "flow"):
        REQUEST.set(Mark(b"1", kind))
        call = Call("GET", Origin("http", "a", 80), "/x", (), None, 1.0, service="shop")
        found.made(call, 0.1, 200, None)
    families = [each for each in found.families() if each.name == "http_out_duration_second"]
    assert [each.labels["child"] for each in families] == ["shop", "shop_api"]


@pytest.mark.parametrize(
    "wrong", [{"code": "0"}, {"code": "x"}, {"duration": "long"}, {"duration": "-1"}, {"child": ""}]
)
def test_what_a_step_counts_wrongly_is_passed_by(wrong: Mapping[str, str]) -> None:
    found = Measured(Settings())
    found.settle(Settings(), FigureNames(words=frozenset({"w"})))
    right = {"httpInOut": "httpOut", "root": "r", "type": "flow", "child": "w", "code": "200",
             "duration": "0.1"}  # fmt: skip
    found.count({**right, **wrong})
    assert [*found.families()] == []
    found.count(right)
    (family,) = found.families()
    assert family.labels == {"code": "200", "child": "w", "root": "other", "type": "flow"}


def test_what_a_step_makes_of_a_request_is_other_and_an_upstream_is_none_of_its_words() -> None:
    settings = Settings(upstreams={"shop": Upstream(url="http://a.example")})
    names = FigureNames({"news": "news_api"}, frozenset({"news", "city"}), frozenset({"w", "shop"}))
    found = Measured(settings)
    found.settle(settings, names)
    told = {"httpInOut": "httpOut", "code": "200", "duration": "0.1"}
    for root, child, kind in (
        ("w", "s3cret", "s3cret"), ("s3cret", "w", "flow"), ("city", "w", "schedule"),
        ("w", "news_api", "flow"), ("city", "shop", "flow"), ("shop", "", "flow"),
    ):  # fmt: skip
        found.count({**told, "root": root, "child": child, "type": kind})
    assert [(f.labels["root"], f.labels["child"], f.labels["type"]) for f in found.families()] == [
        ("w", "other", "other"), ("other", "w", "flow"), ("city", "w", "schedule"),
        ("w", "news_api", "flow"),
    ]  # fmt: skip


def test_who_did_not_wait_counts_as_499() -> None:
    found = Measured(Settings())
    found.ended(Visit({}, None, {}, b"1", "/apiql", "text"))  # type: ignore[arg-type]
    codes = {each.name: each.labels for each in found.families()}
    assert codes["http_in_duration_second"]["code"] == "499"
    assert codes["apiql_request_duration_seconds"]["status_class"] == "gone"
