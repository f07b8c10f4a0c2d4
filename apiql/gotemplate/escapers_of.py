"""Which escapers an action gets in a context, and what becomes of `html` and `urlquery` that
stand at the end of its pipeline.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from apiql.gotemplate import html_escapers as escapers
from apiql.gotemplate import syntax
from apiql.gotemplate.html_context import (
    COMMENTS,
    Context,
    Delimiter,
    Slash,
    State,
    UrlPart,
    nudged,
)
from apiql.gotemplate.literals import Misread

_BY_STATE: Mapping[State, tuple[syntax.Escaper, ...]] = MappingProxyType(
    {
        State.TEXT: (escapers.html,),
        State.RCDATA: (escapers.html,),
        State.ATTR: (),
        State.ATTR_NAME: (escapers.name,),
        State.SRCSET: (escapers.srcset,),
        State.JS: (escapers.script_value,),
        State.JS_DOUBLE: (escapers.script_text,),
        State.JS_SINGLE: (escapers.script_text,),
        State.JS_REGEXP: (escapers.script_regexp,),
        State.CSS: (escapers.style_value,),
        **dict.fromkeys(COMMENTS, (escapers.comment,)),
    }
)
_URL_STATES = frozenset(
    (
        State.URL,
        State.CSS_DOUBLE,
        State.CSS_SINGLE,
        State.CSS_DOUBLE_URL,
        State.CSS_SINGLE_URL,
        State.CSS_URL,
    )
)
_PREDEFINED: Mapping[str, tuple[syntax.Escaper, frozenset[syntax.Escaper]]] = MappingProxyType(
    {
        "html": (escapers.predefined_html, frozenset((escapers.html,))),
        "urlquery": (
            escapers.predefined_urlquery,
            frozenset((escapers.url_value, escapers.url_normal)),
        ),
    }
)


def escaped_action(node: syntax.Action, context: Context) -> tuple[syntax.Action, Context]:
    """The action with its escapers, and the context behind it."""
    if node.pipeline.variables:
        return node, context
    context = nudged(context)
    _check_predefined(node, context)
    chosen = [*_escapers(node, context)]
    if context.delimiter is Delimiter.SPACE:
        chosen.append(escapers.unquoted)
    elif context.delimiter is not Delimiter.NONE:
        chosen.append(escapers.html)
    if context.state is State.JS:
        context = replace(context, slash=Slash.DIVISION)
    return _merged(node, chosen), context


def _escapers(node: syntax.Action, context: Context) -> tuple[syntax.Escaper, ...]:
    if context.state is State.JS_BACKTICK:
        message = f"{{{{{node.pipeline}}}}} appears in a JS template literal"
        raise Misread(message, node.offset, "put the value into a variable of the script before")
    if context.state not in _URL_STATES:
        return _BY_STATE[context.state]
    in_text = context.state in (State.CSS_DOUBLE, State.CSS_SINGLE)
    normal = escapers.style_text if in_text else escapers.url_normal
    match context.url:
        case UrlPart.NONE:
            return (escapers.url_filter, normal)
        case UrlPart.BEFORE_QUERY:
            return (normal,)
        case UrlPart.QUERY:
            return (escapers.url_value,)
        case UrlPart.UNKNOWN:
            message = f"{{{{{node.pipeline}}}}} appears in an ambiguous context within a URL"
            raise Misread(message, node.offset, "build the URL in the same way in each branch")


def _predefined(command: syntax.Command) -> str | None:
    first = command.operands[0]
    if isinstance(first, syntax.Identifier) and first.name in _PREDEFINED:
        return first.name
    return None


def _check_predefined(node: syntax.Action, context: Context) -> None:
    unquoted = context.state is State.ATTR and context.delimiter is Delimiter.SPACE
    for place, command in enumerate(node.pipeline.commands, 1):
        word = _predefined(command)
        last = place == len(node.pipeline.commands)
        if word is not None and (not last or (unquoted and word == "html")):
            message = f'predefined escaper "{word}" disallowed in template'
            raise Misread(message, command.offset, "values are escaped where they stand anyway")


def _merged(node: syntax.Action, chosen: list[syntax.Escaper]) -> syntax.Action:
    """The escapers behind the pipeline; `html` or `urlquery` at its end takes the place of ours
    that do the same.
    """
    pipeline = node.pipeline
    word = _predefined(pipeline.commands[-1])
    if word is not None:
        predefined, same = _PREDEFINED[word]
        if any(escaper in same for escaper in chosen):
            chosen = [predefined if escaper in same else escaper for escaper in chosen]
            pipeline = _without_last(pipeline)
    return syntax.Action(pipeline, node.offset, tuple(chosen))


def _without_last(pipeline: syntax.Pipeline) -> syntax.Pipeline:
    """The pipeline without its last function; where that is all of it, its arguments as a text."""
    *others, last = pipeline.commands
    given = last.operands[1:]
    if others and not given:
        return replace(pipeline, commands=tuple(others))
    printed = syntax.Identifier("print", last.offset)
    if len(given) == 1 and not others:
        return replace(pipeline, commands=(syntax.Command(given, last.offset),))
    return replace(pipeline, commands=(*others, syntax.Command((printed, *given), last.offset)))
