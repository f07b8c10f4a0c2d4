"""The commands of the second generation that call nobody: from a state to the state behind them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

from msgspec.structs import replace as renewed

from apiql.errors import ValueRefused
from apiql.frontends.definitions.folder import Template
from apiql.frontends.definitions.lower.lowered import Count
from apiql.frontends.definitions.lower.told import HTML, JSON, to_json
from apiql.frontends.definitions.lower.v2_state import (
    Pure,
    State,
    Written,
    failed,
    kept,
    refused,
    why_of,
    with_heap,
)
from apiql.frontends.definitions.lower.v2_values import (
    Read,
    Seen,
    Sources,
    constant,
    fixed_text,
    reader,
    refusing,
    template_reader,
    text_reader,
)
from apiql.frontends.definitions.v2.flow import Step
from apiql.frontends.definitions.v2.value import Argument
from apiql.gotemplate import Mode

Args: TypeAlias = Mapping[str, Read]
Command: TypeAlias = Callable[[State, Seen, Args], Any]
"""From the state (with the step's origin) to what the command comes to, or to another state."""

LABELS = ("httpInOut", "root", "type", "child", "code", "duration")
"""What counters go by."""
_MEDIA: Mapping[str, str] = {"json": JSON, "html": HTML}
_NUMBER = re.compile(r"\s*-?[0-9]{1,9}\s*")


def arguments(step: Step, sources: Sources) -> dict[str, Read]:
    """The arguments of a step by their names; of a name that stands twice the last."""
    return {a.name: text_reader(a.value, sources) for a in step.args}


def origin_of(step: Step, sources: Sources) -> Callable[[State], State]:
    """The state with the members that a step puts into the request body."""
    if not step.origin:
        return lambda state: state
    members = tuple((a.name, reader(a.value, sources)) for a in step.origin)

    def changed(state: State) -> State:
        before = state.heap.get("origin")
        if not isinstance(before, dict):
            raise refused("the request body is no object: nothing can be put into it")
        origin = {**before}  # a new one, which nobody else has seen yet
        heap = {**state.heap, "origin": origin}
        seen = Seen(heap, state.query, state.headers)
        for name, read in members:
            origin[name] = read(seen)
        return with_heap(state, heap)

    return changed


def pure_step(step: Step, command: Command, sources: Sources) -> Pure:
    """A step with a command that calls nobody."""
    changed, args, key = origin_of(step, sources), arguments(step, sources), step.result_key

    changes = bool(step.origin)

    def done(moment: Any, state: State) -> State:
        if changes:
            state = changed(state)
        found = command(state, Seen(state.heap, state.query, state.headers), args)
        return found if type(found) is State else kept(state, key, found)

    return done


def endured(pure: Pure) -> Pure:
    """The same where a failure is noted instead of ending all; behind one nothing is done."""

    def done(moment: Any, state: State) -> State:
        if state.failure is not None:
            return state
        try:
            return pure(moment, state)
        except ValueRefused as refusal:
            return failed(state, why_of(refusal))

    return done


def needed(args: Args, name: str, seen: Seen, status: int = 403) -> str:
    """An argument that a command cannot do without.

    Raises:
        ValueRefused: it is not there.
    """
    read = args.get(name)
    if read is None:
        raise refused(f'the argument "{name}" is missing', status)
    return str(read(seen))


def optional(args: Args, name: str, seen: Seen, usual: str = "") -> str:
    """An argument, or what counts without it."""
    read = args.get(name)
    return usual if read is None else str(read(seen))


# -- commands -------------------------------------------------------------------------------------


def create_json(state: State, seen: Seen, args: Args) -> Any:
    """Takes a member out of the request body."""
    key, origin = needed(args, "key", seen), state.heap.get("origin")
    if not isinstance(origin, dict) or key not in origin:
        return None
    return origin[key]


def taking(step: Step, command: Pure, sources: Sources) -> Pure:
    """createJson as a whole: what it took is gone from the request body."""
    key = arguments(step, sources).get("key", constant(""))

    def done(moment: Any, state: State) -> State:
        after = command(moment, state)
        name = str(key(Seen(after.heap, after.query, after.headers)))
        origin = after.heap.get("origin")
        if not isinstance(origin, dict) or name not in origin:
            return after
        left = {**origin}
        del left[name]
        return with_heap(after, {**after.heap, "origin": left})

    return done


def create_html(step: Step, templates: Mapping[str, Template], sources: Sources) -> Command:
    """The text of a template, escaped as its places in HTML demand."""
    given = {a.name: a.value for a in step.args}
    kind, content = fixed_text(given.get("type")), given.get("content")
    plain = content.content if content is not None and content.kind == "literal" else None

    def read_of(is_file: bool, text: str) -> Read:
        if is_file:
            found = templates.get(text)
            if found is None:
                return refusing(f"there is no template {text}")
            text = found.text
        return template_reader(text, sources, Mode.HTML)

    known = None if kind is None or plain is None else read_of(kind == "resource", plain)

    def made(state: State, seen: Seen, args: Args) -> Any:
        if known is not None:
            return known(seen)
        is_file = needed(args, "type", seen) == "resource"
        return read_of(is_file, needed(args, "content", seen))(seen)

    return made


def responding(step: Step) -> Command:
    """Adds a document to the answer."""
    given = {a.name: fixed_text(a.value) for a in step.args}
    media, key, code = given.get("type"), given.get("key"), given.get("code", "200")
    if media is None or key is None or code is None or not _NUMBER.fullmatch(code):
        return _respond
    status, media = int(code), _MEDIA.get(media, media)
    return lambda state, seen, args: _with_document(state, status, media, key)


def _respond(state: State, seen: Seen, args: Args) -> State:
    media, key = needed(args, "type", seen), needed(args, "key", seen)
    code = optional(args, "code", seen, "200")
    if _NUMBER.fullmatch(code) is None:
        raise refused(f'"{code[:20]}" is no status', 500)
    return _with_document(state, int(code), _MEDIA.get(media, media), key)


def _with_document(state: State, code: int, media: str, key: str) -> State:
    found = state.heap.get(key)
    if found is None:
        raise refused(f"there is no {key} to answer with", 400)
    return renewed(state, out=(*state.out, Written(code, media, found)), given=None)


def comparing(step: Step, sources: Sources, equal: bool) -> Command:
    """Compares the name of each argument with its value."""
    pairs = tuple((a.name, text_reader(a.value, sources)) for a in step.args)
    word = "is not" if equal else "is"

    def compared(state: State, seen: Seen, args: Args) -> Any:
        for name, read in pairs:
            if (read(seen) == name) is not equal:
                raise refused(f'a value {word} "{name[:80]}"', 500)
        return None

    return compared


def counting(step: Step, count: Count | None) -> Command:
    """Tells what a step counts; its arguments are made even if nobody hears."""
    named_here = {argument.name for argument in step.args}
    labels = tuple(name for name in LABELS if name in named_here)

    def counted(state: State, seen: Seen, args: Args) -> None:
        found = {name: args[name](seen) for name in labels}
        if count is not None:
            count(found)

    return counted


def fill_base(state: State, seen: Seen, args: Args) -> State:
    """Adds who asks, and the number of the request."""
    base = dict(state.heap.get("base") or {})
    base["user"] = optional(args, "user", seen)
    base["uuid"] = optional(args, "uuid", seen) or state.fresh()
    return with_heap(state, {**state.heap, "base": base})


def stored_text(state: State, seen: Seen, args: Args) -> str:
    """What storageStore keeps."""
    content = needed(args, "content", seen)
    if content != "json":
        return content
    origin, key = state.heap.get("origin"), needed(args, "key", seen)
    found = origin.get(key) if isinstance(origin, dict) else None
    if found is None:
        raise refused(f"there is no {key} in the request body to store")
    return to_json(found).decode()


def loaded(text: str | None, content: str) -> Any:
    """What storageLoad comes to."""
    if content != "json":
        return content if text is None else text
    if text is None:
        raise refused("nothing is stored under the index", 500)
    try:
        return json.loads(text, parse_float=Decimal)
    except ValueError:
        raise refused("what is stored under the index is no JSON", 500) from None


def seconds_of(seen: Seen, args: Args) -> float:
    """How long apiSleep waits: a minute, where it does not say."""
    total = 0.0
    for name, usual, factor in (("hour", "0", 3600), ("minute", "1", 60), ("second", "0", 1)):
        text = optional(args, name, seen, usual)
        if _NUMBER.fullmatch(text) is None:
            raise refused(f'{name} is "{text[:20]}", which is no number', 500)
        total += int(text) * factor
    return max(0.0, total)


def named(values: tuple[Argument, ...], name: str) -> Argument | None:
    """The last argument of a name."""
    return next((a for a in reversed(values) if a.name == name), None)
