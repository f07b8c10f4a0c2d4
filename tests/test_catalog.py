"""Sources of the configuration that cannot be called are found when they are read."""

from __future__ import annotations

import pytest

from apiql.catalog import CatalogError, surroundings
from apiql.engine import all_functions
from apiql.settings import Settings


def settings_of(path: str, bulk: dict[str, str]) -> Settings:
    """A source `user` of this path that answers in bulk."""
    source = {"path": path, "bulk": {"param": "ids", "key": "id", **bulk}}
    upstream = {"url": "http://upstream.test/v1", "sources": {"user": source}}
    return Settings.model_validate({"upstreams": {"default": upstream}})


@pytest.mark.parametrize(
    ("path", "bulk"),
    [
        ("/users/{id}", {}),
        ("/users/{id}", {"path": "/shops/{shop}/users"}),
    ],
)
def test_a_bulk_path_that_nothing_fills(path: str, bulk: dict[str, str]) -> None:
    """One call for several elements has no element for a placeholder."""
    place = r"\[upstreams.default.sources.user\] bulk: nothing fills \{\w+\}"
    with pytest.raises(CatalogError, match=place):
        surroundings(settings_of(path, bulk), all_functions())


@pytest.mark.parametrize(
    ("path", "bulk", "called"),
    [
        ("/users/{id?}", {}, "/v1/users/"),
        ("/users", {}, "/v1/users"),
        ("/users/{id}", {"path": "/users/list?x=1"}, "/v1/users/list"),
    ],
)
def test_a_bulk_path(path: str, bulk: dict[str, str], called: str) -> None:
    """Its own, or else the source's; below the path of the upstream."""
    found = surroundings(settings_of(path, bulk), all_functions()).sources["user"].bulk
    assert found is not None
    assert "".join(part for part in found.endpoint.path if isinstance(part, str)) == called
