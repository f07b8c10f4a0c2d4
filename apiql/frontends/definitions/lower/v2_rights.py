"""Who may call what from outside: the rights files of a folder, and what counts without one."""

from __future__ import annotations

from collections.abc import Mapping

from apiql.frontends.definitions.folder import Definitions
from apiql.frontends.definitions.kinds import Kind
from apiql.frontends.definitions.lower.v2_commands import Args, Command, needed, optional
from apiql.frontends.definitions.lower.v2_state import State, refused
from apiql.frontends.definitions.lower.v2_values import Seen, fixed_text
from apiql.frontends.definitions.v2.flow import Flow
from apiql.frontends.definitions.v2.right import Right

DENIED = 403


def check_right(definitions: Definitions) -> Command:
    """checkRight over the rights of a folder; without a user there is nothing to check."""
    documents = definitions.documents[Kind.RIGHT]
    rights = {name: d.model for name, d in documents.items() if isinstance(d.model, Right)}
    broken = definitions.names[Kind.RIGHT] - documents.keys()
    usual = _usual(definitions)

    def checked(state: State, seen: Seen, args: Args) -> None:
        kind, name = needed(args, "type", seen), needed(args, "name", seen)
        if "user" not in args:
            return
        key, user = f"{kind}/{name}", optional(args, "user", seen)
        right = rights.get(key)
        if key in broken or not (usual if right is None else allows(right, user)):
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
