"""What is said about settings that cannot be used: the whole text, every kind of problem."""

from __future__ import annotations

from pathlib import Path

import pytest

from apiql.errors import ApiqlError
from apiql.settings import SettingsError, load_settings


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
    expected: one of answer, clients, limits, queries, security, server, upstreams"""


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
