"""Expressions --lower--> values: names become references, operators become functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from apiql.errors import Code
from apiql.frontends.text import expressions as e
from apiql.frontends.text.conditions import check_operation
from apiql.frontends.text.foreign_functions import same_function
from apiql.frontends.text.surroundings import Findings, Names
from apiql.ir.rows import COUNT_ROWS
from apiql.ir.values import (
    Apply,
    Computed,
    Items,
    Literal,
    Open,
    OutputRoot,
    ParamRoot,
    Part,
    Record,
    Ref,
    ResultRoot,
    Root,
    RowRoot,
    Spread,
    Step,
    Value,
    ValueRoot,
)
from apiql.plugins import Registry

NOTHING = Literal(None)
ROW = Ref(RowRoot())


@dataclass(frozen=True, slots=True)
class Lowering:
    """How to read the expressions of one place: in a row, names are its fields; in `return`, what
    the answer would hold.
    """

    names: Names
    functions: Registry
    findings: Findings
    longest_chain: int
    in_row: bool = False
    in_return: bool = False

    def value(self, expression: e.Expression) -> Value:
        """The value of an expression; what is wrong with it is noted in the findings."""
        match expression:
            case e.Constant(scalar):
                return Literal(scalar)
            case e.Reference():
                return self._reference(expression)
            case e.ListOf(items):
                return Items(self._all(items))
            case e.ObjectOf():
                return self._record(expression)
            case e.Round():
                return self._parenthesis(expression)
            case e.Operation():
                return self._operation(expression)
            case e.Sum():
                return self._sum(expression)
            case e.Spread(of, span):
                return self._spread(of, span)

    def _all(self, expressions: Iterable[e.Expression]) -> tuple[Value, ...]:
        return tuple(self.value(item) for item in expressions)

    def _spread(self, of: e.Reference, span: e.Span) -> Value:
        if not self.in_return:
            message = "a spread (...) stands only in `return`"
            self.findings.add(Code.VALIDATION, message, span)
        return Spread(self.value(of))

    # -- references

    def _reference(self, reference: e.Reference) -> Value:
        root = reference.root
        steps = list(reference.steps)
        if isinstance(root, e.Word) and root.quoted and not self.in_row:
            if steps or reference.optional:
                message = "a text has no members"
                hint = "results and parameters are named without quotes"
                self.findings.add(Code.VALIDATION, message, reference.span, hint)
            return Literal(root.text)
        if isinstance(root, e.Invocation) and not steps and not reference.optional:
            return self._invocation(root)
        part = self._part(steps, isinstance(root, e.Word) and not self.in_row)
        path = tuple(self._step(step) for step in steps)
        if part is not Part.BODY and isinstance(root, e.Word):
            self._root(root)
            found = Ref(ResultRoot(root.text), path, reference.optional or self.in_return, part)
            if self.in_return and not reference.optional:
                return Apply("coalesce", (found, NOTHING))
            return found
        if isinstance(root, e.Word) and self.in_row:
            return Ref(RowRoot(), (root.text, *path), reference.optional)
        return Ref(self._root(root, not path), path, reference.optional, part)

    def _root(self, root: e.Word | e.Variable | e.Invocation, is_alone: bool = False) -> Root:
        match root:
            case e.Variable(name):
                return ParamRoot(name)
            case e.Invocation():
                return ValueRoot(self._invocation(root))
            case e.Word(name, span):
                if name not in self.names.selects:
                    self._unknown_result(name, span, is_alone)
                return OutputRoot(name) if self.in_return else ResultRoot(name)

    def _unknown_result(self, name: str, span: e.Span, is_alone: bool) -> None:
        if name in self.names.parameters:
            message = f"`{name}` is not the name of a select"
            self.findings.add(Code.UNKNOWN_NAME, message, span, f"did you mean `${name}`?")
            return
        known = sorted(self.names.selects)
        text = f"if it is a text, write '{name[:64]}'" if is_alone else None
        self.findings.unknown(Code.UNKNOWN_NAME, "the result", name, known, span, text)

    def _part(self, steps: list[e.Step], of_result: bool) -> Part:
        """Takes `$status` or `$headers` off the front of the steps of a result."""
        if of_result and steps and isinstance(steps[0], e.SystemStep):
            return Part(self._system(steps).name)
        for step in steps:
            if isinstance(step, e.SystemStep):
                message = f"{step.name} follows the name of a select"
                self.findings.add(Code.VALIDATION, message, step.span, "write api2.$status")
        return Part.BODY

    def _system(self, steps: list[e.Step]) -> e.SystemStep:
        system = steps.pop(0)
        assert isinstance(system, e.SystemStep)
        if system.name == "$status" and any(isinstance(step, e.NameStep) for step in steps):
            message = "$status is a number (of a fan-out: a list of them), without members"
            self.findings.add(Code.VALIDATION, message, system.span)
        return system

    def _step(self, step: e.Step) -> Step:
        match step:
            case e.NameStep(word):
                return word.text
            case e.SystemStep(name):
                return name
            case e.IndexStep(None):
                return Open()
            case e.IndexStep(e.Constant(int(index)), span) if not isinstance(index, bool):
                if index < 0:
                    message = "an index counts from 0"
                    hint = "last(list) is the last element"
                    self.findings.add(Code.SYNTAX, message, span, hint)
                return index
            case e.IndexStep(index):
                assert index is not None
                value = self.value(index)
                text = value.value if isinstance(value, Literal) else None
                return text if isinstance(text, str) else Computed(value)

    # -- calls and operators

    def _invocation(self, call: e.Invocation) -> Value:
        name = call.name.text.lower()
        function = self.functions.find(name)
        args = self._all(call.args)
        if call.star:
            return self._count_rows(call)
        if name == "zip":
            message, hint = "`zip` stands only after `in`", "write: (a, b) in zip(x.as, x.bs)"
            self.findings.add(Code.VALIDATION, message, call.span, hint)
            return NOTHING
        if function is None:
            self._unknown_function(name, call.name.span)
            return NOTHING
        if name == "jmespath" and self.in_row and len(args) == 1:
            args = (*args, ROW)
        if not function.accepts(len(args)):
            message = f"{name}() takes {function.arity}, got {len(args)}"
            self.findings.add(Code.VALIDATION, message, call.span)
        return Apply(name, args)

    def _unknown_function(self, name: str, span: e.Span) -> None:
        same = same_function(name)
        known = [] if same else list(self.functions.names())
        self.findings.unknown(Code.UNKNOWN_NAME, "the function", name, known, span, same)

    def _count_rows(self, call: e.Invocation) -> Value:
        """`count(*)`, where names are fields of a row; elsewhere there are no rows."""
        if self.in_row and call.name.text.lower() == "count":
            return Apply(COUNT_ROWS)
        message = "`*` as an argument is for count(*), the number of rows of a group"
        hint = "it stands in a projection, having or order by, beside group by"
        self.findings.add(Code.VALIDATION, message, call.span, hint)
        return NOTHING

    def _parenthesis(self, items: e.Round) -> Value:
        if len(items.items) == 1:
            return self.value(items.items[0])
        message = "a list in round brackets stands only after `in`"
        self.findings.add(Code.SYNTAX, message, items.span, "write [a, b]")
        return NOTHING

    def _operation(self, operation: e.Operation) -> Value:
        self._check_chain(len(operation.operands), operation.span)
        check_operation(operation, self.in_row, self.findings)
        sign, operands = operation.sign, operation.operands
        if sign == "in" and isinstance(operands[1], e.Round):
            items = Items(self._all(operands[1].items))
            return Apply("in", (self.value(operands[0]), items))
        if sign == "-":
            return Apply("negate", self._all(operands))
        return Apply(sign, self._all(operands))

    def _sum(self, chain: e.Sum) -> Value:
        self._check_chain(len(chain.rest), chain.span)
        value = self.value(chain.first)
        for sign, operand in chain.rest[: self.longest_chain]:
            value = Apply(sign, (value, self.value(operand)))
        return value

    def _check_chain(self, length: int, span: e.Span) -> None:
        if length > self.longest_chain:
            limit = f"nesting = {self.longest_chain}"
            self.findings.add(
                Code.LIMIT_EXCEEDED, f"this expression goes over the limit {limit}", span
            )

    def _record(self, record: e.ObjectOf) -> Value:
        members: dict[str, tuple[Value, e.Span]] = {}
        for member in record.members:
            if isinstance(member, e.Spread):
                name = f"... {len(members)}"
                members[name] = (self.value(member), member.span)
                continue
            word, expression = member
            if word.text in members:
                message = f"the member `{word.text}` stands twice in one object"
                first = members[word.text][1]
                hint = "leave one of them out"
                self.findings.twice(Code.DUPLICATE_NAME, message, first, word.span, hint)
            members[word.text] = (self.value(expression), word.span)
        return Record(tuple((name, value) for name, (value, _) in members.items()))
