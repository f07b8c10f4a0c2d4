"""The settings' limits as each stage takes them: of a text, of a plan, of a run. Pure."""

from __future__ import annotations

from functools import partial

from apiql.errors import Code, Problem, QueryRefused
from apiql.frontends.text.grammar import TextLimits
from apiql.planning.bound import counted
from apiql.planning.flows import only_where_it_belongs
from apiql.planning.push_down import push_down
from apiql.planning.rules import Rule, merge_equal_reads, within
from apiql.plugins import Registry
from apiql.runtime.cells import FanLimits
from apiql.runtime.prepare import RunLimits
from apiql.settings import Limits
from apiql.sources.loops import DEEPEST, depth_of


def planning_rules(limits: Limits, functions: Registry) -> tuple[Rule, ...]:
    """What becomes of a plan before it is compiled, in this order."""
    return (
        only_where_it_belongs,
        merge_equal_reads(functions.volatile()),
        push_down,
        within(limits.depth, limits.calls, limits.fanout),
    )


def definition_rules(limits: Limits) -> tuple[Rule, ...]:
    """The same for plans of definitions, which are the operator's own: as deep as they are long,
    every call made as often as it is written, and as many of them.
    """
    return (only_where_it_belongs, partial(counted, calls=limits.calls, fanout=limits.fanout))


def run_limits(limits: Limits) -> RunLimits:
    """The limits of a run."""
    fan = FanLimits(limits.fanout, limits.elements, limits.answer_bytes)
    return RunLimits(
        limits.query_timeout, limits.call_timeout, limits.query_concurrency, limits.calls, fan
    )


def text_limits(limits: Limits) -> TextLimits:
    """The limits of a text."""
    return TextLimits(
        text_bytes=limits.text_bytes,
        tokens=limits.tokens,
        nesting=limits.nesting,
        name_length=limits.name_length,
        number_digits=limits.number_digits,
        literal_bytes=limits.literal_bytes,
        url_bytes=limits.url_bytes,
    )


def depth_in(told: str) -> int:
    """The engines that a query has come through, which it tells itself.

    Raises:
        QueryRefused: too many, or no number.
    """
    depth = depth_of(told)
    if depth is None or depth > DEEPEST:
        message = f"the request has come through more than {DEEPEST} engines"
        hint = "a source of one leads to another and back: see what their upstreams point at"
        raise QueryRefused((Problem(Code.LOOP, message, hint=hint),))
    return depth
