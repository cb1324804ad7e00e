"""What a client's row says, in words: its label's sentence, and what a person should know besides."""

from __future__ import annotations

from hotswap_dev.domain.checks import ARCHES, PLATFORMS
from hotswap_dev.domain.clients.advance import lately_mixed
from hotswap_dev.domain.clients.row import Client
from hotswap_dev.domain.labels import page, turn_sentence
from hotswap_dev.domain.text import shown


def label_sentence(client: Client) -> str:
    """What its check-ins prove, in words; "" as long as no check of it could be read."""
    return "" if client.label is None else turn_sentence(client.label)


def runs_again(client: Client) -> bool:
    """Whether it runs what it has given up before, and has not confirmed it since: it may give it up again."""
    return (
        client.sequence is not None
        and client.sequence == client.fell_from
        and client.label is not None
        and client.label.code == "applied"
    )


def in_loop(client: Client) -> bool:
    """Whether it gives the same release up again and again, be it that it just runs it once more."""
    if client.label is not None and client.label.code == "rollback-loop":
        return True
    return client.falls > 1 and runs_again(client)


def remarks(client: Client) -> tuple[str, ...]:
    """What else its row has to say: an offer that is not taken, two clients under one id, what it should not send."""
    said = (_offer_remark(client), _mixed_remark(client), _version_remark(client), _machine_remark(client))
    return tuple(text for text in said if text)


def _offer_remark(client: Client) -> str:
    offered = client.offered
    if client.status != 200 or offered is None or client.sequence is None or offered <= client.sequence:
        return ""
    if client.label is not None and client.label.args.get("of") == offered:
        return ""  # its own words say more
    if client.broken == offered:
        return (
            f"{offered} is offered, and its last download broke off; the plugin makes 4 attempts by itself."
        )
    if client.shut_out == offered:
        return (
            f"{offered} is offered, and its last download was denied: it came without the header that the channel "
            "demands, or with another value."
        )
    if offered in client.unreported:
        return ""
    if offered in (client.fetched, client.fell_from) or any(
        turn.code == "fetched" and turn.args.get("sequence") == offered for turn in client.story
    ):
        return f"{offered} is offered again: it had it before, and has not downloaded it since."
    return f"{offered} is offered and not downloaded yet; if apply() was called: require_https refuses http."


def _mixed_remark(client: Client) -> str:
    mixed = client.mixed
    if mixed is None or not lately_mixed(mixed, client.last_seen):
        return ""
    if mixed.of == "peer":
        both = f"Two addresses use this id at once, {shown(mixed.one)} and {shown(mixed.other)}"
        return f"{both}: two devices with one X-Device-Id, or one device in two networks."
    if mixed.of == "binary-version":
        both = f"Its binary is {shown(mixed.one)} and {shown(mixed.other)} in turns"
        return f"{both}: two apps under one id, or one that is installed back and forth."
    both = (
        f"It reports {page(int(mixed.one))} and {shown(mixed.other)} in turns without a download in between"
    )
    return f"{both}: two apps under one id. Give each its own X-Device-Id."


def _version_remark(client: Client) -> str:
    if client.sequence is None or client.binary_version or client.protocol != "hotswap":
        return ""
    return "The app sends no binary version: it fails on every offer until its Tauri config has a version."


def _machine_remark(client: Client) -> str:
    """The plugin takes both from the machine that it runs on: whoever sends another is no plugin, or a newer one."""
    strange = [
        f"{name} {shown(value) or 'empty'} (one of {', '.join(known)})"
        for name, value, known in (
            ("platform", client.platform, PLATFORMS),
            ("arch", client.arch, ARCHES),
        )
        if client.sequence is not None and value is not None and value not in known
    ]
    return f"It sends what the plugin never does: {'; '.join(strange)}." if strange else ""
