"""As much of JSON Schema as the schemas here use: whether a value is valid. Knows no definition."""

from __future__ import annotations

from typing import Any

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
}
NOTES = {"$schema", "$defs", "title", "description", "then", "else"}


def is_valid(value: Any, schema: dict[str, Any], root: dict[str, Any] | None = None) -> bool:
    """Whether a value is valid; a word that is not known here is refused."""
    root = schema if root is None else root
    words = {w: told for w, told in schema.items() if w not in NOTES and not w.endswith("Def")}
    return all(_holds(word, told, value, schema, root) for word, told in words.items())


def _holds(word: str, told: Any, value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    match word:
        case "$ref":
            return is_valid(value, _found(told, root), root)
        case "anyOf":
            return any(is_valid(value, inner, root) for inner in told)
        case "if":
            branch = schema.get("then" if is_valid(value, told, root) else "else", {})
            return is_valid(value, branch, root)
        case "type":
            return isinstance(value, TYPES[told]) and isinstance(value, bool) <= (told == "boolean")
        case "enum":
            return bool(value in told)
        case "const":
            return bool(value == told and type(value) is type(told))
        case "minLength":
            return not isinstance(value, str) or len(value) >= told
        case "minimum":
            return not isinstance(value, int | float) or bool(value >= told)
        case "items":
            return not isinstance(value, list) or all(is_valid(v, told, root) for v in value)
        case _:
            return not isinstance(value, dict) or _holds_of_object(word, told, value, schema, root)


def _holds_of_object(
    word: str, told: Any, value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any]
) -> bool:
    match word:
        case "required":
            return all(name in value for name in told)
        case "properties":
            return all(is_valid(value[n], inner, root) for n, inner in told.items() if n in value)
        case "additionalProperties":
            others = value.keys() - schema.get("properties", {}).keys()
            if isinstance(told, bool):
                return told or not others
            return all(is_valid(value[name], told, root) for name in others)
        case _:
            raise NotImplementedError(word)


def _found(reference: str, root: Any) -> Any:
    for name in reference.removeprefix("#/").split("/"):
        root = root[name]
    return root
