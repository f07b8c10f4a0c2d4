"""text --compile_template--> Template --render--> text: read and compiled once, then only carried
out. What it can read is its data; what it can call is its table of functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from apiql.gotemplate import syntax
from apiql.gotemplate.budget import Budget, Run
from apiql.gotemplate.calls import BUILTINS, Builtin, Function, builtin_of
from apiql.gotemplate.escape import escape_html
from apiql.gotemplate.execute import Bodies, Writer, body_of
from apiql.gotemplate.faults import Category, Fault, Stopped, StoppedAt, location
from apiql.gotemplate.parse import parse
from apiql.gotemplate.plain import write_plain
from apiql.gotemplate.reads import Path, reads_of
from apiql.gotemplate.scope import outermost
from apiql.gotemplate.values import Data, Value, root_of

Escape = Callable[[syntax.Tree], syntax.Tree]


class Mode(StrEnum):
    """Which of Go's packages is followed; PLAIN is text/template with nothing for nil."""

    TEXT = "text/template"
    HTML = "html/template"
    PLAIN = "plain"


USUAL: Final = Budget()
ESCAPES: Final[Mapping[Mode, Escape | None]] = MappingProxyType(
    {Mode.TEXT: None, Mode.HTML: escape_html, Mode.PLAIN: write_plain}
)


class Rendered(NamedTuple):
    """What was written; where execution stopped, up to there, with the fault."""

    text: str
    fault: Fault | None = None


class Template:
    """A compiled template.

    `constant` is its text where it never depends on anything, `reads` the paths of the root data
    that it can read (`()` means all of them).
    """

    __slots__ = ("_body", "_slots", "_text", "constant", "reads")

    def __init__(
        self, text: str, body: tuple[Writer, int], reads: frozenset[Path], constant: str | None
    ) -> None:
        self._text = text
        self._body, self._slots = body
        self.reads = reads
        self.constant = constant

    def render(self, data: Data, budget: Budget = USUAL) -> Rendered:
        """The text over some data; never raises for anything that the data hold."""
        if self.constant is not None:
            return Rendered(self.constant)
        run = Run(root_of(data), self._slots, budget)
        try:
            self._body(run)
        except (Stopped, StoppedAt, RecursionError) as error:
            return Rendered("".join(run.out), self.fault_of(error))
        out = run.out
        return Rendered(out[0] if len(out) == 1 else "".join(out))

    def carried_out(self, run: Run, root: Value) -> str:
        """The text within an execution that has begun, of which it takes its share.

        Raises:
            Stopped, StoppedAt, RecursionError: as `render` tells in its fault.
        """
        run.dot, run.variables, run.out = root, [root] * self._slots, []
        self._body(run)
        return "".join(run.out)

    def fault_of(self, error: Stopped | StoppedAt | RecursionError) -> Fault:
        """The place and the words of what stopped an execution."""
        match error:
            case StoppedAt():
                place, stopped = location(self._text, error.offset), error.stopped
                return Fault(stopped.category, stopped.message, place, error.at, stopped.hint)
            case Stopped():
                return Fault(error.category, error.message, hint=error.hint)
            case _:
                message = "the data are nested too deeply to be printed"
                return Fault(Category.LIMIT, message, hint="print a part of them")


def compile_template(
    text: str, functions: Mapping[str, Function], mode: Mode = Mode.TEXT
) -> Template:
    """The template that a text spells.

    Raises:
        TemplateRefused: at the first mistake, with its place.
    """
    return compiled(text, functions, ESCAPES[mode])


def compiled(text: str, functions: Mapping[str, Function], escape: Escape | None) -> Template:
    """The same with any way to escape: it adds escapers to the actions of the tree."""
    known = {**BUILTINS, **{name: builtin_of(f) for name, f in functions.items()}}
    tree = parse(text, known)
    if escape is not None:
        tree = escape(tree)
    bodies = Bodies()
    for name, body in tree.defined.items():
        bodies.found[name] = _compiled_body(body, known, bodies)
    main = _compiled_body(tree.body, known, bodies)
    return Template(text, main, reads_of(tree), _constant(tree.body))


def _compiled_body(
    body: syntax.List, known: Mapping[str, Builtin], bodies: Bodies
) -> tuple[Writer, int]:
    scope = outermost(known)
    writer = body_of(body, scope, bodies)
    return writer, scope.slots.most


def _constant(body: syntax.List) -> str | None:
    texts = [node.text for node in body if isinstance(node, syntax.Text)]
    return "".join(texts) if len(texts) == len(body) else None
