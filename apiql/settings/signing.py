"""The section of signed requests: which apps there are, what they sign with. It knows nothing of
requests and of how a signature is made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, PlainValidator, Strict

from apiql.settings.buckets import BucketName
from apiql.settings.rights import Scopes
from apiql.settings.section import Section
from apiql.settings.values import Duration, refusal

LEAST = 16
"""Bytes of a secret: what is shorter can be guessed."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def app_name(value: str) -> str:
    """The id of an app, as its requests have it."""
    if _NAME.fullmatch(value) is None:
        raise refusal("the name is no app's id", "1 to 64 letters, digits, and _ . -")
    return value


def secret_text(value: object) -> str:
    """What an app signs with; no message repeats it."""
    expected = f"a text of at least {LEAST} bytes, such as openssl rand -hex 32 makes"
    if not isinstance(value, str) or not value.isprintable():
        raise refusal("the secret is no printable text", expected)
    if len(value.encode()) < LEAST:
        raise refusal("the secret is too short", expected)
    return value


Secret = Annotated[str, PlainValidator(secret_text)]


class SigningApp(Section):
    """An app that signs its requests."""

    secret: Secret = Field(repr=False)
    secrets: Annotated[tuple[Secret, ...], Strict(False)] = Field(default=(), repr=False)
    """Others that count too, while one takes the place of another."""
    scopes: Scopes = ()
    bucket: BucketName = ""
    """The tenant it belongs to; empty: the usual one."""


class Signing(Section):
    """Who may sign requests; without an app nothing is looked at."""

    window: Duration = 300.0
    """How far a time stamp may be from our clock."""
    apps: Mapping[Annotated[str, AfterValidator(app_name)], SigningApp] = Field(
        default_factory=dict
    )
