"""Bodies decoded only as far as somebody reads: decoders compiled from paths.

From the paths that a projection keeps (or that references read) a tree of msgspec struct types
is made once; decoding with it skips everything else at C speed and checks the whole body. Leaves
of a projection are `Raw`: their bytes go into the answer as they came, digits included. Bodies
whose shape the types do not foresee (lists in lists, a scalar where an object was expected) are
decoded again in full.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, ValidationError

from apiql.errors import ValueRefused
from apiql.runtime import walk
from apiql.runtime.json_values import MOST_DIGITS, decode
from apiql.runtime.outcome import MISSING

Tree: TypeAlias = Mapping[str, "Tree | None"]
"""Names, each with the names below it; None at a leaf."""

Path: TypeAlias = tuple[str, ...]
Reader: TypeAlias = Callable[[bytes], tuple[Any, ...]]
Picker = Callable[[Any], tuple[Any, ...]]
Wanted: TypeAlias = tuple[Path, bool]
"""A path that is read, and whether lists keep MISSING for what an element lacks."""

TWO_DIGITS = re.compile(rb"[0-9](?=[0-9])")
ESCAPED = re.compile(r'["\\\x00-\x1f]')
NOT_TEXT = "a text in it is not UTF-8"

SMALL = 2048
"""Below this many bytes a full decode costs less than the detour over struct types."""


class Undecodable(ValueError):
    """A body that is not JSON, with what is wrong with it."""


def path_tree(paths: Iterable[Path]) -> Tree:
    """The tree of some paths, in their order; of a parent and its child the wider wins."""
    tree: dict[str, Any] = {}
    for path in paths:
        below = tree
        for name in path[:-1]:
            if name in below and below[name] is None:
                break
            below = below.setdefault(name, {})
        else:
            below[path[-1]] = None
    return tree


def checked(data: bytes) -> bytes:
    """The same bytes, refused where a text in them is no UTF-8 or a number too long: msgspec does
    not look into what it skips, so whatever goes out is looked at here (what is left out need
    not be).
    """
    if len(data) > MOST_DIGITS and _may_hold_long_number(data):
        try:
            decode(data)
        except ValueRefused as refused:
            raise Undecodable(refused.message) from None
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError:
            raise Undecodable(NOT_TEXT) from None
    return data


def _may_hold_long_number(data: bytes) -> bool:
    """Whether a run of more than 400 digits may be in there: it would hold two bytes in a row of
    those that stand 200 apart.
    """
    half = MOST_DIGITS // 2
    for pair in TWO_DIGITS.finditer(data[::half]):
        start = pair.start() * half
        if data[start : start + half + 1].isdigit():
            return True
    return False


def decoding(inner: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """The same decoder with all that can be wrong with a body as `Undecodable`."""

    def decoded(body: bytes) -> Any:
        try:
            return inner(body)
        except ValidationError as error:
            raise Undecodable(str(error)) from None
        except msgspec.DecodeError as error:
            raise Undecodable(str(error).removeprefix("JSON is malformed: ")) from None
        except RecursionError:
            raise Undecodable("it is nested too deeply") from None
        except InvalidOperation:
            raise Undecodable("a number in it is out of range") from None
        except UnicodeDecodeError:
            raise Undecodable(NOT_TEXT) from None

    return decoded


def exact(text: str) -> Decimal:
    """A number with all its digits, as decoders want it for what is no integer."""
    if len(text) > MOST_DIGITS:
        raise Undecodable(f"a number in it has more than {MOST_DIGITS} digits")
    return Decimal(text)


as_raw: Callable[[bytes], Raw] = decoding(msgspec.json.Decoder(Raw).decode)
"""Checks a body and keeps its bytes."""

as_value = decoding(msgspec.json.Decoder(float_hook=exact).decode)
"""A body as a JSON value with every digit."""

as_members = decoding(msgspec.json.Decoder(dict[str, Raw]).decode)
"""An object, its members undecoded."""

as_elements = decoding(msgspec.json.Decoder(list[Raw]).decode)
"""A list, its elements undecoded."""

to_json = msgspec.json.Encoder(decimal_format="number").encode


def has_struct(tree: Tree) -> bool:
    """Whether there can be a struct type for a tree: none for names that JSON writes escaped."""
    return not any(
        ESCAPED.search(name) or not (below is None or has_struct(below))
        for name, below in tree.items()
    )


def struct_of(tree: Tree, leaf: Any, level: int = 0) -> type[Struct]:
    """A struct type for a tree; absent members stay UNSET and are not encoded."""
    fields: list[tuple[str, Any, Any]] = []
    names: dict[str, str] = {}
    for number, (name, below) in enumerate(tree.items()):
        attribute = f"f{number}"
        names[attribute] = name
        kind = leaf if below is None else _nested(struct_of(below, leaf, level + 1))
        fields.append((attribute, kind | UnsetType, UNSET))
    return _struct(f"Level{level}", tuple(fields), tuple(names.items()))


@lru_cache(1024)
def _struct(
    name: str, fields: tuple[tuple[str, Any, Any], ...], names: tuple[tuple[str, str], ...]
) -> type[Struct]:
    """One type for all plans that read alike: a type takes long to make, and is never freed by
    counting references.
    """
    return msgspec.defstruct(name, fields, rename=dict(names), gc=False)


def _nested(kind: type[Struct]) -> Any:
    return kind | list[kind | None] | None  # type: ignore[valid-type]


def compile_keeper(tree: Tree, otherwise: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """From a body to the JSON of what a projection keeps; `otherwise` for unforeseen shapes."""
    if not has_struct(tree):
        return lambda body: checked(otherwise(body))
    fast = msgspec.json.Decoder(_nested(struct_of(tree, Raw))).decode

    def keep(body: bytes) -> bytes:
        try:
            kept = to_json(fast(body))
        except (ValidationError, RecursionError):
            kept = otherwise(body)
        except msgspec.DecodeError as error:
            raise Undecodable(str(error).removeprefix("JSON is malformed: ")) from None
        return kept if len(kept) <= MOST_DIGITS and kept.isascii() else checked(kept)

    return keep


def compile_reader(wanted: tuple[Wanted, ...]) -> Reader:
    """From a body to the values at some paths (exact numbers), MISSING where there is nothing."""
    if not wanted:
        return lambda body: ()
    picks = tuple((path, MISSING if exact else None) for path, exact in wanted)
    if not picks:
        return lambda value: ()
    tree = path_tree(path for path, _ in wanted if path)
    if any(path == () for path, _ in wanted) or not has_struct(tree):
        return lambda body: _picked(as_value(body), picks)
    kind = struct_of(tree, Any)
    fast = msgspec.json.Decoder(_nested(kind), float_hook=exact).decode
    ways = [(*_attributes(tree, path), lacking) for path, lacking in picks]

    def read(body: bytes) -> tuple[Any, ...]:
        if len(body) > SMALL:
            try:
                view = fast(body)
            except (ValidationError, RecursionError):
                return _picked(as_value(body), picks)
            except msgspec.DecodeError as error:
                raise Undecodable(str(error).removeprefix("JSON is malformed: ")) from None
            except UnicodeDecodeError:
                raise Undecodable(NOT_TEXT) from None
            return tuple(_plucked(view, way) for way in ways)
        return _picked(as_value(body), picks)

    return read


def compile_picker(wanted: tuple[Wanted, ...]) -> Picker:
    """From a value to what stands at some paths, MISSING where there is nothing."""
    picks = tuple((path, MISSING if exact else None) for path, exact in wanted)
    if not picks:
        return lambda value: ()
    if picks == (((), None),):
        return lambda value: (value,)
    return lambda value: _picked(value, picks)


def _picked(value: Any, picks: tuple[tuple[Path, Any], ...]) -> tuple[Any, ...]:
    try:
        return tuple([walk.by_names(value, path, lacking) for path, lacking in picks])
    except RecursionError:
        raise Undecodable("it is nested too deeply") from None


def _attributes(tree: Tree, path: Path) -> tuple[tuple[str, ...], Path]:
    """A path as attributes of the struct types and, below a leaf, names of plain values."""
    attributes: list[str] = []
    below: Tree | None = tree
    for position, name in enumerate(path):
        if below is None:
            return tuple(attributes), path[position:]
        attributes.append(f"f{list(below).index(name)}")
        below = below[name]
    return tuple(attributes), ()


def _plucked(view: Any, way: tuple[tuple[str, ...], Path, Any]) -> Any:
    attributes, names, lacking = way
    for position, attribute in enumerate(attributes):
        if isinstance(view, list):
            if len(attributes) == position + 1 and not names:
                return _column(view, attribute, lacking)
            rest = (attributes[position:], names, lacking)
            found = [_plucked(item, rest) for item in view]
            return [lacking if item is MISSING else item for item in found]
        if view is None:
            return MISSING
        view = getattr(view, attribute)
        if view is UNSET:
            return MISSING
    return walk.by_names(view, names, lacking) if names else view


def _column(rows: list[Any], attribute: str, lacking: Any) -> list[Any]:
    """One member of each row: the usual path into a list."""
    found = [UNSET if row is None else getattr(row, attribute) for row in rows]
    return [lacking if value is UNSET else value for value in found]
