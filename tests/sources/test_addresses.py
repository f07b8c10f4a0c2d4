"""URLs, addresses and the allow list: what is one, what is refused, in which form it is kept."""

from __future__ import annotations

import pytest

from apiql.sources.addresses import AllowList, BadUrl, forbidden, parse_url
from apiql.sources.call import Origin

GOOD = [
    ("http://example.com", "http", "example.com", 80, "/"),
    ("https://example.com/", "https", "example.com", 443, "/"),
    ("HTTPS://EXAMPLE.com:8443/A?b=C", "https", "example.com", 8443, "/A?b=C"),
    ("http://example.com?x=1", "http", "example.com", 80, "/?x=1"),
    ("http://a.example?@127.0.0.1:1/", "http", "a.example", 80, "/?@127.0.0.1:1/"),
    ("http://bücher.example/ü", "http", "xn--bcher-kva.example", 80, "/%C3%BC"),
    ("http://BÜCHER.example/", "http", "xn--bcher-kva.example", 80, "/"),
    ("http://xn--bcher-kva.example/", "http", "xn--bcher-kva.example", 80, "/"),
    ("http://user_service:9000/", "http", "user_service", 9000, "/"),
    ("http://127.0.0.1:8080/x", "http", "127.0.0.1", 8080, "/x"),
    ("http://[::1]/", "http", "::1", 80, "/"),
    ("http://[0:0:0:0:0:0:0:1]:81/", "http", "::1", 81, "/"),
    ("http://[2001:DB8::0001]/", "http", "2001:db8::1", 80, "/"),
    ("http://1.2.3.4.example/", "http", "1.2.3.4.example", 80, "/"),
]

BAD = [
    "",
    "example.com",
    "//example.com/",
    "///127.0.0.1/",
    "/path",
    "http:",
    "http:/127.0.0.1/",
    "http://",
    "http://?",
    "http:///x",
    "http://:80/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "ws://example.com/",
    "unix:///run/docker.sock",
    "http+unix://%2Frun%2Fdocker.sock/",
    "jar:http://127.0.0.1!/",
    "data:application/json,{}",
    "javascript:alert(1)",
    # numbers that some parsers take for 127.0.0.1
    "http://127.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://017700000001/",
    "http://0177.0.0.1/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://127.0.0.0x1/",
    "http://0x/",
    "http://0/",
    "http://127.000.000.001/",
    "http://127.0.0.1./",
    "http://127.0.0.1.5/",
    "http://256.0.0.1/",
    "http://example.123/",
    "http://[127.0.0.1]/",
    "http://[::1%25lo]/",
    "http://[fe80::1%lo]/",
    "http://[::1/",
    "http://::1/",
    "http://[::1]x/",
    "http://[]/",
    # other readings of dots, letters and escapes
    "http://127。0。0。1/",
    "http://127．0．0．1/",
    "http://127｡0｡0｡1/",
    "http://①②⑦.0.0.1/",
    "http://１２７.0.0.1/",
    "http://ⓛocalhost/",
    "http://127.0.0.1%00/",
    "http://127.0.0.1%2eexample.com/",
    "http://exa%6dple.com/",
    "http://localhost./",
    "http://xn--/",
    "http://xn--a/",
    "http://XN--80ak6aa92e.com\u200b/",
    "http://a..b/",
    "http://.a/",
    f"http://{'a' * 64}.test/",
    f"http://{'.'.join(['a' * 60] * 5)}/",
    "http://-a.test/",
    "http://a;b/",
    "http://a,b/",
    # who is the host?
    "http://user@example.com/",
    "http://user:pass@example.com/",
    "http://127.0.0.1:1@example.com/",
    "http://example.com\\@127.0.0.1/",
    "http://example.com;@127.0.0.1/",
    "http://example.com#@127.0.0.1/",
    "http://1.1.1.1 &@127.0.0.1# @3.3.3.3/",
    "http://example.com\t/",
    "http://exa\nmple.com/",
    "http://example.com/\x00",
    "http://example.com/\x85",
    "http://example.com/ x",
    " http://example.com/",
    "http://example.com/\u2028",
    "http://example.com/\ud800",
    # ports
    "http://example.com:/",
    "http://example.com:0/",
    "http://example.com:65536/",
    "http://example.com:99999/",
    "http://example.com:-1/",
    "http://example.com:+80/",
    "http://example.com:080/",
    "http://example.com:8 0/",
    "http://example.com:80:80/",
    "http://example.com:http/",
    "http://example.com:٨٠/",
]


@pytest.mark.parametrize(("text", "scheme", "host", "port", "target"), GOOD)
def test_a_url_has_one_canonical_form(text, scheme, host, port, target):
    origin, found = parse_url(text)
    assert (origin, found) == (Origin(scheme, host, port), target)
    assert origin.pinned is False
    again, _ = parse_url(f"{origin}{found}")
    assert again == origin


@pytest.mark.parametrize("text", BAD)
def test_whatever_has_a_second_reading_is_refused_in_one_line(text):
    with pytest.raises(BadUrl) as refused:
        parse_url(text)
    assert "\n" not in str(refused.value)
    assert str(refused.value)


@pytest.mark.parametrize(
    "address",
    """127.0.0.1 127.255.255.255 10.0.0.1 172.16.0.1 172.31.255.255 192.168.0.1 0.0.0.0 0.1.2.3
    169.254.169.254 100.64.0.1 100.100.100.200 168.63.129.16 192.0.0.192 192.0.2.1 192.88.99.1
    198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
    :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1 64:ff9b::7f00:1
    64:ff9b::808:808 64:ff9b:1::1 2002:7f00:1:: 2002:808:808:: 2001::1 2001:20::1 2001:db8::1
    3fff::1 3ffe::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%lo fec0::1 ff02::1 100::1 5f00::1
    not-an-address 1.2.3 8.8.8.8.""".split(),
)
def test_forbidden_addresses(address):
    assert forbidden(address)


@pytest.mark.parametrize(
    "address", "8.8.8.8 1.1.1.1 172.32.0.1 100.128.0.1 192.0.1.1 2606:4700::1111 2a00::1".split()
)
def test_public_addresses_are_allowed(address):
    assert not forbidden(address)


def test_private_networks_can_be_opened_but_never_metadata_or_multicast():
    def closed(address):
        return forbidden(address, allow_private_networks=True)

    assert not any(map(closed, ("127.0.0.1", "10.1.2.3", "192.168.1.1", "::1", "fd12::1")))
    assert all(
        map(closed, ("169.254.169.254", "100.100.100.200", "fd00:ec2::254", "fe80::1", "224.0.0.1"))
    )


ALLOW = [
    ("api.example", "http://api.example/x", True),
    ("api.example", "https://api.example/x", True),
    ("api.example", "https://api.example:80/x", True),
    ("api.example", "http://api.example:8080/x", False),
    ("api.example", "http://evilapi.example/x", False),
    ("api.example", "http://api.example.evil/x", False),
    ("API.Example", "http://api.example/", True),
    ("api.example:8080", "http://api.example:8080/", True),
    ("api.example:8080", "http://api.example/", False),
    ("api.example:*", "http://api.example:1/", True),
    ("api.example:*", "http://other.example:1/", False),
    ("https://api.example", "https://api.example/", True),
    ("https://api.example", "http://api.example/", False),
    ("https://api.example", "https://api.example:80/", False),
    ("https://api.example:*", "https://api.example:81/", True),
    ("https://api.example:*/v1/", "https://api.example:81/v1/x", True),
    ("https://api.example:*/v1/", "https://api.example:81/v2/x", False),
    ("https://api.example/v1/", "https://api.example/v1/users?x=/../", True),
    ("https://api.example/v1/", "https://api.example/v1", False),
    ("https://api.example/v1", "https://api.example/v1", True),
    ("https://api.example/v1", "https://api.example/v1/x", True),
    ("https://api.example/v1", "https://api.example/v10", False),
    ("https://api.example/v1/", "https://api.example/v1/../admin", False),
    ("https://api.example/v1/", "https://api.example/v1/./x", False),
    ("https://api.example/v1/", "https://api.example/v1/..", False),
    ("https://api.example/v1/", "https://api.example/v1/%2e%2e/admin", False),
    ("https://api.example/v1/", "https://api.example/v1/.%2E/admin", False),
    ("https://api.example/v1/", "https://api.example/v1/..%2fadmin", False),
    ("https://api.example/v1/", "https://api.example/v1/..%5cadmin", False),
    ("https://api.example/v1/", "https://api.example/v1//x", False),
    ("[::1]:8080", "http://[0::1]:8080/", True),
    ("[::1]", "http://[::1]/", True),
    ("bücher.example", "http://xn--bcher-kva.example/", True),
    ("127.0.0.1:9", "http://127.0.0.1:9/", True),
]


@pytest.mark.parametrize(("entry", "url", "permitted"), ALLOW)
def test_allow_list(entry, url, permitted):
    assert AllowList.parse([entry]).permits(*parse_url(url)) is permitted


def test_an_empty_allow_list_permits_nothing():
    assert not AllowList.parse([]).permits(*parse_url("http://example.com/"))


@pytest.mark.parametrize(
    "entry",
    ["", "*", "ftp://a.example", "a.example:0", "a.example:x", "u@a.example", "a.example/?q=1",
     "a.example/../x", "a b", "127.1", "::1", "a.example:*:80", "a.example:80:*"],
)  # fmt: skip
def test_an_entry_that_cannot_be_read_is_refused(entry):
    with pytest.raises(BadUrl):
        AllowList.parse([entry])
