"""What a page says at its top after a form has done what it does: one of these, never a text from an address."""

from __future__ import annotations

from collections.abc import Mapping

_NOTICES = {
    "polling": "The next look begins now. What it finds shows here.",
    "accepted": "Accepted: the next complete look may lack what is missing now, and announces it as vanished.",
    "nothing-accepted": "Nothing is in doubt any more that could be accepted.",
    "silenced": "The silence is set. What it mutes is still recorded here.",
    "ended": "The silence has ended.",
    "not-active": "That silence had ended already.",
}
_COUNTED = {
    "retried": (
        "No dead letter is left to be sent again.",
        "dead letter is sent again.",
        "dead letters are sent again.",
    ),
}
_MOST = 10**9


def notice_of(query: Mapping[str, str]) -> str:
    """The notice that a query such as ``did=retried&n=3`` names; empty where it names none."""
    did = query.get("did", "")
    if did in _COUNTED:
        none, one, many = _COUNTED[did]
        number = _number(query.get("n", ""))
        return f"{number:,} {one if number == 1 else many}" if number else none
    return _NOTICES.get(did, "")


def _number(text: str) -> int:
    return min(int(text), _MOST) if text.isascii() and text.isdecimal() and len(text) < 12 else 0
