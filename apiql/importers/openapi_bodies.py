"""Request bodies and answers of OpenAPI 3 and Swagger 2 -> ours."""

from __future__ import annotations

from typing import Any

from apiql.importers.documents import rows, shown, table
from apiql.importers.imported import FORM, JSON, MULTIPART, Body, Parameter
from apiql.importers.openapi_parameters import only_value
from apiql.importers.references import Document
from apiql.ir.request import Place

MOST_SHOWN = 20
"""Members of an answer that are named."""


def body_of(document: Document, told: Any, at: str) -> Body | None:
    """The `requestBody` of OpenAPI 3: of several types the one that says most."""
    if told is None:
        return None
    content = table(document.resolved(told, at), "content")
    if not content:
        document.tell(at, "a request body that says nothing of its content; not taken")
        return None
    chosen = min(content, key=_rank)
    for other in content:
        if other != chosen:
            document.tell(at, f"the body is sent as {shown(chosen)}, not as {shown(other)}")
    schema = table(content, chosen).get("schema")
    return _body(document, plain_type(chosen), schema, f"{at}.content[{shown(chosen)}]")


def swagger_body(document: Document, operation: Any, shared: Any, at: str) -> Body | None:
    """The parameters in `body` and `formData` of Swagger 2."""
    found = [document.resolved(each, at) for each in (*rows(shared, "parameters"),
                                                      *rows(operation, "parameters"))]  # fmt: skip
    listed = operation.get("consumes", document.root.get("consumes"))
    consumes = [str(each) for each in listed] if isinstance(listed, list) else []
    for told in found:
        if told.get("in") == "body":
            chosen = min(consumes or [JSON], key=_rank)
            return _body(document, plain_type(chosen), told.get("schema"), at)
    fields = [told for told in found if told.get("in") == "formData" and told.get("name")]
    if not fields:
        return None
    files = any(told.get("type") == "file" for told in fields)
    kind = MULTIPART if files or MULTIPART in consumes else FORM
    parameters = (
        Parameter(str(told["name"]), Place.FORM, _kind(told), told.get("required") is True,
                  told.get("default"))
        for told in fields
    )  # fmt: skip
    return Body(kind, tuple(parameters))


def _kind(told: dict[str, Any]) -> str:
    kind = told.get("type")
    if kind == "file":
        return "object"
    known = ("string", "integer", "number", "boolean", "array")
    return kind if isinstance(kind, str) and kind in known else "any"


def plain_type(content_type: str) -> str:
    """Without its parameters: `application/json; charset=utf-8` is JSON."""
    return content_type.partition(";")[0].strip().lower()


def is_json(content_type: str) -> bool:
    """Whether it is a kind of JSON."""
    return content_type == JSON or content_type.endswith("+json")


def _rank(written: str) -> int:
    kind = plain_type(written)
    ranked = (is_json(kind), kind == "*/*", kind == FORM, kind == MULTIPART)
    return next((rank for rank, found in enumerate(ranked) if found), len(ranked))


def _body(document: Document, content_type: str, schema: Any, at: str) -> Body:
    kind = JSON if content_type == "*/*" else content_type
    if not is_json(kind) and kind not in (FORM, MULTIPART):
        return Body(kind, whole=True)
    shape = document.shape(schema, at)
    place = Place.MEMBER if is_json(kind) else Place.FORM
    if shape.is_open or not shape.members or shape.type not in ("object", "any"):
        return Body(kind, whole=True)
    members = []
    for name, inner in shape.members.items():
        told = document.resolved(inner, at)
        if told.get("readOnly") is not True:
            is_file = kind == MULTIPART and told.get("format") in ("binary", "byte")
            type_ = "object" if is_file else document.shape(told, at).type
            required = name in shape.required
            members.append(
                Parameter(name, place, type_, required, told.get("default"), only_value(told))
            )
    return Body(kind, tuple(members))


def answer_of(document: Document, operation: Any, at: str) -> tuple[str, ...]:
    """The members of the first answer that is a success, with their types."""
    answers = table(operation, "responses")
    status = next((each for each in sorted(answers) if str(each).startswith("2")), "default")
    if status not in answers:
        return ()
    place = f"{at}.responses.{status}"
    told = document.resolved(answers[status], place)
    content = table(told, "content")
    if content and not any(is_json(plain_type(each)) or each == "*/*" for each in content):
        kinds = ", ".join(map(shown, content))
        if "text/plain" not in content:
            document.tell(place, f"it answers {kinds}; a query reads JSON and plain text")
        return ()
    chosen = min(content, key=_rank) if content else ""
    shape = document.shape(table(content, chosen).get("schema") or told.get("schema"), place)
    return tuple(
        f"{shown(name)} {document.shape(inner, place).type}"
        for name, inner in list(shape.members.items())[:MOST_SHOWN]
    )
