"""Commands about who may ask at all, and about what the second protocol's products are answered from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Literal, Self

from msgspec import Meta
from msgspec.structs import replace

from hotswap_dev.domain.checks import Check
from hotswap_dev.domain.commands.arguments import channel_name
from hotswap_dev.domain.commands.channels import created_if_missing
from hotswap_dev.domain.commands.registry import Built, Command
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.facts import Fact, ProductMapped, RequiredHeaderRemoved, RequiredHeaderSet
from hotswap_dev.domain.model import RequiredHeader
from hotswap_dev.domain.rollout import Counted
from hotswap_dev.domain.text import digest, shown
from hotswap_dev.errors import HotswapError

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
"""What a header may be called (RFC 9110, section 5.6.2)."""


_OF_THE_CONNECTION = "it is about a connection, and says nothing of who asks"
_NO_CREDENTIALS: Mapping[str, str] = MappingProxyType(
    {
        "x-device-id": "it says who a client is, and is shown",
        "host": "every request has it, and it names this server",
        "content-length": "it is about a body, and says nothing of who asks",
        **dict.fromkeys(
            (
                "connection",
                "keep-alive",
                "proxy-authenticate",
                "proxy-authorization",
                "proxy-connection",
                "te",
                "trailer",
                "transfer-encoding",
                "upgrade",
            ),
            _OF_THE_CONNECTION,
        ),
    }
)
"""Headers in lower case that no login can be in, and why: what is shown, what ends at the next proxy (RFC 9110, section
7.6.1), what HTTP itself needs."""


class Unseen(Counted, frozen=True, kw_only=True):
    """Clients of whom it is not known whether they send a header: it is looked at only where it is demanded."""

    header: str
    unseen: int
    """Clients that were not seen sending it, so far."""
    of: int
    """Clients that ask for the channel."""

    def plus(self, more: Self) -> Self:
        """Those of both."""
        return replace(self, unseen=self.unseen + more.unseen, of=self.of + more.of)


class SetRequiredHeader(Command, frozen=True):
    """Refuse checks and downloads of a channel that come without a header, as a server behind a login does.

    With a value, another value is refused too. The value is kept as a digest and shown nowhere.
    """

    summary = "Refuse who does not send a header, with 401 or 403"
    example = "set-required-header beta X-API-Key 401"

    channel: Annotated[str, Meta(description="for those who ask for this channel; created if it is missing")]
    header: Annotated[str, Meta(description="the header's name")]
    status: Annotated[Literal[401, 403] | None, Meta(description="401, 403, or none to demand it no longer")]
    value: Annotated[
        Annotated[str, Meta(min_length=1, max_length=1024)] | None,
        Meta(description="the value that is right (default: any)", extra_json_schema={"writeOnly": True}),
    ] = None

    def events(self, controls: Controls, now: datetime, built: Built | None = None) -> list[Fact]:
        """The header demanded, or no longer, if that is new."""
        channel = channel_name(self.channel)
        known = controls.required.get(channel)
        if self.status is None:
            return [] if known is None else [RequiredHeaderRemoved(at=now, channel=channel)]
        if not _TOKEN.fullmatch(self.header):
            raise HotswapError(
                f"header: {shown(self.header)!r} can't be a header's name",
                "such as Authorization or X-API-Key",
                code="bad-header",
            )
        if self.header.lower() in _NO_CREDENTIALS:
            raise HotswapError(
                f"header: {self.header} can't be demanded: {_NO_CREDENTIALS[self.header.lower()]}",
                "such as Authorization or X-API-Key",
                code="bad-header",
            )
        required = RequiredHeader(
            header=self.header,
            status=self.status,
            digest=None if self.value is None else digest(self.value),
        )
        if required == known:
            return []
        return [
            *created_if_missing(controls, channel, now),
            RequiredHeaderSet(at=now, channel=channel, required=required),
        ]

    def outlook(self, controls: Controls, checks: Iterable[Check]) -> Unseen | None:
        """Of how many clients it can't be foretold whether they are let in."""
        channel = channel_name(self.channel)
        if self.status is None:
            return None
        asking = [check for check in checks if check.asked_channel == channel]
        unseen = sum(self.header.lower() not in check.headers for check in asking)
        return Unseen(header=self.header, unseen=unseen, of=len(asking))


class MapProduct(Command, frozen=True):
    """Answer a product of the second protocol from this channel; a product that is not mapped asks for production."""

    summary = "Answer a product of the second protocol from a channel"
    example = "map-product your_app beta"

    product: Annotated[str, Meta(min_length=1, max_length=128, description="as the client names it")]
    channel: Annotated[str, Meta(description="created if it is missing")]

    def events(self, controls: Controls, now: datetime, built: Built | None = None) -> list[Fact]:
        """The product mapped, if it was not there."""
        if shown(self.product, 128) != self.product:
            raise HotswapError(
                f"product: {shown(self.product)!r} can't be a product's name",
                "at most 128 printable characters",
                code="bad-product",
            )
        channel = channel_name(self.channel)
        if controls.products.get(self.product) == channel:
            return []
        return [
            *created_if_missing(controls, channel, now),
            ProductMapped(at=now, product=self.product, channel=channel),
        ]
