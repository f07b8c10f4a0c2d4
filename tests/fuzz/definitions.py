"""Targets: what definitions of other systems bring, their archives, and what proves a caller."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

from apiql.access.right_document import read_right
from apiql.access.signed import claim_in
from apiql.dotenv_text import DotenvRefused, read_dotenv
from apiql.frontends.definitions.checks import check
from apiql.frontends.definitions.folder import read_folder
from apiql.gotemplate import Budget, Data, Mode, TemplateRefused, compile_template, v2_functions
from apiql.ir.reach import Kind
from apiql.remote.archive import ArchiveRefused, read_archive
from tests.definitions.reading import DATA
from tests.fuzz import corpus
from tests.fuzz.operators import folder
from tests.fuzz.target import Target
from tests.security import evil_archives
from tests.templates.loading import load_text
from tests.templates.recorded import CASES

VALUES = {"origin": {"a": Decimal("1.5"), "l": [1, "x", None, {"q": True}]}, "s": "<b>\"'&", "n": 3}
FUNCTIONS = v2_functions(lambda: 1.0)
SMALL = Budget(output=4096, rounds=500, steps=20_000)
KINDS = ("apis", "flows", "schedules", "privates")


def archive(data: bytes) -> None:
    """An archive is read whole, or refused with a text that can be shown."""
    try:
        files = read_archive(data, password=PASSWORD)
    except ArchiveRefused as refused:
        if not str(refused).isprintable():
            raise AssertionError("a reason cannot be shown") from refused
        raise
    assert all(not name.startswith("/") and ".." not in name for name in files)


def dotenv(data: bytes) -> None:
    """Variables, none of which an environment refuses."""
    found = read_dotenv(data.decode("utf-8", "replace"), ".env")
    assert all("\0" not in value and "=" not in name for name, value in found.items())


def template(data: bytes) -> None:
    """A Go template in both modes, and what it makes of data."""
    text = data.decode("utf-8", "replace")
    for mode in (Mode.TEXT, Mode.HTML):
        compile_template(text, FUNCTIONS, mode).render(Data(VALUES), SMALL)


def definitions(data: bytes) -> None:
    """A file of each kind of definition: read, checked, and told."""
    root = folder() / "v1"
    for kind in KINDS:
        (root / kind).mkdir(parents=True, exist_ok=True)
        (root / kind / "x.json").write_bytes(data)
    for problem in check(read_folder(root)):
        str(problem).encode("utf-8", "surrogatepass")


def call_template(data: bytes) -> None:
    """A file of call templates: read, lowered, compiled, and told."""
    found = load_text(data.decode("utf-8", "replace"))
    for problem in (*found.problems, *found.warnings):
        str(problem).encode("utf-8", "surrogatepass")


def right(data: bytes) -> object:
    """A right's file."""
    return read_right(data.decode("utf-8", "replace"), Kind.QUERY)


def claim(data: bytes) -> object:
    """What a signed request says of itself."""
    return claim_in(data)


def archives() -> list[bytes]:
    """The good one, encrypted ones, and all evil ones that are small."""
    sealed = [file.read_bytes() for file in sorted((DATA.parent / "archives").glob("*.zip"))]
    found = [evil_archives.good(), *sealed, *evil_archives.evil().values()]
    return [each for each in found if len(each) < 64 << 10]


def documents() -> list[bytes]:
    """Definitions that were published, and those broken on purpose."""
    folders = (DATA / "real", DATA / "v1_conf", DATA / "v2_conf")
    files = (path for each in folders for path in sorted(each.rglob("*.json")))
    return [Path(path).read_bytes()[: corpus.SHORT] for path in files]


def call_templates() -> list[bytes]:
    """The recorded ones, each as a file."""
    cases = json.loads(CASES.read_text("utf-8"))
    return [json.dumps(case["template"]).encode() for case in cases]


TEMPLATES = [
    b"{{.origin.a}}",
    b"{{range $i, $v := .origin.l}}{{$i}}={{$v}} {{end}}",
    b'{{index .origin.l 3 "q"}}',
    b"<a href=\"{{.s}}\" onclick='f({{.s}})'>{{.s | html}}</a>",
    b"{{if eq .n 3}}a{{else}}b{{end}}",
    b'{{printf "%05.2f|%q|%v" 1.5 .s .origin}}',
    b'{{define "t"}}{{.}}{{end}}{{template "t" .n}}',
]
RIGHTS = [
    b'{"type": "query", "right": "whitelist", "list": [{"user": "ada"}, {"scope": "a"}]}',
    b'{"right": "public"}',
    b'{"right": "blacklist", "list": []}',
]
CLAIMS = [
    b"app=shop, timestamp=1763000000, nonce=0123456789abcdef, signature=" + b"0" * 64,
    b'app="a", timestamp="1"',
    b"",
]
DOTENVS = [
    b'# all\nexport A=1\nB=\'two\nlines\' # c\nC="a\\n\\"b"\r\nD=',
    b"TGAH_PORT=8080\nX.y-z = a b #c\n",
]
PASSWORD = "pass wörd".encode()
PARTS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x01\x02")
PATHS = (b"<<", b">>", b"<<a.b>>", b"[0]", b'"Url": "', b'"Output"', b"http://")
MARKS = (b"{{", b"}}", b"{{- ", b"end", b"range", b"with", b"|", b"$x", b":=", b"(", b")")

TARGETS = (
    Target("archive", archive, (ArchiveRefused,), archives, PARTS),
    Target("dotenv", dotenv, (DotenvRefused,), lambda: DOTENVS, (b"=", b"'", b'"', b"#", b"\\")),
    Target("template", template, (TemplateRefused,), lambda: TEMPLATES, MARKS),
    Target("definition", definitions, (), documents, (b'"from"', b'"steps"', b"{{", b"null")),
    Target("call template", call_template, (), call_templates, PATHS),
    Target("right", right, (), lambda: RIGHTS, (b'"list"', b'"user"', b"null")),
    Target("claim", claim, (), lambda: CLAIMS, (b"app=", b"nonce=", b",")),
)  # fmt: skip
