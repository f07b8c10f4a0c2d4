"""A token endpoint without a network: what it was asked, what it answers, how long it takes."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import parse_qsl

from apiql.errors import CallFailed, Code
from apiql.settings import Auth
from apiql.sources.call import Call, Reply
from apiql.sources.token_request import token_request
from apiql.sources.tokens import Token, Tokens
from apiql.stores.memory import MemoryStores
from apiql.stores.store import Room, Stores

URL = "https://login.test/token"
SECRET = "S3CRET-of-the-client"


def oauth(**more: Any) -> Auth:
    """Settings of OAuth2."""
    given = {"token_url": URL, "client_id": "shop", "client_secret": SECRET} | more
    return Auth(kind="oauth2", **given)


class Endpoint:
    """Gives `token-1`, `token-2`, …, each for so many seconds."""

    def __init__(self, seconds: object = 3600, takes: float = 0.0) -> None:
        self.seconds, self.takes = seconds, takes
        self.asked: list[Call] = []
        self.says: Reply | CallFailed | None = None

    async def __call__(self, call: Call) -> Reply:
        self.asked.append(call)
        number = len(self.asked)
        if self.takes:
            await asyncio.sleep(self.takes)
        if isinstance(self.says, CallFailed):
            raise self.says
        if self.says is not None:
            return self.says
        found = {"access_token": f"token-{number}", "token_type": "Bearer"}
        if self.seconds is not None:
            found["expires_in"] = self.seconds  # type: ignore[assignment]
        return Reply(200, (("content-type", "application/json"),), json.dumps(found).encode())

    @property
    def forms(self) -> list[dict[str, str]]:
        """The bodies that came."""
        return [dict(parse_qsl((call.body or b"").decode())) for call in self.asked]


def tokens(endpoint: Endpoint, stores: Stores | None = None, **more: Any) -> Tokens:
    """Tokens by the running loop's clock."""
    clock = asyncio.get_running_loop().time
    stores = stores or MemoryStores(clock)
    room: Room[Token] = Room(10, 10_000, lambda token: 1)
    store = stores.store("tokens", Token, room)
    return Tokens("shop", token_request(oauth(**more), endpoint, clock), store, clock, stores.clock)


DOWN = CallFailed(Code.UPSTREAM_CONNECT, "connection refused")
