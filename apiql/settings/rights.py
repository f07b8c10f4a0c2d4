"""The section that says who may use what has no right of its own, and what scopes allow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, Strict

from apiql.settings.section import Section
from apiql.settings.values import Methods, refusal, shown

_SCOPE = re.compile(r"[!#-\[\]-~]{1,128}")
_PATTERN = re.compile(r"[\w.:/-]{1,256}\*?|\*")


def scope_name(value: str) -> str:
    """A scope as tokens name it (RFC 6749, section 3.3)."""
    if _SCOPE.fullmatch(value) is None:
        raise refusal("the name is no scope's", "printable ASCII without spaces, quotes and \\")
    return value


def name_pattern(value: str) -> str:
    """A name, or the beginning of names with * behind it."""
    if _PATTERN.fullmatch(value) is None:
        raise refusal(f"{shown(value)} names nothing", 'a name, or "shop/*", or "*"')
    return value


ScopeName = Annotated[str, AfterValidator(scope_name)]
Scopes = Annotated[tuple[ScopeName, ...], Strict(False)]
Names = Annotated[tuple[Annotated[str, AfterValidator(name_pattern)], ...], Strict(False)]


class Scope(Section):
    """What callers of a scope may use of what has no right of its own; unset: as the default
    says. Who has several of these scopes may do what any of them allows.
    """

    queries: Names | None = None
    templates: Names | None = None
    sources: Names | None = None
    upstreams: Names | None = None
    """Whose paths a text may write."""
    hosts: Names | None = None
    """That an absolute URL may name, of those that `security.allow_hosts` lets."""
    methods: Methods | None = None
    """That a text may choose; unset: all that `security.allow_methods` lets."""
    texts: bool = True
    """Whether texts may be sent; `false`: stored queries only."""


class Rights(Section):
    """Who may use what: for single names there are the files of `conf/rights`."""

    default: Literal["public", "known", "internal"] = "public"
    """Of what has no file and is in no scope: for everybody, for proved callers, for nobody."""
    scopes: Mapping[ScopeName, Scope] = Field(default_factory=dict)
