"""What the first name of a path stands for: a resource of the template, or an argument."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches

from apiql.errors import Code
from apiql.frontends.call_templates.document import CallTemplate
from apiql.frontends.call_templates.findings import Findings
from apiql.frontends.call_templates.path import NoPath, Path, Piece, pieces
from apiql.ir.plan import Parameter
from apiql.json_nodes import Keys, quoted

ALIKE = 0.8
"""From this likeness on, a name that is no resource's is a mistaken one."""


@dataclass(frozen=True, slots=True)
class Naming:
    """The names of one template. `used` are the arguments that were met, and whether the template
    cannot do without them.
    """

    template: CallTemplate
    findings: Findings
    used: dict[str, bool] = field(default_factory=dict)

    def pieces(self, text: str, keys: Keys) -> tuple[Piece, ...]:
        """The pieces of a text, whose paths have names that are known; else it is only text."""
        try:
            found = pieces(text)
        except NoPath as refused:
            self.findings.no_path(keys, refused)
            return (text,)
        for piece in found:
            if isinstance(piece, Path):
                self._note(piece, keys)
        return found

    def is_resource(self, path: Path) -> bool:
        """Whether a path begins in the answer of a resource."""
        return path.base in self.template.resources

    def is_declared(self, path: Path) -> bool:
        """Whether a path begins in an argument that is always given."""
        return path.base in (self.template.arguments or ())

    def need(self, path: Path) -> None:
        """Notes that the template cannot do without the argument of a path."""
        self.used[path.base] = True

    def parameters(self) -> tuple[Parameter, ...]:
        """The arguments: those that are listed, else those that are met."""
        listed = self.template.arguments
        if listed is not None:
            return tuple(Parameter(name) for name in dict.fromkeys(listed))
        return tuple(Parameter(name, required=needed) for name, needed in self.used.items())

    def _note(self, path: Path, keys: Keys) -> None:
        if self.is_resource(path):
            return
        self.used.setdefault(path.base, False)
        if self.is_declared(path):
            return
        known = [*self.template.resources, *(self.template.arguments or ())]
        near = _nearest(path.base, known)
        if self.template.arguments is None and (near is None or not path.steps):
            return
        wrong = f"there is no resource {quoted(path.base)}"
        hint = f"did you mean {quoted(near)}?" if near else None
        if self.template.arguments is None:
            listed = f'"Arguments": [{quoted(path.base)}]'
            hint = f"{hint} An argument of this name is listed, with all others: {listed}"
        else:
            wrong += ", and no argument of this name"
        self.findings.add(Code.UNKNOWN_NAME, keys, wrong, hint, path.at)


def _nearest(name: str, known: list[str]) -> str | None:
    """The known name that is so like a mistaken one that it was meant, in whatever case."""
    folded = {each.casefold(): each for each in known}
    found = get_close_matches(name.strip().casefold()[:128], list(folded), n=1, cutoff=ALIKE)
    return folded[found[0]] if found else None
