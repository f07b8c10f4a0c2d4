"""The section of who may ask: API keys, users with passwords, issuers of tokens. It says what is
expected; it proves nothing and opens no file.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Self

from pydantic import Field, model_validator

from apiql.settings.access_values import (
    SHARED,
    Algorithms,
    Audience,
    Claim,
    Digests,
    KeyHeader,
    KeyName,
    KeysUrl,
    Leeway,
    Moment,
    PasswordHash,
    UserName,
    scrypt_of,
)
from apiql.settings.buckets import BucketName
from apiql.settings.rights import Scopes
from apiql.settings.section import Section
from apiql.settings.values import Size, refusal

_HOW = "one of keys_url, keys_file and secret"


class ApiKey(Section):
    """A caller that shows a key."""

    hashes: Digests = Field(repr=False)
    """Of its keys: two while one takes the place of the other."""
    scopes: Scopes = ()
    """What it is granted."""
    bucket: BucketName = ""
    """The tenant it belongs to; empty: the usual one."""
    expires: Moment | None = None
    """When its time is over; unset: never."""

    @model_validator(mode="after")
    def _can_be_shown(self) -> Self:
        if not self.hashes:
            raise refusal("there is no key to show", 'hashes = ["sha256:…"]', "hashes")
        return self


class User(Section):
    """A caller that shows a password (Basic, RFC 7617)."""

    hash: PasswordHash = Field(repr=False)
    """Of the password: `scrypt:n:r:p:salt:hash`."""
    scopes: Scopes = ()
    """What it is granted."""
    bucket: BucketName = ""
    """The tenant it belongs to; empty: the usual one."""


class Issuer(Section):
    """Who signs tokens (JWT, RFC 7519), and what is expected of them."""

    issuer: str = Field(min_length=1, max_length=2048)
    """What `iss` says."""
    audience: Audience
    """What `aud` says: any one of these."""
    algorithms: Algorithms
    """What tokens are signed with; nothing else is taken."""
    keys_url: KeysUrl | None = None
    """Where its public keys are (JWKS)."""
    keys_file: str | None = Field(default=None, min_length=1)
    """The file of its public keys: JWKS, or PEM."""
    secret: str | None = Field(default=None, repr=False)
    """What both sides know, for HS256, HS384 and HS512."""
    leeway: Leeway = 30.0
    """How far its clock may be from ours."""
    name: Claim = "sub"
    """The claim that names the caller."""
    scopes: Claim = "scope"
    """The claim that says what the caller is granted: words, or a list."""
    bucket: Claim | None = None
    """The claim that names its tenant; unset: the usual one."""
    max_bytes: Size = 8 * 1024
    """Of a token."""

    @model_validator(mode="after")
    def _can_be_checked(self) -> Self:
        if find_spec("joserfc") is None:
            wrong = "the package that checks signatures is not installed"
            raise refusal(wrong, "pip install 'apiql[auth]', or no tokens")
        if not self.algorithms:
            raise refusal("nothing can be signed with", 'algorithms = ["RS256"]', "algorithms")
        given = [
            key for key in ("keys_url", "keys_file", "secret") if getattr(self, key) is not None
        ]
        if len(given) != 1:
            wrong = "two places of keys are named" if given else "no keys are named"
            raise refusal(wrong, _HOW)
        self._check_the_kind_of_key()
        return self

    def _check_the_kind_of_key(self) -> None:
        """A public key that is taken for a secret lets anybody sign, so never both kinds."""
        shared = [name for name in self.algorithms if name in SHARED]
        if self.secret is None and shared:
            wrong = f"{shared[0]} is signed with a secret, not with a public key"
            raise refusal(wrong, "algorithms of a key pair, or secret", "algorithms")
        if self.secret is None:
            return
        if len(shared) != len(self.algorithms):
            wrong = "a secret signs nothing but HS256, HS384 and HS512"
            raise refusal(wrong, "only these, or keys_url", "algorithms")
        least = max(SHARED[name] for name in shared)
        if len(self.secret.encode()) < least:
            wrong = "the secret is too short for the algorithm"
            raise refusal(wrong, f"{least} random bytes or more", "secret")


class Access(Section):
    """Who may ask. Nothing configured: anybody, and nobody is asked who they are."""

    required: bool | None = None
    """Whether one must say who asks; unset: as soon as there is a way to say it."""
    key_header: KeyHeader = "x-api-key"
    """Where keys are shown."""
    pass_on: bool = False
    """Whether queries can read what has proved the caller, by `header()`."""
    keys: Mapping[KeyName, ApiKey] = Field(default_factory=dict, repr=False)
    """Callers with keys."""
    users: Mapping[UserName, User] = Field(default_factory=dict, repr=False)
    """Callers with passwords."""
    tokens: Mapping[KeyName, Issuer] = Field(default_factory=dict, repr=False)
    """Issuers of tokens."""

    @model_validator(mode="after")
    def _names_mean_one(self) -> Self:
        both = sorted(self.keys.keys() & self.users.keys())
        if both:
            wrong = "a key and a user have one name, and would be one caller"
            raise refusal(wrong, "another name for one of them", "users", both[0])
        owners: dict[str, str] = {}
        for name, key in self.keys.items():
            for digest in key.hashes:
                if owners.setdefault(digest, name) != name:
                    wrong = f"this key belongs to {owners[digest]} already"
                    raise refusal(wrong, "each key in one table", "keys", name)
        issuers: dict[str, str] = {}
        for name, found in self.tokens.items():
            if issuers.setdefault(found.issuer, name) != name:
                wrong = f"this issuer is {issuers[found.issuer]} already"
                raise refusal(wrong, "each issuer in one table", "tokens", name, "issuer")
        return self

    @model_validator(mode="after")
    def _users_cost_the_same(self) -> Self:
        """Else the time of a refusal tells whether there is such a user."""
        costs = {scrypt_of(user.hash)[:3] for user in self.users.values()}
        if len(costs) > 1:
            wrong = "the hashes cost differently, so users could be told from nobody"
            raise refusal(wrong, "the same n, r and p in all of them", "users")
        return self
