"""Faults of the answer to a check: the connection, the HTTP answer, or what the manifest says (design §7)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from hotswap_dev.domain.faults.registry import Fault, Stage

ErrorStatus = Annotated[int, Meta(ge=400, le=599, description="HTTP status")]
Milliseconds = Annotated[int, Meta(ge=0, le=600_000, description="ms before the first byte")]
Jitter = Annotated[int, Meta(ge=0, le=600_000, description="ms more or less, evenly spread")]


class CheckFault(Fault, frozen=True):
    """A fault that strikes the answer to a check."""

    stage: ClassVar[Stage] = "check"


class CheckHttpError(CheckFault, frozen=True):
    """Answer a check with an HTTP error and a small body."""

    summary = "Answer checks with an HTTP error"

    status: ErrorStatus = 503

    def told_status(self, status: int) -> int:
        """The error's."""
        return self.status


class CheckDelay(CheckFault, frozen=True):
    """Answer rightly, but late. The plugin waits 15 s for a check."""

    keeps_offer = True
    summary = "Answer checks late"

    ms: Milliseconds = 3000
    jitter: Jitter = 0


class Hang(CheckFault, frozen=True):
    """Accept the check and say nothing, then close. The plugin gives up after 15 s."""

    summary = "Accept checks and say nothing for a while"

    seconds: Annotated[int, Meta(ge=1, le=600, description="s until the connection is closed")] = 30

    def told_status(self, status: int) -> int:
        """Nothing goes out."""
        return 0


class CheckConnectionReset(CheckFault, frozen=True):
    """Reset the connection (TCP RST) in place of an answer: WireMock's CONNECTION_RESET_BY_PEER."""

    summary = "Reset the connection in place of an answer"

    def told_status(self, status: int) -> int:
        """Nothing goes out."""
        return 0


class EmptyResponse(CheckFault, frozen=True):
    """Close the connection without a single byte: WireMock's EMPTY_RESPONSE."""

    summary = "Close the connection without a byte"

    def told_status(self, status: int) -> int:
        """Nothing goes out."""
        return 0


class MalformedJson(CheckFault, frozen=True):
    """Answer 200 with JSON that ends in the middle."""

    summary = "Answer 200 with JSON that is cut off"

    def told_status(self, status: int) -> int:
        """It looks well."""
        return 200


class HtmlPage(CheckFault, frozen=True):
    """Answer 200 with an HTML page, as a captive portal or a wrong proxy does."""

    summary = "Answer 200 with an HTML page, as a captive portal does"

    def told_status(self, status: int) -> int:
        """It looks well."""
        return 200


class ManifestFault(CheckFault, frozen=True):
    """A fault that changes what a manifest says: it fires, and counts, only where there is an offer."""

    at_offers: ClassVar[bool] = True


class MissingField(ManifestFault, frozen=True):
    """Leave a required field out of the manifest (contract, "Field Reference")."""

    summary = "Leave a required field out of the manifest"

    field: Annotated[
        Literal["version", "sequence", "min_binary_version", "url", "signature"],
        Meta(description="which one"),
    ] = "signature"


class StaleManifest(ManifestFault, frozen=True):
    """Answer with the manifest of what the client already runs, as a cache that nobody purged does.

    It fires only where that is known here: not for a client at 0.
    """

    summary = "Answer with the manifest of what the client runs, as a stale cache does"


class SameSequence(ManifestFault, frozen=True):
    """Offer the new bundle under the sequence that the client already has."""

    summary = "Offer the new bundle under the client's own sequence"


class LowerSequence(ManifestFault, frozen=True):
    """Offer the new bundle under a sequence below the client's: a server that forgot its counter."""

    summary = "Offer the new bundle under a lower sequence: the counter was forgotten"


class BadMinBinaryVersion(ManifestFault, frozen=True):
    """Say a minimum that is no version."""

    summary = "Say a min_binary_version that is no version"


class FutureMinBinaryVersion(ManifestFault, frozen=True):
    """Say a minimum above every binary."""

    summary = "Say a min_binary_version above every binary"


class InsecureUrl(ManifestFault, frozen=True):
    """Offer the bundle by an http:// address even where the server's own is https."""

    keeps_offer = True
    summary = "Offer the bundle by an http:// address"


class MissingBundle(ManifestFault, frozen=True):
    """Offer a bundle whose address is a 404, as a CDN that was not filled yet does."""

    keeps_offer = True
    summary = "Offer a bundle that is not there"
