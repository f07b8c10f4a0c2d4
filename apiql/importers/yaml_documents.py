"""YAML text -> the values that JSON can say, by the rules of YAML 1.2 (`no` is a text); bounded
before anything is made of it. Needs the extra `import`.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

import yaml

from apiql.importers.documents import MOST_DEPTH, NoJson, checked, once
from apiql.importers.imported import ImportRefused

MOST_ALIASES = 1_000
MOST_EVENTS = 2_000_000
MOST_MERGED = 100_000
"""Members that `<<` brings in, all together."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_WORDS = (
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"-?(?:0|[1-9][0-9]*)", "-0123456789"),
    ("float", r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", "-0123456789"),
    ("merge", r"<<", "<"),
)


class _Bounded(_Loader):  # type: ignore[misc]
    """A safe loader with the words of JSON, which counts what `<<` brings in."""

    yaml_implicit_resolvers: ClassVar[Any] = {}
    merged = 0

    def flatten_mapping(self, node: Any) -> None:
        """Takes in what `<<` names."""
        before = len(node.value)
        super().flatten_mapping(node)
        self.merged += abs(len(node.value) - before) + 1
        if self.merged > MOST_MERGED + before:
            raise NoJson(f"`<<` brings in more than {MOST_MERGED} members")

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[str, Any]:
        """An object; each name once, `200:` is a text."""
        written = [key.value for key, _ in node.value if key.tag != f"{_TAG}merge"]
        once([(name, None) for name in written if isinstance(name, str)])
        found = super().construct_mapping(node, deep=deep)
        return {_name(key): value for key, value in found.items()}


for _word, _pattern, _first in _WORDS:
    _Bounded.add_implicit_resolver(
        _TAG + _word,
        re.compile(rf"^(?:{_pattern})$"),
        [*_first, *([""] if _word == "null" else [])],
    )


def _name(key: Any) -> str:
    if key is None or isinstance(key, bool):
        return str(key).lower().replace("none", "null")
    if isinstance(key, str | int | float):
        return str(key)
    raise NoJson("a name in it is no text")


def yaml_document(text: str, name: str) -> dict[str, Any]:
    """The object that a YAML text holds.

    Raises:
        ImportRefused: it is no YAML, more than one document, or goes over a bound.
    """
    try:
        _bound(text, name)
        found = yaml.load(text, Loader=_Bounded)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise ImportRefused(f"{at}: this is no YAML: {error.problem or error.context}") from None
    except yaml.YAMLError:
        raise ImportRefused(
            f"{name}: this is no YAML: a character that may not stand there"
        ) from None
    except NoJson as error:
        raise ImportRefused(f"{name}: {error}") from None
    except ValueError:
        raise ImportRefused(f"{name}: a number in it cannot be read") from None
    except RecursionError:
        raise ImportRefused(f"{name}: it nests deeper than {MOST_DEPTH}") from None
    return checked(found, name)


def _bound(text: str, name: str) -> None:
    """Depth, aliases and events, counted in a walk that makes nothing."""
    depth = aliases = 0
    for count, event in enumerate(yaml.parse(text, Loader=_Loader)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        aliases += isinstance(event, yaml.AliasEvent)
        bounds = ((depth, MOST_DEPTH, "levels"), (aliases, MOST_ALIASES, "aliases"),
                  (count, MOST_EVENTS, "values"))  # fmt: skip
        for found, most, what in bounds:
            if found > most:
                raise ImportRefused(f"{name}: it has more than {most} {what}; part it")
