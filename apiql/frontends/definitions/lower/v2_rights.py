"""Who may call what from outside: the rights files of a folder, and what counts without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from apiql.frontends.definitions.folder import Definitions
from apiql.frontends.definitions.kinds import Kind
from apiql.frontends.definitions.lower.v2_commands import Args, Command, needed, optional
from apiql.frontends.definitions.lower.v2_state import State, refused
from apiql.frontends.definitions.lower.v2_values import Seen, fixed_text
from apiql.frontends.definitions.v2.flow import Flow
from apiql.frontends.definitions.v2.right import Right

DENIED = 403


@dataclass(frozen=True, slots=True)
class Rights:
    """The rights of a folder by `kind/name`, which of their files are broken, and whether what has
    none may be called.
    """

    found: Mapping[str, Right]
    broken: frozenset[str]
    usual: bool

    @classmethod
    def of(cls, definitions: Definitions) -> Rights:
        """Those of these definitions."""
        documents = definitions.documents[Kind.RIGHT]
        found = {name: d.model for name, d in documents.items() if isinstance(d.model, Right)}
        broken = frozenset(definitions.names[Kind.RIGHT] - found.keys())
        return cls(found, broken, _usual(definitions))

    def are_for_all(self, kind: str, name: str) -> bool:
        """Whether everybody may call it."""
        key = f"{kind}/{name}"
        right = self.found.get(key)
        is_open = self.usual if right is None else right.right == "public"
        return is_open and key not in self.broken

    def allow(self, kind: str, name: str, user: str) -> bool:
        """Whether a user may call it from outside."""
        key = f"{kind}/{name}"
        right = self.found.get(key)
        return key not in self.broken and (self.usual if right is None else allows(right, user))


def check_right(rights: Rights) -> Command:
    """checkRight; without a user there is nothing to check."""

    def checked(state: State, seen: Seen, args: Args) -> None:
        kind, name = needed(args, "type", seen), needed(args, "name", seen)
        if "user" in args and not rights.allow(kind, name, optional(args, "user", seen)):
            raise refused(f"{kind} {name} may not be called", DENIED)

    return checked


def allows(right: Right, user: str) -> bool:
    """Whether a user may call from outside; an unknown word keeps all out."""
    listed = any(one.user == user for one in right.listed)
    words: Mapping[str, bool] = {
        "public": True, "internal": False, "whitelist": listed, "blacklist": not listed,
    }  # fmt: skip
    return words.get(right.right, False)


def _usual(definitions: Definitions) -> bool:
    """Whether what has no rights file may be called: main.json says so."""
    for document in definitions.documents[Kind.MAIN].values():
        steps = document.model.steps if isinstance(document.model, Flow) else ()
        for step in reversed(steps):
            if step.command == "setDefaultAccessRight":
                said = next((a.value for a in reversed(step.args) if a.name == "default"), None)
                return fixed_text(said) == "access"
    return True
