"""Faults of the signature, which travels in the manifest: they need an offer, and there are no attempts."""

from __future__ import annotations

from typing import ClassVar

from hotswap_dev.domain.faults.registry import Fault, Stage


class SignatureFault(Fault, frozen=True):
    """A fault that strikes the signature of an offer."""

    stage: ClassVar[Stage] = "signature"
    at_offers: ClassVar[bool] = True
    keeps_offer: ClassVar[bool] = True


class WrongKey(SignatureFault, frozen=True):
    """A valid signature of these bytes by another key."""

    summary = "Sign with another key"


class LegacySignature(SignatureFault, frozen=True):
    """A valid signature by the right key, but of minisign's legacy kind (`Ed`, not prehashed)."""

    summary = "Sign in minisign's legacy way, which the plugin refuses"


class OtherFilesSignature(SignatureFault, frozen=True):
    """A valid signature by the right key, of other bytes."""

    summary = "Send the signature of other bytes"


class GarbageSignature(SignatureFault, frozen=True):
    """A text that is no signature at all."""

    summary = "Send a text that is no signature"
