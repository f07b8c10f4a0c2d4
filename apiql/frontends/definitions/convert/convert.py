"""A definition -> the text of APIQL that does the same, the settings it needs, and what has no
equivalent. Reads documents, never plans.
"""

from __future__ import annotations

from dataclasses import dataclass

from apiql.documents.shape import Shape
from apiql.frontends.definitions.convert import flows_v1, flows_v2, text
from apiql.frontends.definitions.convert.calls import called
from apiql.frontends.definitions.convert.conversion import Conversion, Gap, Place
from apiql.frontends.definitions.convert.scope import Scope
from apiql.frontends.definitions.convert.values import Value
from apiql.frontends.definitions.document import Document
from apiql.frontends.definitions.folder import Definitions
from apiql.frontends.definitions.kinds import Generation, Kind
from apiql.frontends.definitions.v1 import flow as v1_flow
from apiql.frontends.definitions.v1 import schedule as v1_schedule
from apiql.frontends.definitions.v2 import flow as v2_flow
from apiql.frontends.definitions.v2 import schedule as v2_schedule


@dataclass(frozen=True, slots=True)
class Converted:
    """A text (empty where nothing is called), its settings as TOML, and what is missing in it."""

    title: str
    text: str
    settings: str
    gaps: tuple[Gap, ...]

    @property
    def whole(self) -> bool:
        """Whether the text does all that the definition does."""
        return not self.gaps

    def __str__(self) -> str:
        return "".join((
            f"-- {self.title}\n",
            _noted("Settings that it needs (apiql.toml):", self.settings),
            _noted("What has no equivalent:", "\n".join(map(str, self.gaps))),
            f"{self.text}\n" if self.text else "",
        ))  # fmt: skip


def _noted(title: str, lines: str) -> str:
    inner = "".join(f"--   {line}".rstrip() + "\n" for line in lines.splitlines())
    return f"-- {title}\n{inner}" if lines else ""


def convert(definitions: Definitions, kind: Kind, name: str) -> Converted:
    """The text for a definition that has been read without errors."""
    document = definitions.documents[kind][name]
    conversion = Conversion(definitions)
    conversion.within = (document.origin.owner,)
    generation = document.origin.generation
    value = _value(conversion, document, Scope(generation), Place(document))
    answer = conversion.answer if conversion.answer is not None else value
    answer = conversion.usable(answer, Place(document))
    strict = generation is Generation.V2 and kind is not Kind.SCHEDULE
    found = text.program(conversion, answer, strict) if conversion.selects else ""
    if not found and not conversion.gaps:
        conversion.gap(Place(document), "nothing is called: a text has a select at least")
    title = " ".join(_description(document).split()) or f"{document.origin} of APIHUB"
    return Converted(title, found, text.settings(conversion.sources), tuple(conversion.gaps))


def _description(document: Document[Shape]) -> str:
    told: str = getattr(document.model, "description", "")
    return told and f"{document.origin}: {told}"


def _value(conversion: Conversion, document: Document[Shape], scope: Scope, here: Place) -> Value:
    match document.model:
        case v1_flow.Flow() as model:
            return flows_v1.flow(conversion, model, scope, here)
        case v1_schedule.Schedule() as model:
            return flows_v1.schedule(conversion, model, scope, here)
        case v2_flow.Flow() as model:
            return flows_v2.flow(conversion, model, scope, here)
        case v2_schedule.Schedule() as model:
            return flows_v2.schedule(conversion, model, scope, here)
        case _:
            return called(conversion, document.origin.name, scope, "", here)
