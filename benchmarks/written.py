"""The definitions that are measured, by their paths in a folder: both generations, equal calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Files = Mapping[str, Any]


def _origin(name: str) -> dict[str, str]:
    return {"from": "origin", "name": name}


def _api(url: str, **more: Any) -> dict[str, Any]:
    given = [{"in": "query", "name": "id", "from": _origin("id")}]
    return {"url": url, "method": "GET", "parameters": given, **more}


_PICKED = {"name": "{{.name}}", "age": "{{.age}}", "user": {"name": "{{.user.name}}"}}
_BOTH = {"a": {"name": "{{.a.name}}"}, "b": {"name": "{{.b.name}}"}}
_NEXT = {"name": "id", "from": {"from": "StepResult", "name": "a.next"}}


def first_generation(place: str) -> Files:
    """Two definitions, one with three fields, and a flow of two steps; they call `place`."""
    return {
        "apis/a": _api(f"{place}/w3a"),
        "apis/b": _api(f"{place}/w3b"),
        "apis/fields": _api(f"{place}/w3a", response={"json": _PICKED}),
        "flows/chain": {
            "steps": [
                {"resultKey": "a", "api": {"id": "a"}},
                {"resultKey": "b", "api": {"id": "b", "parameters": [_NEXT]}},
                {
                    "resultKey": "both",
                    "response": {"type": "json", "from": {"from": "template", "template": _BOTH}},
                },
            ]
        },
    }


def _value(kind: str, content: Any) -> dict[str, Any]:
    return {"from": kind, ("json" if kind == "jsonRaw" else "content"): content}


def _text(content: str) -> dict[str, Any]:
    return _value("literal", content)


def _step(command: str, key: str = "", /, **args: Any) -> dict[str, Any]:
    given = [{"name": name, "value": value} for name, value in args.items()]
    return {"name": command, "command": command, "resultKey": key, "args": given}


def _putting(step: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    return {**step, "origin": [{"name": name, "value": value}]}


def _httpapi(name: str, url: str) -> dict[str, Any]:
    given = [{"in": "query", "name": "id", "value": _value("origin", "id")}]
    told = {"id": name, "method": "GET", "requestContentType": "none"}
    return {**told, "url": url, "args": given}


def _flow(*steps: Any) -> dict[str, Any]:
    return {"name": "f", "steps": list(steps)}


_RESPOND = _step("httpResponse", type=_text("json"), key=_text("both"))


def second_generation(place: str) -> Files:
    """The same of the second generation, without what stands around requests."""
    return {
        "httpapis/a": _httpapi("a", f"{place}/w3a"),
        "httpapis/b": _httpapi("b", f"{place}/w3b"),
        "flows/chain": _flow(
            _step("httpApi", "a", name=_text("a")),
            _putting(_step("httpApi", "b", name=_text("b")), "id", _value("heap", "a.next")),
            _putting(
                _step("createJson", "both", key=_text("both")), "both", _value("jsonRaw", _BOTH)
            ),
            _RESPOND,
        ),
    }


_BASE = {name: _value("template", f"{{{{.base.{name}}}}}") for name in ("root", "type", "uuid")}
_STATS = {n: _value("template", f"{{{{.stats.{n}}}}}") for n in ("child", "code", "duration")}
_REPORT = {name: f"{{{{.base.{name}}}}}" for name in ("uuid", "root", "type")}


def _counting(place: str) -> dict[str, Any]:
    start = _value("template", "{{.base.start}}")
    return _step("promHttpCounterInc", httpInOut=_text(place), start=start, **_BASE, **_STATS)


_USER = _value("query", "appID")
_PUBLISHED: Files = {
    "_APIGATEWAY_PRE": _flow(
        _step("fillBaseInfo", user=_USER, uuid=_value("header", "uuid")),
        _step("checkRight", user=_USER, name=_BASE["root"], type=_BASE["type"]),
    ),
    "_APIGATEWAY_HTTPAPI": _flow(
        _step("httpApi", "found", name=_BASE["root"]),
        _step("httpResponse", type=_text("json"), key=_text("found")),
    ),
    "_APIGATEWAY_POST_OK": _flow(_counting("httpIn")),
    "_APIGATEWAY_POST_NOK": _flow(
        _putting(_step("createJson", "why", key=_text("why")), "why", _value("jsonRaw", _REPORT)),
        _counting("httpIn"),
        _step("httpResponse", type=_text("json"), key=_text("why")),
    ),
    "_HTTPOK": _flow(_counting("httpOut")),
    "_HTTPNOK": _flow(_counting("httpOut")),
}  # fmt: skip


def _main(**args: str) -> dict[str, Any]:
    return _flow(_step("apiGateway", **{name: _text(value) for name, value in args.items()}))


def around() -> Mapping[str, Files]:
    """What stands around requests of the second generation: nothing, what counts where a folder has
    no flows of its own, or flows as they were published.
    """
    published = {f"flows/__INTERNAL/{name}": found for name, found in _PUBLISHED.items()}
    return {
        "v2": {"main": _main(pre="none", postOK="none", postNOK="none")},
        "v2 usual": {"main": _main()},
        "v2 published": {"main": _main(), **published},
    }
