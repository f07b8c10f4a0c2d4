"""Parameters of OpenAPI 3 and Swagger 2 -> ours, with how their lists are written. Knows neither
bodies nor addresses.
"""

from __future__ import annotations

import re
from typing import Any

from apiql.importers.documents import kind_of, shown, table
from apiql.importers.imported import MOST_PARAMETERS, Parameter
from apiql.importers.references import Document
from apiql.ir.request import Place

PLACES = {"path": Place.PATH, "query": Place.QUERY, "header": Place.HEADER, "cookie": Place.COOKIE}
_IGNORED = frozenset({"accept", "content-type", "authorization"})
"""OpenAPI: header parameters of these names are to be ignored."""
_SWAGGER_STYLES = {"csv": "csv", "multi": "repeat"}
_HEADER = re.compile(r"[A-Za-z0-9_-]{1,64}")


def parameters_of(document: Document, lists: list[tuple[Any, str]]) -> tuple[Parameter, ...]:
    """Those of a path and then those of its operation, which win; each list with its place."""
    found: dict[tuple[str, str], Parameter] = {}
    for listed, at in lists:
        if listed is not None and not isinstance(listed, list):
            document.tell(at, f"expected a list, this is {kind_of(listed)}; not taken")
            continue
        for number, written in enumerate(listed or ()):
            place = f"{at}[{number}]"
            told = document.resolved(written, place)
            if told.get("in") in ("body", "formData"):
                continue
            parameter = _parameter(document, told, place)
            if len(found) >= MOST_PARAMETERS:
                document.tell(place, f"there are {MOST_PARAMETERS} already; not taken")
            elif parameter is not None:
                found[parameter.name, parameter.place.value] = parameter
    return tuple(found.values())


def _parameter(document: Document, told: dict[str, Any], at: str) -> Parameter | None:
    name, place = told.get("name"), PLACES.get(str(told.get("in")))
    if not isinstance(name, str) or not name or place is None:
        document.tell(at, "a parameter without a name, or in no place that is known; not taken")
        return None
    if place is Place.HEADER and name.lower() in _IGNORED:
        document.tell(at, f"the header {name} comes with the body or the credentials; not taken")
        return None
    if place in (Place.HEADER, Place.COOKIE) and not _HEADER.fullmatch(name):
        document.tell(at, f"{shown(name)} cannot be the name of a {place.value}; not taken")
        return None
    schema = document.resolved(_schema(told), at)
    kind = document.shape(schema, at).type
    required = told.get("required") is True or place is Place.PATH
    style = None if kind != "array" else _list_style(document, told, place, at)
    if kind == "object" and "schema" in told and place is not Place.HEADER:
        document.tell(at, "an object in a URL is sent as JSON, not in the style that is told here")
    if place is Place.PATH and told.get("style", "simple") != "simple":
        document.tell(at, f"the style {shown(told['style'])} is not known; it is sent as it is")
    return Parameter(name, place, kind, required, schema.get("default"), only_value(schema), style)


def _schema(told: dict[str, Any]) -> Any:
    """OpenAPI 3 has it at `schema` or `content`, Swagger 2 beside the name."""
    if "schema" in told:
        return told["schema"]
    contents = [table(told["content"], key) for key in table(told, "content")]
    return contents[0].get("schema") if contents else told


def only_value(schema: dict[str, Any]) -> Any:
    """The one value that a schema lets through: `const`, or an enum of one; None: there is none."""
    listed = schema.get("enum")
    value = listed[0] if isinstance(listed, list) and len(listed) == 1 else schema.get("const")
    return value if isinstance(value, str | int) else None


def _list_style(document: Document, told: dict[str, Any], place: Place, at: str) -> str | None:
    """How a list is written; None: as it stands where nobody says anything."""
    if place is not Place.QUERY:
        document.tell(at, f"a list in a {place.value} is to be given as one text: join(…)")
        return None
    if table(told, "content"):
        return "json"
    if "schema" not in told:
        written = told.get("collectionFormat", "csv")
        style = _SWAGGER_STYLES.get(str(written))
    else:
        written = told.get("style", "form")
        explode = told.get("explode", written == "form") is True
        style = {"form": "repeat" if explode else "csv"}.get(str(written))
    if style is None:
        document.tell(
            at, f"lists of the style {shown(written)} are to be given as one text: join(…)"
        )
    return style
