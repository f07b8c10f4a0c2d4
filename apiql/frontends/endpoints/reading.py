"""The text of a file -> what it says as written, or all that is wrong with it. Opens no file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from apiql.frontends.endpoints.formats import other_format
from apiql.frontends.endpoints.problems import (
    EndpointProblem,
    Severity,
    in_order,
    meant,
    quoted,
)
from apiql.frontends.endpoints.repair import repaired
from apiql.frontends.endpoints.shape import Part
from apiql.frontends.endpoints.source import (
    Keys,
    Source,
    Spot,
    members_of,
    name_spot,
    plain,
    source_of,
    spot_of,
)
from apiql.frontends.endpoints.substitution import NAME
from apiql.frontends.endpoints.written import WrittenGateway
from apiql.json_nodes import Member, Members, Node

MOST_PROBLEMS = 100
"""Of one file; who has more reads no further."""

MOST_REPAIRS = 3
"""How often what is wrong is left out, before the rest is given up."""

_EXPECTED = {
    "bool_type": "true or false",
    "int_from_float": "a whole number",
    "int_type": "a whole number, without quotes",
    "model_type": "an object: {…}",
    "dict_type": "an object: {…}",
    "string_type": "a text in double quotes",
    "tuple_type": "a list: […]",
}
_OLDER = {"beforeware": "beforewares", "afterware": "afterwares"}


def read_written(
    text: str, file: str, values: Mapping[str, str]
) -> tuple[Source | None, WrittenGateway | None, tuple[EndpointProblem, ...]]:
    """The nodes and what they say, without what is wrong where there are errors among the problems;
    None where nothing can be said.
    """
    source = source_of(text, file, values)
    if isinstance(source, EndpointProblem):
        return None, None, (source,)
    if not isinstance(source.root.value, Members):
        problem = source.problem(spot_of(source.root, ()), "this is no object", "an object: {…}")
        return None, None, (problem,)
    other = other_format(source)
    if other is not None:
        return None, None, (other,)
    problems = [*_doubles(source)]
    value = _with_new_names(plain(source.root))
    try:
        written = WrittenGateway.model_validate(value)
    except ValidationError as refused:
        errors = list(filter(_counts, refused.errors(include_url=False)))
        problems += (_problem(source, error, values) for error in errors[:MOST_PROBLEMS])
        if len(errors) > MOST_PROBLEMS:
            wrong = f"there is more wrong with this file than the {MOST_PROBLEMS} problems listed"
            problems.append(EndpointProblem(file, wrong))
        return source, _of_the_rest(value, errors), in_order(problems)
    return source, written, in_order(problems)


def _of_the_rest(value: Any, errors: list[ErrorDetails]) -> WrittenGateway | None:
    """What is said beside the errors; None where they leave nothing that can be looked at."""
    for _ in range(MOST_REPAIRS):
        try:
            return WrittenGateway.model_validate(repaired(value, errors))
        except ValidationError as refused:
            errors = list(refused.errors(include_url=False))
    return None


def _counts(error: ErrorDetails) -> bool:
    """Whether an error stands for itself: a list is not too short where its elements are wrong."""
    return error["type"] != "too_short" or not error["input"]


def _doubles(source: Source) -> Iterator[EndpointProblem]:
    """Members that stand twice, and a list under both of its spellings."""
    for keys, members in _objects(source.root):
        seen: set[str] = set()
        for member in members:
            name = _OLDER.get(member.name, member.name)
            if name in seen:
                spot = Spot(name_spot(source.root, (*keys, member.name)).path, member.start, name)
                yield source.problem(spot, f"{quoted(name)} stands twice", "one of them")
            seen.add(name)


def _objects(root: Node) -> Iterator[tuple[Keys, Members]]:
    if isinstance(root.value, Members):
        yield (), root.value
    for keys, member in members_of(root):
        yield from ((keys, m) for keys, m in _inside(keys, member))


def _inside(keys: Keys, member: Member) -> Iterator[tuple[Keys, Members]]:
    value = member.node.value
    if isinstance(value, Members):
        yield keys, value
        return
    for index, element in enumerate(value if isinstance(value, tuple) else ()):
        if isinstance(element.value, Members):
            yield (*keys, index), element.value


def _with_new_names(value: Any) -> Any:
    """The lists of middlewares under the names of today."""
    endpoints = value.get("endpoints")
    for endpoint in endpoints if isinstance(endpoints, list) else ():
        for old, new in _OLDER.items():
            if isinstance(endpoint, dict) and old in endpoint:
                endpoint[new] = endpoint.pop(old)
    return value


def _problem(source: Source, error: ErrorDetails, values: Mapping[str, str]) -> EndpointProblem:
    keys = _as_spelled(source, error["loc"])
    if error["type"] == "extra_forbidden":
        return _unknown(source, keys)
    spot = spot_of(source.root, keys)
    if error["type"] == "missing":
        return source.problem(spot, f"{quoted(str(keys[-1]))} is missing")
    written = source.written(spot.at)
    name = NAME.fullmatch(written.strip('"'))
    if name is not None and not values.get(name[0][1:]):
        wrong = f"the environment has no value for {name[0]}"
        return source.problem(spot, wrong, _expected(error)[0])
    expected, near = _expected(error)
    wrong = (error.get("ctx") or {}).get("wrong") or f"found {_seen(spot.value, written)}"
    wrong = "the list is empty" if error["type"] == "too_short" else wrong
    return source.problem(spot, wrong, expected, near)


def _seen(value: Any, written: str) -> str:
    """What stands there, as its author wrote it: values of the environment are not shown."""
    if isinstance(value, Members) and "$" not in written:
        return "an object"
    if isinstance(value, tuple) and "$" not in written:
        return "a list"
    return quoted(written[1:-1]) if written.startswith('"') else written[:60]


def _expected(error: ErrorDetails) -> tuple[str, str | None]:
    kind, context = error["type"], error.get("ctx") or {}
    match kind:
        case "literal_error":
            words = re.findall(r"'([^']*)'", context["expected"])
            seen = error["input"]
            near = meant(seen, filter(None, words)) if isinstance(seen, str) else None
            return f"one of {', '.join(word or quoted(word) for word in words)}", near
        case "refused":
            return context["expected"], None
        case "greater_than_equal":
            return f"a whole number from {context['ge']} on", None
        case "less_than_equal":
            return f"a whole number up to {context['le']}", None
        case "string_pattern_mismatch":
            return "letters, digits, _, - and spaces, a letter or _ first", None
        case "too_short":
            return "at least one element", None
        case "string_too_short":
            return "a text that is not empty", None
        case _:
            return _EXPECTED.get(kind, error["msg"]), None


def _unknown(source: Source, keys: Keys) -> EndpointProblem:
    known = _members(WrittenGateway, keys[:-1])
    near = meant(str(keys[-1]), known)
    expected = None if near else f"one of {', '.join(known)}"
    return source.problem(
        name_spot(source.root, keys), "there is no such member", expected, near, Severity.ERROR
    )


def _members(model: type[Part], keys: Keys) -> tuple[str, ...]:
    """The members of the object at the keys, as one writes them."""
    annotation: Any = model
    for key in keys:
        found = _model(annotation)
        if found is not None and isinstance(key, str):
            by_name = {f.alias: f for f in found.model_fields.values()}
            name = _OLDER.get(key, key)
            annotation = by_name[name].annotation if name in by_name else None
        else:
            annotation = _element(annotation)
    found = _model(annotation)
    return tuple(filter(None, (f.alias for f in found.model_fields.values()))) if found else ()


def _model(annotation: Any) -> type[Part] | None:
    """The model itself, or that of `X | None`."""
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return annotation
    if get_origin(annotation) in (tuple, dict):
        return None
    return next(filter(None, map(_model, get_args(annotation))), None)


def _element(annotation: Any) -> Any:
    """What stands in a list or under a free name."""
    if get_origin(annotation) is tuple:
        return get_args(annotation)[0]
    if get_origin(annotation) is dict:
        return get_args(annotation)[1]
    return next((found for found in map(_element, get_args(annotation)) if found), None)


def _as_spelled(source: Source, loc: Keys) -> Keys:
    """The keys as the file spells them."""
    keys: Keys = ()
    for key in loc:
        older = next((old for old, new in _OLDER.items() if new == key), None)
        if older is not None:
            key = source.spelled(keys, (str(key), older))
        keys = (*keys, key)
    return keys
