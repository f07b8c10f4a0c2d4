"""Every recorded case is answered as it was recorded, or otherwise for a reason that is named."""

from __future__ import annotations

import json

from apiql.template_files import TemplateFile, TemplateFiles
from tests.templates.loading import loaded
from tests.templates.recorded import CASES, DEVIATIONS, REFUSALS, rows, table


async def test_the_recorded_cases() -> None:
    found = await rows()
    print(table(found))
    assert [row.name for row in found] == [case["name"] for case in json.loads(CASES.read_text())]
    assert all(row.right for row in found), table(found)
    assert len(found) == 14
    assert DEVIATIONS.keys() | REFUSALS.keys() < {row.name for row in found}


def test_the_templates_of_its_users_load() -> None:
    for name in ("example", "test_main_template"):
        text = (CASES.parent / f"{name}.json").read_text("utf-8")
        files = TemplateFiles((TemplateFile(name, f"{name}.json", text),))
        found = loaded(files, '[security]\nallow_hosts = ["192.168.8.111:8080"]')
        assert list(found.found) == ["getUserInfo"]
        plan = found.found["getUserInfo"].executable.plan
        assert {t.name: t.needs for t in plan.tasks} == {
            "login": frozenset(), "imUserInfo": {"login"}, "staffInfo": {"login"},
        }  # fmt: skip
        (warning,) = found.warnings
        expected = (
            "Timeout: 10 milliseconds are very short\nexpected 10000, if seconds are meant"
            if name == "example"
            else "Timeout: 10000 milliseconds go over the limit call_timeout\n"
            "the call has 5000; raise [limits] call_timeout for more"
        )
        assert str(warning).endswith(f"$.getUserInfo.Resources.imUserInfo.{expected}")
