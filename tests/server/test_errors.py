"""The members of an error, and how much of an upstream they show."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.client import Site

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def errors_of(site: Site, query: str) -> list[dict[str, Any]]:
    """The errors of an answer."""
    found: list[dict[str, Any]] = (await site.ask(query)).json()["errors"]
    return found


async def test_members_under_status(site: Site) -> None:
    response = await site.ask("select * from /ok;\nselect * from /status/503 as s")
    (error,) = response.json()["errors"]
    assert error["code"] == "UPSTREAM_STATUS"
    assert error["message"].startswith("s: ")
    assert (error["task"], error["path"], error["status"]) == ("s", ["s"], 503)
    assert error["locations"] == [{"line": 2, "column": 1}]
    assert error["retryable"] is True
    assert error["upstream"] == {"service": "default", "status": 503}
    assert b"/status/503" not in response.body
    assert b"why" not in response.body


async def test_members_under_full(dev: Site) -> None:
    (error,) = await errors_of(dev, "select * from /ok; select * from /status/404 as s where q = 7")
    assert error["upstream"]["body"] == {"why": "so"}
    assert error["upstream"]["status"] == 404
    assert "GET /status/404?q=7 answered 404" in error["message"]


async def test_retryable_is_said_either_way(site: Site) -> None:
    (error,) = await errors_of(site, "select * from /ok; select * from /status/404 as s")
    assert error["retryable"] is False


async def test_body_of_an_error_that_is_not_json(dev: Site) -> None:
    (error,) = await errors_of(dev, "select * from /ok; select * from /html as s")
    assert error["upstream"]["body"] == "<h1>It broke</h1>"


async def test_a_chain_names_its_beginning(site: Site) -> None:
    query = """select * from /status/500 as a;
               select * from /users/{id} as b where id = a.id;
               select * from /users/{id} as c where id = b.id"""
    first, second, third = await errors_of(site, query)
    assert (first["code"], first["task"]) == ("UPSTREAM_STATUS", "a")
    assert [error["code"] for error in (second, third)] == ["DEPENDENCY_FAILED"] * 2
    assert all("a failed (UPSTREAM_STATUS)" in error["message"] for error in (second, third))


async def test_missing_dependency_names_the_reference(site: Site) -> None:
    (error,) = await errors_of(
        site, "select * from /ok; select * from /users/{id} as u where id = ok.nosuch"
    )
    assert error["code"] == "MISSING_DEPENDENCY"
    assert "ok.nosuch" in error["message"]


async def test_optional_is_a_warning(site: Site) -> None:
    (error,) = await errors_of(site, "select * from /ok; select * from /status/500 as s optional")
    assert error["warning"] is True


async def test_refusals_show_line_caret_and_suggestion(site: Site) -> None:
    response = await site.ask("set users as /users/1;\nselect *\nfrom user")
    (error,) = response.json()["errors"]
    assert error["locations"] == [{"line": 3, "column": 6}]
    line, carets = error["excerpt"].split("\n")
    assert (line, carets) == ("from user", "     ^^^^")
    assert "users" in error["hint"]


async def test_missing_parameters_are_one_error(site: Site) -> None:
    (error,) = await errors_of(site, "select * from /ok where a = $first and b = $second")
    assert "$first" in error["message"]
    assert "$second" in error["message"]


async def test_independent_problems_together(site: Site) -> None:
    found = await errors_of(site, "select * from nosuch; select * from /ok where a = gone.id")
    assert {error["code"] for error in found} == {"UNKNOWN_SOURCE", "UNKNOWN_NAME"}
