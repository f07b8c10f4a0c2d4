"""What all definitions of one folder share while they are lowered: names, private values, plans
that several call. The steps that call apis, in flows and schedules, are made here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from apiql.documents.shape import Shape
from apiql.errors import ValueRefused
from apiql.frontends.definitions import kinds
from apiql.frontends.definitions.lower.lowered import HEADERS, ORIGIN, QUERY, Ground
from apiql.frontends.definitions.lower.v1_call import api_call, given_value
from apiql.frontends.definitions.lower.v1_pieces import NULL, OWN, REPLY, Chain, Piece
from apiql.frontends.definitions.lower.v1_sources import (
    KINDS,
    PANIC,
    STATE,
    Keys,
    Sight,
    functions_of,
    keys_of,
    panic,
)
from apiql.frontends.definitions.v1.api import Api
from apiql.frontends.definitions.v1.source import Given
from apiql.gotemplate import Kind
from apiql.gotemplate.calls import Function
from apiql.ir.plan import Parameter, Plan
from apiql.ir.values import Invoke, LocalRoot, ParamRoot, Ref, Value
from apiql.ir.works import Compute, Nested

S = TypeVar("S", bound=Shape)
INDEX = "index"
INNER = tuple(Parameter(name, required=False) for name in (STATE, QUERY, HEADERS, INDEX))
"""What plans begin with that others call: the whole state, and what came in with the request."""


@dataclass(frozen=True, slots=True)
class Inner:
    """A plan that others call, and the kind of the numbers in its result."""

    plan: Plan
    numbers: Kind


@dataclass(slots=True)
class Folder:
    """The definitions that are lowered; `inner` are the plans that are made already, by what they
    are.
    """

    ground: Ground
    functions: Mapping[str, Function]
    inner: dict[str, Inner] = field(default_factory=dict)

    @classmethod
    def of(cls, ground: Ground) -> Folder:
        """The folder of a ground."""
        return cls(ground, functions_of(ground))

    def model(self, kind: kinds.Kind, name: str, bucket: str, shape: type[S]) -> S | None:
        """A definition by its name; one inside the bucket goes before."""
        found = self.ground.definitions.documents[kind]
        document = (found.get(f"{bucket}/{name}") if bucket else None) or found.get(name)
        model = None if document is None else document.model
        return model if isinstance(model, shape) else None

    def lost(self, kind: kinds.Kind, name: str, bucket: str) -> str:
        """Why there is no definition of a name."""
        names = self.ground.definitions.names[kind]
        is_there = name in names or f"{bucket}/{name}" in names
        return f"{kind} {name} is broken" if is_there else f"there is no {kind} {name}"

    def keys(self, bucket: str, *names: str) -> Keys:
        """The private values of the first file that is named."""
        return keys_of(self.ground, next(filter(None, names), ""), bucket)

    def sight(self, keys: Keys, home: str, numbers: Mapping[str, Kind] = KINDS) -> Sight:
        """What sources see."""
        return Sight(self.ground, self.functions, keys, home, dict(numbers))


def bucket_of(name: str) -> str:
    """The bucket that a definition stands in; empty where it stands in none."""
    return name.rpartition("/")[0]


def begun() -> Value:
    """The state that a request begins with."""
    return Invoke("begun", _begun, (Ref(ParamRoot(ORIGIN), optional=True),))


def _begun(_: object, origin: Any) -> dict[str, Any]:
    return {"origin": {} if origin is None else origin}


def api_piece(
    folder: Folder, name: str, api_name: str, bucket: str, private: str, numbers: Mapping[str, Kind]
) -> Piece:
    """The step that calls an api; what it begins with is its local value `state`."""
    api = folder.model(kinds.Kind.API, api_name, bucket, Api)
    if api is None:
        return lost_piece(name, folder.lost(kinds.Kind.API, api_name, bucket))
    keys = folder.keys(bucket, private, api.private)
    call = api_call(api, api_name, folder.sight(keys, f"api {api_name}", numbers))
    added = _added(call.has_vars)
    after = Invoke("state", added(""), (OWN, REPLY, NULL))
    return Piece(name, call.let, call.work, call.value, after=after, added=added)


def _added(has_vars: bool) -> Callable[[str], Callable[..., Any]]:
    """What a call leaves in the state: its answer, and that its variables are gone."""
    more = {"vars": None} if has_vars else {}

    def added(key: str) -> Callable[..., Any]:
        def behind(_: object, state: dict[str, Any], reply: Any, value: Any) -> dict[str, Any]:
            made = {**state, "result": reply, **more}
            if key:
                made[key] = value
            return made

        return behind

    return added


def lost_piece(name: str, message: str) -> Piece:
    """A step that ends the plan."""
    return Piece(name, (("called", panic(message)),), Compute(NULL), NULL)


def private_of(folder: Folder, api_name: str, bucket: str) -> str:
    """The file of private values that an api names."""
    api = folder.model(kinds.Kind.API, api_name, bucket, Api)
    return "" if api is None else api.private


def numbers_of(folder: Folder, api_name: str, bucket: str) -> Kind:
    """The kind of the numbers in the result of an api."""
    api = folder.model(kinds.Kind.API, api_name, bucket, Api)
    rewritten = api is not None and api.response is not None and api.response.data is not None
    return Kind.FLOAT if rewritten else Kind.NUMBER


def given_lets(
    given: Iterable[Given], sight: Sight
) -> tuple[list[tuple[str, Value]], list[tuple[str, Value]]]:
    """Parameters that become members of the origin: local values, and these by their names."""
    lets: list[tuple[str, Value]] = []
    members: dict[str, Value] = {}
    for one in given:
        local = f"origin.{one.name}" + (f" {len(lets)}" if one.name in members else "")
        lets.append((local, given_value(one, sight)))
        members[one.name] = Ref(LocalRoot(local))
    return lets, list(members.items())


def with_origin(_: object, state: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """The state whose origin has more members."""
    origin = state["origin"]
    if not isinstance(origin, dict):
        message = "the parameters of a step go into the request's body, which is no object"
        raise ValueRefused(message, status=PANIC)
    return {**state, "origin": {**origin, **more}}


def instead_of_origin(_: object, state: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """The state with another origin."""
    return {**state, "origin": more}


def nested(name: str, plan: Plan, state: Value = OWN, *more: tuple[str, Value]) -> Nested:
    """The call of an inner plan with a state."""
    passed = tuple((one, Ref(ParamRoot(one), optional=True)) for one in (QUERY, HEADERS))
    return Nested(name, plan, ((STATE, state), *passed, *more))


def planned(chain: Chain, outcome: str, parameters: Iterable[Parameter]) -> Plan:
    """The plan of some tasks, whose result is that of one of them."""
    return replace(Plan.of(chain.tasks, (), parameters), outcome=outcome)
