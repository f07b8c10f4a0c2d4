"""Runs a checked JMESPath tree: the package's interpreter with a budget and exact numbers.

Knows the tree and JSON values. Every step and every element that a step looks at is counted; a
result is measured as it will be written out, so what it shares counts each time.
"""

from __future__ import annotations

from typing import Any

from jmespath.visitor import TreeInterpreter

from apiql.errors import ValueRefused
from apiql.runtime.jmespath_functions import checked
from apiql.runtime.json_values import Json, is_number
from apiql.runtime.operators import same

MOST_STEPS = 250_000
MOST_RESULT_NODES = 100_000
MOST_RESULT_CHARACTERS = 8 << 20

_DEEP = frozenset(("contains", "to_string"))
_CHARACTERS_A_STEP = 100


def searched(tree: dict[str, Any], value: Json) -> Json:
    """What the expression finds; ValueRefused above the budget."""
    try:
        result = _Run().visit(tree, value)
        _check_result(result)
    except RecursionError:
        raise ValueRefused("the JMESPath expression and its input are nested too deeply") from None
    return result


class _Run(TreeInterpreter):  # type: ignore[misc]
    """One search: its state is the budget that is left."""

    def __init__(self) -> None:
        super().__init__()
        self._left = MOST_STEPS

    def visit(self, node: dict[str, Any], value: Json) -> Any:
        self._spend(1)
        return super().visit(node, value)

    def visit_comparator(self, node: dict[str, Any], value: Json) -> Json:
        sign = node["value"]
        left, right = (self.visit(child, value) for child in node["children"])
        if sign in ("eq", "ne"):
            self._spend(self._weight(left) if isinstance(right, list | dict) else 0)
            return same(left, right) is (sign == "eq")
        texts = isinstance(left, str) and isinstance(right, str)
        if not texts and not (is_number(left) and is_number(right)):
            return None
        return self.COMPARATOR_FUNC[sign](left, right)

    def visit_function_expression(self, node: dict[str, Any], value: Json) -> Json:
        arguments = [self.visit(child, value) for child in node["children"]]
        for argument in arguments:
            self._spend(self._size(node["value"], argument))
        return checked(node["value"], arguments)

    def visit_expref(self, node: dict[str, Any], value: Json) -> Any:
        expression = node["children"][0]
        return lambda element: self.visit(expression, element)

    def _size(self, name: str, argument: Any) -> int:
        if isinstance(argument, str):
            return len(argument) // _CHARACTERS_A_STEP
        if not isinstance(argument, list | dict):
            return 0
        return self._weight(argument) if name in _DEEP else len(argument)

    def _weight(self, value: Json) -> int:
        """The steps it takes to walk a value, counted no further than the budget reaches."""
        if not isinstance(value, list | dict):
            return 0
        nodes, characters = measured(value, self._left + 1)
        return nodes + characters // _CHARACTERS_A_STEP

    def _spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise ValueRefused(
                f"the JMESPath expression takes more than {MOST_STEPS:,} steps",
                "let the clauses of the select filter the rows first",
            )


def _check_result(result: Json) -> None:
    nodes, characters = measured(result, MOST_RESULT_NODES + 1)
    if nodes > MOST_RESULT_NODES:
        raise ValueRefused(f"the JMESPath expression finds more than {MOST_RESULT_NODES:,} values")
    if characters > MOST_RESULT_CHARACTERS:
        raise ValueRefused(
            f"the JMESPath expression finds more than {MOST_RESULT_CHARACTERS:,} characters"
        )


def measured(value: Json, most: int) -> tuple[int, int]:
    """Nodes (at most so many) and characters of texts and names, as written out."""
    waiting, nodes, characters = [value], 0, 0
    while waiting and nodes < most:
        found = waiting.pop()
        nodes += 1
        if isinstance(found, str):
            characters += len(found)
        elif isinstance(found, list):
            waiting += found
        elif isinstance(found, dict):
            characters += sum(map(len, found))
            waiting += found.values()
    return nodes, characters
