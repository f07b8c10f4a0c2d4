"""Secrets in a plan: configured texts that only one host may see. Knows no settings.

A secret shows itself to nobody: its text is taken where its call is made, and only there.
"""

from __future__ import annotations

from dataclasses import dataclass

from apiql.errors import Code, Location, Problem, QueryRefused


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A text for the host `home` (scheme and authority, as an endpoint's base has them). `place`
    says where it is configured: what stands elsewhere is another secret.
    """

    place: str
    home: str
    text: str

    def __repr__(self) -> str:
        return f"<secret {self.place}>"

    def __str__(self) -> str:
        return "***"

    def for_host(self, base: str) -> str:
        """The text, for calls to its own host.

        Raises:
            QueryRefused: the host is another.
        """
        if base != self.home:
            raise QueryRefused((astray(),))
        return self.text


def astray(place: Location | None = None, name: str | None = None) -> Problem:
    """A secret is on its way to where it does not belong."""
    message = "a private value of the configuration would go where it does not belong"
    hint = "it is sent to its own upstream, and stands nowhere else"
    places = () if place is None else (place,)
    return Problem(Code.FORBIDDEN_UPSTREAM, message, places, hint, task=name)
