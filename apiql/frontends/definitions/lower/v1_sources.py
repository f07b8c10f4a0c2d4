"""Where values of the first generation come from, as values of the IR: templates, private values,
functions, the query of the request. All are texts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from apiql.errors import ValueRefused
from apiql.frontends.definitions import kinds
from apiql.frontends.definitions.lower.lowered import QUERY, Ground
from apiql.frontends.definitions.lower.quick import quick_reader
from apiql.frontends.definitions.lower.told import to_json
from apiql.frontends.definitions.private import Private
from apiql.frontends.definitions.v1.source import CacheSource, Source
from apiql.gotemplate import Data, Kind, Mode, TemplateRefused, compile_template, quoting
from apiql.gotemplate.calls import Function
from apiql.gotemplate.faults import Category, Fault
from apiql.gotemplate.functions import v1_functions
from apiql.gotemplate.json_template import compile_json
from apiql.gotemplate.quick import quick_path
from apiql.gotemplate.reads import Path
from apiql.gotemplate.template import Template
from apiql.gotemplate.values import seen
from apiql.ir.secret import Secret
from apiql.ir.values import Invoke, Literal, LocalRoot, ParamRoot, Record, Ref, ReplyRoot, Value

STATE: Final = "state"
KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {"origin": Kind.FLOAT, "loop": Kind.INT, "vars": Kind.TEXT}
)
"""What Go makes of the numbers of what requests begin with; of upstreams' they are json.Number."""
PANIC: Final = 500
"""The status of what ends the whole plan, whoever asked for it."""
_ROOTS: Final = {"origin": ".origin", "StepResult": "", "result": ".result"}
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Keys:
    """A file of private values under its name; `there` says whether it exists, an empty name that
    none is given.
    """

    name: str = ""
    there: bool = False
    values: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Sight:
    """What sources see where they stand: the state of the task, the variables before them (each by
    the name of its local value), private values for `home` (empty where
    nothing is sent: they go into plans within), the kinds of numbers. With `answered`
    the last result is the answer of the task's own call.
    """

    ground: Ground
    functions: Mapping[str, Function]
    keys: Keys
    home: str
    kinds: Mapping[str, Kind] = field(default_factory=lambda: KINDS)
    vars: Mapping[str, Value] | None = None
    answered: bool = False


def functions_of(ground: Ground) -> Mapping[str, Function]:
    """What templates and parameters may call."""
    return MappingProxyType({**v1_functions(ground.now), **ground.functions})


def keys_of(ground: Ground, name: str, bucket: str) -> Keys:
    """The private values of a file; one inside the bucket goes before."""
    privates = ground.definitions.documents[kinds.Kind.PRIVATE]
    found = privates.get(f"{bucket}/{name}") if bucket else None
    document = found or privates.get(name)
    if document is None or not isinstance(document.model, Private):
        return Keys(name)
    return Keys(name, True, {pair.name: pair.value for pair in document.model.privates})


def panic(message: str, hint: str | None = None) -> Invoke:
    """A value that cannot be had and ends the plan."""

    def refuse(_: object, *values: object) -> Any:
        raise ValueRefused(message, hint, status=PANIC)

    return Invoke("refused", refuse)


def source_value(source: Source | CacheSource, sight: Sight) -> Value:
    """The value of a source."""
    match source.kind:
        case "query":
            asked = Ref(ParamRoot(QUERY), (source.name,), optional=True)
            return Invoke("text", _text, (asked,))
        case "origin" | "StepResult" | "result" as kind:
            return text_value(f"{{{{{_ROOTS[kind]}.{source.name}}}}}", sight)
        case "template":
            return text_value(source.name, sight)
        case "private":
            return _private(source.name, sight)
        case "JsonTemplate":
            return _json_text(source.data, sight)
        case "func":
            return _called(source, sight)
        case kind:
            return panic(f"values cannot come from {kind}")


def _text(_: object, found: object) -> str:
    return found if isinstance(found, str) else ""


def _private(name: str, sight: Sight) -> Value:
    keys = sight.keys
    if not keys.name:
        return panic(f"the private value {name} is asked for, and no file of them is named")
    text = keys.values.get(name, "")
    if not text:
        return Literal("")
    place = f"private {keys.name}.{name}"
    return Secret(place, sight.home, text) if sight.home else Invoke(place, lambda _: text)


def _called(source: Source | CacheSource, sight: Sight) -> Value:
    own = sight.ground.values.get(source.name)
    function = sight.functions.get(source.name) if own is None else Function(own)
    if function is None:
        return panic(f"there is no function {source.name}")
    known = sight.vars or {}
    args = tuple(known.get(name, Literal("")) for name in source.args.split())
    call, is_printed = function.call, function.printed

    def called(_: object, *texts: str) -> str:
        given = ("".join(texts),) if is_printed and texts else texts
        try:
            found = call(*given)
        except ValueRefused as refused:
            raise ValueRefused(refused.message, refused.hint, status=PANIC) from None
        return "" if found is None else str(found)

    return Invoke(source.name, called, args)


def shown(text: str) -> str:
    """A text for people: not too long, in one line."""
    flat = " ".join(text.split())
    return flat if len(flat) <= _SHOWN else f"{flat[: _SHOWN - 1]}…"


def text_value(text: str, sight: Sight) -> Value:
    """The text of a template; of one that does not parse nothing, as in the original."""
    mode = Mode.HTML if sight.ground.strict else Mode.PLAIN
    try:
        template = compile_template(text, sight.functions, mode)
    except TemplateRefused:
        return Literal("")
    if template.constant is not None:
        return Literal(template.constant)
    render = _rendering(template)
    path = quick_path(text)
    if not path or mode is Mode.HTML or path[0] in ("vars", "result"):
        return _over(sight, shown(text), template.reads, render)
    return Invoke(shown(text), quick_reader(path, render, sight.kinds), (Ref(LocalRoot(STATE)),))


def _rendering(template: Template) -> Callable[[Data], str]:
    def rendered(data: Data) -> str:
        found = template.render(data)
        if found.fault is not None:
            mind_limit(found.fault)
        return found.text

    return rendered


def mind_limit(fault: Fault) -> None:
    """Ends the plan where a template cost too much; other faults leave what was written."""
    if fault.category is Category.LIMIT:
        raise ValueRefused(fault.message, fault.hint, status=PANIC)


def _over(sight: Sight, name: str, reads: frozenset[Path], render: Callable[[Data], Any]) -> Value:
    """A function of data over what is in sight; variables are only gathered where it reads them."""
    roots = {path[0] if path else "" for path in reads}
    named, numbers = sight.kinds, Kind.NUMBER
    state: Value = Ref(LocalRoot(STATE))
    more: list[tuple[str, Value]] = []
    if sight.vars is not None and not roots.isdisjoint(("", "vars")):
        more.append(("vars", Record(tuple(sight.vars.items()))))
    if sight.answered and not roots.isdisjoint(("", "result")):
        more.append(("result", Ref(ReplyRoot())))
        named = {**named, "result": Kind.NUMBER}
    if not more:
        return Invoke(name, lambda _, found: render(Data(found, numbers, named)), (state,))
    names = tuple(member for member, _ in more)

    def rendered(_: object, found: dict[str, Any], *values: Any) -> Any:
        data = {**found, **dict(zip(names, values, strict=True))}
        return render(Data(data, numbers, named))

    return Invoke(name, rendered, (state, *(value for _, value in more)))


def _json_text(rules: Any, sight: Sight) -> Value:
    """JSON as a text; a text as it is. What cannot be made is null, as in the original."""
    strict = sight.ground.strict
    try:
        template = compile_json(rules, sight.functions, strict)
    except TemplateRefused:
        return Literal("null")

    def rendered(data: Data) -> str:
        found = template.render(data)
        if found.fault is not None:
            mind_limit(found.fault)
            return "null"
        return _marshalled(found.value) if strict else json_or_text(found.value)

    return _over(sight, f"json {shown(json_or_text(rules))}", template.reads, rendered)


def json_value(rules: Any, sight: Sight) -> Value:
    """JSON made of rules; refused where the template does not parse or comes to nothing."""
    try:
        template = compile_json(rules, sight.functions, sight.ground.strict)
    except TemplateRefused as refused:
        return panic(f"the template does not parse: {refused}")

    def rendered(data: Data) -> Any:
        found = template.render(data)
        _mind(found.fault, "template")
        return found.value

    return _over(sight, f"json {shown(json_or_text(rules))}", template.reads, rendered)


def html_value(text: str, sight: Sight) -> Value:
    """A page: values are escaped for where they stand. As the original makes it, it is a template
    of JSON, and comes to nothing where anything in it has quotes.
    """
    if sight.ground.strict:
        return json_value(text, sight)
    try:
        template = compile_template(text, sight.functions, Mode.HTML)
    except TemplateRefused as refused:
        return panic(f"the page is no template: {refused}")

    def rendered(data: Data) -> str:
        found = template.render(data)
        _mind(found.fault, "page")
        return found.text

    return _over(sight, f"html {shown(text)}", template.reads, rendered)


def _mind(fault: Fault | None, what: str) -> None:
    if fault is not None:
        mind_limit(fault)
        raise ValueRefused(f"the {what} came to nothing: {fault}")


def json_or_text(value: Any) -> str:
    """A text as it is, all else as JSON, members in the order of their names."""
    return value if isinstance(value, str) else to_json(value).decode()


def _marshalled(value: Any) -> str:
    """As Go writes it: `<`, `>` and `&` escaped, the quotes around a text cut off."""
    text = quoting.json_text(seen(value, Kind.NUMBER))
    return text[1:-1] if isinstance(value, str) else text
