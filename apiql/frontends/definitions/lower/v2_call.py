"""The command httpApi -> one call: the request that an httpapi makes of the heap, what of its
answer counts, and the flows that are told how it ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from apiql.errors import Code, Location, ValueRefused
from apiql.frontends.definitions.lower.caching import cache_rule, cookie_attribute, seconds_left
from apiql.frontends.definitions.lower.v2_commands import named, origin_of
from apiql.frontends.definitions.lower.v2_ground import Course, Lowering
from apiql.frontends.definitions.lower.v2_sent import (
    compose,
    fixed_url,
    has_body,
    has_headers,
    known_url,
)
from apiql.frontends.definitions.lower.v2_state import (
    State,
    Why,
    failed,
    kept,
    refused,
    status_of,
    with_heap,
)
from apiql.frontends.definitions.lower.v2_values import Read, Seen, constant, refusing, text_reader
from apiql.frontends.definitions.places import beginning, places_in
from apiql.frontends.definitions.v2.flow import Step
from apiql.frontends.definitions.v2.httpapi import Cache, HttpApi
from apiql.ir.plan import Making, Task
from apiql.ir.secret import Secret
from apiql.ir.values import (
    FailureRoot,
    Invoke,
    Literal,
    LocalRoot,
    Part,
    Ref,
    ReplyRoot,
    Value,
)
from apiql.ir.works import Accepts, Media, Send

MADE = "made"
REPLY, FAILURE = Ref(ReplyRoot()), Ref(FailureRoot())
WHOLE = Ref(ReplyRoot(), (), False, Part.WHOLE)
"""The answer to a call; null, where there is none."""


@dataclass(slots=True)
class _Secrets:
    """The private values that a call uses, in the order of their first use."""

    file: str
    values: Mapping[str, str]
    used: list[str]

    def private(self, name: str) -> Read:
        """Reads a value as one of the call's secrets."""
        if not self.file:
            return refusing("no file of private values is named", 403)
        if name not in self.values:
            return constant("")
        if name not in self.used:
            self.used.append(name)
        number = self.used.index(name)
        return lambda seen: seen.secrets[number]


@dataclass(frozen=True, slots=True)
class _Called:
    """An httpapi as a step calls it; `now` where its end is noted in the state, for who is told."""

    lowering: Lowering
    step: Step
    name: str
    api: HttpApi
    at: Location
    now: Callable[[], float] | None

    @property
    def home(self) -> str:
        """What its private values are for."""
        return f"httpapi.{self.name}"


def call(
    lowering: Lowering, step: Step, name: str, api: HttpApi, course: Course, at: Location,
    tells: bool,
) -> None:  # fmt: skip
    """Adds the call of an httpapi; `tells`: its end is noted in the state, for who is told."""
    said = named(step.args, "private")
    given = "" if said is None else lowering.known_text(said.value)
    if given is None and not step.private:
        course.does(name, refusing_step("which private values it has is not known before", 500))
        return
    file = step.private or given or api.private
    values = lowering.privates(file) if file else {}
    if values is None:
        course.does(name, refusing_step(f"there is no private {file}", 403))
        return
    called = _Called(lowering, step, name, api, at, lowering.ground.now if tells else None)
    course.add(_task(called, _Secrets(file, values, []), course))


def _task(called: _Called, secrets: _Secrets, course: Course) -> Task:
    made = _making(called, secrets)
    let = [(f"private_{n}", Secret(f"privates.{secrets.file}", called.home, secrets.values[used]))
           for n, used in enumerate(secrets.used)]  # fmt: skip
    taken = (Ref(LocalRoot(local)) for local, _ in let)
    own, key, api, now = OWN, called.step.result_key, called.api, called.now
    making = Making(
        let=(*let, (MADE, Invoke("request", made, (course.state, *taken)))),
        result=Invoke("kept", _kept(key, api, now), (own, REPLY)),
        instead=Invoke("ended", _ended(key, api, now), (own, FAILURE, WHOLE)),
    )
    send = _send(called, secrets)
    return Task(course.named(called.name), send, location=called.at, made=making)


def _trusted(called: _Called, secrets: _Secrets) -> frozenset[str] | None:
    """The places that may see what is private, where requests say which one is called."""
    dynamic = called.api.dynamic_url
    if called.api.url or dynamic is None or not secrets.used:
        return None
    written = beginning(dynamic.content)
    if dynamic.kind == "env":
        written = called.lowering.ground.environ.get(dynamic.content, "")
    return places_in((written, *secrets.values.values()))


def _making(called: _Called, secrets: _Secrets) -> Callable[..., dict[str, Any]]:
    lowering, step, now = called.lowering, called.step, called.now
    composed = compose(called.api, lowering.sources(secrets.private))
    changed = origin_of(step, lowering.step_sources(step.private))

    def made(moment: Any, state: State, *given: str) -> dict[str, Any]:
        state = changed(state)
        found = composed(Seen(state.heap, state.query, state.headers, given))
        found["state"] = state
        if now is not None:
            found["began"] = now()
        return found

    return made


def refusing_step(message: str, status: int) -> Callable[[Any, State], State]:
    """A step that cannot be done."""

    def refuse(moment: Any, state: State) -> State:
        raise refused(message, status)

    return refuse


OWN = Ref(LocalRoot(MADE))
URL = Invoke("url", lambda moment, made: made["url"], (OWN,))
HEADERS = Invoke("headers", lambda moment, made: made["headers"], (OWN,))
BODY = Invoke("body", lambda moment, made: made["body"], (OWN,))


def _send(called: _Called, secrets: _Secrets) -> Send:
    api, ground = called.api, called.lowering.ground
    fixed = fixed_url(api)
    return Send(
        api.method.lower() or "get", called.name,
        URL if fixed is None else Literal(fixed),
        HEADERS if has_headers(api) else Literal(None),
        BODY if has_body(api) else Literal(None), called.home,
        ground.pinned, _trusted(called, secrets), ground.permits, Accepts.OK, Media.JSON,
        cache=cache_rule(
            ground, called.name, api.cache.scope if api.cache else "", secrets.file
        ),
        expires=_expires(called), shown=known_url(api) or "",
    )  # fmt: skip


def _expires(called: _Called) -> Value | None:
    cache = called.api.cache
    return None if cache is None else seconds_left(_expiry(called, cache), cache.format, REPLY)


def _expiry(called: _Called, cache: Cache) -> Value:
    """The text that tells the end of an answer, made of it."""
    expire, headers = cache.expire, Ref(ReplyRoot(), ("set-cookie",), True, Part.HEADERS)
    if expire.kind == "header":
        name, dot, attribute = expire.content.partition(".")
        if not (dot and name.lower() == "set-cookie"):
            return Ref(ReplyRoot(), (expire.content.lower(),), True, Part.HEADERS)
        return Invoke("cookie", lambda moment, text: cookie_attribute(text, attribute), (headers,))
    read = text_reader(expire, called.lowering.step_sources(called.api.private))

    def told(moment: Any, made: Mapping[str, Any], body: Any) -> Any:
        state: State = made["state"]
        return read(Seen({**state.heap, "result": body}, state.query, state.headers))

    return Invoke("expiry", told, (OWN, REPLY))


def _kept(key: str, api: HttpApi, now: Callable[[], float] | None) -> Callable[..., State]:
    def done(moment: Any, made: Mapping[str, Any], reply: Any) -> State:
        state = kept(made["state"], key, reply)
        return state if now is None else noted(state, api.id, now() - made["began"], 200, "ok")

    return done


def _ended(key: str, api: HttpApi, now: Callable[[], float] | None) -> Callable[..., State]:
    """What no JSON answers is null; all else ends the flow."""

    def ended(moment: Any, made: Mapping[str, Any], why: Why, reply: Any) -> State:
        if reply is not None:  # it is a step behind the call that failed
            raise refusal_of(why)
        if why["code"] == Code.BAD_PAYLOAD:
            state, status = kept(made["state"], key, None), 200
        elif now is None:
            raise refusal_of(why)
        else:
            state, status = failed(made["state"], why), status_of(why)
        if now is None:
            return state
        return noted(state, api.id, now() - made["began"], status, str(why["message"]))

    return ended


def refusal_of(why: Why) -> ValueRefused:
    """The error that a failure was."""
    code = why.get("code")
    return ValueRefused(
        str(why["message"]), code=None if code is None else Code[code], status=status_of(why)
    )


def noted(state: State, child: str, seconds: float, status: int, message: str) -> State:
    """The state with what the flows behind a call or a request are told."""
    stats = {
        "child": child, "duration": f"{seconds:.5f}", "code": str(status),
        "id": str(status), "msg": message,
    }  # fmt: skip
    return with_heap(state, {**state.heap, "stats": stats})
