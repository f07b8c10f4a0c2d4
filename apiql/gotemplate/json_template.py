"""JSON rules whose texts are templates --compile_json--> JSON over data. Two ways: the original's,
by text replacement (`strict`), and the usual one, in which no data can break the JSON.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final, NamedTuple, TypeAlias

from apiql.errors import ApiqlError
from apiql.gotemplate import quoting
from apiql.gotemplate.budget import Budget, Run
from apiql.gotemplate.calls import Function
from apiql.gotemplate.faults import Category, Fault, Stopped, StoppedAt, TemplateRefused
from apiql.gotemplate.json_escape import INNER_QUOTE, decoded, escape_json
from apiql.gotemplate.quick import NotQuick, QuickJson, Way, quick_json, quick_path, text_at
from apiql.gotemplate.reads import EVERYTHING, Path
from apiql.gotemplate.template import USUAL, Escape, Template, compiled
from apiql.gotemplate.values import Data, Json, Kind, RootView, Value, root_of, seen

_PART: Final = re.compile(
    r'"(?:[^"\\]++|\\.)*+"|`[^`]*+`|/\*.*?\*/|\}\}|[^"`}/]++|/\*|.', re.DOTALL
)
"""Of an action: a text, a comment, its end, or what is none of these."""
_UNCLOSED: Final = frozenset({'"', "`", "/*"})
Make: TypeAlias = Callable[[Run, Value], Json]
Functions: TypeAlias = Mapping[str, Function]


TOO_DEEP: Final = Fault(
    Category.LIMIT, "the JSON is nested too deeply", hint="take a level out of the rules"
)


class RenderedJson(NamedTuple):
    """The value (numbers are int and Decimal); None with a fault where there is none."""

    value: Json
    fault: Fault | None = None


class Failed(ApiqlError):
    """Execution stopped; the fault knows where in the rules."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class JsonTemplate:
    """Compiled rules; `reads` are the paths of the root data that they can read."""

    __slots__ = ("_make", "_quick", "reads")

    def __init__(self, make: Make, reads: frozenset[Path], quick: QuickJson | None = None) -> None:
        self._make = make
        self._quick = quick
        self.reads = reads

    def render(self, data: Data, budget: Budget = USUAL) -> RenderedJson:
        """The JSON over some data, the budget shared by all its texts."""
        if self._quick is not None and data.numbers is Kind.NUMBER and budget is USUAL:
            try:
                return RenderedJson(self._quick(data.value, data.named))
            except NotQuick:
                pass  # not as simple as the rules
        root = root_of(data)
        try:
            return RenderedJson(self._make(Run(root, 1, budget), root))
        except Failed as error:
            return RenderedJson(None, error.fault)
        except RecursionError:
            return RenderedJson(None, TOO_DEEP)


def compile_json(rules: Json, functions: Functions, strict: bool = False) -> JsonTemplate:
    """The rules as a function of data.

    The two ways give the same wherever `strict` gives a value and no text among the data holds a
    quote, a backslash or a control character, and those that are written outside quotes are JSON
    values or marks between them. Where `strict` gives none, the usual one often does: texts that
    end in `end}}` without a range, data with quotes, empty ranges between other elements.

    Raises:
        TemplateRefused: with the path of the text in the rules.
    """
    try:
        if strict:
            return _whole(_replaced(rules), functions, None)
        return _structured(rules, functions)
    except RecursionError:
        raise TemplateRefused(TOO_DEEP) from None


def _structured(rules: Json, functions: Functions) -> JsonTemplate:
    """A closure for each text, where each is a template of its own."""
    reads: set[Path] = set()
    try:
        make = _make(rules, "$", functions, reads)
    except TemplateRefused as refusal:
        # A text may use the variables of those before it: then all are one template.
        try:
            return _whole(_document(rules), functions, escape_json)
        except TemplateRefused:
            raise refusal from None
    found = frozenset([EVERYTHING] if EVERYTHING in reads else reads)
    return JsonTemplate(make, found, quick_json(rules))


def _whole(text: str, functions: Functions, escape: Escape | None) -> JsonTemplate:
    template = compiled(text, functions, escape)
    return JsonTemplate(_decoding(template, "$", "", ""), template.reads)


def _replaced(rules: Json) -> str:
    """The original's text: marshalled, then three replacements."""
    text = quoting.json_text(seen(rules, Kind.FLOAT))
    return text.replace('"{{range', "{{range").replace('end}}"', "end}}").replace('\\"', '"')


def _make(rules: Json, path: str, functions: Functions, reads: set[Path]) -> Make:
    match rules:
        case str():
            return _scalar(rules, path, functions, reads)
        case list():
            return _list(rules, path, functions, reads)
        case dict():
            return _object(rules, path, functions, reads)
        case _:
            return lambda run, root: rules


def _scalar(text: str, path: str, functions: Functions, reads: set[Path]) -> Make:
    if "{{" not in text:
        return lambda run, root: text
    plain = _plain(text, path, functions, reads)
    if not _is_range(text):
        return plain
    try:
        whole = _decoding(_template(text, path, functions, escape_json, reads), path, "", "")
    except TemplateRefused:
        return plain

    def value_or_text(run: Run, root: Value) -> Json:
        """As in the original a lone range may write a number; where it writes no JSON, a text."""
        try:
            return whole(run, root)
        except Failed:
            return plain(run, root)

    return value_or_text


def _plain(text: str, path: str, functions: Functions, reads: set[Path]) -> Make:
    template = _template(text, path, functions, None, reads)

    def make(run: Run, root: Value) -> Json:
        try:
            return template.carried_out(run, root)
        except (Stopped, StoppedAt, RecursionError) as error:
            raise Failed(replace(template.fault_of(error), path=path)) from None

    way = quick_path(text)
    return _quick(way, make) if way else make


def _quick(way: Way, whole: Make) -> Make:
    """The text at a path; what is none, or is not there, the template writes."""

    def make(run: Run, root: Value) -> Json:
        is_plain = type(root) is RootView and root.kind is Kind.NUMBER
        found = text_at(root.raw, way, root.named) if is_plain else None
        if found is None or len(found) > run.room:
            return whole(run, root)
        run.room -= len(found)
        return found

    return make


def _decoding(template: Template, path: str, before: str, behind: str) -> Make:
    def make(run: Run, root: Value) -> Json:
        try:
            return decoded(before + template.carried_out(run, root) + behind)
        except (Stopped, StoppedAt, RecursionError) as error:
            raise Failed(replace(template.fault_of(error), path=path)) from None

    return make


def _list(rules: list[Json], path: str, functions: Functions, reads: set[Path]) -> Make:
    makes: list[tuple[Make, bool]] = []
    for place, item in enumerate(rules):
        inner = f"{path}[{place}]"
        if isinstance(item, str) and _is_range(item):
            template = _template(item, inner, functions, escape_json, reads)
            makes.append((_decoding(template, inner, "[", "]"), True))
        else:
            makes.append((_make(item, inner, functions, reads), False))

    def make(run: Run, root: Value) -> Json:
        found: list[Json] = []
        for part, is_range in makes:
            found += part(run, root) if is_range else [part(run, root)]
        return found

    return make


def _object(rules: dict[str, Json], path: str, functions: Functions, reads: set[Path]) -> Make:
    """The members in the order of their names, as the original writes them."""
    makes: list[tuple[Make, Make]] = []
    for name in sorted(rules):
        key = _plain(name, path, functions, reads) if "{{" in name else _constant(name)
        makes.append((key, _make(rules[name], f"{path}.{name}", functions, reads)))

    def make(run: Run, root: Value) -> Json:
        return {key(run, root): value(run, root) for key, value in makes}

    return make


def _constant(value: Json) -> Make:
    return lambda run, root: value


def _is_range(text: str) -> bool:
    """The idiom that loses its quotes in the original: its elements stand in the list itself."""
    return text.startswith("{{range") and text.endswith("end}}")


def _template(
    text: str, path: str, functions: Functions, escape: Escape | None, reads: set[Path]
) -> Template:
    try:
        template = compiled(text, functions, escape)
    except TemplateRefused as refusal:
        raise TemplateRefused(replace(refusal.fault, path=path)) from None
    reads |= template.reads
    return template


def _document(rules: Json) -> str:
    """The rules as one template for `escape_json`."""
    match rules:
        case str() if _is_range(rules):
            return rules
        case str():
            return f'"{_literal(rules)}"'
        case list():
            return f"[{','.join(map(_document, rules))}]"
        case dict():
            members = (f'"{_literal(name)}":{_document(rules[name])}' for name in sorted(rules))
            return f"{{{','.join(members)}}}"
        case _:
            return quoting.json_text(seen(rules, Kind.NUMBER)).strip('"')


def _literal(text: str) -> str:
    """The text with the quotes outside its actions marked."""
    parts: list[str] = []
    position = 0
    for start, end in _actions(text):
        parts += (text[position:start].replace('"', INNER_QUOTE), text[start:end])
        position = end
    return "".join([*parts, text[position:].replace('"', INNER_QUOTE)])


def _actions(text: str) -> Iterator[tuple[int, int]]:
    """Where actions begin and end; behind one that does not end, and is refused later, is none."""
    start = text.find("{{")
    while start >= 0:
        end = _end_of_action(text, start + 2)
        if end is None:
            return
        yield start, end
        start = text.find("{{", end)


def _end_of_action(text: str, at: int) -> int | None:
    while (part := _PART.match(text, at)) is not None:
        at = part.end()
        if part[0] == "}}":
            return at
        if part[0] in _UNCLOSED:
            return None
    return None
