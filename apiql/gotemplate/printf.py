"""fmt.Sprintf over the values of templates: flags, width, precision, verbs, and what Go writes for
arguments that are wrong, missing or too many. Argument indexes (`%[1]d`) are not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from apiql.gotemplate import printing, quoting
from apiql.gotemplate.printing import Meter, joined, text_of
from apiql.gotemplate.values import ListView, MapView, Value, seen, type_name

WIDEST = 1_000_000
_VERB = re.compile(r"%([-+# 0]*)(\*|[0-9]+)?(?:\.(\*|[0-9]+)?)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Spec:
    """One verb with its flags; `precision` is None where none is given."""

    verb: str
    flags: str
    width: int
    precision: int | None


def formatted(pattern: str, values: Sequence[Value], meter: Meter) -> str:
    """The pattern with its verbs replaced, if that is not too long."""
    room = 0
    parts = []
    for part in _parts(pattern, list(values)):
        room += len(part)
        if room > 4096:
            meter.charge(len(part) >> 6)
        parts.append(part)
        if room > 8 * WIDEST:
            meter.made("".join(parts))
    return joined(parts, meter)


def _parts(pattern: str, values: list[Value]) -> Iterator[str]:
    position, used = 0, 0
    while (start := pattern.find("%", position)) >= 0:
        yield pattern[position:start]
        found = _VERB.match(pattern, start)
        if found is None or found.end() >= len(pattern):
            position = len(pattern)
            yield "%!(NOVERB)"
            break
        position = found.end() + 1
        verb = pattern[found.end()]
        trouble, width, precision, used = _sizes(found, values, used)
        yield from trouble
        if verb == "%":
            yield "%"
            continue
        if used >= len(values):
            yield f"%!{verb}(MISSING)"
            continue
        flags = found[1] + "-" if width < 0 else found[1]
        yield shown(Spec(verb, flags, abs(width), precision), values[used])
        used += 1
    yield pattern[position:]
    yield from _unused(values[used:])


def _unused(values: list[Value]) -> Iterator[str]:
    if values:
        yield f"%!(EXTRA {', '.join(map(_extra, values))})"


def _extra(value: Value) -> str:
    return "<nil>" if value is None else f"{type_name(value)}={text_of(value)}"


def _sizes(
    found: re.Match[str], values: list[Value], used: int
) -> tuple[list[str], int, int | None, int]:
    """Width and precision, taken from the arguments where they are `*`."""
    trouble: list[str] = []
    sizes: list[int | None] = []
    has_point = "." in found.group()
    for word, name in ((found[2], "WIDTH"), (found[3] if has_point else None, "PREC")):
        size = int(word) if word and word != "*" and len(word) < 8 else None
        wrong = bool(word) and word != "*" and (size is None or size > WIDEST)
        if word == "*":
            given = values[used] if used < len(values) else None
            used += 1
            size = given if type(given) is int and abs(given) <= WIDEST else None
            wrong = size is None or (name == "PREC" and size < 0)
        if wrong:
            trouble.append(f"%!(BAD{name})")
            size = None
        sizes.append(size)
    width, precision = sizes
    if has_point and precision is None:
        precision = 0
    return trouble, width or 0, precision, min(used, len(values))


def shown(spec: Spec, value: Value) -> str:
    """One value under one verb."""
    if spec.verb == "T":
        return _padded(spec, "<nil>" if value is None else type_name(value))
    if value is None:
        return _padded(spec, "<nil>") if spec.verb == "v" else f"%!{spec.verb}(<nil>)"
    if isinstance(value, ListView):
        items = (shown(spec, seen(raw, value.kind)) for raw in value.raw)
        return f"[{' '.join(items)}]"
    if isinstance(value, MapView):
        members = (
            f"{shown(spec, name)}:{shown(spec, seen(raw, value.kind_of(name)))}"
            for name, raw in printing.pairs(value)
        )
        return f"map[{' '.join(members)}]"
    text = _scalar(spec, value)
    if text is None:
        return f"%!{spec.verb}({type_name(value)}={text_of(value)})"
    return text


def _scalar(spec: Spec, value: Value) -> str | None:
    """None where the verb is not for such a value."""
    if isinstance(value, bool):
        return _padded(spec, text_of(value)) if spec.verb in "tv" else None
    if isinstance(value, int):
        return _integer(spec, value)
    if isinstance(value, float):
        return _float(spec, value)
    return _text(spec, value)


def _integer(spec: Spec, value: int) -> str | None:
    if spec.verb in "cqU":
        return _character(spec, value)
    base = {"d": "d", "v": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}.get(spec.verb)
    if base is None:
        return None
    digits = format(abs(value), base)
    if spec.precision is not None:
        digits = digits.rjust(spec.precision, "0")
    prefix = {"O": "0o"}.get(spec.verb, "")
    if "#" in spec.flags:
        prefix = {"x": "0x", "X": "0X", "o": "0", "b": "0b", "O": "0o"}.get(spec.verb, "")
    sign = _sign(spec, value < 0)
    zeros = spec if spec.precision is None else replace(spec, flags=spec.flags.replace("0", ""))
    return _number_padded(zeros, sign + prefix, digits)


def _character(spec: Spec, value: int) -> str:
    good = 0 <= value <= 0x10FFFF and not 0xD800 <= value <= 0xDFFF
    if spec.verb == "U":
        return _padded(spec, f"U+{value:04X}" if value >= 0 else f"U+{value & (2**64 - 1):X}")
    character = chr(value) if good else "\N{REPLACEMENT CHARACTER}"
    return _padded(spec, character if spec.verb == "c" else quoting.quoted(character, "'"))


def _float(spec: Spec, value: float) -> str | None:
    if spec.verb not in "veEfFgG":
        return None
    if value != value or value in (float("inf"), float("-inf")):
        word = "NaN" if value != value else "Inf"
        sign = "+" if value > 0 and "+" in spec.flags else _sign(spec, value < 0)
        if spec.verb in "vgG" and word == "Inf" and not sign:
            sign = "+"
        return _padded(replace(spec, flags=spec.flags.replace("0", "")), sign + word)
    digits = _float_digits(spec, abs(value))
    negative = str(value).startswith("-")
    return _number_padded(spec, _sign(spec, negative), digits)


def _float_digits(spec: Spec, value: float) -> str:
    verb = spec.verb if spec.verb != "v" else "g"
    if verb in "gG" and spec.precision is None:
        text = printing.float_text(value)
        return text.upper() if verb == "G" else text
    precision = 6 if spec.precision is None else spec.precision
    alternate = "#" if "#" in spec.flags else ""
    return format(value, f"{alternate}.{min(precision, 1100)}{verb}")


def _text(spec: Spec, value: str) -> str | None:
    text = str(value)
    if spec.precision is not None:
        text = text[: spec.precision]
    if spec.verb in "sv":
        return _padded(spec, text)
    if spec.verb == "q":
        raw = "#" in spec.flags and "`" not in text and text.isprintable()
        return _padded(spec, f"`{text}`" if raw else quoting.quoted(text))
    if spec.verb in "xX":
        digits = text.encode("utf-8", "replace").hex(" ")
        digits = digits if " " in spec.flags else digits.replace(" ", "")
        return _padded(spec, digits.upper() if spec.verb == "X" else digits)
    return None


def _sign(spec: Spec, negative: bool) -> str:
    if negative:
        return "-"
    if "+" in spec.flags:
        return "+"
    return " " if " " in spec.flags else ""


def _number_padded(spec: Spec, sign: str, digits: str) -> str:
    if "0" in spec.flags and "-" not in spec.flags:
        return sign + digits.rjust(spec.width - len(sign), "0")
    return _padded(replace(spec, flags=spec.flags.replace("0", "")), sign + digits)


def _padded(spec: Spec, text: str) -> str:
    if "-" in spec.flags:
        return text.ljust(spec.width)
    return text.rjust(spec.width, "0" if "0" in spec.flags else " ")
