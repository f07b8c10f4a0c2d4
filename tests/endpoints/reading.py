"""What the tests of endpoints share: the data, a text read as a gateway, answers of backends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from apiql.frontends.endpoints.folder import read_gateway
from apiql.frontends.endpoints.gateway import Endpoint, Gateway
from apiql.frontends.endpoints.message import Message, body_of

DATA = Path(__file__).resolve().parents[1] / "data" / "gopen"
EXAMPLES: list[dict[str, Any]] = json.loads(
    (DATA / "configs" / "readme_8efe98b_examples.json").read_text("utf-8")
)
VALUES = {
    "USER_SERVICE_URL": "http://user.test",
    "DEVICE_SERVICE_URL": "http://device.test",
    "SECURITY_SERVICE_URL": "http://security.test",
    "REDIS_URL": "redis.test:6379",
}


def gateway(config: Any, values: Mapping[str, str] = VALUES) -> Gateway:
    """The gateway of a configuration; there is nothing wrong with it."""
    text = config if isinstance(config, str) else json.dumps(config)
    found, problems = read_gateway(text, "dev/.json", values)
    assert found is not None, "\n".join(map(str, problems))
    return found


def endpoint(members: Mapping[str, Any], **root: Any) -> Endpoint:
    """An endpoint GET /a with a backend, and these members."""
    backend = {"hosts": ["http://a.test"], "path": "/a", "method": "GET"}
    usual = {"path": "/a", "method": "GET", "backends": [backend]}
    (found,) = gateway({"port": 1, "endpoints": [{**usual, **members}], **root}).endpoints
    return found


def answered(value: Any, status: int = 200, **headers: str) -> Message:
    """The answer of a backend: JSON, a text where it is one, nothing."""
    named = {name.replace("_", "-"): (text,) for name, text in headers.items()}
    if value is None:
        return Message(named, None, status)
    media = "text/plain" if isinstance(value, str) else "application/json"
    data = value if isinstance(value, str) else json.dumps(value)
    named["Content-Type"] = (media,)
    return Message(named, body_of(data.encode(), media), status)
