"""Which URLs and addresses may be called: one parser of origins, the deny list, the allow list.

Knows nothing of connections. Every host is compared in one canonical form: lower-case ASCII
(IDNA 2008), dotted-quad IPv4, compressed IPv6 without brackets. Whatever has a second reading
in another parser (user information, backslashes, numbers as hosts, …) is refused, not guessed.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

import idna

from apiql.sources.call import Origin

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?P<slashes>//)?(?P<rest>.*)", re.S)
_REST = re.compile(r"(?P<authority>[^/?#]*)(?P<target>[^#]*)(?P<fragment>#.*)?", re.S)
_AUTHORITY = re.compile(r"(?:\[(?P<v6>[^\[\]]*)\]|(?P<name>[^:\[\]]*))(?P<port>:.*)?")
_PLAIN = re.compile(r"[!-\[\]-~]+")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_IDNA_DOTS = re.compile("[\u2024\u3002\uff0e\uff61]")
_SLIPPERY = re.compile(r"//|\\|%(?:2[ef5]|5c|00|0a|0d)|(?:^|/)\.{1,2}(?:/|$)", re.I)
_DEFAULT_PORTS = {"http": 80, "https": 443}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NEVER = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "100.100.100.200/32", "168.63.129.16/32", "169.254.0.0/16",
        "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24",
        "192.88.99.0/24", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
        "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "fd00:ec2::/32", "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48",
        "3ffe::/16", "3fff::/20",
    )
)  # fmt: skip
"""Special-purpose networks of the IANA registries, relays into IPv4, and cloud metadata."""

_PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
        "::1/128", "fc00::/7",
    )
)  # fmt: skip
"""What `allow_private_networks` opens; link-local and metadata addresses stay closed."""

_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")


class BadUrl(ValueError):
    """A text that is no callable URL, with one line that says why."""


def parse_url(text: str) -> tuple[Origin, str]:
    """The origin of an absolute http(s) URL and its target (path and query, ASCII).

    Raises `BadUrl`. The origin is not pinned.
    """
    if not _PLAIN.fullmatch(text) and any(map(_unprintable, text)):
        raise BadUrl("a URL holds no white space, control characters or backslashes")
    found = _URL.fullmatch(text)
    scheme = found["scheme"].lower() if found else ""
    if found is None or scheme not in _DEFAULT_PORTS:
        raise BadUrl("only absolute http and https URLs can be called")
    if not found["slashes"]:
        raise BadUrl(f"`{scheme}:` is followed by two slashes and a host")
    parts = _REST.fullmatch(found["rest"])
    if parts is None or parts["fragment"] is not None:
        raise BadUrl("a fragment (`#…`) is never sent: leave it out")
    host, port = _endpoint(parts["authority"])
    origin = Origin(scheme, host, port or _DEFAULT_PORTS[scheme])
    return origin, _target(parts["target"])


def forbidden(address: str | Address, *, allow_private_networks: bool = False) -> bool:
    """Whether a query must not make the engine connect to this address.

    Stricter than `ipaddress.is_global`, which lets relays, NAT64, site-local and multicast
    through; of IPv6 only global unicast (2000::/3) is let through. No address at all is forbidden.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return True
    if any(ip in network for network in _NEVER if network.version == ip.version):
        return True
    if any(ip in network for network in _PRIVATE if network.version == ip.version):
        return not allow_private_networks
    return ip.version == 6 and ip not in _GLOBAL_V6


@dataclass(frozen=True, slots=True)
class _Entry:
    """One line of `allow_hosts`; empty `ports` means any port."""

    schemes: frozenset[str]
    host: str
    ports: frozenset[int]
    prefix: str

    def permits(self, origin: Origin, path: str) -> bool:
        if origin.host != self.host or origin.scheme not in self.schemes:
            return False
        if self.ports and origin.port not in self.ports:
            return False
        return _under(path, self.prefix)


@dataclass(frozen=True, slots=True)
class AllowList:
    """The origins that queries may name; an empty list permits nothing."""

    entries: tuple[_Entry, ...] = ()

    @classmethod
    def parse(cls, entries: Iterable[str]) -> AllowList:
        """Reads `host` (ports 80 and 443), `host:port` and `host:*`.

        Each may have a scheme before it and a path prefix behind it, as in
        `https://api.example.com/v1/`; a scheme without a port means the scheme's own port.
        Raises `BadUrl`.
        """
        return cls(tuple(_entry(text) for text in entries))

    @property
    def hosts(self) -> frozenset[str]:
        """The hosts of all entries."""
        return frozenset(entry.host for entry in self.entries)

    def permits(self, origin: Origin, target: str) -> bool:
        """Whether a query may call this target there."""
        path = target.partition("?")[0]
        return any(entry.permits(origin, path) for entry in self.entries)


def is_below(path: str, prefix: str) -> bool:
    """Whether a path holds no way up, hides nothing, and lies below a prefix: whole segments."""
    if _SLIPPERY.search(path):
        return False
    return not prefix or _under(path, prefix)


def _unprintable(character: str) -> bool:
    point = ord(character)
    return point < 0x21 or 0x7F <= point <= 0xA0 or character == "\\" or character.isspace()


@lru_cache(maxsize=1024)
def _endpoint(authority: str) -> tuple[str, int | None]:
    """The canonical host, and the port where one is written."""
    if "@" in authority:
        raise BadUrl("a URL holds no user name or password")
    if "%" in authority:
        raise BadUrl("a host holds no `%`: no escapes, no zone")
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        raise BadUrl("the host cannot be read; an IPv6 address stands in brackets")
    host = _v6(found["v6"]) if found["v6"] is not None else _name(found["name"])
    port = found["port"]
    return host, None if port is None else _port(port[1:])


def _port(text: str) -> int:
    if _PORT.fullmatch(text) is None or int(text) > 65535:
        raise BadUrl("a port is a number from 1 to 65535")
    return int(text)


def _v6(text: str) -> str:
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        raise BadUrl("brackets hold an IPv6 address") from None


def _name(text: str) -> str:
    """The canonical form of a host name or an IPv4 address."""
    if not text:
        raise BadUrl("the URL has no host")
    name = _ascii(text)
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _v4(name)
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise BadUrl("the host is no host name: labels of 1 to 63 letters, digits and hyphens")
    return name


def _ascii(text: str) -> str:
    name = unicodedata.normalize("NFC", text.lower())
    if _IDNA_DOTS.search(name):
        raise BadUrl("the labels of a host are parted by plain dots")
    if name.isascii() and "xn--" not in name:
        return name
    try:
        plain = idna.encode(name, strict=True).decode("ascii")
        again = idna.encode(idna.decode(plain), strict=True).decode("ascii")
    except UnicodeError:
        raise BadUrl("the host is no valid international name (IDNA 2008)") from None
    if plain != again:
        raise BadUrl("the host is no canonical international name (IDNA 2008)")
    return plain


def _v4(text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise BadUrl("an IPv4 address is four decimal numbers without leading zeros") from None


def _target(text: str) -> str:
    rooted = text if text.startswith("/") else f"/{text}"
    if rooted.isascii():
        return rooted
    try:
        return quote(rooted, safe="".join(map(chr, range(0x21, 0x7F))))
    except UnicodeEncodeError:
        raise BadUrl("the path holds half of a character (a lone surrogate)") from None


def _entry(text: str) -> _Entry:
    scheme, mark, rest = text.rpartition("://")
    any_port = re.fullmatch(r"([^/]*):\*(/.*)?", rest)
    bare = f"{any_port[1]}{any_port[2] or ''}" if any_port else rest
    origin, prefix = parse_url(f"{scheme if mark else 'http'}://{bare}")
    if "?" in prefix or _SLIPPERY.search(prefix):
        raise BadUrl(f"allow_hosts: `{text}`: a path prefix holds no query and no dot segments")
    written = _endpoint(bare.partition("/")[0])[1]
    if any_port and written:
        raise BadUrl(f"allow_hosts: `{text}`: one port or `*`")
    ports = {written} if written else {origin.port} if mark else set(_DEFAULT_PORTS.values())
    schemes = {origin.scheme} if mark else set(_DEFAULT_PORTS)
    return _Entry(
        frozenset(schemes), origin.host, frozenset() if any_port else frozenset(ports), prefix
    )


def _under(path: str, prefix: str) -> bool:
    """Whether a path lies below a prefix, whole segments only and without a way up."""
    if prefix == "/":
        return True
    if _SLIPPERY.search(path):
        return False
    return path == prefix or path.startswith(prefix if prefix.endswith("/") else f"{prefix}/")
