"""Configurations -> what is in force: the first of a process, and those made beside it later, each
with those of its buckets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

from apiql.acts import acts_of
from apiql.engine import Engine, all_functions
from apiql.events import CircuitMoved, HostMoved, Notice, Told
from apiql.frontends.definitions.lower.lowered import Count
from apiql.opened import OpenEngine
from apiql.plugins import Registry
from apiql.rights_files import rights_of
from apiql.server.bucket import AllBuckets, Bucket
from apiql.server.configuration import Configuration
from apiql.server.current import Held, held_of, held_within
from apiql.sources.circuits import Circuits
from apiql.sources.observe import Made
from apiql.sources.stack import build_stack
from apiql.stores.store import Stores

Opened = Mapping[str, OpenEngine]
"""Engines by the name of their bucket; the main one has none."""


class Making:
    """What engines are made with, and what outlives each of them. `made` is told of each call that
    goes out, `count` of what definitions count; `key_sets` are what issuers of tokens said last.
    """

    def __init__(
        self, stores: Stores, tell: Told, made: Made | None = None,
        circuits: Circuits | None = None, count: Count | None = None,
    ) -> None:  # fmt: skip
        self.circuits = circuits or Circuits()
        self.buckets = AllBuckets(stores)
        self._key_sets: dict[str, Any] = {}
        self._stores, self._tell, self._made, self._count = stores, tell, made, count

    def first(self, found: Configuration) -> Held:
        """The one that a process begins with.

        Raises:
            RightsRefused, StoredRefused, KeysRefused: what was read cannot be used.
        """
        opened = {}
        for name, each in _all_of(found).items():
            stores, circuits = self._of(name, each)
            tell = _naming(name, self._tell)
            opened[name] = OpenEngine.from_settings(
                each.settings, each.queries, tell, stores, circuits, self._made,
                _functions(each), each.templates, each.definitions, self._count,
            )  # fmt: skip
        return self._held(found, opened)

    async def beside(self, found: Configuration) -> Held:
        """One beside that in force, with all buckets or none; raises as `first`."""
        for each in _all_of(found).values():
            rights_of(each.settings, each.rights)  # before there is anything to close
        opened: dict[str, OpenEngine] = {}
        async with AsyncExitStack() as undone:
            for name, each in _all_of(found).items():
                opened[name] = await self._opened(name, each)
                undone.push_async_callback(opened[name].aclose)
            held = self._held(found, opened)
            undone.pop_all()
        return held

    async def _opened(self, name: str, found: Configuration) -> OpenEngine:
        """One of them. Its queries are compiled in a thread; the way to its upstreams belongs to
        the loop.
        """
        settings, (stores, circuits) = found.settings, self._of(name, found)
        tell = _naming(name, self._tell)
        stack = build_stack(settings, stores, told=tell, circuits=circuits, made=self._made)
        engine: Engine | None = None
        try:
            engine = await asyncio.to_thread(
                Engine, settings, stack.layer, found.queries, found.templates, told=tell,
                functions=_functions(found), definitions=found.definitions, 
                acts=acts_of(stores), count=self._count,
            )  # fmt: skip
        finally:
            if engine is None:
                await stack.aclose()
        return OpenEngine(engine, stack, stores, owned=False)

    def _of(self, name: str, found: Configuration) -> tuple[Stores, Circuits]:
        if not name:
            return self._stores, self.circuits
        bucket = self.buckets.of(name, found.settings)
        return bucket.stores, bucket.circuits

    def _held(self, found: Configuration, opened: Opened) -> Held:
        inside = {}
        for name, each in found.buckets.items():
            bucket: Bucket = self.buckets.of(name, each.settings)
            rights = rights_of(each.settings, each.rights)
            inside[name] = held_within(bucket, opened[name], rights, self._tell)
        rights = rights_of(found.settings, found.rights)
        return held_of(opened[""], self._tell, self._key_sets, rights, inside)


def _functions(found: Configuration) -> Registry:
    """The standard ones and those of plug-ins."""
    return found.plug_ins.added_to(all_functions())


def _all_of(found: Configuration) -> Mapping[str, Configuration]:
    """The main one, and those of the buckets."""
    return {"": found, **found.buckets}


def _naming(bucket: str, tell: Told) -> Told:
    """Tells of upstreams whose they are: buckets may call the same one, each over its own way."""
    if not bucket:
        return tell

    def told(notice: Notice) -> None:
        if isinstance(notice, CircuitMoved | HostMoved):
            notice = replace(notice, bucket=bucket)
        tell(notice)

    return told
