"""Functions that other languages have, and what does the same here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from apiql.frontends.text.clues import NO_CASE

SAME: Mapping[str, str] = MappingProxyType({
    "ifnull nvl": "coalesce(a, b)",
    "isnull exists defined": "a condition: nick is null, nick is not null",
    "substring substr left right mid": "slice(text, 0, 3)",
    "len size char_length": "length(value)",
    "ucase uppercase toupper": "upper(text)",
    "lcase lowercase tolower": "lower(text)",
    "cast convert to_string tostring str text": "string(value), number(text)",
    "int integer float decimal to_number tonumber parseint parsefloat": "number(text)",
    "group_concat string_agg concat_ws implode": "join(list, ', ')",
    "array_agg collect list": "a path that enters the list: items.sku",
    "current_timestamp getdate curdate today date sysdate": "now()",
    "contains startswith endswith includes": "a condition: name like 'A%', 'x' in tags",
    "unique uniq": "distinct(list)",
    "average mean": "avg(list)",
    "total": "sum(list)",
    "newid gen_random_uuid uuid4": "uuid()",
    "rand": "random()",
    "sha1 sha hash": "md5(text), sha256(text)",
    "json_extract json_value get": "a path: user.address.city",
    "map filter where": "jmespath('items[?price > `10`].sku')",
    "tojson to_json stringify": "json(value)",
    "from_json": "parse_json(text)",
})  # fmt: skip
"""Names with spaces between -> what to write."""
NONE_HERE = "round floor ceil ceiling abs sqrt power pow mod"


def same_function(name: str) -> str | None:
    """What to write in place of a function of another language; None where it is of none."""
    if name in ("if", "iif", "case", "decode", "nullif"):
        return NO_CASE
    if name == "not":
        return "a condition that is no whole clause stands in brackets: (not a)"
    if name in NONE_HERE.split():
        return "there are + - * / %; plug-ins add functions"
    return next((f"write {here}" for names, here in SAME.items() if name in names.split()), None)
