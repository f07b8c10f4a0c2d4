"""What the demo asks: three queries, why they are worth asking, and what their answers must be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from apiql.errors import Code


@dataclass(frozen=True)
class Example:
    """A query and what the demo says of its answer.

    `failing` has the code of each task that cannot succeed; all others must. `contains` are
    pieces of the answer, digit by digit.
    """

    title: str
    told: str
    text: str
    contains: tuple[str, ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    failing: Mapping[str, Code] = field(default_factory=dict)


JOIN = Example(
    title="One call feeds another",
    told="api1 needs the id that api2 finds, so it starts when api2 has answered.",
    text="""\
select name, age post from /soa/10225/getHealth as api1 where id = api2.id
join
select id post from /soa/10225/getHealth as api2 where name = 'Ray'""",
    contains=('"api1":{"name":"Ray","age":24}', '"api2":{"id":15}'),
)

HOME = Example(
    title="A home page in one request",
    told="Seven calls; whatever can run side by side does, and no field too many comes back.",
    text="""\
set $user integer = 3;                      -- this request says 1

select *, (password, avatar, friends, address.geo) from users as user where id = $user
join select sky, celsius from /weather as weather where city = user.address.city;

select * from /cart/{user} as cart where user = $user hidden
join select name, price from items where ids = cart;

select total as orders, sum(data.items.total) as spent from /orders as spending
  where userId = $user;

select items.itemId, items.score from /recommendations/{user} as picks
  where user = $user  timeout 2s  optional;

select * from /status/204 as visit  after user, items  hidden""",
    params=MappingProxyType({"user": 1}),
    contains=('"name":"Ada"', '"price":19.50', '"spent":348.70', '"celsius":18.5', '"score":0.87'),
)

WRONG = Example(
    title="Things go wrong",
    told="Every failure is told with what the interface returned; all the rest is answered.",
    text="""\
select name, price from /items/7 as item;
select available from /stock/{sku} as stock where sku = 'SKU-007';   -- its warehouse is down
select sky from /weather where city = 'Atlantis' optional;           -- not found, not missed
select items from /recommendations/1 as picks timeout 60ms;          -- too slow
select name from /items/{id} as best where id = picks.items[0].itemId""",
    contains=('"price":22.60', '"WAREHOUSE_DOWN"', '"warning":true', '"cause":"picks"'),
    failing=MappingProxyType({
        "stock": Code.UPSTREAM_STATUS,
        "weather": Code.UPSTREAM_STATUS,
        "picks": Code.UPSTREAM_TIMEOUT,
        "best": Code.DEPENDENCY_FAILED,
    }),
)  # fmt: skip

EXAMPLES = (JOIN, HOME, WRONG)
