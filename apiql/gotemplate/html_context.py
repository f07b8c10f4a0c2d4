"""Where in a page a place of a template is: the state that decides how a value is escaped there.
The states and their names follow Go's html/template.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto


class State(Enum):
    """What is being read."""

    TEXT = auto()
    TAG = auto()
    ATTR_NAME = auto()
    AFTER_NAME = auto()
    BEFORE_VALUE = auto()
    HTML_COMMENT = auto()
    RCDATA = auto()
    ATTR = auto()
    URL = auto()
    SRCSET = auto()
    JS = auto()
    JS_DOUBLE = auto()
    JS_SINGLE = auto()
    JS_BACKTICK = auto()
    JS_REGEXP = auto()
    JS_BLOCK_COMMENT = auto()
    JS_LINE_COMMENT = auto()
    CSS = auto()
    CSS_DOUBLE = auto()
    CSS_SINGLE = auto()
    CSS_DOUBLE_URL = auto()
    CSS_SINGLE_URL = auto()
    CSS_URL = auto()
    CSS_BLOCK_COMMENT = auto()
    CSS_LINE_COMMENT = auto()
    DEAD = auto()


class Delimiter(Enum):
    """What ends the attribute value around."""

    NONE = ""
    DOUBLE = '"'
    SINGLE = "'"
    SPACE = " \t\n\f\r>"


class UrlPart(Enum):
    """How much of a URL came before."""

    NONE = auto()
    BEFORE_QUERY = auto()
    QUERY = auto()
    UNKNOWN = auto()


class Slash(Enum):
    """What a slash would begin in JavaScript."""

    REGEXP = auto()
    DIVISION = auto()
    UNKNOWN = auto()


COMMENTS = frozenset(
    (
        State.HTML_COMMENT,
        State.JS_BLOCK_COMMENT,
        State.JS_LINE_COMMENT,
        State.CSS_BLOCK_COMMENT,
        State.CSS_LINE_COMMENT,
    )
)


@dataclass(frozen=True, slots=True)
class Context:
    """The whole of it; `attribute` is the state that the value of the attribute begins in, `script`
    whether the attribute is the type of a script, `element` the element whose tag or text it is
    (only script, style, textarea and title matter), `braces` the braces that are open in each `${`
    of a script around.
    """

    state: State = State.TEXT
    delimiter: Delimiter = Delimiter.NONE
    url: UrlPart = UrlPart.NONE
    slash: Slash = Slash.REGEXP
    attribute: State = State.ATTR
    script_type: bool = False
    element: str = ""
    braces: tuple[int, ...] = ()

    def __str__(self) -> str:
        within = f" of {self.element}" if self.element else ""
        return f"{self.state.name.lower().replace('_', ' ')}{within}"


def nudged(context: Context) -> Context:
    """The context of a value that comes next: an attribute value begins where one is due."""
    match context.state:
        case State.TAG:
            return replace(context, state=State.ATTR_NAME)
        case State.BEFORE_VALUE:
            state, space = context.attribute, Delimiter.SPACE
            return replace(
                context, state=state, delimiter=space, attribute=State.ATTR, script_type=False
            )
        case State.AFTER_NAME:
            return replace(context, state=State.ATTR_NAME, attribute=State.ATTR, script_type=False)
        case _:
            return context


def joined(first: Context, second: Context) -> Context | None:
    """The context behind two branches; None where they end in different ones."""
    if first.state is State.DEAD or first == second:
        return second
    if second.state is State.DEAD:
        return first
    if replace(first, url=second.url) == second:
        return replace(first, url=UrlPart.UNKNOWN)
    if replace(first, slash=second.slash) == second:
        return replace(first, slash=Slash.UNKNOWN)
    left, right = nudged(first), nudged(second)
    if left != first or right != second:
        return joined(left, right)
    return None


URL_ATTRIBUTES = frozenset(
    "action archive background cite classid codebase data formaction href icon longdesc manifest"
    " poster profile src usemap xmlns".split()
)
UNSAFE_ATTRIBUTES = frozenset(
    "accept-charset async challenge charset content crossorigin defer enctype form formenctype"
    " formmethod formnovalidate http-equiv keytype language method novalidate pattern rel sandbox"
    " srcdoc type value".split()
)


def attribute_state(name: str) -> State | None:
    """The state in which the value of an attribute begins; None for those whose values may change
    what a page means (they are plain values, but no name that a template inserts).
    """
    if name.startswith("data-"):
        name = name[5:]
    elif ":" in name:
        space, _, local = name.partition(":")
        if space == "xmlns":
            return State.URL
        name = local
    if name in URL_ATTRIBUTES:
        return State.URL
    if name in UNSAFE_ATTRIBUTES:
        return None
    named = {"style": State.CSS, "srcset": State.SRCSET, "srclang": State.ATTR}.get(name)
    if named is not None:
        return named
    if name.startswith("on"):
        return State.JS
    holds_url = "src" in name or "uri" in name or "url" in name
    return State.URL if holds_url else State.ATTR
