"""Go templates and JSON templates as values, where they only put together what stands somewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apiql.frontends.definitions.convert.conversion import Conversion, Place
from apiql.frontends.definitions.convert.scope import Scope
from apiql.frontends.definitions.convert.values import (
    Applied,
    Elements,
    Fixed,
    Members,
    Nothing,
    Path,
    Value,
    as_text,
    bare,
    inside,
)
from apiql.frontends.definitions.kinds import FUNCTIONS
from apiql.gotemplate import TemplateRefused, syntax
from apiql.gotemplate.calls import BUILTINS
from apiql.gotemplate.parse import parse

TEXTS_OF_LIST = "[*].to_string(@)"
"""The JMESPath that makes a text of each element."""
_BLOCKS = {syntax.If: "if", syntax.With: "with", syntax.Range: "range"}


class _Unlike(Exception):
    """A part of a template that no text has."""


def of_template(conversion: Conversion, text: str, scope: Scope, place: Place) -> Value:
    """What a template makes: a text."""
    try:
        nodes = _nodes(text, scope)
        return _joined([_node(conversion, node, scope, place) for node in nodes])
    except _Unlike as unlike:
        return conversion.gap(place, str(unlike))


def of_json(conversion: Conversion, rules: Any, scope: Scope, place: Place) -> Value:
    """What JSON makes whose texts are templates."""
    match rules:
        case Mapping():
            return _members(conversion, rules, scope, place)
        case [str() as text] if text.startswith("{{range") and text.endswith("{{end}}"):
            return _list(conversion, text, scope, place / 0)
        case list() | tuple():
            inner = (of_json(conversion, rule, scope, place / at) for at, rule in enumerate(rules))
            return Elements(tuple(inner))
        case str() if "{{" in rules:
            return of_template(conversion, rules, scope, place)
        case _:
            return Fixed(rules)


def _members(conversion: Conversion, rules: Mapping[str, Any], scope: Scope, place: Place) -> Value:
    if any("{{" in name for name in rules):
        return conversion.gap(place, "a name of a member that is a template")
    return Members({
        name: of_json(conversion, rule, scope, place / name) for name, rule in rules.items()
    })  # fmt: skip


def _nodes(text: str, scope: Scope) -> syntax.List:
    try:
        tree = parse(text, BUILTINS.keys() | FUNCTIONS[scope.generation])
    except TemplateRefused:
        raise _Unlike("a template that does not stand by itself") from None
    if tree.defined:
        raise _Unlike("templates in a template")
    return tree.body


def _joined(values: list[Value]) -> Value:
    if any(isinstance(value, Nothing) for value in values):
        return Nothing()
    match values:
        case []:
            return Fixed("")
        case [one]:
            return as_text(one)
        case _:
            return Applied("concat", tuple(bare(value) for value in values))


def _node(conversion: Conversion, node: syntax.Node, scope: Scope, place: Place) -> Value:
    match node:
        case syntax.Text(text):
            return Fixed(text)
        case syntax.Action(pipeline):
            return _pipeline(conversion, pipeline, scope, place)
        case _:
            raise _Unlike(f"`{_BLOCKS.get(type(node), 'break, continue, template')}` in a template")


def _pipeline(
    conversion: Conversion, pipeline: syntax.Pipeline, scope: Scope, place: Place
) -> Value:
    if pipeline.variables:
        raise _Unlike("a variable of a template")
    if len(pipeline.commands) != 1:
        raise _Unlike("a pipe in a template")
    operands = pipeline.commands[0].operands
    if isinstance(operands[0], syntax.Identifier):
        given = [_operand(conversion, each, scope, place) for each in operands[1:]]
        return _call(operands[0].name, given)
    return _operand(conversion, operands[0], scope, place)


def _operand(conversion: Conversion, operand: syntax.Operand, scope: Scope, place: Place) -> Value:
    match operand:
        case syntax.Field(names):
            return scope.found(conversion, names, place)
        case syntax.Dot() if scope.data is not None:
            return scope.data
        case syntax.Variable("$", names) if names:
            return scope.found(conversion, names, place)
        case syntax.Literal(value):
            return Fixed(value)
        case syntax.Pipeline():
            return _pipeline(conversion, operand, scope, place)
        case syntax.Chain(syntax.Pipeline() as base, names):
            return _inside(_pipeline(conversion, base, scope, place), names)
        case _:
            raise _Unlike(f"{operand} in a template")


def _inside(value: Value, path: Path) -> Value:
    found = inside(value, path)
    if found is None:
        raise _Unlike("a path into what is no object or list")
    return found


def _call(name: str, given: list[Value]) -> Value:
    match name, given:
        case _ if any(isinstance(value, Nothing) for value in given):
            return Nothing()
        case "index", [of, *steps] if all(isinstance(step, Fixed) for step in steps):
            return _inside(of, tuple(step.value for step in steps if isinstance(step, Fixed)))
        case "index", _:
            raise _Unlike("an index that is read")
        case _:
            made = applied(name, given)
            if made is None:
                raise _Unlike(f"the function {name}")
            return made


def applied(name: str, given: list[Value]) -> Value | None:
    """What a function of definitions makes, if texts have one like it."""
    match name:
        case "utc" if not given:
            return Applied("timestamp")
        case "utc_ms" if not given:
            return Applied("utc_ms")
        case "md5" if len(given) == 1:
            return Applied("md5", (bare(given[0]),))
        case "md5" if given:
            return Applied("md5", (Applied("concat", tuple(map(bare, given))),))
        case _:
            return None


def _list(conversion: Conversion, text: str, scope: Scope, place: Place) -> Value:
    """A list whose one text repeats itself: `{{range $i,$e := .x}}{{if $i}},{{end}}…{{end}}`."""
    try:
        match _nodes(text, scope):
            case (syntax.Range(pipeline, body, None),):
                names, is_quoted = _element(pipeline.variables, body)
                commands = syntax.Pipeline(pipeline.commands, (), False, pipeline.offset)
                found = _inside(_pipeline(conversion, commands, scope, place), names)
                return _texts(found) if is_quoted else found
            case _:
                raise _Unlike("`range` in a template")
    except _Unlike as unlike:
        return conversion.gap(place, str(unlike))


def _texts(found: Value) -> Value:
    match found:
        case Nothing() | Applied("jmespath"):
            return found
        case _:
            return Applied("jmespath", (Fixed(TEXTS_OF_LIST), found))


def _element(variables: tuple[str, ...], body: syntax.List) -> tuple[Path, bool]:
    """The path from each element to what is written of it, and whether it stands in quotes."""
    index, element = (("", *variables) if len(variables) == 1 else variables) or ("", "")
    match body:
        case (syntax.If(((condition, (syntax.Text(","),)),), None), *rest) if (
            index and str(condition) == index
        ):
            pass
        case _:
            raise _Unlike("`range` in a template")
    match rest:
        case [syntax.Text('"'), syntax.Action(what), syntax.Text('"')]:
            return _of_element(what, element), True
        case [syntax.Action(what)]:
            return _of_element(what, element), False
        case _:
            raise _Unlike("`range` in a template")


def _of_element(what: syntax.Pipeline, element: str) -> Path:
    match what.commands:
        case (syntax.Command((syntax.Dot(),)),):
            return ()
        case (syntax.Command((syntax.Field(names),)),):
            return names
        case (syntax.Command((syntax.Variable(name, names),)),) if name == element:
            return names
        case _:
            raise _Unlike("`range` in a template")
