"""Command lines of curl -> operations. Files that they name are not read, nothing is called."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from apiql.importers.documents import shown
from apiql.importers.imported import (
    FORM,
    JSON,
    MOST_OPERATIONS,
    MULTIPART,
    Choice,
    Imported,
    ImportRefused,
    Notes,
    Operation,
    Scheme,
    Tell,
)
from apiql.importers.naming import unique
from apiql.importers.requests import Request, operation_of, title_of
from apiql.importers.shell_words import Command, commands_of

SHORT = {
    "H": "header", "d": "data", "X": "request", "F": "form", "u": "user", "b": "cookie",
    "A": "user-agent", "e": "referer", "o": "output", "m": "max-time", "x": "proxy", "G": "get",
    "k": "insecure", "L": "location", "s": "silent", "S": "show-error", "i": "include",
    "I": "head", "v": "verbose", "f": "fail", "g": "globoff", "w": "write-out", "c": "cookie-jar",
    "D": "dump-header", "E": "cert", "T": "upload-file", "4": "ipv4", "6": "ipv6", "O":
    "remote-name", "N": "no-buffer", "r": "range", "q": "disable", "K": "config",
}  # fmt: skip
DATA = ("data", "data-ascii", "data-raw", "data-binary", "data-urlencode", "json")
FORMS = ("form", "form-string")
TAKEN = (
    *DATA,
    *FORMS,
    "header",
    "request",
    "user",
    "cookie",
    "user-agent",
    "referer",
    "url",
    "oauth2-bearer",
)
WITH_VALUE = frozenset(
    (*TAKEN, *"output max-time proxy write-out cookie-jar dump-header cert upload-file range "
     "config connect-timeout retry retry-delay retry-max-time resolve connect-to cacert capath key "
     "cert-type pass interface max-redirs limit-rate noproxy proxy-user aws-sigv4 unix-socket "
     "stderr trace trace-ascii ciphers tls-max dns-servers".split())
)  # fmt: skip
OWN_BUSINESS = frozenset(
    "get head silent show-error include verbose fail globoff output write-out compressed ipv4 ipv6 "
    "remote-name no-buffer http1.1 http1.0 http2 no-progress-meter progress-bar dump-header "
    "stderr trace trace-ascii disable fail-with-body".split()
)
"""What concerns only what curl prints, or how it speaks; nothing is lost without it."""
MOST_TEXT = 4 * 2**20
"""Letters of the whole."""
MOST_URLS = 100
"""Of one command."""
MEANT = {
    "location": "redirects are not followed",
    "insecure": "certificates are checked",
}
_CURL = re.compile(r"(?:.*/)?curl(?:\.exe)?")


@dataclass(slots=True)
class Options:
    """What one command line says."""

    urls: list[str] = field(default_factory=list)
    headers: list[tuple[str, str]] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    fields: list[tuple[str, str | None]] = field(default_factory=list)
    schemes: list[Scheme] = field(default_factory=list)
    method: str = ""
    content_type: str = ""
    flags: set[str] = field(default_factory=set)
    reads_file: bool = False


def read_curl(text: str, choice: Choice) -> Imported:
    """The operations that the commands of a text call.

    Raises:
        ImportRefused: there is no command of curl in it, or too many.
    """
    if len(text) > MOST_TEXT:
        raise ImportRefused(f"{choice.name}: longer than {MOST_TEXT >> 20} MiB; part it")
    tell = Notes()
    found: list[Operation] = []
    taken: set[str] = set()
    for command in commands_of(text):
        at = f"line {command.line}"
        if not command.words or not _CURL.fullmatch(command.words[0]):
            word = shown(command.words[0]) if command.words else ""
            tell(at, f"{word}: {command.wrong or 'no command of curl'}; not taken")
        elif command.wrong:
            tell(at, f"curl: {command.wrong}; not taken")
        else:
            for operation in _operations(command, at, tell):
                name = unique(operation.name, taken)
                taken.add(name)
                found.append(_named(operation, name, choice))
        if len(found) > MOST_OPERATIONS:
            raise ImportRefused(f"{choice.name}: over {MOST_OPERATIONS} operations; part it")
    if not found and not tell.all():
        raise ImportRefused(f"{choice.name}: there is no command of curl in it")
    return Imported(title_of(found[0].url) if found else "imported", tuple(found), tell.all())


def _named(operation: Operation, name: str, choice: Choice) -> Operation:
    return replace(operation, name=name, url=choice.url or operation.url)


def _operations(command: Command, at: str, tell: Tell) -> list[Operation]:
    options = Options()
    words = iter(command.words[1:])
    for word in words:
        for name, value in _split(word):
            if name in WITH_VALUE and value is None:
                value = next(words, None)
                if value is None:
                    tell(at, f"--{name} has no value; not taken")
                    continue
            _take(options, name, value or "", at, tell)
    if not options.urls:
        tell(at, "curl without a URL; not taken")
    made = (operation_of(_request(options, url, at, tell), tell) for url in options.urls)
    return [operation for operation in made if operation is not None]


def _split(word: str) -> list[tuple[str, str | None]]:
    """The options that a word holds: `-sSL`, `-XPOST`, `--url`; a URL is `--url` with it."""
    if word.startswith("--") and len(word) > 2:
        name, equals, value = word[2:].partition("=")
        return [(name, value if equals else None)]
    if not word.startswith("-") or len(word) < 2:
        return [("url", word)]
    found: list[tuple[str, str | None]] = []
    for place, letter in enumerate(word[1:], 2):
        name = SHORT.get(letter, letter)
        if name in WITH_VALUE or letter not in SHORT:
            return [*found, (name, word[place:] or None)]
        found.append((name, None))
    return found


def _take(options: Options, name: str, value: str, at: str, tell: Tell) -> None:
    match name:
        case "url":
            _add_url(options, value, at)
        case "request":
            options.method = value
        case "header":
            _header(options, value, at, tell)
        case "user":
            options.schemes.append(Scheme("basic"))
        case "oauth2-bearer":
            options.schemes.append(Scheme("bearer"))
        case "cookie":
            options.headers.append(("Cookie", value))
        case "user-agent" | "referer":
            options.headers.append((name.replace("referer", "Referer"), value))
        case _ if name in DATA or name in FORMS:
            _data(options, name, value, at, tell)
        case _ if name in OWN_BUSINESS:
            options.flags.add(name)
        case _:
            otherwise = (
                "set it in the settings of the upstream" if name in WITH_VALUE else "not taken"
            )
            tell(at, f"--{shown(name)}: {MEANT.get(name, otherwise)}")


def _add_url(options: Options, value: str, at: str) -> None:
    if len(options.urls) >= MOST_URLS:
        raise ImportRefused(f"{at}: a command with over {MOST_URLS} URLs; part it")
    options.urls.append(value if "://" in value else f"http://{value}")


def _header(options: Options, value: str, at: str, tell: Tell) -> None:
    name, colon, text = value.partition(":")
    if not colon or value.startswith("@"):
        tell(at, "a header without a value, or in a file; not taken")
        return
    options.headers.append((name.strip(), text.strip()))


def _data(options: Options, name: str, value: str, at: str, tell: Tell) -> None:
    if name in FORMS:
        field_name, _, text = value.partition("=")
        is_file = name == "form" and text.startswith(("@", "<"))
        options.fields.append((field_name, None if is_file else text))
        return
    names_file = "@" in value and "=" not in value and name == "data-urlencode"
    if (value.startswith("@") and name != "data-raw") or names_file:
        tell(at, f"--{name}: the file is not read; a query gives the body")
        options.reads_file = True
        return
    if name == "json":
        options.content_type = JSON
        options.headers.append(("Accept", JSON))
    options.data.append(_urlencoded(value) if name == "data-urlencode" else value)


def _urlencoded(value: str) -> str:
    name, equals, text = value.partition("=")
    return f"{name}={quote(text)}" if equals and name else quote(text if equals else value)


def _request(options: Options, url: str, at: str, tell: Tell) -> Request:
    text = ("" if options.content_type == JSON else "&").join(options.data)
    has_body = bool(options.data or options.fields or options.reads_file)
    method = options.method or ("HEAD" if "head" in options.flags else "")
    kind = options.content_type or _kind_of(text, options)
    if kind == JSON and text and not (options.content_type or _says_type(options)):
        tell(at, "the data look like JSON and are sent so; curl calls them a form")
    if "get" in options.flags:
        joined = f"{url}{'&' if '?' in url else '?'}{text}" if text else url
        return Request("", method or "GET", joined, at, tuple(options.headers),
                       schemes=tuple(options.schemes))  # fmt: skip
    return Request(
        "",
        method or ("POST" if has_body else "GET"),
        url,
        at,
        tuple(options.headers),
        text=text if has_body and not options.fields else None,
        fields=tuple(options.fields) or None,
        content_type=MULTIPART if options.fields else kind,
        schemes=tuple(options.schemes),
    )


def _says_type(options: Options) -> bool:
    return any(name.lower() == "content-type" for name, _ in options.headers)


def _kind_of(text: str, options: Options) -> str:
    """What is sent by --data without a type is JSON if it looks like it, else a form."""
    return JSON if text.lstrip().startswith(("{", "[")) or options.reads_file else FORM
