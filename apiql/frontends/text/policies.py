"""The clauses of section 8 --lower--> policy: times, tries, caching, what stands in on failure."""

from __future__ import annotations

from apiql.errors import Code
from apiql.frontends.text import clauses as cl
from apiql.frontends.text import expressions as e
from apiql.frontends.text import syntax as s
from apiql.frontends.text.constants import NotConstant, constant
from apiql.frontends.text.declarations import lower_duration
from apiql.frontends.text.surroundings import Findings, PlanLimits
from apiql.ir.policy import (
    LONGEST_KEPT,
    REPEATABLE,
    Caching,
    Constant,
    Policy,
    Retry,
    Tolerance,
    Within,
)
from apiql.ir.works import READS

LONGEST_BACKOFF = 60.0


def lower_policy(select: s.Select, method: str, limits: PlanLimits, findings: Findings) -> Policy:
    """How the call of a select may be carried out."""
    timeout, within, retry, fallback, caching = None, None, None, None, Caching()
    flags = {clause.word for clause in select.clauses if isinstance(clause, cl.Flag)}
    if "no cache" in flags:
        caching = Caching(off=True)
    for clause in select.clauses:
        match clause:
            case cl.TimeoutOf(duration):
                longest = limits.call_timeout
                timeout = lower_duration(duration, longest, "call_timeout", findings)
            case cl.Within():
                within = _within(clause, limits, findings)
            case cl.Retry():
                retry = _retry(clause, method, limits, findings)
            case cl.Lifetime():
                caching = _caching(clause, caching, method, limits, findings)
            case cl.Fallback(value):
                fallback = _constant(value, "fallback", findings)
            case _:
                pass
    tolerance = next((t for t in Tolerance if t.value in flags), Tolerance.DEFAULT)
    return Policy(timeout, tolerance, within, retry, caching, fallback)


def _within(clause: cl.Within, limits: PlanLimits, findings: Findings) -> Within | None:
    time = lower_duration(clause.duration, limits.call_timeout, "call_timeout", findings)
    substitute = None
    if clause.substitute is not None:
        substitute = _constant(clause.substitute, "within … or", findings)
        if substitute is None:
            return None
    return None if time is None else Within(time, substitute)


def _retry(clause: cl.Retry, method: str, limits: PlanLimits, findings: Findings) -> Retry | None:
    if clause.times > limits.retries:
        message = f"retry {clause.times} goes over the limit retries = {limits.retries}"
        findings.add(Code.LIMIT_EXCEEDED, message, clause.span)
        return None
    if method not in REPEATABLE and not clause.unsafe:
        message = f"{method} is not made twice without being asked"
        hint = f"write `retry {clause.times} unsafe` if the upstream can take it twice"
        findings.add(Code.VALIDATION, message, clause.span, hint)
        return None
    backoff = clause.backoff
    if backoff is None:
        return Retry(clause.times)
    if isinstance(backoff.value, e.Variable) or backoff.value > LONGEST_BACKOFF:
        message = "the backoff is a time of at most 60s, as in: retry 2 backoff 50ms"
        findings.add(Code.VALIDATION, message, backoff.span)
        return None
    return Retry(clause.times, backoff.value)


def _caching(
    clause: cl.Lifetime, known: Caching, method: str, limits: PlanLimits, findings: Findings
) -> Caching:
    least = 0.0 if clause.word == "max-age" else 0.001
    time = lower_duration(clause.duration, LONGEST_KEPT, "a year", findings, least)
    if clause.word == "max-age":
        return Caching(known.keep, known.off, time)
    if method not in READS:
        message = f"an answer to {method} is not kept"
        findings.add(Code.VALIDATION, message, clause.span, "leave out `cache`")
    return Caching(time, known.off, known.most_age)


def _constant(value: e.Expression, word: str, findings: Findings) -> Constant | None:
    try:
        return Constant.of(constant(value))
    except NotConstant:
        hint = "expected JSON: a text, a number, true, false, null, a list or an object"
        findings.add(Code.VALIDATION, f"`{word}` takes a constant", value.span, hint)
        return None
