"""`set`, `use` and `return` --lower--> aliases, parameters, settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from apiql.errors import Code
from apiql.frontends.text import clauses as cl
from apiql.frontends.text import expressions as e
from apiql.frontends.text import syntax as s
from apiql.frontends.text.surroundings import Findings
from apiql.ir.parameters import fits
from apiql.ir.plan import Parameter
from apiql.ir.policy import Duration, Settings, StatusRule
from apiql.ir.values import ParamRoot


@dataclass
class Declared:
    """What a program declares, by name; `spans` are the places of the parameters."""

    aliases: dict[str, s.SetAlias] = field(default_factory=dict)
    parameters: dict[str, Parameter] = field(default_factory=dict)
    spans: dict[str, e.Span] = field(default_factory=dict)
    settings: Settings = Settings()


class NotConstant(Exception):
    """A default that is no constant."""


def declare(program: s.Program, findings: Findings, longest: float) -> Declared:
    """The declarations of a program; `longest` is the most that `use timeout` may ask for."""
    declared = Declared()
    uses: dict[str, s.Use] = {}
    for statement in program.statements:
        match statement:
            case s.SetAlias():
                _alias(statement, declared, findings)
            case s.SetVariable():
                _parameter(statement, declared, findings)
            case s.Use(setting, _, _, span):
                if setting in uses:
                    message = f"`use {setting}` stands twice"
                    first = uses[setting].span
                    hint = "leave one of them out"
                    findings.twice(Code.DUPLICATE_NAME, message, first, span, hint)
                uses[setting] = statement
            case s.Return(_, span):
                findings.add(Code.VALIDATION, "`return` is not supported yet", span)
            case s.Query():
                pass
    declared.settings = _settings(uses, findings, longest)
    return declared


def lower_duration(
    duration: cl.DurationOf, longest: float, limit: str, findings: Findings
) -> Duration | None:
    """Seconds or the parameter that holds them; more than `longest` is an error, never cut."""
    if isinstance(duration.value, e.Variable):
        return ParamRoot(duration.value.name)
    if duration.value <= 0:
        findings.add(Code.BAD_VALUE, "a time of nothing leaves no time to answer", duration.span)
        return None
    if duration.value > longest:
        message = f"this time goes over the limit {limit} = {longest:g}s"
        findings.add(Code.LIMIT_EXCEEDED, message, duration.span)
        return None
    return duration.value


def _alias(statement: s.SetAlias, declared: Declared, findings: Findings) -> None:
    name = statement.name
    if name.text in declared.aliases:
        first = declared.aliases[name.text].name.span
        message = f"the alias `{name.text}` is set twice"
        findings.twice(
            Code.DUPLICATE_NAME, message, first, name.span, "give one of them another name"
        )
        return
    declared.aliases[name.text] = statement


def _parameter(statement: s.SetVariable, declared: Declared, findings: Findings) -> None:
    name, span = statement.variable.name, statement.variable.span
    place = findings.location(span)
    if name in declared.parameters:
        message = f"the parameter `${name}` is set twice"
        known = declared.spans[name]
        findings.twice(Code.DUPLICATE_NAME, message, known, span, "leave one of them out")
        return
    declared.spans[name] = span
    kind = statement.type or "any"
    default, has_default = None, statement.default is not None
    if statement.default is not None:
        try:
            default = constant(statement.default)
        except NotConstant:
            message = "the default of a parameter is a constant"
            findings.add(Code.VALIDATION, message, statement.default.span, "expected JSON")
        else:
            if default is not None and not fits(kind, default):
                message = f"the default of ${name} is no {kind}"
                findings.add(Code.VARIABLE_TYPE, message, statement.default.span)
    declared.parameters[name] = Parameter(name, kind, default, has_default, not has_default, place)


def constant(expression: e.Expression) -> Any:
    """The JSON value of a constant expression.

    Raises:
        NotConstant: it reads something.
    """
    match expression:
        case e.Constant(value):
            return value
        case e.Reference(e.Word(text, _, True), (), False):
            return text
        case e.ListOf(items):
            return [constant(item) for item in items]
        case e.ObjectOf(members):
            return {word.text: constant(value) for word, value in _pairs(members)}
        case e.Round((item,)):
            return constant(item)
    raise NotConstant


def _pairs(
    members: tuple[tuple[e.Word, e.Expression] | e.Spread, ...],
) -> list[tuple[e.Word, e.Expression]]:
    if any(isinstance(member, e.Spread) for member in members):
        raise NotConstant
    return [member for member in members if not isinstance(member, e.Spread)]


def _settings(uses: dict[str, s.Use], findings: Findings, longest: float) -> Settings:
    for word in ("max-age", "envelope"):
        if word in uses:
            message = f"`use {word}` is not supported yet"
            findings.add(Code.VALIDATION, message, uses[word].span)
    timeout = None
    if "timeout" in uses and uses["timeout"].duration:
        timeout = lower_duration(uses["timeout"].duration, longest, "query_timeout", findings)
    highest = "status" in uses and uses["status"].value == "max"
    strict = "errors" in uses and uses["errors"].value == "all or nothing"
    return Settings(timeout, StatusRule.MAX if highest else StatusRule.ANY_OK, strict)
