"""T27: a request, a conf folder or an environment variable makes the server load code."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from apiql.demo.serving import serving
from apiql.engine import all_functions
from apiql.plug_in_files import PlugInsRefused, read_plug_ins
from apiql.query_files import read_query_files
from apiql.server.app import create_app
from apiql.settings import SettingsError, load_settings
from tests.server.client import Site
from tests.server.conftest import settings_for
from tests.server.upstream import Upstream

EVIL = "open({place!r}, 'w').write('loaded')\nimport os\nos.environ['EVIL'] = '1'\n"
FILES = ["plugin.py", "__init__.py", "sitecustomize.py", "conftest.py", "queries/plugin.py",
         "queries/evil.apiql.py", "plugins/evil.py", "apiql.py"]  # fmt: skip


async def test_code_in_the_conf_folder_is_left_alone(tmp_path: Path, up: Upstream) -> None:
    """Neither a start, nor a check of what is there, nor a query runs any of it."""
    sign = tmp_path / "sign"
    for name in FILES:
        file = tmp_path / "conf" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(EVIL.format(place=str(sign)))
    (tmp_path / "conf" / "queries" / "good.apiql").write_text("select * from /ok")
    before = set(sys.modules)
    queries = read_query_files(tmp_path / "conf")
    assert [file.name for file in queries.files] == ["good"]
    async with serving(create_app(settings_for(up), queries)) as url:
        site = Site(url)
        for path in ("good", "plugin", "evil.apiql", "plugin.py", "../plugins/evil"):
            await site.send("GET", f"/query/{path}")
    assert not sign.exists()
    assert not {name for name in set(sys.modules) - before if "evil" in name or "plugin" in name}


@pytest.mark.parametrize("open_to_all", ["file", "folder"])
def test_code_that_anybody_may_write_is_not_run(tmp_path: Path, open_to_all: str) -> None:
    sign, folder = tmp_path / "sign", tmp_path / "plugins"
    folder.mkdir()
    (folder / "evil.py").write_text(EVIL.format(place=str(sign)))
    opened = folder if open_to_all == "folder" else folder / "evil.py"
    opened.chmod(opened.stat().st_mode | 0o002)
    settings = load_settings(None, {"APIQL_PLUGINS__FILES": "evil"})
    with pytest.raises(PlugInsRefused, match="anybody may write"):
        read_plug_ins(tmp_path, settings.plugins, all_functions())
    assert not sign.exists()


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "a/../../evil", "evil.py", ".evil", ""])
def test_no_name_of_one_leads_out_of_its_folder(name: str) -> None:
    with pytest.raises(SettingsError):
        load_settings(None, {"APIQL_PLUGINS__FILES": f'["{name}"]'})


@pytest.mark.parametrize("setting", ["SERVER__PLUGINS", "PLUGINS__PATH", "QUERIES__FUNCTIONS"])
def test_no_unknown_setting_loads_any(setting: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no such setting"):
        load_settings(None, {f"APIQL_{setting}": str(tmp_path)})


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize(
    "query",
    [
        "select __import__('os') as x from /ok",
        "select eval('1') as x from /ok",
        "select load('plugin.py') as x from /ok",
        "select os.system('true') as x from /ok as os",
        "use plugin '/tmp/x.py'; select * from /ok",
        "set f as function; select f(1) as x from /ok",
        "select * from plugin.evil",
        "select jmespath('load(`1`)') as x from /ok",
    ],
)
async def test_no_query_names_any(site: Site, query: str) -> None:
    response = await site.ask(query)
    if response.status == 200:
        assert response.json()["data"] == {"os": {"x": None}}
    else:
        assert response.status in (400, 422)
        assert "Traceback" not in response.body.decode()
