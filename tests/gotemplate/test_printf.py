"""printf: verbs, flags, and what Go writes for wrong arguments."""

from __future__ import annotations

import pytest

from apiql.gotemplate import Kind
from tests.gotemplate.corpus import rendered

DATA = {"f": 1.5, "l": [1, "a", None], "m": {"k": 2}, "s": "héß", "n": None, "num": 7}


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("`%d|%5d|%-5d|%05d|%+d|% d` 42 42 42 42 42 42", "42|   42|42   |00042|+42| 42"),
        ("`%x|%X|%#x|%o|%b|%c|%U|%q` 255 255 255 8 5 65 8364 65", "ff|FF|0xff|10|101|A|U+20AC|'A'"),
        ("`%s|%10s|%-10s|%.2s|%q|%x` .s .s .s .s .s `hi`",
         'héß|       héß|héß       |hé|"héß"|6869'),
        ("`%v|%6.2f|%e|%g|%.3g|%G` .f .f .f .f 1234.5 1e-10",
         "1.5|  1.50|1.500000e+00|1.5|1.23e+03|1E-10"),
        ("`%+.1f|%08.3f|%-8.1f|` .f -1.5 .f", "+1.5|-001.500|1.5     |"),
        ("`%t|%v|%5t` true false true", "true|false| true"),
        ("`%v|%s|%d` .l .l .l", "[1 a <nil>]|[%!s(float64=1) a %!s(<nil>)]|"
         "[%!d(float64=1) %!d(string=a) %!d(<nil>)]"),
        ("`%v|%s` .m .m", "map[k:2]|map[k:%!s(float64=2)]"),
        ("`%v|%s|%d` .n .n .n", "<nil>|%!s(<nil>)|%!d(<nil>)"),
        ("`%d` `x`", "%!d(string=x)"),
        ("`%d`", "%!d(MISSING)"),
        ("`%z`", "%!z(MISSING)"),
        ("`a` 1 .f .n", "a%!(EXTRA int=1, float64=1.5, <nil>)"),
        ("`100%`", "100%!(NOVERB)"),
        ("`100%% %z` 1", "100% %!z(int=1)"),
        ("`%*d|%-*d|` 5 1 4 2", "    1|2   |"),
        ("`%*d` `x` 1", "%!(BADWIDTH)1"),
        ("`%.*f` 1 .f", "1.5"),
        ("`%9999999d` 1", "%!(BADWIDTH)1"),
        ("`%T %T %T %T %T` 1 .f .s .l .n", "int float64 string []interface {} <nil>"),
        ("`%s %q %d` .num .num .num", '7 "7" %!d(json.Number=7)'),
        (r'"%q" "a\n\"\x00é\u200b"', r'"a\n\"\x00é\u200b"'),
        ("`%v %v` 1e21 0.00001", "1e+21 1e-05"),
    ],
)  # fmt: skip
def test_verbs(call: str, text: str) -> None:
    page = rendered(f"{{{{printf {call}}}}}", DATA, num=Kind.NUMBER)
    assert (page.text, page.fault) == (text, None)
