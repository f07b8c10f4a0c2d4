"""A resource --lower--> the task of its call."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from apiql.errors import Code
from apiql.frontends.call_templates.addresses import NOWHERE, located
from apiql.frontends.call_templates.around import USUAL_TIME, Around
from apiql.frontends.call_templates.document import METHODS, Resource
from apiql.frontends.call_templates.naming import Naming
from apiql.frontends.call_templates.values import header_value, input_value, resources_in
from apiql.ir.forwarding import with_forwarded
from apiql.ir.header_names import may_be_set
from apiql.ir.plan import Task
from apiql.ir.policy import Policy
from apiql.ir.request import Binding, Endpoint, Place
from apiql.ir.values import Record
from apiql.ir.works import Fetch
from apiql.json_nodes import Keys, quoted

IN_QUERY = frozenset({"get", "head", "delete"})
"""Methods whose input goes into the query string, as `where` does."""
_SENDABLE = re.compile(r"[\x20-\x7e\t]*")


@dataclass(frozen=True, slots=True)
class CallLowering:
    """A resource of a template, and how to read what stands in it."""

    name: str
    resource: Resource
    naming: Naming
    around: Around

    def lowered(self) -> Task:
        """The task; what is wrong was noted."""
        method = self._method()
        keys = self._keys("Url")
        endpoint, filled = located(self.resource.url, keys, self.naming, self.around)
        own = (*filled, *self._headers(), *self._input(method))
        self._check_count(own)
        bindings = own if endpoint is NOWHERE else with_forwarded(endpoint, own)
        fetch = Fetch(method, endpoint, bindings, wants_object=True)
        after = frozenset(resources_in(fetch.values()))
        place = self.naming.findings.location(self._keys())
        return Task(self.name, fetch, after, Policy(self._time(endpoint)), place)

    def _keys(self, *more: str) -> Keys:
        return ("Resources", self.name, *more)

    def _method(self) -> str:
        method = self.resource.method.lower()
        if method not in METHODS:
            return "post"  # where there is none; that of another word was told when it was read
        if method not in self.around.methods:
            wrong = f"calls may not be made with {method.upper()}"
            hint = "list it in [security] allow_methods"
            self._refuse(Code.FORBIDDEN_UPSTREAM, "Method", wrong, hint)
        return method

    def _time(self, endpoint: Endpoint) -> float | None:
        """The seconds of the call; None where the upstream has its own time."""
        longest, asked = self.around.call_timeout, self.resource.timeout / 1000
        if asked > longest:
            wrong = f"{self.resource.timeout} milliseconds go over the limit call_timeout"
            hint = f"the call has {longest * 1000:g}; raise [limits] call_timeout for more"
            self.naming.findings.warn(self._keys("Timeout"), wrong, hint)
        if not asked:
            return None if endpoint.timeout is not None else min(USUAL_TIME, longest)
        return min(asked, longest)

    def _headers(self) -> Iterator[Binding]:
        seen: dict[str, str] = {}
        for name, text in self.resource.header.items():
            keys = self._keys("Header", name)
            if not may_be_set(name):
                wrong = f"the header {quoted(name)} cannot be set"
                hint = "names are letters, digits and -; the connection's own headers are ours"
                self.naming.findings.add_name(Code.BAD_VALUE, keys, wrong, hint)
            first = seen.setdefault(name.lower(), name)
            if first is not name:
                wrong = f"{quoted(first)} is the same header"
                self.naming.findings.add_name(Code.DUPLICATE_NAME, keys, wrong, "take one out")
            pieces = self.naming.pieces(text, keys)
            if not all(_SENDABLE.fullmatch(p) for p in pieces if isinstance(p, str)):
                wrong = "a header takes printable ASCII alone"
                self.naming.findings.add(Code.BAD_VALUE, keys, wrong)
            yield Binding(Place.HEADER, (name,), header_value(pieces, self.naming))

    def _input(self, method: str) -> Iterator[Binding]:
        if self.resource.input is None:
            return
        found = input_value(self.resource.input, self._keys("Input"), self.naming)
        assert isinstance(found, Record)
        if method not in IN_QUERY:
            yield Binding(Place.BODY, (), found)
            return
        for name, value in found.members:
            yield Binding(Place.QUERY, (name,), value)

    def _check_count(self, bindings: tuple[Binding, ...]) -> None:
        most = self.around.params
        if len(bindings) > most:
            wrong = f"{len(bindings)} values go over the limit params_per_task = {most}"
            self.naming.findings.add(Code.LIMIT_EXCEEDED, self._keys(), wrong)

    def _refuse(self, code: Code, member: str, wrong: str, hint: str) -> None:
        self.naming.findings.add(code, self._keys(member), wrong, hint)
