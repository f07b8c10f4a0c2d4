"""What a text is lowered against: sources, functions, permissions and limits of this engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from apiql.errors import Code, Location, Problem, QueryRefused, nearest
from apiql.frontends.text.diagnose import Source as Text
from apiql.frontends.text.expressions import Span
from apiql.ir.plan import Parameter, Plan
from apiql.ir.reach import Exact, Kind, Seen, stored_as
from apiql.ir.request import CREDENTIALS, Endpoint
from apiql.ir.source import Source
from apiql.plugins import Registry
from apiql.sources.addresses import BadUrl, parse_url
from apiql.sources.call import Origin

METHODS = frozenset({"get", "post", "put", "patch", "delete", "head"})


@dataclass(frozen=True, slots=True)
class PlanLimits:
    """What a program may hold; the names are those of the settings."""

    tasks: int = 20
    depth: int = 8
    aliases_depth: int = 8
    calls: int = 200
    fields: int = 200
    params_per_task: int = 100
    path_segments: int = 16
    nesting: int = 64
    query_timeout: float = 10.0
    call_timeout: float = 5.0
    retries: int = 5


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`default` is where paths go, if a text may write `paths`; `stored` are plans that can be
    selected from by their full names, `exact` whose names these are; `permits` says whether a
    query may name a URL, `methods` how it may call; `credentials` are headers of a request that go
    to nobody who does not list them.
    """

    functions: Registry
    default: Endpoint | None = None
    sources: Mapping[str, Source] = field(default_factory=dict)
    permits: Callable[[Origin, str], bool] = lambda origin, target: False
    limits: PlanLimits = PlanLimits()
    methods: frozenset[str] = METHODS
    stored: Mapping[str, Plan] = field(default_factory=dict)
    exact: Exact = field(default_factory=dict)
    paths: bool = True
    credentials: frozenset[str] = CREDENTIALS

    def permits_url(self, url: str) -> bool:
        """Whether a query, or a definition, may name this URL."""
        try:
            origin, target = parse_url(url)
        except BadUrl:
            return False
        return self.permits(origin, target)

    def within(self, seen: Seen) -> Surroundings:
        """The same without what is not seen, as if it had never been there."""

        def permits(origin: Origin, target: str) -> bool:
            return seen.sees(Kind.HOST, origin.host) and self.permits(origin, target)

        default, methods, sees = self.default, self.methods, seen.sees
        return replace(
            self,
            sources={n: found for n, found in self.sources.items() if sees(Kind.SOURCE, n)},
            stored={n: p for n, p in self.stored.items() if sees(*stored_as(n, self.exact))},
            permits=permits,
            methods=methods if seen.methods is None else methods & seen.methods,
            paths=default is None or sees(Kind.UPSTREAM, default.service),
        )


def with_excerpts(refused: QueryRefused, text: str) -> QueryRefused:
    """The same refusal with the lines of the text where problems only have places."""
    return Findings(Text(text)).located(refused)


class Findings:
    """The problems found in one text while it is lowered."""

    def __init__(self, text: Text) -> None:
        self._text = text
        self.problems: list[Problem] = []
        self.task: str | None = None
        """The select that is being lowered: its problems carry its name."""

    def add(self, code: Code, message: str, span: Span, hint: str | None = None) -> None:
        """Notes a problem and lets lowering go on, so that others are found too."""
        self.problems.append(self._text.problem(code, message, span, hint, self.task))

    def twice(self, code: Code, message: str, first: Span, second: Span, hint: str) -> None:
        """Notes a problem that two places make together: the later one is shown."""
        shown = self._text.problem(code, message, second, hint)
        places = (*shown.locations, self._text.location(first.start))
        self.problems.append(Problem(code, message, places, hint, shown.excerpt, self.task))

    def unknown(
        self, code: Code, what: str, name: str, known: list[str], span: Span,
        otherwise: str | None = None,
    ) -> None:  # fmt: skip
        """Notes a name that nothing has, with the nearest that something has, or another hint."""
        meant = nearest(name, known)
        hint = f"did you mean `{meant}`?" if meant else otherwise
        self.add(code, f"{what} `{name[:64]}` is not known here", span, hint)

    def location(self, span: Span) -> Location:
        """Line and column of a span."""
        return self._text.location(span.start)

    def refuse(self) -> None:
        """Raises QueryRefused with all that was found, if anything was."""
        if self.problems:
            raise QueryRefused(tuple(self.problems))

    def located(self, refused: QueryRefused) -> QueryRefused:
        """The same refusal with the lines of the text where problems only have places."""
        return QueryRefused(tuple(map(self._with_excerpt, refused.problems)))

    def _with_excerpt(self, problem: Problem) -> Problem:
        if problem.excerpt is not None or not problem.locations:
            return problem
        excerpt = self._text.excerpt_at(problem.locations[0])
        return Problem(
            problem.code, problem.message, problem.locations, problem.hint, excerpt, problem.task
        )


@dataclass(frozen=True, slots=True)
class Names:
    """What names mean in one program."""

    selects: frozenset[str]
    parameters: Mapping[str, Parameter]
