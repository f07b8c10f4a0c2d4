"""Security schemes of OpenAPI 3 and Swagger 2 -> ours. Secrets never stand in a description, and
none is made up.
"""

from __future__ import annotations

from typing import Any

from apiql.importers.documents import shown, table
from apiql.importers.imported import Scheme
from apiql.importers.references import Document
from apiql.importers.requests import without_secrets


def schemes_of(document: Document, operation: dict[str, Any], at: str) -> tuple[Scheme, ...]:
    """What an operation wants to be shown: of several ways the first."""
    root = document.root
    told = operation.get("security", root.get("security"))
    ways = [way for way in told if isinstance(way, dict)] if isinstance(told, list) else []
    asked = [way for way in ways if way]
    if not asked:
        return ()
    if len(asked) > 1:
        document.tell(
            f"{at}.security", f"of {len(asked)} ways to show who calls the first is taken"
        )
    defined = table(table(root, "components"), "securitySchemes") or table(
        root, "securityDefinitions"
    )
    found = (
        _scheme(document, document.resolved(defined.get(name), at), name, scopes, at)
        for name, scopes in asked[0].items()
    )
    return tuple(scheme for scheme in found if scheme is not None)


def _scheme(
    document: Document, told: dict[str, Any], name: str, scopes: Any, at: str
) -> Scheme | None:
    kind, place = told.get("type"), told.get("in")
    param = shown(told.get("name", ""))
    way = str(told.get("scheme", "")).lower()
    if kind == "apiKey" and place in ("header", "query") and param:
        return Scheme("header" if place == "header" else "query", param)
    if kind == "basic" or (kind == "http" and way == "basic"):
        return Scheme("basic")
    if kind == "http" and way == "bearer":
        return Scheme("bearer")
    if kind == "oauth2":
        wanted = scopes if isinstance(scopes, list) else []
        return _oauth2(document, told, " ".join(map(str, wanted)), at)
    if kind == "openIdConnect":
        document.tell(at, f"{shown(name)}: a token is to be fetched elsewhere and filled in")
        return Scheme("bearer")
    document.tell(at, f"{shown(name)}: credentials of this kind are not known; not taken")
    return None


def _oauth2(document: Document, told: dict[str, Any], scope: str, at: str) -> Scheme:
    flows = table(told, "flows")
    flow = table(flows, "clientCredentials")
    if told.get("flow") == "application":
        flow = told
    url = flow.get("tokenUrl")
    if isinstance(url, str) and url:
        return Scheme("oauth2", token_url=without_secrets(url), scope=shown(scope))
    document.tell(at, "OAuth2 without client credentials: a token is to be fetched elsewhere")
    return Scheme("bearer")
