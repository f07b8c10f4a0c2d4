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

from apiql.settings import Bulk, Push, Settings, Source, Upstream, load_settings

CONF = Path(__file__).resolve().parent.parent / "conf"
FREE = {"server": ("connections",), "clients": ("rate", "burst")}
"""Settings that are unset by default; the example shows a value."""


def example_with_every_default() -> dict[str, Any]:
    text = (CONF / "apiql.toml").read_text(encoding="utf-8")
    return tomllib.loads(re.sub(r"^#([a-z0-9_]+ = )", r"\1", text, flags=re.MULTILINE))


def test_the_example_is_valid_as_it_is_and_changes_no_default() -> None:
    settings = load_settings(CONF, {})
    assert settings.model_copy(update={"upstreams": {}}) == Settings()
    assert settings.upstreams["default"].url == "http://127.0.0.1:9080"
    assert settings.upstreams["default"].sources["users"] == Source(path="/users/{id}")
    assert settings.upstreams["default"].sources["orders"].query == {"limit": 20}


@pytest.mark.parametrize(
    "section", ["server", "answer", "security", "queries", "clients", "limits"]
)
def test_the_example_names_every_setting_with_its_default(section: str) -> None:
    named = example_with_every_default()[section]
    model: type[BaseModel] = type(getattr(Settings(), section))
    assert set(named) == set(model.model_fields)
    unset = dict.fromkeys(FREE.get(section, ()))
    assert model.model_validate(named | unset) == model()
    model.model_validate(named)


@pytest.mark.parametrize(
    ("model", "paths", "free"),
    [
        (Upstream, [["default"]], {"url", "headers", "sources", "timeout", "proxy", "concurrency"}),
        (
            Source,
            [["default", "sources", "users"], ["default", "sources", "orders"]],
            {"path", "query", "headers", "list_style", "concurrency", "bulk", "push"},
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
        assert name in free or named[name] == field.default


def test_the_example_says_which_settings_it_shows_are_unset() -> None:
    lines = (CONF / "apiql.toml").read_text(encoding="utf-8").splitlines()
    shown = [lines.index(start) for start in ('#timeout = "5s"', '#list_style = "csv"')]
    shown.append(next(i for i, line in enumerate(lines) if line.startswith("#proxy = ")))
    assert all(lines[i - 1].startswith("# Unset:") for i in shown)
