"""The section of what an upstream's calls identify themselves with. It knows nothing of calls.

Whatever is secret is a `SecretStr`: no message, no dump and no repr shows it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from apiql.settings.section import Section
from apiql.settings.values import Duration, ParameterName, WebAddress, header_name, refusal

Kind = Literal["basic", "bearer", "header", "query", "oauth2"]

FIELDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "basic": (("user", "password"), ()),
    "bearer": (("token",), ()),
    "header": (("name", "value"), ()),
    "query": (("name", "value"), ()),
    "oauth2": (
        ("token_url", "client_id", "client_secret"),
        ("scope", "audience", "style", "extra", "early", "timeout", "allow_http"),
    ),
}
"""What each kind needs, and what else it may have."""
_SENDABLE = re.compile(r"[\x20-\x7e]*")
_TOKEN = re.compile(r"[\x21-\x7e]+")
_OURS = frozenset({"grant_type", "client_id", "client_secret", "scope", "audience"})


def _sendable(value: SecretStr) -> SecretStr:
    if _SENDABLE.fullmatch(value.get_secret_value()) is None:
        raise refusal("the value has a character that no header takes", "printable ASCII")
    return value


def _token(value: SecretStr) -> SecretStr:
    if _TOKEN.fullmatch(value.get_secret_value()) is None:
        raise refusal("the value is no token", "printable ASCII without spaces")
    return value


def _not_empty(value: SecretStr) -> SecretStr:
    if not value.get_secret_value():
        raise refusal("the value is empty", "a text")
    return value


Secret = Annotated[SecretStr, AfterValidator(_not_empty)]
Sendable = Annotated[SecretStr, AfterValidator(_not_empty), AfterValidator(_sendable)]
Token = Annotated[SecretStr, AfterValidator(_token)]


class Auth(Section):
    """What every call of an upstream shows: the engine's own credentials, the same for all who
    ask it. `kind` says which of the others there are.
    """

    kind: Kind
    user: str | None = Field(default=None, min_length=1)
    password: SecretStr | None = Field(default=None, repr=False)
    token: Token | None = Field(default=None, repr=False)
    """Sent as `Authorization: Bearer …`."""
    name: ParameterName | None = None
    """Of the header, or of the parameter of the query string."""
    value: Sendable | None = Field(default=None, repr=False)
    token_url: WebAddress | None = None
    """Where OAuth2 gives tokens to clients."""
    client_id: str | None = Field(default=None, min_length=1)
    client_secret: Secret | None = Field(default=None, repr=False)
    scope: str | None = None
    audience: str | None = None
    style: Literal["basic", "body"] = "basic"
    """How the client's secret is sent: as basic authentication, or in the body."""
    extra: Mapping[str, SecretStr] = Field(default_factory=dict, repr=False)
    """Sent to the token endpoint as well."""
    early: Duration = 30.0
    """So long before its end a token is not used any more; a tenth of its life if that is less."""
    timeout: Duration = 5.0
    """Of fetching a token."""
    allow_http: bool = False
    """Whether the token endpoint may be asked without TLS though it is another machine."""

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Self:
        needed, more = FIELDS[self.kind]
        for key in needed:
            if getattr(self, key) is None:
                listed = " and ".join(needed)
                raise refusal(f"{key} is missing", f'{listed} with kind = "{self.kind}"', key)
        for key in sorted(self.model_fields_set - {"kind", *needed, *more}):
            listed = ", ".join((*needed, *more))
            raise refusal(f'kind = "{self.kind}" has no {key}', listed, key)
        self._check_what_is_sent()
        return self

    def _check_what_is_sent(self) -> None:
        if self.kind == "basic" and ":" in (self.user or ""):
            raise refusal("a user's name holds no colon", "a name without :", "user")
        if self.kind == "header":
            header_name(self.name or "")
        if self.token_url is not None and not (self.allow_http or _is_safe(self.token_url)):
            wrong = "the client's secret would be sent without TLS"
            raise refusal(wrong, '"https://…", or allow_http = true', "token_url")
        for name in self.extra:
            if name in _OURS:
                raise refusal(f"{name} is a setting of its own", f"{name} beside extra", "extra")


def _is_safe(url: str) -> bool:
    """Whether nobody listens on the way."""
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.hostname in ("127.0.0.1", "::1", "localhost")
