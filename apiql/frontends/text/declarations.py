"""`set`, `use` and `return` --lower--> aliases, parameters, settings."""

from __future__ import annotations

from dataclasses import dataclass, field

from apiql.errors import Code
from apiql.frontends.text import clauses as cl
from apiql.frontends.text import expressions as e
from apiql.frontends.text import syntax as s
from apiql.frontends.text.constants import NotConstant, constant
from apiql.frontends.text.surroundings import Findings, PlanLimits
from apiql.ir.parameters import fits
from apiql.ir.plan import Parameter
from apiql.ir.policy import LONGEST_KEPT, Duration, Settings, StatusRule, time_text
from apiql.ir.values import ParamRoot


@dataclass
class Declared:
    """What a program declares, by name; `spans` are the places of the parameters."""

    aliases: dict[str, s.SetAlias] = field(default_factory=dict)
    parameters: dict[str, Parameter] = field(default_factory=dict)
    spans: dict[str, e.Span] = field(default_factory=dict)
    settings: Settings = Settings()
    returned: s.Return | None = None


def declare(program: s.Program, findings: Findings, limits: PlanLimits) -> Declared:
    """The declarations of a program."""
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
            case s.Return():
                _returned(statement, declared, findings)
            case s.Query():
                pass
    declared.settings = _settings(uses, findings, limits)
    return declared


def _returned(statement: s.Return, declared: Declared, findings: Findings) -> None:
    if declared.returned is not None:
        message, hint = "`return` stands twice", "leave one of them out"
        first = declared.returned.span
        findings.twice(Code.DUPLICATE_NAME, message, first, statement.span, hint)
    declared.returned = statement


def lower_duration(
    duration: cl.DurationOf, longest: float, limit: str, findings: Findings, least: float = 0.001
) -> Duration | None:
    """Seconds or the parameter that holds them; more than `longest` is an error, never cut."""
    if isinstance(duration.value, e.Variable):
        return ParamRoot(duration.value.name)
    if duration.value < least:
        findings.add(Code.BAD_VALUE, "a time of nothing leaves no time to answer", duration.span)
        return None
    if duration.value > longest:
        shown = f"{limit} = {time_text(longest)}" if "_" in limit else f"of {limit}"
        message = f"this time goes over the limit {shown}"
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


def _settings(uses: dict[str, s.Use], findings: Findings, limits: PlanLimits) -> Settings:
    timeout = _time(uses, "timeout", limits.query_timeout, "query_timeout", findings)
    most_age = _time(uses, "max-age", LONGEST_KEPT, "a year", findings)
    highest = "status" in uses and uses["status"].value == "max"
    strict = "errors" in uses and uses["errors"].value == "all or nothing"
    rule = StatusRule.MAX if highest else StatusRule.ANY_OK
    return Settings(timeout, rule, strict, most_age, "envelope" in uses)


def _time(
    uses: dict[str, s.Use], setting: str, longest: float, limit: str, findings: Findings
) -> Duration | None:
    if setting not in uses:
        return None
    duration, least = uses[setting].duration, 0.0 if setting == "max-age" else 0.001
    if duration is None:
        return None
    return lower_duration(duration, longest, limit, findings, least)
