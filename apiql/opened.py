"""An engine together with its way to the upstreams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from apiql.acts import acts_of
from apiql.definition_files import DefinitionFiles
from apiql.engine import NO_DEFINITIONS, NO_QUERIES, Engine
from apiql.events import Figures, Told
from apiql.frontends.definitions.lower.lowered import Count
from apiql.plugins import Registry
from apiql.query_files import QueryFiles
from apiql.settings import Settings
from apiql.sources.circuits import Circuits
from apiql.sources.observe import Made
from apiql.sources.stack import Stack, build_stack
from apiql.stores.open import open_stores
from apiql.stores.store import Stores
from apiql.template_files import NO_TEMPLATES, TemplateFiles


@dataclass(frozen=True)
class OpenEngine:
    """An engine with its own connections; `async with` closes them, and stores of its own."""

    engine: Engine
    stack: Stack
    stores: Stores
    owned: bool
    """Whether the stores are its own."""

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        queries: QueryFiles = NO_QUERIES,
        told: Told | None = None,
        stores: Stores | None = None,
        circuits: Circuits | None = None,
        made: Made | None = None,
        functions: Registry | None = None,
        templates: TemplateFiles = NO_TEMPLATES,
        definitions: DefinitionFiles = NO_DEFINITIONS,
        count: Count | None = None,
    ) -> Self:
        """An engine for these settings and what is stored; without stores, with its own. The
        `circuits` are those of the stack whose place it takes; `made` is told of each call,
        `count` of what definitions count; without `functions`, it has the standard ones.
        """
        used = stores or open_stores(settings.store, told, settings.secrets.of_keys)
        stack = build_stack(settings, used, told=told, circuits=circuits, made=made)
        engine = Engine(
            settings, stack.layer, queries, templates, definitions=definitions, told=told,
            functions=functions, acts=acts_of(used), count=count,
        )  # fmt: skip
        return cls(engine, stack, used, stores is None)

    @property
    def figures(self) -> tuple[Figures, ...]:
        """What is counted of its way to the upstreams, and of what definitions begin aside."""
        defined = self.engine.definitions.found
        return (*self.stack.figures, self.engine.asides.figures) if defined else self.stack.figures

    async def __aenter__(self) -> Engine:
        self.stack.begin()
        return self.engine

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Waits for what was begun aside, ends the connections to upstreams, then those of its own
        stores.
        """
        await self.engine.asides.aclose(self.engine.settings.limits.query_timeout)
        await self.stack.aclose()
        if self.owned:
            await self.stores.aclose()
