"""The section of traces. Knows no exporter."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from apiql.settings.section import Section
from apiql.settings.values import WebAddress, refusal


def _collector(value: str) -> str:
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.sdk") is None:
        wrong = "the packages that speak to collectors are not installed"
        raise refusal(wrong, "pip install 'apiql[otel]', or no traces")
    return value


class Telemetry(Section):
    """How requests are followed from service to service."""

    propagate: bool = True
    """Whether a trace that a caller is part of is told to the upstreams of the configuration."""
    traces: Annotated[WebAddress, AfterValidator(_collector)] | None = Field(
        default=None, repr=False
    )
    """Where spans are sent, as OTLP over HTTP: "http://127.0.0.1:4318/v1/traces"; unset: none."""
    sample: float = Field(default=0.1, ge=0, le=1)
    """The share of requests that begin a trace; those in one do as it says."""
    service: str = Field(default="apiql", min_length=1, max_length=128)
    """The name of this service in its spans."""

    @model_validator(mode="after")
    def _tells(self) -> Self:
        if self.traces is not None and not self.propagate:
            raise refusal("traces end here", "propagate = true where traces are sent")
        return self
