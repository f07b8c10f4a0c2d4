"""Call templates in the OpenAPI description: a path each, with its arguments and its answer."""

from __future__ import annotations

from typing import Any

from apiql.access.principal import ANYONE
from apiql.access.rights import Rights
from apiql.ir.plan import Plan
from apiql.ir.reach import Kind
from apiql.ir.values import Record
from apiql.server.read_template import PREFIX
from apiql.server.schemas import ERRORS, problems, responses
from apiql.stored_templates import StoredTemplate, Templates


def template_paths(templates: Templates, rights: Rights) -> dict[str, Any]:
    """The paths of what everybody may use."""
    return {
        PREFIX + name: _path(found)
        for name, found in sorted(templates.found.items())
        if rights.may(Kind.TEMPLATE, name, ANYONE)
    }


def _path(template: StoredTemplate) -> dict[str, Any]:
    plan, name = template.executable.plan, template.name
    return {
        "post": {
            "summary": f"{name}, a call template",
            "operationId": f"call.{name.replace('/', '.')}",
            "tags": ["call templates"],
            "requestBody": _body(plan),
            "responses": responses(_answer(plan))
            | problems("401", "403", "404", "405", "408", "413", "415", "431"),
        }
    }


def _body(plan: Plan) -> dict[str, Any]:
    """The arguments as an object."""
    schema: dict[str, Any] = {"type": "object", "properties": {p.name: {} for p in plan.parameters}}
    needed = [parameter.name for parameter in plan.parameters if parameter.required]
    schema |= {"required": needed} if needed else {}
    content = {"application/json": {"schema": schema}}
    return {"required": bool(needed), "content": content}


def _answer(plan: Plan) -> dict[str, Any]:
    assert isinstance(plan.returned, Record)
    names = [name for name, _ in plan.returned.members]
    data = {"type": "object", "properties": {name: {} for name in names}, "required": names}
    members = {"data": data, "errors": ERRORS, "extensions": {"type": "object"}}
    return {"type": "object", "properties": members}
