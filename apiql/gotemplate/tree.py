"""What each rule of grammar/gotemplate.lark becomes while Lark reduces it. Knows no functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lark import Token, Transformer

from apiql.gotemplate import literals, syntax
from apiql.gotemplate.literals import Misread

Children = list[Any]


class TreeBuilder(Transformer[Token, Any]):
    """The callbacks, named as the rules; no state, no recursion."""

    def start(self, children: Children) -> tuple[syntax.List, dict[str, syntax.List]]:
        defined: dict[str, syntax.List] = {}
        for name, body, offset in (c for c in children if isinstance(c, tuple)):
            if defined.get(name):
                raise Misread(f'multiple definition of template "{name}"', offset, "rename one")
            defined[name] = body
        return tuple(c for c in children if not isinstance(c, tuple)), defined

    def definition(self, children: Children) -> tuple[str, syntax.List, int]:
        return literals.text_of(children[1]), children[3], _at(children[0])

    def list(self, children: Children) -> syntax.List:
        return tuple(children)

    def text(self, children: Children) -> syntax.Text:
        return syntax.Text(str(children[0]), _at(children[0]))

    def action_head(self, children: Children) -> Head:
        return Head(children[0], _given(children, "command"))

    def if_head(self, children: Children) -> Head:
        return Head(children[0], _given(children, "if"))

    def with_head(self, children: Children) -> Head:
        return Head(children[0], _given(children, "with"))

    def range_head(self, children: Children) -> Head:
        return Head(children[0], _given(children, "range", 2))

    def template_head(self, children: Children) -> Head:
        given = children[2].commands or children[2].variables
        pipeline = _given(children, "template clause") if given else None
        return Head(children[1], pipeline)

    def block_head(self, children: Children) -> Head:
        return Head(children[1], _given(children, "block clause"))

    def group_head(self, children: Children) -> Head:
        return Head(children[0], _given(children, "parenthesized pipeline"))

    def action(self, children: Children) -> syntax.Action:
        return syntax.Action(children[0].pipeline, children[0].offset)

    def if_node(self, children: Children) -> syntax.If:
        head = children[0]
        later = [(c.head.pipeline, c.body) for c in children[3:] if isinstance(c, ElseIf)]
        branches = ((head.pipeline, children[2]), *later)
        return syntax.If(branches, _other(children[3:]), head.offset)

    def else_if(self, children: Children) -> ElseIf:
        return ElseIf(children[0], children[2])

    def else_part(self, children: Children) -> Else:
        return Else(children[2])

    def with_node(self, children: Children) -> syntax.With:
        head = children[0]
        return syntax.With(head.pipeline, children[2], _other(children[3:]), head.offset)

    def range_node(self, children: Children) -> syntax.Range:
        head = children[0]
        return syntax.Range(head.pipeline, children[2], _other(children[3:]), head.offset)

    def leave(self, children: Children) -> syntax.Leave:
        return syntax.Leave(_at(children[0]))

    def next_round(self, children: Children) -> syntax.NextRound:
        return syntax.NextRound(_at(children[0]))

    def template_call(self, children: Children) -> syntax.Call:
        head = children[0]
        return syntax.Call(literals.text_of(head.token), head.pipeline, head.offset)

    def block(self, children: Children) -> syntax.Call:
        head = children[0]
        name = literals.text_of(head.token)
        return syntax.Call(name, head.pipeline, head.offset, children[2])

    def pipeline(self, children: Children) -> syntax.Pipeline:
        variables, assigns, offset = children[0] or ((), False, None)
        commands = children[1] or ()
        if offset is None:
            offset = commands[0].offset if commands else 0
        return syntax.Pipeline(commands, variables, assigns, offset)

    def one_variable(self, children: Children) -> tuple[tuple[str, ...], bool, int]:
        return (str(children[0]),), children[1].type == "ASSIGN", _at(children[0])

    def two_variables(self, children: Children) -> tuple[tuple[str, ...], bool, int]:
        names = (str(children[0]), str(children[2]))
        return names, children[3].type == "ASSIGN", _at(children[0])

    def commands(self, children: Children) -> tuple[syntax.Command, ...]:
        commands = [c for c in children if isinstance(c, syntax.Command)]
        for stage, command in enumerate(commands[1:], 2):
            if isinstance(command.operands[0], syntax.Literal | syntax.Dot | syntax.Nil):
                message = f"non executable command in pipeline stage {stage}"
                raise Misread(message, command.offset, "expected a function after |")
        return tuple(commands)

    def command(self, children: Children) -> syntax.Command:
        return syntax.Command(tuple(children), children[0].offset)

    def field(self, children: Children) -> syntax.Field:
        return syntax.Field(_names(children), _at(children[min(1, len(children) - 1)]))

    def variable(self, children: Children) -> syntax.Variable:
        offset = _at(children[min(1, len(children) - 1)])
        return syntax.Variable(str(children[0]), _names(children[1:]), offset)

    def identifier(self, children: Children) -> syntax.Identifier:
        return syntax.Identifier(str(children[0]), _at(children[0]))

    def identifier_chain(self, children: Children) -> syntax.Chain:
        base = self.identifier(children[:1])
        return syntax.Chain(base, _names(children[1:]), _at(children[1]))

    def parenthesized(self, children: Children) -> syntax.Pipeline:
        pipeline: syntax.Pipeline = children[0].pipeline
        return pipeline

    def parenthesized_chain(self, children: Children) -> syntax.Chain:
        base = self.parenthesized(children)
        return syntax.Chain(base, _names(children[2:]), _at(children[2]))

    def boolean(self, children: Children) -> syntax.Literal:
        return syntax.Literal(children[0] == "true", str(children[0]), _at(children[0]))

    def nil(self, children: Children) -> syntax.Nil:
        return syntax.Nil(_at(children[0]))

    def dot(self, children: Children) -> syntax.Dot:
        return syntax.Dot(_at(children[0]))

    def number(self, children: Children) -> syntax.Literal:
        token = children[0]
        return syntax.Literal(literals.number_of(token), str(token), _at(token))

    def character(self, children: Children) -> syntax.Literal:
        token = children[0]
        return syntax.Literal(literals.character_of(token), str(token), _at(token))

    def string(self, children: Children) -> syntax.Literal:
        token = children[0]
        return syntax.Literal(literals.text_of(token), str(token), _at(token))


@dataclass(frozen=True, slots=True)
class Head:
    """The begin of a node, on its way into it: the token at its place, its pipeline."""

    token: Token
    pipeline: syntax.Pipeline | None

    @property
    def offset(self) -> int:
        return _at(self.token)


@dataclass(frozen=True, slots=True)
class ElseIf:
    """A later branch, on its way into its node."""

    head: Head
    body: syntax.List


@dataclass(frozen=True, slots=True)
class Else:
    """The body of an else, on its way into its node."""

    body: syntax.List


def _other(children: Sequence[object]) -> syntax.List | None:
    return next((c.body for c in children if isinstance(c, Else)), None)


def _given(children: Children, context: str, most_variables: int = 1) -> syntax.Pipeline:
    """The pipeline of a head, which must hold a command."""
    pipeline: syntax.Pipeline = children[-1]
    if not pipeline.commands:
        message = f"missing value for {context}"
        raise Misread(message, _at(children[0]), "expected a value or a function")
    if len(pipeline.variables) > most_variables:
        message = f"too many declarations in {context}"
        raise Misread(message, pipeline.offset, "only range takes two variables")
    return pipeline


def _names(tokens: Sequence[Token]) -> tuple[str, ...]:
    return tuple(str(token)[1:] for token in tokens)


def _at(token: Token) -> int:
    return token.start_pos or 0
