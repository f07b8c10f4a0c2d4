"""Requests to the endpoints of gateways, in the order of the gateway's own middlewares: trace, cors,
timeout, limiter, cache, endpoint; who logs and who catches a panic stand around all of it.
"""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass, replace
from typing import NoReturn

from apiql.engine import Engine, Query
from apiql.errors import Code, QueryRefused, RequestRefused
from apiql.frontends.endpoints.gateway import Endpoint
from apiql.frontends.endpoints.lowered import CLIENT, REQUEST, TRACE, Ended, GatewayAnswer
from apiql.frontends.endpoints.message import Message
from apiql.frontends.endpoints.refused import refused
from apiql.frontends.endpoints.state import Refusal, State
from apiql.frontends.endpoints.units import SECOND, duration_text
from apiql.gateways import Served
from apiql.ir.reach import Kind
from apiql.runtime.outcome import Done, Failed, LeftOut
from apiql.server.client_address import client_address
from apiql.server.current import Held
from apiql.server.gateway_answer import rendered_of
from apiql.server.gateway_cache import Entry, key_of
from apiql.server.gateway_limits import (
    large_body,
    large_head,
    most_of,
    taken,
    too_many,
    unmapped,
)
from apiql.server.gateway_request import fields_of, new_trace_id, query_of, with_body
from apiql.server.gateway_ways import Way, way_of
from apiql.server.gateways import Gateways
from apiql.server.media import Wanted
from apiql.server.query_route import knows_more
from apiql.server.read import Asked, Headers, check_head, read_body
from apiql.server.render import Rendered, keep_private
from apiql.server.visit import Answered, Visit

CODES = {
    403: Code.FORBIDDEN, 413: Code.BODY_TOO_LARGE, 429: Code.RATE_LIMITED,
    431: Code.HEADERS_TOO_LARGE, 504: Code.QUERY_TIMEOUT,
}  # fmt: skip
"""What the gateway's own refusals are called in logs and figures."""
