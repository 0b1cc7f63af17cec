"""A message that goes where another one could not: the same, and small below it what failed. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from monitor.model import Message


def tell_instead(message: Message, channel: str, dead: str, failures: Sequence[str]) -> Message:
    """The message as ``channel`` gets it, which is the fallback of the channel ``dead``."""
    return msgspec.structs.replace(
        message,
        body="\n".join((message.body, *failures)),
        small=(*message.small, *failures),
        footer=f"Sent to channel {channel}, because it is the fallback of {dead}, where this could not be sent. "
        f"To stop it, mend {dead}, or remove its fallback, in Order Monitor's configuration.",
    )
