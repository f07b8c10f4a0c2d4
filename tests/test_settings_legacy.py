"""What APIHUB was set by: its variables become settings, ours win, empty ones set nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from apiql.commands.checked_definitions import checked
from apiql.commands.exits import set_missing
from apiql.dotenv_text import read_dotenv
from apiql.frontends.definitions.folder import read_folder
from apiql.frontends.definitions.kinds import Kind
from apiql.frontends.definitions.layout import Layout
from apiql.legacy_folders import folders_of, missing_folders
from apiql.server.conf_folder import look_at
from apiql.server.configuration import Place, read_configuration
from apiql.settings import Settings, SettingsError, load_settings

SAMPLE = """\
# 服务的主机名
TGAH_HOST=0.0.0.0
TGAH_PORT=8080
# API和FLOW是否按bucket隔离
TGAH_BUCKET_ENABLE=no
TGAH_API_DEF_PATH={0}/apis
TGAH_FLOW_DEF_PATH={0}/flows
TGAH_PRIVATE_DEF_PATH={0}/privates
TGAH_REMOTE_CONF_URL=
TGAH_REMOTE_CONF_STORE_FOLDER=./conf
TGAH_REMOTE_CONF_UNZIP_PWD=
"""
API = '{"id": "a", "url": "http://127.0.0.1:9/ok", "method": "GET"}'


def test_a_sample_of_old_is_taken_as_it_is(tmp_path: Path) -> None:
    settings = load_settings(None, read_dotenv(SAMPLE.format(tmp_path), ".env"))
    assert (settings.server.host, settings.server.port) == ("0.0.0.0", 8080)
    assert not settings.legacy.buckets
    assert settings.legacy.folders == {
        kind: tmp_path / kind for kind in ("apis", "flows", "privates")
    }
    assert (settings.remote.url, settings.remote.password) == (None, None)
    assert settings.remote.folder == "./conf"


@pytest.mark.parametrize(
    ("text", "enabled"),
    [("yes", True), ("TRUE", True), ("oh Yes!", True), ("untrue", True),
     ("no", False), ("1", False), ("on", False), ("", False)],
)  # fmt: skip
def test_whether_buckets_are_enabled(text: str, enabled: bool) -> None:
    settings = load_settings(None, {"TGAH_BUCKET_ENABLE": text})
    assert settings.legacy.buckets is enabled


def test_who_wins(tmp_path: Path) -> None:
    (tmp_path / "apiql.toml").write_text('[server]\nport = 1\nhost = "::1"\n[legacy]\napis = "x"\n')
    older = {"TGAH_PORT": "2", "TGAH_API_DEF_PATH": "y"}
    assert load_settings(tmp_path, older).server.port == 2
    assert load_settings(tmp_path, older).server.host == "::1"
    assert load_settings(tmp_path, older).legacy.apis == "y"
    assert load_settings(tmp_path, {**older, "APIQL_SERVER__PORT": "3"}).server.port == 3


def test_all_variables_of_old() -> None:
    texts = {"SCHEDULE_DEF_PATH": "s", "REMOTE_CONF_URL": "http://me:S3CRET@a/b.zip?k=S3CRET",
             "REMOTE_CONF_UNZIP_PWD": "123", "REMOTE_CONF_STORE_FOLDER": "f"}  # fmt: skip
    settings = load_settings(None, {f"TGAH_{name}": text for name, text in texts.items()})
    assert settings.legacy.schedules == "s"
    assert settings.remote.url == "http://me:S3CRET@a/b.zip?k=S3CRET"
    assert settings.remote.password is not None
    assert settings.remote.password.get_secret_value() == "123"
    assert settings.remote.folder == "f"
    assert "S3CRET" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("TGAH_PORT", "http", 'TGAH_PORT: server.port: found "http"'),
        ("TGAH_PORT", "70000", "TGAH_PORT: server.port: found 70000"),
        ("TGAH_REMOTE_CONF_URL", "ftp://me:S3CRET@a", "TGAH_REMOTE_CONF_URL: remote.url: the URL"),
        ("TGAH_REMOTE_CONF_URL", "http://a/b#S3CRET", "the URL has a fragment"),
        ("TGAH_REMOTE_CONF_URL", "http://a/b?x y", "a space, a backslash or a control character"),
        ("APIQL_REMOTE__SHA256", "S3CRET", "remote.sha256: this is no checksum"),
        ("APIQL_LEGACY__APIS", "", "legacy.apis: "),
    ],
)
def test_what_is_wrong_is_told_by_its_variable(name: str, text: str, message: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(None, {name: text})
    assert message in str(refused.value)
    assert "S3CRET" not in str(refused.value)


def test_a_dotenv_file_sets_what_is_not_set(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\nB=2\nC=3\n")
    environ = {"A": "set", "B": ""}
    set_missing(tmp_path / ".env", environ)
    assert environ == {"A": "set", "B": "", "C": "3"}
    set_missing(None, environ)


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"A", ":1:2: there is no `=`"), (b"\xff", "is not UTF-8"), (None, "No such file"),
     (b"A" * (1 << 21), "is larger than 1048576 bytes")],
)  # fmt: skip
def test_a_dotenv_file_that_cannot_be_used(
    tmp_path: Path, data: bytes | None, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if data is not None:
        (tmp_path / ".env").write_bytes(data)
    with pytest.raises(SystemExit) as ended:
        set_missing(tmp_path / ".env", {})
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


# -- the folders ----------------------------------------------------------------------------------


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """A conf folder with one api of its own, and another one elsewhere."""
    for folder, name in (("conf/apis", "here"), ("there/apis", "elsewhere")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / f"{name}.json").write_text(API)
    (tmp_path / "conf" / "apiql.toml").write_text("")
    return tmp_path / "conf"


def apis_of(settings: Settings, conf: Path) -> set[str]:
    return set(read_folder(conf, folders_of(settings, conf)).documents[Kind.API])


def test_where_definitions_are_read_from(conf: Path) -> None:
    there = conf.parent / "there"
    named = load_settings(conf, {"TGAH_API_DEF_PATH": str(there / "apis")})
    assert apis_of(Settings(), conf) == {"here"}
    assert apis_of(named, conf) == {"elsewhere"}
    (conf / "remote" / "apis").mkdir(parents=True)
    (conf / "remote" / "apis" / "fetched.json").write_text(API)
    assert apis_of(named, conf) == {"elsewhere"}, (
        "nothing is fetched, so it is a folder like others"
    )
    environ = {"TGAH_API_DEF_PATH": str(there / "apis"), "TGAH_REMOTE_CONF_URL": "http://a"}
    assert apis_of(load_settings(conf, environ), conf) == {"fetched"}


def test_rights_and_templates_are_those_that_were_fetched(conf: Path) -> None:
    top = conf / "remote"
    for file in ("httpapis/f.json", "rights/httpapi/f.json", "templates/p.tmpl"):
        (top / file).parent.mkdir(parents=True)
        (top / file).write_text("{}")
    (conf / "apiql.toml").unlink()
    (conf / "apis" / "here.json").unlink()
    (conf / "apis").rmdir()
    settings = load_settings(
        None, {"APIQL_REMOTE__URL": "http://a", "APIQL_REMOTE__FOLDER": str(conf)}
    )
    found = read_folder(conf, folders_of(settings, conf))
    assert found.layout is Layout.V2
    assert found.names[Kind.RIGHT] == {"httpapi/f"}
    assert set(found.templates) == {"p.tmpl"}


def test_a_folder_that_is_not_there_is_told(conf: Path) -> None:
    settings = load_settings(conf, {"TGAH_API_DEF_PATH": "nowhere/apis"})
    assert list(missing_folders(settings)) == [("legacy.apis", Path("nowhere/apis"))]
    assert apis_of(settings, conf) == {"here"}
    told = "nowhere/apis: warning: legacy.apis names this, and it is no folder"
    read = read_configuration(Place(conf, {"TGAH_API_DEF_PATH": "nowhere/apis"}))
    assert told in checked(read, False).warnings[0]
    assert checked(read, True).errors


def test_a_reload_follows_the_folders(conf: Path) -> None:
    there = conf.parent / "there" / "apis"
    environ = {"TGAH_API_DEF_PATH": str(there), "TGAH_REMOTE_CONF_URL": "http://a"}
    place = Place(conf, environ)
    first = read_configuration(place)
    assert str(there / "elsewhere.json") in look_at(conf, first.others)
    (there / "any name").write_text(API)
    (conf / "remote" / "templates").mkdir(parents=True)
    (conf / "remote" / "templates" / "p.tmpl").write_text("x")
    seen = look_at(conf, first.others)
    assert {str(there / "any name"), str(conf / "remote" / "templates" / "p.tmpl")} <= seen.keys()
    assert read_configuration(place).revision != first.revision
