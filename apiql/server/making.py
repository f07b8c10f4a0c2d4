"""Configurations -> what is in force: the first of a process, and those made beside it later."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from apiql.engine import Engine
from apiql.events import Told
from apiql.opened import OpenEngine
from apiql.rights_files import rights_of
from apiql.server.configuration import Configuration
from apiql.server.current import Held, held_of
from apiql.sources.circuits import Circuits
from apiql.sources.observe import Made
from apiql.sources.stack import build_stack
from apiql.stores.store import Stores


@dataclass(frozen=True, slots=True)
class Making:
    """What engines are made with, and what outlives each of them. `made` is told of each call that
    goes out; `key_sets` are what issuers of tokens said last.
    """

    stores: Stores
    tell: Told
    made: Made | None = None
    circuits: Circuits = field(default_factory=Circuits)
    key_sets: dict[str, Any] = field(default_factory=dict)

    def first(self, found: Configuration) -> Held:
        """The one that a process begins with.

        Raises:
            RightsRefused, StoredRefused, KeysRefused: what was read cannot be used.
        """
        rights = rights_of(found.settings, found.rights)
        opened = OpenEngine.from_settings(
            found.settings, found.queries, self.tell, self.stores, self.circuits, made=self.made
        )
        return held_of(opened, self.tell, self.key_sets, rights)

    async def beside(self, found: Configuration) -> Held:
        """One beside that in force; raises as `first`. Its queries are compiled in a thread; the
        way to its upstreams belongs to the loop.
        """
        rights = rights_of(found.settings, found.rights)
        stack = build_stack(
            found.settings, self.stores, told=self.tell, circuits=self.circuits, made=self.made
        )
        held: Held | None = None
        try:
            engine = await asyncio.to_thread(
                Engine, found.settings, stack.layer, found.queries, told=self.tell
            )
            opened = OpenEngine(engine, stack, self.stores, owned=False)
            held = held_of(opened, self.tell, self.key_sets, rights)
        finally:
            if held is None:
                await stack.aclose()
        return held
