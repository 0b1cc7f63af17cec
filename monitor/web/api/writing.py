"""What the API does: send again, poll, silence. Each answer says what was done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from aiohttp import web

from monitor.alerting.silences import Matcher, Silence
from monitor.asking import documents
from monitor.asking.muting import Draft, Fault, Hints, Wish, draft
from monitor.store.base import Transaction
from monitor.web.api.answers import ApiError, Problem, answer
from monitor.web.api.asked import Asked
from monitor.web.api.reading import shown_of

_HINTS = Hints(
    aim="Give a matcher with source, order, route, channel …, or all: true",
    long="give long: true, too, if you mean it",
)
_OF_THE_BODY = ("matcher", "for", "until", "reason", "by", "all")


class About(Matcher, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """What a silence is about: all that is given must match. Each is a list of values; ``*`` and ``?`` are wild.

    ``labels`` are the source's; ``order`` is an id or a number; ``from`` and ``to`` are of one move of a status;
    ``event`` is a kind of event. ``route`` and ``channel`` narrow it to what this route leads to this channel.
    """


class NewSilence(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"for_": "for"}):
    """A silence to set: until when by one of ``for`` (``2h``) and ``until`` (a time, in the configuration's zone unless
    it names its own). ``all`` mutes everything, and needs no matcher. One of over 30 days needs ``long``, too.
    """

    reason: str
    matcher: About = About()
    for_: str | None = None
    until: str | None = None
    by: str = ""
    all: bool = False
    long: bool = False


async def retry(asked: Asked) -> web.Response:
    """Send a dead letter again."""
    number, now = asked.number(), asked.context.clock.now()

    def again(tx: Transaction) -> None:
        row = tx.delivery(number)
        if row is None:
            raise ApiError(404, "there is no such delivery")
        if not tx.resurrect([number], now):
            raise ApiError(409, f"it is no dead letter: it is {row.state}")

    await asked.context.store.transact(again)
    return _retried(asked, 1)


async def retry_all(asked: Asked) -> web.Response:
    """Send every dead letter again."""
    now = asked.context.clock.now()
    return _retried(asked, await asked.context.store.transact(lambda tx: tx.resurrect(None, now)))


def _retried(asked: Asked, count: int) -> web.Response:
    asked.context.daemon.deliver_now()
    asked.context.hub.poke()
    return answer({"retried": count})


async def poll(asked: Asked) -> web.Response:
    """Let the next poll of a source begin now."""
    name = shown_of(asked).name
    if not await asked.context.daemon.poll_now(name):
        raise ApiError(404, "there is no such source")
    return answer({"source": name, "polled": "now"}, 202)


async def add_silence(asked: Asked) -> web.Response:
    """Set a silence."""
    site, now = asked.context.site, asked.context.clock.now()
    made = draft(_wish(asked.body), site.mutable, _HINTS, site.redactor, now)
    if not isinstance(made, Draft):
        raise _refusal(made)
    silence = await asked.context.store.transact(
        lambda tx: tx.add_silence(made.matcher, now, made.until, made.reason, made.by)
    )
    asked.context.hub.poke()
    return answer(documents.silence(silence, now), 201)


async def end_silence(asked: Asked) -> web.Response:
    """End a silence before its time."""
    number, now = asked.number(), asked.context.clock.now()

    def end(tx: Transaction) -> Silence:
        ended = tx.end_silence(number, now)
        if ended is None:
            raise ApiError(404, "there is no such silence that is active")
        return msgspec.structs.replace(ended, until=now)

    silence = await asked.context.store.transact(end)
    asked.context.hub.poke()
    return answer(documents.silence(silence, now))


def _wish(body: NewSilence) -> Wish:
    plain: dict[str, Any] = {name: getattr(body.matcher, name) for name in Matcher.__struct_fields__}
    return Wish(Matcher(**plain), body.for_, body.until, body.reason, body.by, body.all, body.long)


def _refusal(faults: Sequence[Fault]) -> ApiError:
    problems = [
        Problem(fault.field if fault.field in _OF_THE_BODY else f"matcher.{fault.field}", fault.value, fault.text)
        for fault in faults
    ]
    return ApiError(422, "; ".join(f"{problem.field}: {problem.text}" for problem in problems), problems)
