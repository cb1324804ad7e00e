"""Every key of the main screen (design §8): the footer, `?`, the palette and the bindings are made from this."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Target = Literal["client", "release", "all", "none"]
Group = Literal["story", "answers", "releases", "channels", "look", "move"]

GROUPS: tuple[Group, ...] = ("story", "answers", "releases", "channels", "look", "move")
"""In the order in which help lists them."""


class Key(Struct, frozen=True):
    """A key: Textual's name for it, how it is shown, two words for the footer, one sentence for help, and on what
    it acts.
    """

    key: str
    shown: str
    label: str
    help: str
    group: Group
    target: Target = "none"


KEYS: tuple[Key, ...] = (
    Key(
        "n",
        "n",
        "no update",
        "Answer this client 'no update': once, then until cleared, then no longer.",
        "answers",
        "client",
    ),
    Key(
        "N",
        "N",
        "no update for all",
        "Answer everyone 'no update': once, then until cleared, then no longer.",
        "answers",
        "all",
    ),
    Key("m", "m", "mandatory", "Let this release be mandatory, or no longer.", "answers", "release"),
    Key(
        "M",
        "M",
        "all mandatory",
        "Let every offer say mandatory, whatever its release, or no longer.",
        "answers",
        "all",
    ),
    Key("x", "x", "fault", "Arm a fault for this client, or disarm one.", "answers", "client"),
    Key("X", "X", "fault for all", "Arm a fault for everyone, or disarm one.", "answers", "all"),
    Key("w", "w", "withhold", "Stop offering this release, or put it back.", "answers", "release"),
    Key("W", "W", "pause channel", "Offer nothing in this channel, or go on.", "answers", "all"),
    Key(
        "z",
        "z",
        "clear",
        "Clear what is set for this client or release, one thing after the other.",
        "answers",
        "client",
    ),
    Key(
        "Z",
        "Z",
        "clear all",
        "End every forced 204, fault and mandatory for all; pins and pauses stay.",
        "answers",
        "all",
    ),
    Key(
        "J",
        "J",
        "jump past",
        "Go on counting above a client that is ahead, so that it is offered updates again.",
        "answers",
        "all",
    ),
    Key("p", "p", "publish", "Publish the watched folder now, as the next release.", "releases"),
    Key(
        "r", "r", "re-offer", "Offer this release's bundle again, as the next release.", "releases", "release"
    ),
    Key(
        "b",
        "b",
        "roll back",
        "Bring this release back, and withhold those after it in its channel.",
        "releases",
        "release",
    ),
    Key("greater_than_sign", ">", "promote", "Offer this release in another channel.", "releases", "release"),
    Key(
        "percent_sign",
        "%",
        "rollout",
        "Choose for how many and for whom this release is, with a preview.",
        "releases",
        "release",
    ),
    Key("e", "e", "edit", "Change this release's notes, minimum or version.", "releases", "release"),
    Key("c", "c", "channel", "Show the next channel alone, after the last one all of them.", "channels"),
    Key("t", "t", "builds go here", "Let builds go to the channel that is shown.", "channels"),
    Key("slash", "/", "filter", "Show only the check-ins that hold these words.", "look"),
    Key("F", "F", "follow", "Follow what comes, or hold still.", "look"),
    Key("enter", "enter", "open", "Open all that is known of the selected row.", "look"),
    Key("semicolon", ";", "note", "Put a remark between the check-ins.", "look"),
    Key("u", "u", "addresses", "Show the addresses, a QR code and the build line.", "look"),
    Key("v", "v", "wall of phones", "Show each client's page in a browser: the link, and a QR code.", "look"),
    Key("y", "y", "copy", "Copy an address, the public key, the overlay's path or a request.", "look"),
    Key("colon", ":", "commands", "Find a command or a key by what it does.", "look"),
    Key("ctrl+p", "ctrl+p", "commands", "Find a command or a key by what it does.", "look"),
    Key("question_mark", "?", "help", "Show every key.", "look"),
    Key("1", "1", "releases", "Go to the releases.", "move"),
    Key("2", "2", "clients", "Go to the clients.", "move"),
    Key("3", "3", "check-ins", "Go to the check-ins.", "move"),
    Key("tab", "tab", "next pane", "Go to the next pane.", "move"),
    Key("minus", "-", "layout", "Show one pane alone, or all of them.", "move"),
    Key("j", "j", "down", "Select the row below.", "move"),
    Key("k", "k", "up", "Select the row above.", "move"),
    Key("g", "g", "top", "Go to the first row.", "move"),
    Key("G", "G", "end", "Go to the last row.", "move"),
    Key("escape", "esc", "leave", "Close what is open, or drop the filter.", "move"),
    Key("q", "q", "back", "Go back; at the top, end the dashboard.", "move"),
    Key("ctrl+c", "ctrl+c", "quit", "End the dashboard from anywhere.", "move"),
)
"""In the order in which help lists them."""

STORY_KEYS: tuple[Key, ...] = (
    Key("right_square_bracket", "]", "next beat", "Play the story's next beat.", "story"),
    Key("left_square_bracket", "[", "beat again", "Play the same beat of the story again.", "story"),
)
"""Besides them, where a story is told."""


def keys_known(*, story: bool) -> tuple[Key, ...]:
    """The keys that do something on a dashboard with a story, or without."""
    return (*STORY_KEYS, *KEYS) if story else KEYS
