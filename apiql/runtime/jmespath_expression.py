"""JMESPath expressions: read, checked against every bound before they run, then compiled.

The grammar is the jmespath package's; what it lets through is bounded here: size, nodes,
nesting, which functions there are, and how much larger than its input a result can become.
Knows JSON values and how an expression runs, nothing of plans.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

from jmespath.exceptions import (
    EmptyExpressionError,
    IncompleteExpressionError,
    LexerError,
    ParseError,
)
from jmespath.lexer import Lexer
from jmespath.parser import ParsedResult, Parser

from apiql.errors import ValueRefused
from apiql.runtime.jmespath_functions import EXPRESSION, JMESPATH_FUNCTIONS
from apiql.runtime.jmespath_run import measured, searched
from apiql.runtime.json_values import Json, decode

Node: TypeAlias = dict[str, Any]

MOST_CHARACTERS = 1024
MOST_TOKENS = 500
MOST_NODES = 200
MOST_LEVELS = 64
MOST_GROWTH = 1000
"""How many times more nodes than its input a result may have, by what the expression says."""

_OPENING = frozenset(("lparen", "lbracket", "lbrace", "filter"))
_CLOSING = frozenset(("rparen", "rbracket", "rbrace"))
_CHAINS = frozenset(("subexpression", "pipe", "index_expression", "projection", "value_projection"))
_WIDEST = frozenset(("or_expression", "and_expression"))
_LISTED = frozenset(("multi_select_list", "multi_select_dict"))
_TRUTHS = frozenset(("comparator", "not_expression"))
_LEAVES = frozenset(("field", "current", "identity", "index", "slice", "literal"))
_WRAPPED = frozenset(("flatten", "key_val_pair", "expref"))
_KNOWN = (
    _CHAINS | _WIDEST | _LISTED | _TRUTHS | _LEAVES | _WRAPPED
    | {"filter_projection", "function_expression"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class JmesPath:
    """A compiled expression: it has passed every check and can be searched many times."""

    expression: str
    tree: Node

    def search(self, value: Json) -> Json:
        """What it finds in a value; ValueRefused where it takes too long or grows too large."""
        return searched(self.tree, value)


def compile_jmespath(expression: str) -> JmesPath:
    """The compiled expression; ValueRefused, with the position, where it cannot be one."""
    if len(expression.encode("utf-8", "surrogatepass")) > MOST_CHARACTERS:
        raise _refused(f"is longer than {MOST_CHARACTERS} bytes")
    tree = _read(expression)
    _check_size(tree)
    for node in _all_nodes(tree):
        _check_node(node)
    _check_expressions(tree)
    growth = _growth(tree)
    if growth > MOST_GROWTH:
        raise _refused(
            f"can make a result {MOST_GROWTH:,} times larger than its input",
            "select fewer things at once",
        )
    return JmesPath(expression, tree)


class _ExactLexer(Lexer):  # type: ignore[misc]
    """Reads literals as the runtime reads JSON: numbers keep their digits."""

    def _consume_literal(self) -> Node:
        start = self._position
        written = self._consume_until("`").replace("\\`", "`")
        try:
            value = decode(written.encode())
        except (UnicodeEncodeError, ValueRefused):
            raise _refused(
                f"has a literal at character {start + 1} that is not JSON",
                "a text is written 'so' or `\"so\"`",
            ) from None
        return {"type": "literal", "value": value, "start": start, "end": self._position}


class _ExactParser(Parser):  # type: ignore[misc]
    """The package's parser over exact literals, without its cache shared by all."""

    def _parse(self, expression: str) -> Any:
        self._tokens = list(_ExactLexer().tokenize(expression))
        _check_tokens(self._tokens)
        self._index = 0
        parsed = self._expression(binding_power=0)
        if self._current_token() != "eof":
            self._raise_parse_error_for_token(self._lookahead_token(0), "unexpected")
        return ParsedResult(expression, parsed)


def _read(expression: str) -> Node:
    try:
        tree: Node = _ExactParser()._do_parse(expression).parsed
    except EmptyExpressionError:
        raise _refused("is empty") from None
    except IncompleteExpressionError:
        raise _refused(f"is not complete: it ends at character {len(expression)}") from None
    except LexerError as error:
        raise _refused(f"has a character that fits nowhere, at {_place(error)}") from None
    except ParseError as error:
        if error.token_type == "EOF":
            raise _refused(f"is not complete: it ends at character {len(expression)}") from None
        found = _shown(error.token_type.lower(), error.token_value)
        raise _refused(f"does not go on with {found} at {_place(error)}") from None
    except RecursionError:
        raise _refused("is nested too deeply") from None
    return tree


def _place(error: Any) -> str:
    return f"character {error.lex_position + 1}"


def _shown(token: str, value: Any) -> str:
    return "a literal" if token == "literal" else f"`{value}`"


def _check_tokens(tokens: list[Node]) -> None:
    level = 0
    for token in tokens:
        level += (token["type"] in _OPENING) - (token["type"] in _CLOSING)
        if level > MOST_LEVELS:
            raise _refused(
                f"has more than {MOST_LEVELS} brackets in each other"
                f" at character {token['start'] + 1}"
            )
    if len(tokens) > MOST_TOKENS:
        raise _refused(f"has more than {MOST_TOKENS} words and signs")


def _check_size(tree: Node) -> None:
    waiting, nodes = [(tree, 1)], 0
    while waiting:
        node, level = waiting.pop()
        nodes += 1
        if nodes > MOST_NODES:
            raise _refused(f"has more than {MOST_NODES} steps")
        if level > MOST_LEVELS:
            raise _refused(f"has more than {MOST_LEVELS} steps in each other")
        waiting += ((child, level + 1) for child in _children(node))


def _check_node(node: Node) -> None:
    if node["type"] not in _KNOWN:
        raise _refused(f"has a step that is not known: {node['type']}")
    if node["type"] == "slice" and node["children"][2] == 0:
        raise _refused("has a slice that goes on by 0")
    if node["type"] == "function_expression":
        _check_function(node)


def _check_function(node: Node) -> None:
    name, given = node["value"], len(node["children"])
    function = JMESPATH_FUNCTIONS.get(name)
    if function is None:
        known = ", ".join(sorted(JMESPATH_FUNCTIONS))
        raise _refused(f"calls {name}(), which JMESPath does not have", f"it has {known}")
    wanted = len(function.wants)
    if given < wanted or (given > wanted and not function.more):
        least = "at least " if function.more else ""
        raise _refused(f"calls {name}() with {given} arguments, it takes {least}{wanted}")


def _check_expressions(tree: Node) -> None:
    """An `&expression` stands where a function wants one, and nowhere else."""
    allowed: set[int] = set()
    for node in _all_nodes(tree):
        if node["type"] == "expref" and id(node) not in allowed:
            raise _refused("has an &expression where no function wants one")
        if node["type"] != "function_expression":
            continue
        wants = JMESPATH_FUNCTIONS[node["value"]].wants
        for want, child in zip(wants, node["children"], strict=False):
            if want == EXPRESSION and child["type"] != "expref":
                raise _refused(f"calls {node['value']}() without the &expression it wants")
            allowed |= {id(child)} if want == EXPRESSION else set()


def _growth(node: Node) -> int:
    """An upper bound of the nodes of the result for each node of the input."""
    kind = node["type"]
    if kind == "literal":
        return measured(node["value"], MOST_CHARACTERS)[0]
    if kind in _LEAVES or kind in _TRUTHS:
        return 1
    parts = [_growth(child) for child in _children(node)]
    if kind in _CHAINS:
        return prod(parts)
    if kind == "filter_projection":
        return parts[0] * parts[1]
    if kind == "function_expression" and node["value"] == "map":
        return prod(parts)
    return max(parts) if kind in _WIDEST or kind in _WRAPPED else 1 + sum(parts)


def _all_nodes(tree: Node) -> Iterator[Node]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(_children(node))


def _children(node: Node) -> list[Node]:
    return [child for child in node["children"] if isinstance(child, dict)]


def _refused(message: str, hint: str | None = None) -> ValueRefused:
    return ValueRefused(f"the JMESPath expression {message}", hint)
