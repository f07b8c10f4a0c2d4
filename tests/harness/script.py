"""A script of exchanges, as golden cases write it, and what a call must be to match one.

    GET /users/7 -> 200 {"id": 7}
    POST /orders {"a": 1} -> 201 {"id": 3}
      > X-Token: abc            the call must carry this header
      > !Authorization          and must not carry this one
      < ETag: "v1"              the reply carries this one
    POST /notes "one\\ntwo" -> 204
      > Content-Type: text/plain; charset=utf-8
    GET https://api.test/x -> 200 [1]           of another upstream
    GET /a -> !UPSTREAM_CONNECT "no answer"     a failure
    GET /a -> hang                              ends at the call's own deadline
    GET /a -> 200 {} in 300ms                   answers after this time
    GET /a -> 200 {} once GET /b                held until the other call was made
    PUT /files -> 201                           lines of a body, each ended by CR LF:
      | --boundary

Each line answers one call. A body that is JSON is compared as JSON and wants its media type, any
other is compared as it is. A reply with a body is `application/json` unless it says otherwise;
`base64 …` spells one that is no text.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field

from apiql.errors import CallFailed, Code
from apiql.sources.call import Call, Origin, Reply
from tests.harness import exact_json
from tests.harness.case_file import CaseFault

HEAD = re.compile(r"(GET|POST|PUT|PATCH|DELETE|HEAD) (\S+)(?: (.*?))? -> (.*)")
ONCE = re.compile(r"(.*) once ((?:GET|POST|PUT|PATCH|DELETE|HEAD) \S+)")
LATER = re.compile(r"(.*) in ([0-9]+)(ms|s)")
FAILURE = re.compile(r'!([A-Z_]+)(?: "(.*)")?')
STATUS = re.compile(r"([0-9]{3})(?: (.*))?")
JSON_BODY = "application/json"


@dataclass
class Exchange:
    """One line of a script: the call it waits for and how it ends.

    `outcome` is None where nothing ever comes; `delay` is in seconds; `once` names the call that
    must have been made before.
    """

    method: str
    target: str
    body: str | None
    outcome: Reply | CallFailed | None
    delay: float = 0.0
    once: str | None = None
    wanted: dict[str, str | None] = field(default_factory=dict)
    line: str = ""
    used: bool = False

    @property
    def key(self) -> str:
        """`GET /users/7`"""
        return f"{self.method} {self.target}"

    def difference(self, call: Call, home: Origin | None) -> str | None:
        """Why this is not the call, None if it is."""
        if key_of(call, home) != self.key:
            return "it is another call"
        headers = {name.lower(): value for name, value in call.headers}
        for name, value in self.wanted.items():
            if headers.get(name) != value:
                return f"its header {name} is {headers.get(name)!r}, not {value!r}"
        return self._body_difference(call.body, headers.get("content-type"))

    def _body_difference(self, body: bytes | None, media: str | None) -> str | None:
        if self.body is None or body is None:
            return None if body is None and self.body is None else f"its body is {body!r}"
        wanted = self.wanted.get("content-type") or JSON_BODY
        if media != wanted:
            return f"its body is {media}, not {wanted}"
        if wanted != JSON_BODY:
            return None if body == _text(self.body).encode() else f"its body is {body!r}"
        wanted_json = exact_json.parse(self.body)
        alike = exact_json.same(exact_json.parse(body), wanted_json, ordered=True)
        return None if alike else f"its body is {body.decode()}"


def key_of(call: Call, home: Origin | None) -> str:
    """A call as scripts write it: the origin only where it is not the default upstream."""
    origin = "" if str(call.origin) == str(home) else str(call.origin)
    return f"{call.method} {origin}{call.target}"


def parse_script(text: str) -> list[Exchange]:
    """The exchanges of an `upstream` block.

    Raises:
        CaseFault: a line that is none.
    """
    found: list[Exchange] = []
    for line in filter(str.strip, text.split("\n")):
        if line.startswith(" ") and found:
            _detail(line.strip(), found[-1])
        elif not line.startswith("#"):
            found.append(_exchange(line))
    return found


def _exchange(line: str) -> Exchange:
    head = HEAD.fullmatch(line.rstrip())
    if head is None:
        raise CaseFault(f"this is no exchange: {line}")
    method, target, body, end = head.groups()
    once = ONCE.fullmatch(end)
    if once:
        end = once[1]
    later = LATER.fullmatch(end)
    delay = 0.0
    if later:
        end, delay = later[1], int(later[2]) * (0.001 if later[3] == "ms" else 1.0)
    outcome = _outcome(end)
    return Exchange(method, target, body, outcome, delay, once[2] if once else None, line=line)


def _outcome(text: str) -> Reply | CallFailed | None:
    if text == "hang":
        return None
    failure = FAILURE.fullmatch(text)
    if failure:
        return CallFailed(Code[failure[1]], failure[2] or "it broke")
    answer = STATUS.fullmatch(text)
    if answer is None:
        raise CaseFault(f"this is no reply: {text}")
    body = _bytes(answer[2] or "")
    headers = (("content-type", JSON_BODY),) if body else ()
    return Reply(int(answer[1]), headers, body)


def _bytes(text: str) -> bytes:
    if text.startswith("base64 "):
        return base64.b64decode(text.removeprefix("base64 "))
    return text.encode()


def _text(body: str) -> str:
    """A body as it is sent; in quotes it has JSON's escapes."""
    return str(exact_json.parse(body)) if body.startswith('"') else body


def _detail(line: str, exchange: Exchange) -> None:
    mark, _, rest = line.partition(" ")
    if mark == "|":
        exchange.body = (exchange.body or "") + rest + "\r\n"
        return
    name, _, value = rest.partition(":")
    if mark == ">" and name.startswith("!"):
        exchange.wanted[name[1:].strip().lower()] = None
    elif mark == ">":
        exchange.wanted[name.lower()] = value.strip()
    elif mark == "<" and isinstance(exchange.outcome, Reply):
        _reply_header(exchange, exchange.outcome, name.lower(), value.strip())
    else:
        raise CaseFault(f"this is no header of an exchange: {line}")


def _reply_header(exchange: Exchange, reply: Reply, name: str, value: str) -> None:
    kept = tuple(pair for pair in reply.headers if name != "content-type" or pair[0] != name)
    exchange.outcome = Reply(reply.status, (*kept, (name, value)), reply.body)
