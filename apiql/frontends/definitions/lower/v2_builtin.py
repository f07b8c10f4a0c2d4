"""The steps that stand in the place of the gateway's flows where a folder has none."""

from __future__ import annotations

from apiql.frontends.definitions.v2.flow import Step


def _value(kind: str, content: str) -> dict[str, object]:
    return {"from": kind, "content": content}


def _step(command: str, result: str = "", /, **args: dict[str, object]) -> Step:
    found = {
        "name": command, "command": command, "resultKey": result,
        "args": [{"name": name, "value": value} for name, value in args.items()],
    }  # fmt: skip
    return Step.model_validate(found)


_ROOT, _TYPE = _value("template", "{{.base.root}}"), _value("template", "{{.base.type}}")
_USER = _value("query", "appID")

CHECK = (
    _step("fillBaseInfo", user=_USER, uuid=_value("header", "uuid")),
    _step("checkRight", user=_USER, name=_ROOT, type=_TYPE),
)
"""Who asks, and whether they may."""
CALL = (
    _step("httpApi", "httpapi_result", name=_ROOT),
    _step("httpResponse", type=_value("literal", "json"), key=_value("literal", "httpapi_result")),
)
"""The call of an httpapi, and its answer."""
_REPORTED: dict[str, object] = {
    "uuid": "{{.base.uuid}}", "root": "{{.base.root}}", "type": "{{.base.type}}",
    "code": "{{.stats.code}}",
}  # fmt: skip
_KEY = _value("literal", "NOK_result")
REPORT = (
    Step.model_validate(
        {
            "name": "createJson", "command": "createJson", "resultKey": "NOK_result",
            "args": [{"name": "key", "value": _KEY}],
            "origin": [{"name": "NOK_result", "value": {"from": "jsonRaw", "json": _REPORTED}}],
        }
    ),
    _step("httpResponse", type=_value("literal", "json"), key=_KEY,
          code=_value("template", "{{.NOK_result.code}}")),
)  # fmt: skip
"""What a client is told of a failure."""
