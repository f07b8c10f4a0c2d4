"""What stands after `from` --lower--> endpoint: aliases followed, paths and URLs checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from apiql.errors import Code
from apiql.frontends.text import syntax as s
from apiql.frontends.text.expressions import Span
from apiql.frontends.text.placeholders import foreign_placeholder
from apiql.frontends.text.surroundings import Findings, Surroundings
from apiql.frontends.text.words import name_text
from apiql.ir.plan import Plan
from apiql.ir.request import Endpoint
from apiql.ir.source import Source
from apiql.ir.template import Template, TemplateRefused, parse_template
from apiql.sources.addresses import BadUrl, parse_url

URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://[^/?#]*)(.*)", re.DOTALL)
NOWHERE = Endpoint("", "", ())


@dataclass(frozen=True, slots=True)
class Located:
    """A resolved location: the source (its method, if it has one), and a name for the select; of
    a stored definition its plan and its full name.
    """

    endpoint: Endpoint
    name: str | None
    source: Source | None = None
    stored: Plan | None = None
    full: str = ""


@dataclass(frozen=True, slots=True)
class Locator:
    """Resolves locations in one program."""

    aliases: Mapping[str, s.SetAlias]
    around: Surroundings
    findings: Findings

    def locate(self, source: s.Source) -> Located | None:
        """The endpoint, or None where a problem was noted."""
        span = source.span
        followed = self._follow(source)
        if followed is None:
            return None
        target, alias = followed
        match target:
            case s.SourceName(names):
                return self._catalog_source(".".join(names), target.span, alias)
            case s.PathText(text):
                located = self._path(text, span)
            case s.Url(text):
                located = self._url(text, span)
        if located is None or alias is None:
            return located
        return Located(located.endpoint, alias)

    def _follow(self, source: s.Source) -> tuple[s.Source, str | None] | None:
        """The location behind aliases of aliases, and the first alias."""
        alias: str | None = None
        way: list[str] = []
        while isinstance(source, s.SourceName) and len(source.names) == 1:
            name = source.names[0]
            if name not in self.aliases:
                break
            if name in way:
                circle = " → ".join((*way[way.index(name) :], name))
                message = f"the alias {name} stands for itself: {circle}"
                self.findings.add(Code.CYCLE, message, source.span)
                return None
            if len(way) >= self.around.limits.aliases_depth:
                message = f"aliases of aliases go over the limit aliases_depth = {len(way)}"
                self.findings.add(Code.LIMIT_EXCEEDED, message, source.span)
                return None
            way.append(name)
            alias = alias or name
            source = self.aliases[name].source
        return source, alias

    def _catalog_source(self, name: str, span: Span, alias: str | None) -> Located | None:
        source = self.around.sources.get(name)
        if source is not None:
            return Located(source.endpoint, alias or name, source)
        stored = self.around.stored.get(name)
        if stored is not None:
            short = name.rpartition(".")[2].partition("@")[0]
            return Located(NOWHERE, alias or short, None, stored, name)
        spelled = (".".join(map(name_text, full.split("."))) for full in self.around.stored)
        known = [*self.aliases, *self.around.sources, *spelled]
        may_be_path = "." not in name and self.around.default is not None and self.around.paths
        hint = "a path begins with `/`" if may_be_path else None
        self.findings.unknown(Code.UNKNOWN_SOURCE, "the source", name, known, span, hint)
        return None

    def _path(self, text: str, span: Span) -> Located | None:
        template = self._template(text, span)
        if template is None:
            return None
        default = self.around.default
        if default is None:
            message = "paths have nowhere to go: there is no default upstream"
            hint = "configure [upstreams.default] url, or name a source"
            self.findings.add(Code.UNKNOWN_SOURCE, message, span, hint)
            return None
        if not self.around.paths:
            hint = "name a configured source"
            self.findings.add(Code.FORBIDDEN, "this caller may write no paths", span, hint)
            return None
        path = (*default.path, *template.path)
        endpoint = replace(default, path=path, query=template.query)
        return Located(endpoint, template.name)

    def _url(self, text: str, span: Span) -> Located | None:
        match = URL.fullmatch(text)
        base, rest = (match[1], match[2]) if match else (text, "")
        try:
            origin, _ = parse_url(base if match else text)
        except BadUrl as refused:
            self._forbidden(str(refused), span)
            return None
        template = self._template(rest if rest.startswith("/") else "/" + rest, span)
        if template is None:
            return None
        if not self.around.permits(origin, template.prefix):
            self._forbidden(f"queries may not call {origin.authority}", span)
            return None
        endpoint = Endpoint(
            origin.host, str(origin), template.path, template.query, pinned=False,
            withheld=self.around.credentials,
        )  # fmt: skip
        return Located(endpoint, template.name or origin.host)

    def _forbidden(self, message: str, span: Span) -> None:
        hint = "name a configured source, or ask for [security] allow_hosts"
        self.findings.add(Code.FORBIDDEN_UPSTREAM, message, span, hint)

    def _template(self, text: str, span: Span) -> Template | None:
        foreign = foreign_placeholder(text)
        if foreign is not None:
            message, hint = foreign
            self.findings.add(Code.SYNTAX, message, span, hint)
            return None
        try:
            return parse_template(text, self.around.limits.path_segments)
        except TemplateRefused as refused:
            code = Code.FORBIDDEN_UPSTREAM if refused.forbidden else Code.SYNTAX
            if "limit" in refused.message:
                code = Code.LIMIT_EXCEEDED
            self.findings.add(code, refused.message, span, refused.hint)
            return None
