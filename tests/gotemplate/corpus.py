"""The recorded templates with what Go made of them, and data as a template sees them."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from apiql.gotemplate import Data, Kind, Mode, Rendered, compile_template, v1_functions

FOLDER = Path(__file__).parent.parent / "data" / "gotemplate"
RECORDED: dict[str, Any] = json.loads(
    FOLDER.joinpath("cases.json").read_text("utf-8"), parse_float=Decimal
)
FUNCTIONS = v1_functions(lambda: 1_652_196_921.5)
KINDS = {"a": Kind.FLOAT, "num": Kind.NUMBER}


def recorded_data(name: str) -> Data:
    """The data set of a case: `a` is a request's body, `num` an upstream's; loops count in ints."""
    return Data(RECORDED["data"][name], KINDS[name], {"loop": Kind.INT})


def rendered(text: str, value: Any = None, mode: Mode = Mode.TEXT, **kinds: Kind) -> Rendered:
    """A template over plain data, whose numbers are float64 but for the members named."""
    data = Data({} if value is None else value, Kind.FLOAT, kinds)
    return compile_template(text, FUNCTIONS, mode).render(data)


def html(text: str, **value: Any) -> str:
    """A page over data, which must succeed."""
    page = rendered(text, value, Mode.HTML)
    assert page.fault is None
    return page.text
