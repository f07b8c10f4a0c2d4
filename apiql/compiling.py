"""The left half of the stages: what becomes of a program or a template before any request.

syntax tree, document --lower--> Plan --rewrite--> Plan --compile--> Executable
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from apiql.bounds import definition_rules, planning_rules, run_limits, text_limits
from apiql.catalog import surroundings, template_surroundings
from apiql.defined import DefinedCatalog, load_definitions, with_plans
from apiql.definition_files import DefinitionFiles
from apiql.errors import QueryRefused
from apiql.frontends.definitions.lower.entry import lowering
from apiql.frontends.definitions.lower.lowered import Count
from apiql.frontends.text import syntax
from apiql.frontends.text.lower import lower
from apiql.frontends.text.parse import TextParser
from apiql.frontends.text.roles import Role
from apiql.frontends.text.surroundings import with_excerpts
from apiql.ir.plan import Plan
from apiql.ir.reach import Reach, reached
from apiql.planning.rules import rewrite
from apiql.plugins import Registry
from apiql.query_files import QueryFiles
from apiql.runtime.compile import compile_plan
from apiql.runtime.step import Executable
from apiql.settings import Settings
from apiql.stored import Catalog, load_queries
from apiql.stored_templates import Templates, load_templates
from apiql.template_files import TemplateFiles

NOTHING: Mapping[int, Executable] = {}


class Compiling:
    """What plans are made with: the functions and limits of one engine."""

    def __init__(self, settings: Settings, functions: Registry) -> None:
        self.parse = TextParser(text_limits(settings.limits)).parse
        self._settings, self._functions = settings, functions
        self._rules = planning_rules(settings.limits, functions)
        self._timeout = run_limits(settings.limits).call_timeout

    def templates(self, files: TemplateFiles) -> Templates:
        """The call templates of these files, and what is wrong with them."""
        around = template_surroundings(self._settings)
        return load_templates(files, around, self._rewritten)

    def definitions(self, files: DefinitionFiles, count: Count | None = None) -> DefinedCatalog:
        """What these files define; `count` is told what they count.

        Raises:
            DefinitionsRefused: with every error of every file.
        """
        around = surroundings(self._settings, self._functions)
        make = partial(self.defined, shared={})
        return load_definitions(files, around, partial(lowering, count=count), make)

    def catalog(
        self, queries: QueryFiles, templates: Templates, defined: DefinedCatalog
    ) -> Catalog:
        """What texts are compiled against.

        Raises:
            StoredRefused: with every problem of every file.
        """
        around = with_plans(surroundings(self._settings, self._functions), defined)
        stored, known = partial(self.compiled, Role.STORED), defined.compiled
        return load_queries(queries, around, self.parse, stored, templates, known)

    def compiled(
        self, role: Role, program: syntax.Program, text: str, catalog: Catalog,
        reach: Reach | None = None,
    ) -> Executable:  # fmt: skip
        """The compiled plan of a program.

        Raises:
            QueryRefused: everything that is wrong with it.
        """
        plan = lower(program, text, catalog.around, role)
        reach = reach or reached(plan, catalog.around.exact)
        try:
            return self._rewritten(plan, catalog.compiled, reach)
        except QueryRefused as refused:
            raise with_excerpts(refused, text) from None

    def defined(
        self, plan: Plan, reach: Reach | None = None, shared: dict[int, Executable] | None = None
    ) -> Executable:
        """The compiled plan of a definition; `shared` has the plans inside that others have too.

        Raises:
            QueryRefused: everything that is wrong with it.
        """
        plan = rewrite(plan, definition_rules(self._settings.limits))
        return compile_plan(plan, self._functions, self._timeout, NOTHING, reach, shared)

    def _rewritten(
        self, plan: Plan, compiled: Mapping[int, Executable] = NOTHING, reach: Reach | None = None
    ) -> Executable:
        reach = reach or reached(plan)  # before equal reads of different names become one
        plan = rewrite(plan, self._rules)
        return compile_plan(plan, self._functions, self._timeout, compiled, reach)
