"""The usual BFF: FastAPI, one shared httpx client, `gather`, dictionaries picked by hand."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI

PATIENCE_S = 60  # as long as the harness waits: no time limit is to decide a figure
Json = dict[str, Any]  # an object; a body may be a list of them


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(
        base_url=os.environ["UPSTREAM"], limits=limits, timeout=PATIENCE_S, trust_env=False
    ) as client:
        app.state.client = client
        yield


app = FastAPI(lifespan=lifespan)


async def fetch(path: str) -> Any:
    client: httpx.AsyncClient = app.state.client
    answer = await client.get(path)
    answer.raise_for_status()
    return answer.json()


def person(body: Json) -> Json:
    return {"name": body["name"], "age": body["age"], "user": {"name": body["user"]["name"]}}


async def three(route: str, id: int) -> Json:
    bodies = await asyncio.gather(*(fetch(f"/{route}{x}/{id}") for x in "abc"))
    return {"data": {name: person(body) for name, body in zip("abc", bodies, strict=True)}}


@app.get("/w1")
async def w1(id: int) -> Json:
    return {"data": {"a": person(await fetch(f"/w1/{id}"))}}


@app.get("/w1b")
async def w1b(id: int) -> Json:
    return {"data": {"a": person(await fetch(f"/w1b/{id}"))}}


@app.get("/w2")
async def w2(id: int) -> Json:
    return await three("w2", id)


@app.get("/w3")
async def w3(id: int) -> Json:
    a = await fetch(f"/w3a/{id}")
    b = await fetch(f"/w3b/{a['next']}")
    return {"data": {"b": {"name": b["name"]}, "a": {"name": a["name"]}}}


@app.get("/w4")
async def w4(id: int) -> Json:
    a = await fetch(f"/w4a/{id}")
    b = await asyncio.gather(*(fetch(f"/w4b/{number}") for number in a["ids"]))
    return {"data": {"a": {"ids": a["ids"]}, "b": b}}


def with_authors(posts: list[Json], users: list[Json]) -> Json:
    by_id = {user["id"]: {"name": user["name"]} for user in users}
    picked = [
        {
            "id": post["id"],
            "title": post["title"],
            "authorId": post["authorId"],
            "author": by_id[post["authorId"]],
        }
        for post in posts
    ]
    return {"data": {"posts": picked}}


@app.get("/n1")
async def n1(id: int) -> Json:
    posts = await fetch(f"/posts/{id}")
    authors = {post["authorId"] for post in posts}
    users = await asyncio.gather(*(fetch(f"/users/{author}") for author in authors))
    return with_authors(posts, users)


@app.get("/n1_bulk")
async def n1_bulk(id: int) -> Json:
    posts = await fetch(f"/posts/{id}")
    authors = {post["authorId"] for post in posts}
    users = await fetch("/users?ids=" + ",".join(map(str, authors)))
    return with_authors(posts, users)


@app.get("/w5")
async def w5(id: int) -> Json:
    body = await fetch(f"/w5/{id}")
    items = [{"id": i["id"], "name": i["name"], "price": i["price"]} for i in body["items"]]
    return {"data": {"a": {"items": items}}}


@app.get("/w6")
async def w6(id: int) -> Json:
    return await three("w6", id)
