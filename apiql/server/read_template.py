"""A request to /template/… -> a call template with its arguments. Nothing is run here."""

from __future__ import annotations

from collections.abc import Awaitable

from apiql.engine import Engine, Query
from apiql.errors import Code, RequestRefused, nearest
from apiql.ir.reach import Kind
from apiql.server.body import body_of
from apiql.server.read import Asked, Headers, check_head, form_in, patience_in
from apiql.server.read_stored import posted_object
from apiql.server.sight import Sight
from apiql.server.visit import Visit
from apiql.stored_templates import StoredTemplate

PREFIX = "/template/"


def read_template(visit: Visit, engine: Engine) -> Awaitable[Asked]:
    """The call template that a request asks for, of those that are there for its caller.

    Raises:
        RequestRefused: there is none, or the request cannot be read.
    """
    return read_template_at(visit.scope["path"].removeprefix(PREFIX), visit, engine)


async def read_template_at(path: str, visit: Visit, engine: Engine) -> Asked:
    """The call template of a name, asked for as `read_template` has it."""
    found, scope, fields = _found(path, engine, visit.sight), visit.scope, visit.fields
    if scope["method"] != "POST":
        why = f"{scope['method']} is no way to ask: POST the arguments as a JSON object"
        raise RequestRefused(Code.METHOD_NOT_ALLOWED, why, {"Allow": "POST"})
    raw, limits = scope["headers"], engine.settings.limits
    check_head(raw, limits.header_bytes)
    given = posted_object(await body_of(visit, limits.body_bytes), fields, limits)
    query = Query("", given, Headers(raw, fields), None, patience_in(fields))
    return Asked(
        query, form_in(fields), False, False,
        executable=found.executable, name=found.name, kind=Kind.TEMPLATE,
    )  # fmt: skip


def _found(name: str, engine: Engine, sight: Sight | None) -> StoredTemplate:
    """The template of a name; what else there is, is told only where it is described too."""
    templates = engine.catalog.templates.found
    found = templates.get(name)
    if found is not None and (sight is None or sight.sees(Kind.TEMPLATE, name)):
        return found
    known = list(templates)
    if sight is not None:
        sight.miss()
        known = [each for each in templates if sight.sees(Kind.TEMPLATE, each)]
    meant = nearest(name, known) if engine.settings.server.docs else None
    hint = f"; did you mean {PREFIX}{meant}?" if meant else ""
    raise RequestRefused(Code.QUERY_NOT_FOUND, f"there is no template of this name{hint}")
