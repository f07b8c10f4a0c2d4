"""tree --escape_html--> tree: each action gets the escapers of the place where it stands in the
page, comments go. As Go's html/template does it when a template is first carried out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from apiql.gotemplate import syntax
from apiql.gotemplate.escapers_of import escaped_action
from apiql.gotemplate.faults import Category, refused
from apiql.gotemplate.html_context import Context, State, joined
from apiql.gotemplate.html_literal import page_text
from apiql.gotemplate.html_problem import BadPage
from apiql.gotemplate.literals import Misread

MOST_NODES: Final = 200_000
"""The nodes looked at: loops and templates are looked at once for each context they begin in."""

DEAD: Final = Context(State.DEAD)
Escaped = tuple[syntax.List, Context]


def escape_html(tree: syntax.Tree) -> syntax.Tree:
    """The tree with its escapers; TemplateRefused where a page is not safe to insert into."""
    work = _Work(tree)
    try:
        body, context = _body(tree.body, Context(), work)
        if context.state not in (State.TEXT, State.DEAD):
            message = f"ends in a non-text context: {context}"
            raise Misread(message, len(tree.text), "close the tag, text or comment before the end")
    except Misread as error:
        category, offset = Category.EXEC, max(error.offset, 0)
        raise refused(tree.text, offset, error.message, error.hint, category) from None
    return syntax.Tree(tree.text, body, {**tree.defined, **work.copies})


@dataclass(slots=True)
class _Loop:
    """The contexts in which a loop is left or begun again."""

    jumps: list[Context] = field(default_factory=list)


class _Work:
    """What is known so far: the copies of templates, by name and context, with their ends."""

    def __init__(self, tree: syntax.Tree) -> None:
        self.defined = tree.defined
        self.copies: dict[str, syntax.List] = {}
        self.ends: dict[tuple[str, Context], Context] = {}
        self.names: dict[tuple[str, Context], str] = {}
        self.assumed: set[tuple[str, Context]] = set()
        self.loops: list[_Loop] = []
        self.nodes = 0

    def count(self, offset: int) -> None:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise Misread("the page is too entangled", offset, "use fewer templates in each other")


def _body(nodes: syntax.List, context: Context, work: _Work) -> Escaped:
    found: list[syntax.Node] = []
    for node in nodes:
        work.count(node.offset)
        try:
            escaped, context = _node(node, context, work)
        except BadPage as error:
            raise Misread(str(error), node.offset, "write the page as HTML has it") from None
        found.append(escaped)
        if context.state is State.DEAD:
            break
    return tuple(found), context


def _node(node: syntax.Node, context: Context, work: _Work) -> tuple[syntax.Node, Context]:
    match node:
        case syntax.Text():
            text, context = page_text(node.text, context)
            return syntax.Text(text, node.offset), context
        case syntax.Action():
            return escaped_action(node, context)
        case syntax.If():
            return _if(node, context, work)
        case syntax.With():
            body, end = _body(node.body, context, work)
            other, other_end = _body(node.other or (), context, work)
            after = _join(end, other_end, "with", node.offset)
            return replace(node, body=body, other=other), after
        case syntax.Range():
            return _range(node, context, work)
        case syntax.Call():
            return _call(node, context, work)
        case syntax.Leave() | syntax.NextRound():
            work.loops[-1].jumps.append(context)
            return node, DEAD


def _if(node: syntax.If, context: Context, work: _Work) -> tuple[syntax.Node, Context]:
    other, after = _body(node.other or (), context, work)
    branches = []
    for pipeline, body in reversed(node.branches):
        escaped, end = _body(body, context, work)
        branches.append((pipeline, escaped))
        after = _join(end, after, "if", node.offset)
    return syntax.If(tuple(reversed(branches)), other, node.offset), after


def _range(node: syntax.Range, context: Context, work: _Work) -> tuple[syntax.Node, Context]:
    """The body must fit behind itself as well: it is looked at again where it ends elsewhere."""
    body, end = _round(node, context, work)
    if end != context and end.state is not State.DEAD:
        _, again = _round(node, end, work)
        end = _join(end, again, "range", node.offset, "on range loop re-entry: ")
    other, other_end = _body(node.other or (), context, work)
    after = _join(end, other_end, "range", node.offset)
    return replace(node, body=body, other=other), after


def _round(node: syntax.Range, context: Context, work: _Work) -> Escaped:
    work.loops.append(_Loop())
    body, end = _body(node.body, context, work)
    for jump in work.loops.pop().jumps:
        end = _join(end, jump, "range", node.offset, "at range loop break or continue: ")
    return body, end


def _join(first: Context, second: Context, name: str, offset: int, where: str = "") -> Context:
    found = joined(first, second)
    if found is None:
        message = f"{where}{{{{{name}}}}} branches end in different contexts: {first}, {second}"
        hint = "each branch must leave tags, texts and comments as the others do"
        raise Misread(message, offset, hint)
    return found


def _call(node: syntax.Call, context: Context, work: _Work) -> tuple[syntax.Node, Context]:
    target, end = _template(node, context, work)
    return replace(node, target=target), end


def _template(node: syntax.Call, context: Context, work: _Work) -> tuple[str, Context]:
    """The copy of a template for a context, and where it ends. One that calls itself is taken to
    end as it begins, and then as it was seen to end.
    """
    key = (node.name, context)
    target = work.names.setdefault(key, f"{node.name}\0{len(work.names)}")
    if key in work.ends:
        work.assumed.add(key)
        return target, work.ends[key]
    body = work.defined.get(node.name)
    if body is None:
        hint = 'define it: {{define "name"}}…{{end}}'
        raise Misread(f'no such template "{node.name}"', node.offset, hint)
    assumption = context
    for _ in range(2):
        work.ends[key] = assumption
        work.assumed.discard(key)
        work.copies[target], end = _in_template(body, context, work)
        if key not in work.assumed or end == assumption:
            work.ends[key] = end
            return target, end
        assumption = end
    message = f"cannot compute output context for template {node.name}"
    raise Misread(message, node.offset, "let it end in the context that it begins in")


def _in_template(body: syntax.List, context: Context, work: _Work) -> Escaped:
    loops, work.loops = work.loops, []
    escaped = _body(body, context, work)
    work.loops = loops
    return escaped
