"""html/template mode: each place of a page has its escapers, as Go's documentation says."""

from __future__ import annotations

import json
import re

import pytest

from apiql.gotemplate import (
    Category,
    Data,
    Kind,
    Mode,
    TemplateRefused,
    compile_template,
)
from tests.gotemplate.corpus import FUNCTIONS, html, rendered

EVIL = "\"'<&>`\\ /=+\n\u2028</script>"


@pytest.mark.parametrize(
    ("template", "x", "page"),
    [
        ("<b>{{.x}}</b>", "<i> + 'a'", "<b>&lt;i&gt; &#43; &#39;a&#39;</b>"),
        ('<b title="{{.x}}">', 'a"b', '<b title="a&#34;b">'),
        ("<b title={{.x}}>", "a b=`", "<b title=a&#32;b&#61;&#96;>"),
        ("<b title={{.x}}>", "", "<b title=ZgotmplZ>"),
        ("<title>{{.x}}</title>", "</title>", "<title>&lt;/title&gt;</title>"),
        ("<textarea>{{.x}} < </textarea>", "a", "<textarea>a &lt; </textarea>"),
        ("<b {{.x}}=1>", "class", "<b class=1>"),
        ("<b {{.x}}=1>", "onclick", "<b ZgotmplZ=1>"),
        ("<b {{.x}}=1>", "href", "<b ZgotmplZ=1>"),
        ("<b {{.x}}=1>", "a b", "<b ZgotmplZ=1>"),
        ('<a href="{{.x}}">', "javascript:alert(1)", '<a href="#ZgotmplZ">'),
        ('<a href="{{.x}}">', "HTTPS://h/a b?c=d&e", '<a href="HTTPS://h/a%20b?c=d&amp;e">'),
        ('<a href="/p/{{.x}}">', "javascript:a/ü%20%z",
         '<a href="/p/javascript:a/%c3%bc%20%25z">'),
        ('<a href="/p?q={{.x}}">', "a/b c&d", '<a href="/p?q=a%2fb%20c%26d">'),
        ('<a data-url="{{.x}}">', "javascript:1", '<a data-url="#ZgotmplZ">'),
        ('<a xlink:href="{{.x}}">', "javascript:1", '<a xlink:href="#ZgotmplZ">'),
        ('<img srcset="{{.x}}">', "a.png 1x, javascript:b 2x", '<img srcset="a.png 1x,#ZgotmplZ">'),
        ("<script>f({{.x}})</script>", "a<b>", '<script>f("a\\u003cb\\u003e")</script>'),
        ("<script>f({{.x}})</script>", 5, "<script>f( 5 )</script>"),
        ("<script>f({{.x}})</script>", None, "<script>f( null )</script>"),
        ("<script>f({{.x}})</script>", {"b": [1, "</script>"], "a": None},
         '<script>f({"a":null,"b":[1,"\\u003c/script\\u003e"]})</script>'),
        ("<script>f('{{.x}}')</script>", "it's </script>",
         r"<script>f('it\u0027s \u003c\/script\u003e')</script>"),
        ("<script>/{{.x}}/</script>", "a.b", r"<script>/a\.b/</script>"),
        ("<script>/{{.x}}/</script>", "", "<script>/(?:)/</script>"),
        ("<script>a / {{.x}} / 2</script>", 3, "<script>a /  3  / 2</script>"),
        ("<script>i++ / 2; '{{.x}}'</script>", ".", "<script>i++ / 2; '.'</script>"),
        ("<script>i + /a'{{.x}}/</script>", ".", r"<script>i + /a'\./</script>"),
        ("<script>f('<!-- <script>', {{.x}})</script>{{.x}}", "<",
         r"<script>f('\u003C!-- <script>', "
         '"\\u003c")</script>&lt;'),
        ("<script>a <!-- {{.x}}\n--> c\nf()</script>", "", "<script>a \n\nf()</script>"),
        ("<script>`a ${ {{.x}} }`; f({{.x}})</script>", "`",
         '<script>`a ${ "`" }`; f("`")</script>'),
        ("<script>`${ {a: '}'} / 2 }` / {{.x}} / 2</script>", 1,
         "<script>`${ {a: '}'} / 2 }` /  1  / 2</script>"),
        ("<script>`\\${`; f({{.x}})</script>", 1, "<script>`\\${`; f( 1 )</script>"),
        ("<script>" + "`${" * 20 + " {{.x}} " + "}`" * 20 + "</script>", "",
         "<script>" + "`${" * 20 + ' "" ' + "}`" * 20 + "</script>"),
        ("<script>// c {{.x}}\nf()</script>", "a", "<script>\nf()</script>"),
        ("<script>a/* c\n */b</script>{{.x}}", "", "<script>a\nb</script>"),
        ('<script type="text/plain">{{.x}}</script>', "<",
         '<script type="text/plain">&lt;</script>'),
        ('<script type="application/json">{"a":{{.x}}}</script>', "b",
         '<script type="application/json">{"a":"b"}</script>'),
        ('<b onclick="f({{.x}})">', "a'b", '<b onclick="f(&#34;a&#39;b&#34;)">'),
        ("<b onclick='f(\"{{.x}}\")'>", 'a"b', "<b onclick='f(\"a\\u0022b\")'>"),
        ("<style>p { color: {{.x}} }</style>", "#fff", "<style>p { color: #fff }</style>"),
        ("<style>p { color: {{.x}} }</style>", "expression(a)",
         "<style>p { color: ZgotmplZ }</style>"),
        ("<style>p { {{.x}}: a }</style>", "-moz-binding", "<style>p { ZgotmplZ: a }</style>"),
        ("<style>p { {{.x}}: a }</style>", r"-moz\2d bin-ding", "<style>p { ZgotmplZ: a }</style>"),
        ('<p style="width: {{.x}}">', "a;b", '<p style="width: ZgotmplZ">'),
        ("<style>p { a: '/{{.x}}' }</style>", "a'b", r"<style>p { a: '/a\27 b' }</style>"),
        ('<style>p { a: url({{.x}}) }</style>', "javascript:a(b)",
         "<style>p { a: url(#ZgotmplZ) }</style>"),
        ("<style>/* {{.x}} */p{}</style>", "a", "<style>  p{}</style>"),
        ("a<!-- {{.x}} -->b", "c", "ab"),
        ("<!DOCTYPE html><p>{{.x}} < 3</p>", "1", "<!DOCTYPE html><p>1 &lt; 3</p>"),
        ("{{.x | html}}", "a+<", "a+&lt;"),
        ("{{html .x .x}}", "<", "&lt;&lt;"),
        ('<a href="/?q={{.x | urlquery}}">', "a b", '<a href="/?q=a&#43;b">'),
        ('{{define "t"}}{{.}}{{end}}<b title="{{template "t" .x}}">{{template "t" .x}}', "a+\"",
         '<b title="a&#43;&#34;">a&#43;&#34;'),
        ('{{define "t"}}{{.x}}{{end}}<script>{{template "t" .}}</script>{{template "t" .}}', "<",
         '<script>"\\u003c"</script>&lt;'),
        ('<p{{if .x}} class="a"{{end}}>', "1", '<p class="a">'),
        ("<p title={{if .x}}{{.x}}{{else}}b{{end}}>", "1", "<p title=1>"),
        ("{{range .x}}<li>{{.}}{{break}}{{end}}", ["<"], "<li>&lt;"),
    ],
)  # fmt: skip
def test_places(template: str, x: object, page: str) -> None:
    assert html(template, x=x) == page


@pytest.mark.parametrize(
    ("template", "x", "page"),
    [
        ("<b checked {{.x}}=1>", "id", "<b checked id=1>"),
        ("<b checked {{.x}}=1>", "onload", "<b checked ZgotmplZ=1>"),
        ('<b onload="{{.x}}">', "a", '<b onload="&#34;a&#34;">'),
        ('<b a:onload="{{.x}}">', "a", '<b a:onload="&#34;a&#34;">'),
        ('<b xmlns:a="{{.x}}">', "javascript:1", '<b xmlns:a="#ZgotmplZ">'),
        ('<b my-uri="{{.x}}">', "javascript:1", '<b my-uri="#ZgotmplZ">'),
        ("<b {{.x}}=1>", "srcdoc", "<b ZgotmplZ=1>"),
        ("<b {{.x}}=1>", "type", "<b ZgotmplZ=1>"),
        ('<a href="{{.x}}">', "/a:b", '<a href="/a:b">'),
        ('<a href="{{.x}}">', "mailto:a@b", '<a href="mailto:a@b">'),
        ('<a href=" {{.x}}">', "javascript:1", '<a href=" #ZgotmplZ">'),
        ('<a href="/a{{if .x}}/b{{end}}?c={{.x}}">', "&", '<a href="/a/b?c=%26">'),
        ("<x-script>{{.x}}</x-script>", "<", "<x-script>&lt;</x-script>"),
        ("<script>{{.x}}</script><p>{{.x}}", "<", '<script>"\\u003c"</script><p>&lt;'),
        ("</script>{{.x}}", "<", "</script>&lt;"),
        ("<script>'</ſcript>'; f({{.x}})</script>", 1, "<script>'</ſcript>'; f( 1 )</script>"),
        ('{{define "t"}}{{if .}}{{template "t" 0}}{{end}}a{{end}}<script>{{template "t" .x}} / 2; '
         "'{{.x}}'</script>", ".", "<script>aa / 2; '.'</script>"),
        ("<script-x>{{.x}}</script-x>", "<", "<script-x>&lt;</script-x>"),
        ("<script>`${ {a: {{.x}} } }`</script>", 1, "<script>`${ {a:  1  } }`</script>"),
        ("<style>p { a: '{{.x}}c' }</style>", "\0b", r"<style>p { a: '\0 bc' }</style>"),
        ("<style>p { a: '{{.x}}' }</style>", "a+b", r"<style>p { a: 'a\2b b' }</style>"),
        ("<style>p { a: '{{.x}}' }</style>", "a+g", r"<style>p { a: 'a\2bg' }</style>"),
        ("<style>p { a: '{{.x}}' }</style>", "a+", r"<style>p { a: 'a\2b ' }</style>"),
        ("<style>p { a: '{{.x}}' }</style>", "a\\b", r"<style>p { a: 'a\\b' }</style>"),
        ("<style>p { a: 'b\\'{{.x}}' }</style>", "+", r"<style>p { a: 'b\'\2b ' }</style>"),
        ("<style>p { a: {{.x}} }</style>", r"\61 b\110000 c", "<style>p { a: ab�c }</style>"),
        ("<style>p{ a: url( '/b{{.x}}') }</style>", "'", "<style>p{ a: url( '/b%27') }</style>"),
        ("<style>p{a: url('/b?c={{.x}}') }</style>", "&", "<style>p{a: url('/b?c=%26') }</style>"),
        ("<style>p { a: url('/b\\3f c={{.x}}') }</style>", "&",
         r"<style>p { a: url('/b\3f c=%26') }</style>"),
        ("<style>// {{.x}}\np {}</style>", "a", "<style>\np {}</style>"),
        ("<script>f('{{.x}}')</script>", "  ", r"<script>f('\u2028\u2029')</script>"),
        ("<script>a{{.x}}b</script>", [5], "<script>a[5]b</script>"),
        ("<script>a = 4. / 2; '{{.x}}'</script>", ".", "<script>a = 4. / 2; '.'</script>"),
        ("<script>return /'/; '{{.x}}'</script>", ".", "<script>return /'/; '.'</script>"),
        ("<script>/[']/; '{{.x}}'</script>", ".", "<script>/[']/; '.'</script>"),
        ("<script>/[/']/; '{{.x}}'</script>", ".", "<script>/[/']/; '.'</script>"),
        ("<script>`${ {a: {}} }`; '{{.x}}'</script>", "<",
         r"<script>`${ {a: {}} }`; '\u003c'</script>"),
        ("<script>a{{.x}}</script>", -5, "<script>a -5 </script>"),
        ("<script>{{.x}} / 2; '{{.x}}'</script>", ".", """<script>"." / 2; '.'</script>"""),
        ('{{.x | html "b"}}', "<", "b&lt;"),
        ("{{range .x}}a{{break}}<b title={{.}}{{end}}", [1, 2], "a"),
        ('<script type="Module; charset=utf-8">{{.x}}</script>', "<",
         '<script type="Module; charset=utf-8">"\\u003c"</script>'),
        ("<b onclick='f(&#34;{{.x}}&#34;)'>", '"', "<b onclick='f(&#34;\\u0022&#34;)'>"),
    ],
)  # fmt: skip
def test_more_places(template: str, x: object, page: str) -> None:
    assert html(template, x=x) == page


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("<a href='{{.x}}", "ends in a non-text context: url"),
        ("<script>{{.x}}", "ends in a non-text context: js of script"),
        ("{{if .x}}<b title='{{end}}'>", "{{if}} branches end in different contexts"),
        ("{{range .x}}<script>{{end}}</script>", "{{range}} branches end in different contexts"),
        ("{{range .x}}<a href='{{end}}", "on range loop re-entry"),
        ("<a href='{{if .x}}/a{{else}}?b={{end}}{{.x}}'>", "ambiguous context within a URL"),
        ("<b title={{.x | html}}>", 'predefined escaper "html" disallowed'),
        ("{{.x | html | print}}", 'predefined escaper "html" disallowed'),
        ("<script>`{{.x}}`</script>", "appears in a JS template literal"),
        ("<script>`${`{{.x}}`}`</script>", "appears in a JS template literal"),
        ("<script>`${ {} {{/**/}} } {{.x}}`</script>", "appears in a JS template literal"),
        ("<script>" + "`${" * 21 + "}`" * 21 + "</script>", "nested too deeply"),
        ("<script>`${ {{if .x}}{ {{end}}}`</script>", "branches end in different contexts"),
        ("<b a'b>", "in attribute name"),
        ("<b a=b'c >", "in unquoted attr"),
        ("<b =1>", "expected space, attr name, or end of tag"),
        ("<script>{{if .x}}a{{else}}={{end}} /b/ {{.x}}</script>", "division or regexp"),
        ("<script>'a\\</script>", "unfinished escape sequence"),
        ("<script>/[a{{.x}}]/</script>", "charset"),
        ("<style>p { a: 'b\\{{.x}}' }</style>", "unfinished escape sequence in CSS"),
        ("{{range .x}}{{if .}}<b title='{{break}}{{end}}{{end}}", "break or continue"),
        ('<a href="{{range .x}}{{if .}}/a{{break}}{{end}}{{end}}{{.x}}">', "ambiguous context"),
        ('{{define "t"}}<b title="{{if .}}{{template "t" .}}{{end}}{{end}}{{template "t" .x}}',
         ""),
        ('{{template "no"}}', 'no such template "no"'),
    ],
)  # fmt: skip
def test_pages_that_are_refused(template: str, message: str) -> None:
    with pytest.raises(TemplateRefused) as refusal:
        compile_template(template, FUNCTIONS, Mode.HTML)
    fault = refusal.value.fault
    assert fault.category is Category.EXEC
    assert message in fault.message
    assert fault.place is not None


@pytest.mark.parametrize(
    "around",
    [
        "<p>{}</p>",
        '<p title="{}">',
        "<p title='{}'>",
        "<p title={}>",
        "<a href={}>",
        "<a href='?a={}'>",
        "<script>a = {}</script>",
        "<script>a = '{}'</script>",
        "<b onclick='f({})'>",
        "<style>a {{ b: {} }}</style>",
        '<style>a {{ b: "{}" }}</style>',
        "<!-- {} -->",
        "<textarea>{}</textarea>",
    ],
)
def test_a_value_never_leaves_its_place(around: str) -> None:
    """Whatever the value, the page around it is the page around another value."""
    page = around.replace("{{", "{").replace("}}", "}")
    start, end = page.split("{}")
    got = html(f"{start}{{{{.x}}}}{end}", x=EVIL)
    if start == "<!-- ":
        assert got == ""
        return
    assert got.startswith(start)
    assert got.endswith(end)
    inside = got[len(start) : len(got) - len(end)]
    assert not re.search(r"[<>]", inside)
    quotes = {'"': '"', "'": "'"}.get(start[-1])
    assert quotes is None or quotes not in inside
    if start.endswith("="):
        assert not re.search(r"[\s\"'`=]", inside, re.ASCII)
    if "script" in start and quotes is None:
        assert json.loads(inside) == EVIL


def test_scripts_see_numbers_of_upstreams_as_texts() -> None:
    template = compile_template("<script>{{.x}}{{.y}}</script>", FUNCTIONS, Mode.HTML)
    page = template.render(Data({"x": 5, "y": [5]}, Kind.NUMBER))
    assert page.text == '<script>"5"[5]</script>'


def test_each_url_of_a_style_is_filtered() -> None:
    page = "<style>a{b:url(/x{{.x}})} c{d:url({{.x}})} e{f:url('{{.x}}')}</style>"
    assert html(page, x="javascript:1") == (
        "<style>a{b:url(/xjavascript:1)} c{d:url(#ZgotmplZ)} e{f:url('#ZgotmplZ')}</style>"
    )


def test_a_page_as_it_was_recorded() -> None:
    """Text, script and URL of one page, over the answer of an upstream."""
    page = (
        '<p class="x">{{.r.s}}</p>{{.r.i}}<script>var a={{.r.o}};</script>'
        '<a href="/u?q={{.r.s}}">l</a>{{.r.nope}}'
    )
    answer = {"r": {"s": "a\"b<c>&'d", "i": 1534054924618786784, "o": {"z": 1, "a": 2}}}
    assert compile_template(page, FUNCTIONS, Mode.HTML).render(Data(answer)) == (
        '<p class="x">a&#34;b&lt;c&gt;&amp;&#39;d</p>1534054924618786784'
        '<script>var a={"a":2,"z":1};</script><a href="/u?q=a%22b%3cc%3e%26%27d">l</a>',
        None,
    )


def test_a_map_page_as_it_was_recorded() -> None:
    page = (
        '<!-- map -->\n<!DOCTYPE html>\n<script src="{{ .origin.url }}/getscript" ></script>\n'
        '<script type="text/javascript">\n m = new Map("m", {ak: "{{ .origin.ak }}", t:\'\'});\n'
        ' l = layer("{{ .origin.url }}/arcgis");\n'
        " m.setView([{{ .origin.lat }},{{ .origin.lng }}], 12);//地图\n</script>\n"
    )
    origin = {"url": "http://maps.example:5", "ak": "AK1", "lat": "39.9", "lng": "116.4"}
    assert html(page, origin=origin) == (
        '\n<!DOCTYPE html>\n<script src="http://maps.example:5/getscript" ></script>\n'
        '<script type="text/javascript">\n m = new Map("m", {ak: "AK1", t:\'\'});\n'
        ' l = layer("http:\\/\\/maps.example:5/arcgis");\n'
        ' m.setView(["39.9","116.4"], 12);\n</script>\n'
    )


def test_a_long_page_takes_linear_time() -> None:
    """A hundred thousand quotes in a script: each is looked at once."""
    script = "<script>" + "''" * 50_000 + "{{.x}}</script>"
    assert rendered(script, {"x": 1}, Mode.HTML).text.endswith("'' 1 </script>")


def test_a_long_list_of_images_takes_linear_time() -> None:
    """A description that is none, behind a long address: no letter is tried as both."""
    page = html('<img srcset="{{.x}}">', x="a" * 200_000 + " !")
    assert page == '<img srcset="#ZgotmplZ">'
