"""The shop and the engine in front of it, each on a loopback port of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from apiql.demo.serving import serving
from apiql.demo.upstream import shop
from apiql.engine import NO_QUERIES, Engine
from apiql.opened import OpenEngine
from apiql.query_files import QueryFiles
from apiql.server.app import app_of
from apiql.server.configuration import developing
from apiql.settings import Bulk, Settings, Source, Upstream
from apiql.template_files import NO_TEMPLATES, TemplateFiles

NOBODY = "http://127.0.0.1:1"
"""Where nothing listens: an upstream that is down."""


@dataclass(frozen=True)
class Running:
    """Where the shop and the engine can be reached, and the engine itself."""

    shop: str
    url: str
    engine: Engine


def shop_settings(shop_url: str) -> Settings:
    """The settings of an engine in front of the shop; everything is shown, as with `--dev`."""
    shop_upstream = Upstream(
        url=shop_url,
        sources={
            "users": Source(path="/users/{id}", bulk=Bulk(path="/users", param="ids", key="id")),
            "items": Source(path="/items?{ids}", list_style="csv"),
            "new_order": Source(method="post", path="/orders"),
        },
    )
    archive = Upstream(url=NOBODY, sources={"archive": Source(path="/archive")})
    return developing(Settings(upstreams={"default": shop_upstream, "archive": archive}))


@asynccontextmanager
async def together(
    port: int = 0, delay: float = 1.0, queries: QueryFiles = NO_QUERIES,
    templates: TemplateFiles = NO_TEMPLATES,
) -> AsyncIterator[Running]:  # fmt: skip
    """Both, for as long as the block lasts; `delay` scales the shop's waits.

    Raises:
        OSError: the port is taken.
    """
    async with serving(shop(delay)) as shop_url:
        settings = shop_settings(shop_url)
        opened = OpenEngine.from_settings(settings, queries, templates=templates)
        app = app_of(opened.engine, settings, opened.aclose)
        async with serving(app, port=port) as url:
            yield Running(shop_url, url, opened.engine)
