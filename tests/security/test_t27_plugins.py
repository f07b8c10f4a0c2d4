"""T27: a request, a conf folder or an environment variable makes the server load code."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from apiql.demo.serving import serving
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
