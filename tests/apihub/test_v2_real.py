"""The published definitions of the second generation: all become plans, and callbacks find home."""

from __future__ import annotations

import asyncio
from pathlib import Path

from apiql.engine import Engine
from apiql.frontends.definitions.folder import read_folder
from apiql.frontends.definitions.kinds import Kind
from apiql.frontends.definitions.lower.lowered import Ground
from apiql.frontends.definitions.lower.v2_gateway import lowering_v2
from apiql.ir.explain import as_text
from apiql.settings import Settings
from tests.apihub.traces import DATA
from tests.apihub.upstream import PLACE, Upstream
from tests.apihub.written import Folder, flow, httpapi, step, text, value

KINDS = (Kind.API, Kind.FLOW, Kind.SCHEDULE)


def test_all_published_definitions_become_plans() -> None:
    definitions = read_folder(DATA / "real" / "v2")
    lower = lowering_v2(Ground(definitions))
    engine = Engine(Settings(), Upstream(lambda: 0.0))
    made = [lower(kind, name) for kind in KINDS for name in definitions.documents[kind]]
    assert len(made) == 48
    for one in made:
        engine.defined(one.plan)
        engine.defined(one.data)
        assert as_text(one.plan)


def test_flows_that_several_call_are_made_once(tmp_path: Path) -> None:
    files = {"flows/a": flow(step("flowApi", name=text("c"))),
             "flows/b": flow(step("flowApi", name=text("c"))), "flows/c": flow()}  # fmt: skip
    folder = Folder(tmp_path, files)
    plans = []
    for name in "ab":
        plan = folder.lowered(Kind.FLOW, name).data
        plans += [task.work.plan for task in plan.tasks if hasattr(task.work, "plan")]
    assert len(plans) == 2
    assert plans[0] is plans[1]


def test_a_callback_finds_the_tenant_that_asked(tmp_path: Path) -> None:
    """Of many that submit, the answer that comes later goes to the one whose task it is."""
    body = {"taskId": "{{.origin.taskId}}", "result": "{{.origin.result}}"}
    files = {
        "httpapis/submit": httpapi("/echo"),
        "httpapis/back": httpapi(
            "", ("body", "b", value("json", body)), url="", method="POST",
            requestContentType="json", dynamicUrl=value("heap", "idx.url"),
        ),
        "flows/store": flow(
            step("httpApi", name=text("submit")),
            step("storageStore", key=text("cb"), index=value("origin", "taskId"),
                 content=text("json"),
                 origin_cb=value("jsonRaw", {"url": PLACE + "/cb/{{.base.user}}"})),
        ),
        "flows/load": flow(
            step("storageLoad", "idx", index=value("origin", "taskId"), content=text("json")),
            step("httpApi", name=text("back")),
        ),
    }  # fmt: skip
    folder = Folder(tmp_path, files)

    async def used() -> list[int]:
        for task, tenant in (("T1", "a"), ("T2", "b")):
            await folder.ask("flow/store", {"taskId": task}, appID=tenant)
        folder.upstream.drained()
        asked = [{"taskId": task, "result": f"of {task}"} for task in ("T2", "T1", "T3")]
        return [(await folder.ask("flow/load", one)).status for one in asked]

    assert asyncio.run(used()) == [200, 200, 500]
    assert [(seen.path, seen.body) for seen in folder.sent] == [
        ("/cb/b", '{"result":"of T2","taskId":"T2"}'),
        ("/cb/a", '{"result":"of T1","taskId":"T1"}'),
    ]
