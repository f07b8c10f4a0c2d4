"""What is left of a template that is wrong in parts: so that what is wrong with the others is found
at the same time. It is never run.
"""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from apiql.frontends.call_templates.document import CallTemplate

ROUNDS = 3
STUB = {"Url": "/"}
"""In the place of a resource that has no address: its name is known."""


def mended(template: Any) -> CallTemplate:
    """The template without the parts that are wrong."""
    for _ in range(ROUNDS):
        try:
            return CallTemplate.model_validate(template)
        except ValidationError as refused:
            for error in refused.errors(include_url=False, include_input=False):
                _take_out(error["loc"], template)
    return CallTemplate(output={})


def _take_out(keys: tuple[str | int, ...], template: Any) -> None:
    match keys:
        case ("Resources", str(name)) | ("Resources", str(name), "Url"):
            template["Resources"][name] = dict(STUB)
        case ("Output", *_):
            template["Output"] = {}
        case ("Resources", name, *_) if template["Resources"].get(name) == STUB:
            pass
        case (*before, last) if before:
            inner = template
            for key in before:
                inner = inner[key]
            inner.pop(last, None) if isinstance(inner, dict) else inner.clear()
        case (str(last),) if isinstance(template, dict):
            template.pop(last, None)
        case _:
            pass
