"""What in a condition can never be what its author meant: seen here, before anything is called.

`x = null` is null for every x, `name = "Ada"` compares two fields of a row, a number is no
condition, and `*` is no wildcard.
"""

from __future__ import annotations

from collections.abc import Iterator

from apiql.errors import Code
from apiql.frontends.text import expressions as e
from apiql.frontends.text.surroundings import Findings
from apiql.frontends.text.words import NAME, field_text, literal_text, quoted

COMPARISONS = frozenset({"=", "!=", "<", "<=", ">", ">=", "in", "like", "between"})
LOGIC = frozenset({"and", "or", "not"})
SHOWN = 40


def check_operation(operation: e.Operation, in_row: bool, findings: Findings) -> None:
    """Notes operands that make nothing of an operation, or something else than was meant."""
    if operation.sign in COMPARISONS:
        left, *right = operation.operands
        for operand in (left, *_each(right)):
            _check_null(operation, operand, findings)
        for operand in _each(right) if in_row and not _needs_quotes(left) else ():
            _check_quoted(operand, findings)
        if operation.sign == "like":
            _check_pattern(right[0], findings)
    elif operation.sign in LOGIC:
        for operand in operation.operands:
            check_condition(operand, f"`{operation.sign}`", findings)


def check_condition(expression: e.Expression, where: str, findings: Findings) -> None:
    """Notes what stands where a condition does and is neither true nor false."""
    value = _bare(expression)
    match value:
        case e.Constant(str()):
            kind = "a text"
        case e.Constant(bool() | None):
            return
        case e.Constant() | e.Sum() | e.Operation("-"):
            kind = "a number"
        case e.ListOf() | e.Round():
            kind = "a list"
        case e.ObjectOf():
            kind = "an object"
        case _:
            return
    message = f"{where} wants a condition, got {kind}"
    findings.add(Code.BAD_VALUE, message, value.span, "compare it: … = …")


def _check_null(operation: e.Operation, operand: e.Expression, findings: Findings) -> None:
    match _bare(operand):
        case e.Constant(None, span):
            message = f"`{operation.sign}` finds no null: compared with it nothing is true or false"
            hint = "write: … is null, or: … is not null"
            findings.add(Code.VALIDATION, message, span, hint)


def _check_quoted(operand: e.Expression, findings: Findings) -> None:
    match _bare(operand):
        case e.Reference(e.Word(text, span, True), (), False):
            short = text[:SHOWN]
            message = f"{quoted(short)} is a field of the row here, not a text"
            hint = f"a text is written {literal_text(short, quotes=False)}, the field "
            plain = NAME.fullmatch(text) and field_text(text) == text
            hint += short if plain else f"left of the comparison: {field_text(short)} = …"
            findings.add(Code.VALIDATION, message, span, hint)


def _check_pattern(pattern: e.Expression, findings: Findings) -> None:
    match _bare(pattern):
        case e.Constant(str(text), span) if "*" in text and not {"%", "_"} & set(text):
            message = "`*` stands for itself in `like`"
            hint = "% is any text, _ one character; to find a `*`, write = in place of `like`"
            findings.add(Code.VALIDATION, message, span, hint)


def _each(operands: list[e.Expression]) -> Iterator[e.Expression]:
    """The operands, and those in lists that are written out."""
    for operand in operands:
        match operand:
            case e.Round(items) | e.ListOf(items):
                yield from items
            case _:
                yield operand


def _needs_quotes(left: e.Expression) -> bool:
    """Whether it is a field that needs its quotes: whoever writes it knows what quotes are."""
    match _bare(left):
        case e.Reference(e.Word(text, _, True)):
            return field_text(text) != text
    return False


def _bare(expression: e.Expression) -> e.Expression:
    while isinstance(expression, e.Round) and len(expression.items) == 1:
        expression = expression.items[0]
    return expression
