"""What is said about settings that cannot be used: the whole text, every kind of problem."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from apiql.errors import ApiqlError
from apiql.settings import Hedge, SettingsError, load_settings


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    return tmp_path


def write(conf: Path, text: str) -> Path:
    (conf / "apiql.toml").write_text(text, encoding="utf-8")
    return conf


def refused(conf: Path, text: str, environ: dict[str, str] | None = None) -> str:
    """The message for this file and environment, with the folder's own name left out."""
    with pytest.raises(SettingsError) as caught:
        load_settings(write(conf, text), environ or {})
    return str(caught.value).replace(f"{conf}/", "")


def test_problems_of_variables(conf: Path) -> None:
    environ = {
        "APIQL_SERVER__PORT": "70000",
        "APIQL_SERVER__WORKERS": "many",
        "APIQL_SERVER__PROT": "1",
        "APIQL_SECURITY__ALLOW_METHODS": "get, psot",
        "apiql_limts__calls": "5",
    }
    assert refused(conf, "", environ) == GOLDEN_VARIABLES


GOLDEN_VARIABLES = """\
APIQL_SECURITY__ALLOW_METHODS: security.allow_methods[1]: found "psot"
    expected: one of "get", "post", "put", "patch", "delete", "head"
    did you mean "post"?
APIQL_SERVER__PORT: server.port: found 70000
    expected: 65535 or less
APIQL_SERVER__PROT: server.prot: there is no such setting
    did you mean APIQL_SERVER__PORT?
APIQL_SERVER__WORKERS: server.workers: found "many"
    expected: a whole number
apiql_limts__calls: limts: there is no such setting
    did you mean APIQL_LIMITS?"""


TOKENS = """\
[access.tokens.main]
issuer = "https://i.example"
audience = "shop"
"""
SECRET = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(("text", "message"), [
    ('[access]\nrequired = true', "2:12: access.required: nobody could ask\n"
     "    expected: keys, users, tokens or signing apps"),
    ('[access]\nkey_header = "Authorization"', '2:14: access.key_header: "Authorization" holds '
     'something else\n    expected: "x-api-key" or another header'),
    ('[access]\nkey_header = "Host"', "2:14: access.key_header: this header belongs to the "
     "connection\n    expected: a header of the upstream's own"),
    ('[access.keys.shop]', "1:14: access.keys.shop.hashes: the setting is missing\n"
     '    expected: ["sha256:…"]: `apiql key new` makes one'),
    ('[access.keys.shop]\nhashes = []', "2:10: access.keys.shop.hashes: there is no key to show\n"
     '    expected: hashes = ["sha256:…"]'),
    ('[access.keys.shop]\nhashes = ["s3cret"]', "2:11: access.keys.shop.hashes[0]: this is no "
     "hash of a key\n    expected: sha256: and 64 digits from 0 to f, as `apiql key hash` "
     "prints it"),
    ('[access.keys.shop]\nhash = "s3cret"\nhashes = ["sha256:' + 64 * "0" + '"]',
     "2:1: access.keys.shop.hash: there is no such setting\n"
     "    did you mean access.keys.shop.hashes?"),
    ('[access.keys.shop]\nhashes = ["sha256:' + 64 * "0" + '"]\nexpires = "2027-13-01"',
     '3:11: access.keys.shop.expires: "2027-13-01" is no date\n    expected: a date or a moment '
     'with its zone: "2027-12-31", "2027-12-31T12:00:00Z"'),
    ('[access.keys.shop]\nhashes = ["sha256:' + 64 * "0" + '"]\nexpires = 2027-12-31T10:00:00',
     "3:11: access.keys.shop.expires: 2027-12-31 10:00:00 is no date, or has no zone\n    "
     'expected: a date or a moment with its zone: "2027-12-31", "2027-12-31T12:00:00Z"'),
    ('[access.keys.shop]\nhashes = ["sha256:' + 64 * "0" + '"]\nscopes = ["a b"]',
     "3:11: access.keys.shop.scopes[0]: the name is no scope's\n"
     "    expected: printable ASCII without spaces, quotes and \\"),
    ('[access.keys."a:b"]\nhashes = ["sha256:' + 64 * "0" + '"]', '1:14: access.keys."a:b": the '
     "name cannot be used\n    expected: 1 to 64 letters, digits, _ and -"),
    ('[access.users.ada]\nhash = "s3cret"', "2:8: access.users.ada.hash: this is no hash of a "
     "password: it has another form\n    expected: what `apiql key hash --password` prints: "
     "scrypt:n:r:p:salt:hash"),
    ('[access.users.ada]\nhash = "scrypt:16384:8:1:AAAA:AAAA"', "2:8: access.users.ada.hash: the "
     "salt or the hash is too short or too long\n    expected: what `apiql key hash --password` "
     "prints: scrypt:n:r:p:salt:hash"),
    (TOKENS + 'algorithms = ["none"]\nkeys_url = "https://i.example/k"', '4:15: access.tokens.main'
     '.algorithms[0]: "none" signs nothing here\n    expected: one of "HS256", "HS384", "HS512", '
     '"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", '
     '"Ed25519"'),
    (TOKENS + 'algorithms = []\nkeys_url = "https://i.example/k"', "4:14: access.tokens.main."
     'algorithms: nothing can be signed with\n    expected: algorithms = ["RS256"]'),
    (TOKENS + 'algorithms = ["RS256", "HS256"]\nkeys_url = "https://i.example/k"', "4:14: access."
     "tokens.main.algorithms: HS256 is signed with a secret, not with a public key\n"
     "    expected: algorithms of a key pair, or secret"),
    (TOKENS + f'algorithms = ["RS256", "HS256"]\nsecret = "{SECRET}"', "4:14: access.tokens.main."
     "algorithms: a secret signs nothing but HS256, HS384 and HS512\n"
     "    expected: only these, or keys_url"),
    (TOKENS + f'algorithms = ["HS256", "HS384"]\nsecret = "{SECRET}"', "5:10: access.tokens.main."
     "secret: the secret is too short for the algorithm\n    expected: 48 random bytes or more"),
    (TOKENS + 'algorithms = ["RS256"]', "1:16: access.tokens.main: no keys are named\n"
     "    expected: one of keys_url, keys_file and secret"),
    (TOKENS + 'algorithms = ["RS256"]\nkeys_url = "https://i.example/k"\nkeys_file = "k"',
     "1:16: access.tokens.main: two places of keys are named\n"
     "    expected: one of keys_url, keys_file and secret"),
    (TOKENS + 'algorithms = ["RS256"]\nkeys_url = "http://i.example/k"', "5:12: access.tokens.main."
     "keys_url: keys come over https, from a URL of plain ASCII\n"
     '    expected: "https://…", or "http://" and this machine: 127.0.0.1, [::1], localhost'),
    (TOKENS + 'algorithms = ["RS256"]\nkeys_file = "k"\nleeway = "6m"', "6:10: access.tokens.main."
     "leeway: clocks are not that far apart\n    expected: 5 minutes or less"),
    ('[access.tokens.main]\nissuer = "i"\nalgorithms = ["RS256"]\nkeys_file = "k"\naudience = []',
     "5:12: access.tokens.main.audience: the audience is no text\n"
     '    expected: who the tokens are for: "shop", or ["shop", …]'),
])  # fmt: skip
def test_problems_of_who_asks(conf: Path, text: str, message: str) -> None:
    told = refused(conf, text)
    assert told == f"apiql.toml:{message}"
    assert "s3cret" not in told
    assert SECRET not in told


def test_names_and_keys_belong_to_one_caller(conf: Path) -> None:
    digest, hashed = "sha256:" + 64 * "0", "scrypt:16384:8:1:" + "A" * 22 + "==:" + "A" * 43 + "="
    key, user = f'[access.keys.{{}}]\nhashes = ["{digest}"]\n', f'hash = "{hashed}"\n'
    told = refused(conf, key.format("a") + key.format("b"))
    assert told.startswith("apiql.toml:3:14: access.keys.b: this key belongs to a already")
    told = refused(conf, key.format("ada") + "[access.users.ada]\n" + user)
    assert "access.users.ada: a key and a user have one name" in told
    dearer = user.replace(":1:", ":2:")
    told = refused(conf, "[access.users.a]\n" + user + "[access.users.b]\n" + dearer)
    assert "access.users: the hashes cost differently" in told
    issuer = TOKENS + 'algorithms = ["RS256"]\nkeys_file = "k"\n'
    told = refused(conf, issuer + issuer.replace(".main", ".other"))
    assert told.startswith("apiql.toml:7:10: access.tokens.other.issuer: this issuer is main")


def test_tokens_without_what_checks_them(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "joserfc", None)
    told = refused(conf, TOKENS + 'algorithms = ["RS256"]\nkeys_file = "k"')
    assert told == (
        "apiql.toml:1:16: access.tokens.main: the package that checks signatures is not installed\n"
        "    expected: pip install 'apiql[auth]', or no tokens"
    )


GOLDEN_FILE = """\
[server]
prot = 80
port = "80"
details = "full"
[answer]
details = "ful"
plan = 1
[limits]
calls = -1
tasks = 2.5
query_timeout = "-5s"
body_bytes = "1MB"
[security]
allow_methods = ["get", "psot", 3]
allow_hosts = "a"
[upstreams.a]
[upstreams.a.sources.users]
path = "users"
pth = "/users"
[upstreams.b]
url = "http://u:s3cret@b"
sources.users.path = "/users"
sources."2nd".path = "/"
[nonsense]
x = 1
"""

GOLDEN_PROBLEMS = """\
apiql.toml:2:1: server.prot: there is no such setting
    did you mean server.port?
apiql.toml:3:8: server.port: found "80"
    expected: a whole number
apiql.toml:4:1: server.details: there is no such setting
    did you mean answer.details?
apiql.toml:6:11: answer.details: found "ful"
    expected: one of "status", "full"
    did you mean "full"?
apiql.toml:7:8: answer.plan: found 1
    expected: true or false
apiql.toml:9:9: limits.calls: found -1
    expected: 1 or more
apiql.toml:10:9: limits.tasks: found 2.5
    expected: a whole number
apiql.toml:11:17: limits.query_timeout: "-5s" is negative
    expected: a duration above 0: "500ms", "2s", "5m", "1h", or a number of seconds
apiql.toml:12:14: limits.body_bytes: "1MB" is no size
    expected: a size above 0: "512B", "64KiB", "8MiB", "1GiB", or a number of bytes
apiql.toml:14:25: security.allow_methods[1]: found "psot"
    expected: one of "get", "post", "put", "patch", "delete", "head"
    did you mean "post"?
apiql.toml:14:33: security.allow_methods[2]: found 3
    expected: one of "get", "post", "put", "patch", "delete", "head"
apiql.toml:15:15: security.allow_hosts: found "a"
    expected: a list
apiql.toml:16:12: upstreams.a.url: the setting is missing
    expected: "http://host:port/prefix" or "https://…", without user, query or fragment
apiql.toml:18:8: upstreams.a.sources.users.path: "users" is no path
    expected: a path from the root: "/users/{id}"
apiql.toml:19:1: upstreams.a.sources.users.pth: there is no such setting
    did you mean upstreams.a.sources.users.path?
apiql.toml:21:7: upstreams.b.url: the URL names a user or password
    expected: "http://host:port/prefix" or "https://…", without user, query or fragment
apiql.toml:22:9: upstreams.b.sources.users: upstream a has a source of this name too
    also at apiql.toml:17:22
    expected: a name of its own
apiql.toml:23:9: upstreams.b.sources.2nd: the name cannot stand after `from`
    expected: letters, digits and _, no digit first
apiql.toml:24:2: nonsense: there is no such setting
    expected: one of access, addresses, admin, answer, buckets, clients, cors, endpoints, forgery, \
legacy, limits, log, plugins, queries, remote, rights, security, server, signing, store, \
telemetry, upstreams"""


def test_every_problem_of_a_file_is_reported_at_once(conf: Path) -> None:
    assert refused(conf, GOLDEN_FILE) == GOLDEN_PROBLEMS


SOURCE = """\
[upstreams.a]
url = "http://a"
[upstreams.a.sources.items]
path = "/items"
[upstreams.a.sources.items.%s]
"""


@pytest.mark.parametrize(("table", "line", "message"), [
    ("bulk", 'param = "ids"\nkey = "id"\nparams = 1', "bulk.params: there is no such setting\n"
     "    did you mean upstreams.a.sources.items.bulk.param?"),
    ("push", 'style = "odate"\ncan = ["limit"]', 'push.style: found "odate"\n'
     '    expected: one of "postgrest", "odata", "jsonapi", "google", "param"\n'
     '    did you mean "odata"?'),
    ("push", 'style = "odata"\ncan = ["top"]', 'push.can[0]: found "top"\n'
     '    expected: one of "limit", "offset", "order", "filter", "fields"'),
    ("push", 'style = "google"\ncan = ["limit", "order"]', "push: this style has no such "
     'parameter\n    expected: can = ["limit", "fields"] or less'),
    ("push", 'style = "odata"\ncan = ["filter"]', "push: members are not named\n"
     '    expected: members = { id = "integer", name = "text?" }'),
    ("push", 'style = "odata"\ncan = ["order"]\nmembers.id = "integer?"\nkey = "id"',
     "push: an order needs the key that makes it total\n"
     "    expected: key = a member that is one of integer, number, ordered text"),
    ("push", 'style = "jsonapi"\ncan = ["fields"]\nmembers.id = "text"',
     'push: the type of the rows is not said\n    expected: names = { fields = "fields[type]" }'),
    ("push", 'style = "odata"\ncan = ["fields"]\nmembers.first-name = "text"',
     "push: this style has no names with -\n    expected: letters, digits and _"),
    ("push", 'style = "param"\ncan = ["fields"]\nmembers.id = "int"', 'push.members.id: "int" is '
     'no kind\n    expected: "integer", "number", "boolean", "text", "ordered text", "any"; with ? '
     "behind it: or null"),
    ("push", 'style = "param"\ncan = ["fields"]\nmembers."a.b" = "any"', 'push.members."a.b": '
     "\"a.b\" is no member's name\n    expected: letters, digits, _ and -"),
    ("push", 'style = "param"\ncan = ["limit"]\nnames.limit = "per page"', 'push.names.limit: '
     '"per page" is no parameter\'s name\n    expected: printable ASCII without spaces'),
])  # fmt: skip
def test_problems_of_what_a_source_can_do(conf: Path, table: str, line: str, message: str) -> None:
    found = refused(conf, SOURCE % table + line)
    assert found.partition("upstreams.a.sources.items.")[2] == message


def test_twins_alone_name_both_places(conf: Path) -> None:
    text = '[upstreams]\na.url = "http://a"\na.sources.u.path = "/"\nb.url = "http://b"'
    message = refused(conf, text, {"APIQL_UPSTREAMS__B__SOURCES__U__PATH": "/"})
    assert message == (
        "APIQL_UPSTREAMS__B__SOURCES__U__PATH: upstreams.b.sources.u: upstream a has a source of"
        " this name too\n    also at apiql.toml:3:11\n    expected: a name of its own"
    )


def test_a_problem_as_data(conf: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(write(conf, "\n[limits]\ntoken = 1"), {})
    (problem,) = caught.value.problems
    assert isinstance(caught.value, ApiqlError)
    assert (problem.setting, problem.nearest) == ("limits.token", "limits.tokens")
    assert (problem.file, problem.line, problem.column) == (str(conf / "apiql.toml"), 3, 1)
    assert problem.variable is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = \n", "apiql.toml:1:5: this is no TOML: Invalid value"),
        ("[server\n", "apiql.toml:1:8: this is no TOML: Expected ']' at the end of a table"),
        ("a = 1\na = 2", "apiql.toml:2:6: this is no TOML: Cannot overwrite a value"),
        ("x = [1,\n 2", "apiql.toml:2:3: this is no TOML: Unclosed array"),
    ],
)
def test_what_is_no_toml(conf: Path, text: str, message: str) -> None:
    assert refused(conf, text).startswith(message)


def test_files_that_cannot_be_read(conf: Path) -> None:
    with pytest.raises(SettingsError, match="nowhere: there is no such folder"):
        load_settings(conf / "nowhere", {})
    (conf / "apiql.toml").write_bytes(b"a = 1\nb = '\xff'")
    with pytest.raises(SettingsError, match=r"apiql\.toml:2: the file is not UTF-8"):
        load_settings(conf, {})
    (conf / "apiql.toml").unlink()
    (conf / "apiql.toml").mkdir()
    with pytest.raises(SettingsError, match="the file cannot be read: Is a directory"):
        load_settings(conf, {})


def test_byte_order_marks_and_crlf_are_minded(conf: Path) -> None:
    (conf / "apiql.toml").write_bytes(b"\xef\xbb\xbf[server]\r\nport = 1\r\n")
    assert load_settings(conf, {}).server.port == 1


U = '[upstreams.shop]\nurl = "http://shop.test/api"\n'


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            'hosts = ["http://a", { url = "http://b/other", weight = 3 }]',
            'apiql.toml:3:9: upstreams.shop.hosts: "http://b/other" has another path than the url\n'
            "    expected: hosts without a path: the url's own is used",
        ),
        (
            'hosts = ["http://a", { url = "http://b", weight = 0 }]',
            "apiql.toml:3:51: upstreams.shop.hosts[1].weight: found 0\n    expected: 1 or more",
        ),
        (
            'hosts = ["http://a", { url = "http://b", wieght = 2 }]',
            "apiql.toml:3:42: upstreams.shop.hosts[1].wieght: there is no such setting\n"
            "    did you mean upstreams.shop.hosts[1].weight?",
        ),
        (
            'hosts = ["http://a", "https://b"]',
            "apiql.toml:3:9: upstreams.shop.hosts: some hosts are http and some https\n"
            "    expected: one of them for all",
        ),
        (
            'hosts = ["http://a", "http://A:80"]',
            'apiql.toml:3:9: upstreams.shop.hosts: "http://A:80" is there twice\n'
            "    expected: each host once: `weight` gives it more",
        ),
        (
            "hedge = 2",
            "apiql.toml:3:9: upstreams.shop.hedge: 2 is neither\n"
            "    expected: true, false, or a table",
        ),
        (
            "hedge = { percentile = 100, budget = 0 }",
            "apiql.toml:3:24: upstreams.shop.hedge.percentile: 100 is no percentile\n"
            "    expected: a number from 50 to below 100\n"
            "apiql.toml:3:38: upstreams.shop.hedge.budget: 0 is no part of the calls\n"
            "    expected: a number above 0, up to 1",
        ),
        (
            'health = { path = "/h", every = "1s", timeout = "2s" }',
            "apiql.toml:3:10: upstreams.shop.health: a check may take longer than the time between"
            " two\n    expected: timeout <= every",
        ),
        (
            'health = { path = "/h{id}", fails = 0 }',
            'apiql.toml:3:19: upstreams.shop.health.path: "/h{id}" is no plain path\n'
            '    expected: a path of the host: "/health"\n'
            "apiql.toml:3:37: upstreams.shop.health.fails: found 0\n    expected: 1 or more",
        ),
        (
            'hosts = ["http://a"]\n[upstreams.other]\nurl = "http://shop.test:80"',
            "apiql.toml: upstreams shop and other have urls of one host, and differ in hosts"
            "\n    expected: the same in both, or another url in one of them",
        ),
    ],
)
def test_problems_of_hosts(conf: Path, lines: str, message: str) -> None:
    assert refused(conf, U + lines) == message


def test_hosts_can_come_from_the_environment(conf: Path) -> None:
    found = load_settings(
        write(conf, U),
        {
            "APIQL_UPSTREAMS__SHOP__HOSTS": "http://a, http://b",
            "APIQL_UPSTREAMS__SHOP__HEDGE": "true",
        },
    ).upstreams["shop"]
    assert [host.url for host in found.hosts] == ["http://a", "http://b"]
    assert found.hedge == Hedge()


KEPT = SOURCE.partition("[upstreams.a.sources.items.%s]")[0]


@pytest.mark.parametrize(
    ("cache", "wrong", "expected"),
    [
        ('"-5s"', '"-5s" is negative', "a duration above 0"),
        ("0", "0 sets no limit", "a duration above 0"),
        ("true", "true is no duration", "a duration above 0"),
        ('"soon"', '"soon" is no duration', "a duration above 0"),
        ('{ negative = "-1s" }', '"-1s" is negative', "a duration above 0"),
        ('{ tags = ["a b"] }', '"a b" is no tag', "letters, digits"),
        ('{ expires = "expires_in" }', "is no place in an answer", "body.expires_in"),
        ('{ expires = "body." }', "is no place in an answer", "body.expires_in"),
        ('{ keep = "5s", expires = "body.e" }', "both say how long", "one of them"),
        ('{ early = "5s" }', "before no end", "keep or expires"),
        ('{ keep = "5s", early = "5s" }', "nothing would be kept", "early < keep"),
        ('{ kepe = "5s" }', "there is no such setting", "keep"),
    ],
)
def test_problems_of_caching(conf: Path, cache: str, wrong: str, expected: str) -> None:
    message = refused(conf, f"{KEPT}cache = {cache}")
    assert wrong in message
    assert expected in message
    assert "cache" in message


def test_answers_to_writes_cannot_be_kept(conf: Path) -> None:
    message = refused(conf, f'{KEPT}method = "put"\ncache = "5s"')
    assert "answers to put are not kept" in message


STORE_URL = (
    '    expected: "redis://host:6379/0", "rediss://…" with TLS, or "unix:///run/redis.sock?db=0"'
)


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("memcached://s3cret@h", "there is no store of this scheme"),
        ("redis://", "the URL names no host"),
        ("redis://u:s3cret@", "the URL names no host"),
        ("redis://u:s3cret@h:0", "the URL has an empty or zero port"),
        ("redis://u:s3cret@h:", "the URL has an empty or zero port"),
        ("redis://u:s3cret@h:66666", "the host, port or query of the URL cannot be read"),
        ("redis://u:s3cret@h/one", "the database is no number"),
        ("redis://u:s3cret@h/0/1", "the database is no number"),
        ("redis://u:s3cret@h/0?socket_timeout=9", "the URL has options"),
        ("redis://u:s3cret@h/?db=1", "the URL has options"),
        ("unix://", "the URL names no path of a socket"),
        ("unix:///", "the URL names no path of a socket"),
        ("unix:///run/redis.sock?protocol=3", "the URL has options"),
        ("unix:///run/redis.sock?db=x", "the database is no number"),
        ("unix:///run/redis.sock?db", "the host, port or query of the URL cannot be read"),
        (
            "redis://u:s3 cret@h",
            "a space, a backslash, a # or a control character in the URL: write them as %20",
        ),
        (
            "redis://u:s3#cret@h",
            "a space, a backslash, a # or a control character in the URL: write them as %20",
        ),
        ("", "there is no store of this scheme"),
        ("redis", "there is no store of this scheme"),
    ],
)
def test_a_store_that_cannot_be(conf: Path, url: str, wrong: str) -> None:
    told = f"apiql.toml:2:7: store.url: {wrong}\n{STORE_URL}"
    assert refused(conf, f'[store]\nurl = "{url}"') == told
    in_environment = refused(conf, "", {"APIQL_STORE__URL": url})
    assert in_environment == f"APIQL_STORE__URL: store.url: {wrong}\n{STORE_URL}"


@pytest.mark.parametrize(
    "text",
    [
        'store = "redis://u:s3cret@h"',
        '[store]\nurl = ["redis://u:s3cret@h"]',
        '[store]\nurl = "redis://u:s3cret@h"\ntimeout = "-1s"\nprefix = ""',
    ],
)
def test_a_wrong_store_does_not_show_its_password(conf: Path, text: str) -> None:
    assert "s3cret" not in refused(conf, text)


def test_a_store_without_its_client(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    assert refused(conf, '[store]\nurl = "redis://h"') == (
        "apiql.toml:2:7: store.url: the package that speaks to Redis is not installed\n"
        "    expected: pip install 'apiql[redis]', or no store"
    )


def test_http2_without_what_speaks_it(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h2", None)
    assert refused(conf, '[upstreams.a]\nurl = "https://a.example"\nhttp2 = true') == (
        "apiql.toml:3:9: upstreams.a.http2: the package that speaks HTTP/2 is not installed\n"
        "    expected: pip install 'apiql[http2]', or no http2"
    )


@pytest.mark.parametrize("prefix", ["", "a b", "é", "x" * 65, "a#b"])
def test_a_prefix_that_no_key_has(conf: Path, prefix: str) -> None:
    told = "apiql.toml:2:10: store.prefix: no key begins so\n"
    told += "    expected: 1 to 64 letters, digits, and _ . : -"
    assert refused(conf, f'[store]\nprefix = "{prefix}"') == told


@pytest.mark.parametrize(
    "url",
    [
        "redis://h",
        "redis://:s3cret@h:6380/2",
        "rediss://u:p%40ss@[::1]",
        "unix:///run/redis.sock",
        "unix://:p@/run/redis.sock?db=2",
        "redis://h/",
    ],
)
def test_stores_that_can_be(conf: Path, url: str) -> None:
    settings = load_settings(write(conf, f'[store]\nurl = "{url}"\ntimeout = "20ms"'), {})
    assert (settings.store.url, settings.store.timeout) == (url, 0.02)
    assert "redis" not in repr(settings)


def test_problems_of_rights(conf: Path) -> None:
    text = """
[rights]
default = "privat"
[rights.scopes."a b"]
[rights.scopes.web]
source = ["users"]
queries = ["shop/*/x", ""]
methods = ["get", "fetch"]
texts = "no"
"""
    assert refused(conf, text) == GOLDEN_RIGHTS


GOLDEN_RIGHTS = """\
apiql.toml:3:11: rights.default: found "privat"
    expected: one of "public", "known", "internal"
apiql.toml:4:16: rights.scopes."a b": the name is no scope's
    expected: printable ASCII without spaces, quotes and \\
apiql.toml:6:1: rights.scopes.web.source: there is no such setting
    did you mean rights.scopes.web.sources?
apiql.toml:7:12: rights.scopes.web.queries[0]: "shop/*/x" names nothing
    expected: a name, or "shop/*", or "*"
apiql.toml:7:24: rights.scopes.web.queries[1]: "" names nothing
    expected: a name, or "shop/*", or "*"
apiql.toml:8:19: rights.scopes.web.methods[1]: found "fetch"
    expected: one of "get", "post", "put", "patch", "delete", "head"
    did you mean "patch"?
apiql.toml:9:9: rights.scopes.web.texts: found "no"
    expected: true or false"""
