"""conf/apiql.toml: it works as it is and names every setting with its right default."""

from __future__ import annotations

import re
import tomllib
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from apiql.settings import (
    Access,
    Admin,
    ApiKey,
    Auth,
    Breaker,
    Bulk,
    Cache,
    Health,
    Hedge,
    Host,
    Issuer,
    Push,
    Retry,
    Settings,
    Signing,
    SigningApp,
    Source,
    Upstream,
    User,
    load_settings,
)
from apiql.settings.credentials import FIELDS

CONF = Path(__file__).resolve().parent.parent / "conf"


def example_with_every_default() -> dict[str, Any]:
    text = (CONF / "apiql.toml").read_text(encoding="utf-8")
    return tomllib.loads(re.sub(r"^#([a-z0-9_]+ = )", r"\1", text, flags=re.MULTILINE))


def test_the_example_is_valid_as_it_is_and_changes_no_default() -> None:
    settings = load_settings(CONF, {})
    assert settings.model_copy(update={"upstreams": {}}) == Settings()
    assert settings.upstreams["default"].url == "http://127.0.0.1:9080"
    assert settings.upstreams["default"].sources["users"] == Source(path="/users/{id}")
    orders = settings.upstreams["default"].sources["orders"]
    assert orders.query == {"limit": 20}
    assert orders.headers["X-Demo-Key"] == "harmless-demo-key"
    assert settings.secrets.texts == ("harmless-demo-key",)


@pytest.mark.parametrize(
    "section",
    ["server", "answer", "log", "security", "queries", "rights", "clients", "limits", "store",
     "telemetry", "addresses", "cors", "forgery", "buckets", "legacy",
     "remote", "plugins", "endpoints"],
)  # fmt: skip
def test_the_example_names_every_setting_with_its_default(section: str) -> None:
    named = example_with_every_default()[section]
    model: type[BaseModel] = type(getattr(Settings(), section))
    assert set(named) == set(model.model_fields)
    unset = {name: None for name in model.model_fields if getattr(model(), name) is None}
    assert model.model_validate(named | unset) == model()
    model.model_validate(named)


def test_the_example_names_every_setting_of_the_admin_listener() -> None:
    named = example_with_every_default()["admin"]
    assert set(named) == set(Admin.model_fields)
    assert Admin.model_validate(named | {"port": None}) == Admin()
    Admin.model_validate(named)


def test_the_example_names_every_setting_of_who_asks_with_its_default() -> None:
    named = example_with_every_default()["access"]
    assert set(named) == set(Access.model_fields)
    found = Access.model_validate(named)
    assert found.model_copy(update={"keys": {}, "users": {}, "tokens": {}, "required": None}) == (
        Access()
    )
    (key,), (user,), (issuer,) = (named[kind].values() for kind in ("keys", "users", "tokens"))
    assert set(key) == set(ApiKey.model_fields)
    assert set(user) == set(User.model_fields)
    assert set(issuer) == set(Issuer.model_fields) - {"keys_file", "secret"}
    usual = {"leeway": None, "name": None, "scopes": None, "max_bytes": None}
    needed = {name: value for name, value in issuer.items() if name not in usual}
    assert Issuer.model_validate(issuer) == Issuer.model_validate(needed)


def test_the_example_names_every_setting_of_signing() -> None:
    named = example_with_every_default()["signing"]
    assert set(named) == set(Signing.model_fields)
    assert Signing.model_validate(named | {"apps": {}}) == Signing()
    (app,) = Signing.model_validate(named).apps.values()
    assert app.model_fields_set == set(SigningApp.model_fields)
    assert app == SigningApp(secret=app.secret)


@pytest.mark.parametrize(
    ("model", "paths", "free"),
    [
        (
            Upstream,
            [["default"]],
            {"url", "headers", "sources", "timeout", "proxy", "concurrency", "cache"}
            | {"retry", "breaker", "in_flight", "deadline_header"}
            | {"hosts", "hedge", "health", "client_cert", "client_key", "auth"},
        ),
        (Cache, [["default", "sources", "users", "cache"]], set(Cache.model_fields)),
        (
            Source,
            [["default", "sources", "users"], ["default", "sources", "orders"]],
            {"path", "query", "headers", "list_style", "concurrency", "bulk", "push", "cache"}
            | {"timeout", "on_timeout", "retry", "forward"},
        ),
        (Bulk, [["default", "sources", "users", "bulk"]], {"path", "param", "key"}),
        (
            Push,
            [["default", "sources", "users", "push"]],
            {"style", "can", "members", "key", "rows", "names", "paging"},
        ),
    ],
)
def test_the_example_names_every_setting_of_an_upstream(
    model: type[BaseModel], paths: list[list[str]], free: set[str]
) -> None:
    named: dict[str, Any] = {}
    for path in paths:
        named |= reduce(getitem, path, example_with_every_default()["upstreams"])
    assert set(named) == set(model.model_fields)
    for name, field in model.model_fields.items():
        usual = list(field.default) if isinstance(field.default, tuple) else field.default
        assert name in free or named[name] == usual


def test_the_guards_of_the_example_are_the_usual_ones() -> None:
    named = example_with_every_default()["upstreams"]["default"]
    found = Upstream.model_validate({key: named[key] for key in ("url", "retry", "breaker")})
    assert found.retry == Retry()
    assert found.breaker == Breaker()
    assert set(named["breaker"]) == set(Breaker.model_fields)
    assert set(named["retry"]) == set(Retry.model_fields) - {"each"}


def test_the_example_names_what_there_is_of_oauth2() -> None:
    named = example_with_every_default()
    auth = named["upstreams"]["default"]["auth"]
    assert set(auth) == {"kind", *(key for keys in FIELDS["oauth2"] for key in keys)}
    assert Auth(**auth).timeout == Auth.model_fields["timeout"].default


def test_the_example_says_which_settings_it_shows_are_unset() -> None:
    lines = (CONF / "apiql.toml").read_text(encoding="utf-8").splitlines()
    shown = [
        lines.index(start) for start in ('#timeout = "5s"', '#list_style = "csv"', "#port = 9090")
    ]
    shown.append(next(i for i, line in enumerate(lines) if line.startswith("#proxy = ")))
    assert all(lines[i - 1].startswith("# Unset:") for i in shown)


def test_the_example_names_every_setting_of_hosts_with_its_default() -> None:
    named = example_with_every_default()["upstreams"]["default"]
    plain, table = Upstream(url="http://a", hosts=named["hosts"]).hosts
    assert (plain.weight, set(table.model_fields_set)) == (1, set(Host.model_fields))
    assert Hedge.model_validate(named["hedge"]) == Hedge()
    assert Health.model_validate(named["health"]) == Health(path="/health")
    assert set(named["hedge"]) == set(Hedge.model_fields)
    assert set(named["health"]) == set(Health.model_fields)
