"""Messages through Apprise to real endpoints: verdicts, and one channel's trouble kept from all others."""

import asyncio
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from apprise.plugins.custom_json import NotifyJSON
from apprise.plugins.slack import NotifySlack
from notifier_endpoints import MESSAGE, Webhook, mail_server, webhook

from monitor.errors import ChannelError
from monitor.model import Destination, Outcome
from monitor.notifier import Notifier
from monitor.notifier.answers import failure

OPS, OTHER = Destination("ops"), Destination("other", 2)
SLACK = "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"


@pytest.fixture
def refused() -> Iterator[str]:
    """An address at which nothing listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{unused.getsockname()[1]}"


async def _send(url: str) -> Outcome:
    return await Notifier({OPS: url}, timeout=10).send(OPS, MESSAGE)


async def _hang(notifier: Notifier, destination: Destination, hook: Webhook) -> asyncio.Task[Outcome]:
    """A send that has reached a webhook which does not answer."""
    hook.open.clear()
    hook.arrived.clear()
    task = asyncio.create_task(notifier.send(destination, MESSAGE))
    await hook.arrived.wait()
    return task


async def test_an_unknown_destination_is_an_error() -> None:
    notifier = Notifier({})
    with pytest.raises(ChannelError, match="other#2 is no channel"):
        await notifier.send(OTHER, MESSAGE)


async def test_a_timed_out_send_keeps_its_channel_busy_until_its_thread_has_ended() -> None:
    async with webhook() as hook:
        notifier = Notifier({OPS: f"json://{hook.address}"}, timeout=0.05)
        hook.open.clear()
        assert await notifier.send(OPS, MESSAGE) == failure("no answer within 0.05 s")
        assert notifier.busy(OPS)
        assert "still being sent" in (await notifier.send(OPS, MESSAGE)).reason
        hook.open.set()
        await notifier.idle(OPS)
        assert not notifier.busy(OPS)
    assert len(hook.received) == 1


async def test_a_cancelled_send_keeps_its_channel_busy_until_its_thread_has_ended() -> None:
    async with webhook() as hook:
        notifier = Notifier({OPS: f"json://{hook.address}"})
        task = await _hang(notifier, OPS, hook)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert notifier.busy(OPS)
        hook.open.set()
        await notifier.idle(OPS)
        assert (await notifier.send(OPS, MESSAGE)).delivered


async def test_twelve_hanging_endpoints_do_not_delay_the_thirteenth() -> None:
    """Apprise's own pool has six threads on two cores."""
    hanging = [Destination("hanging", number) for number in range(1, 13)]
    async with webhook() as stuck, webhook() as hook:
        urls = {destination: f"json://{stuck.address}/{destination.number}" for destination in hanging}
        notifier = Notifier({**urls, OPS: f"json://{hook.address}"})
        tasks = [await _hang(notifier, destination, stuck) for destination in hanging]
        assert (await notifier.send(OPS, MESSAGE)).delivered
        assert not any(task.done() for task in tasks)
        assert not notifier.busy(OPS)
        stuck.open.set()
        assert all(outcome.delivered for outcome in await asyncio.gather(*tasks))


async def test_a_services_pace_delays_its_own_channel_only(monkeypatch: pytest.MonkeyPatch) -> None:
    async with webhook() as slow, webhook() as hook:
        monkeypatch.setattr(NotifySlack, "webhook_url", f"http://{slow.address}/services")
        monkeypatch.setattr(NotifySlack, "request_rate_per_sec", 3600)
        notifier = Notifier({OPS: SLACK, OTHER: f"json://{hook.address}"})
        assert (await notifier.send(OPS, MESSAGE)).delivered
        paced = asyncio.create_task(notifier.send(OPS, MESSAGE))
        for _ in range(3):
            assert (await notifier.send(OTHER, MESSAGE)).delivered
        assert notifier.busy(OPS)
        await notifier.aclose(5)
        assert await paced == failure("not sent: the monitor is stopping")
        assert not notifier.busy(OPS)
    assert len(slow.received) == 1


async def test_a_services_pace_is_kept_between_two_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NotifyJSON, "request_rate_per_sec", 0.2)
    loop = asyncio.get_running_loop()
    async with webhook() as hook:
        notifier = Notifier({OPS: f"json://{hook.address}"}, timeout=10)
        await notifier.send(OPS, MESSAGE)
        start = loop.time()
        assert (await notifier.send(OPS, MESSAGE)).delivered
    assert loop.time() - start >= 0.2


async def test_a_pause_that_the_plugin_makes_itself_is_no_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four recipients of one Slack URL at 0.2 s take longer than the 0.5 s that the endpoint has for its answer."""
    async with webhook() as hook:
        monkeypatch.setattr(NotifySlack, "webhook_url", f"http://{hook.address}/services")
        monkeypatch.setattr(NotifySlack, "request_rate_per_sec", 0.2)
        url = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#a/#b/#c/#d"
        assert (await Notifier({OPS: url}, timeout=0.5).send(OPS, MESSAGE)).delivered
    assert len(hook.received) == 4


async def test_closing_waits_for_sends_under_way_and_starts_no_more() -> None:
    async with webhook() as hook:
        notifier = Notifier({OPS: f"json://{hook.address}", OTHER: f"json://{hook.address}"})
        task = await _hang(notifier, OPS, hook)
        closing = asyncio.create_task(notifier.aclose(10))
        await asyncio.sleep(0)
        assert await notifier.send(OTHER, MESSAGE) == failure("not sent: the monitor is stopping")
        assert not closing.done()
        hook.open.set()
        await closing
        assert (await task).delivered


async def test_closing_leaves_at_its_deadline() -> None:
    async with webhook() as hook:
        notifier = Notifier({OPS: f"json://{hook.address}"})
        task = await _hang(notifier, OPS, hook)
        await notifier.aclose(0.05)
        assert notifier.busy(OPS)
        hook.open.set()
        assert (await task).delivered


async def test_a_reload_keeps_the_unfinished_send_of_a_url_that_stays() -> None:
    async with webhook() as hook:
        url = f"json://{hook.address}"
        notifier = Notifier({OPS: url})
        task = await _hang(notifier, OPS, hook)
        notifier.reload({OPS: url, OTHER: url})
        assert notifier.busy(OPS)
        assert not notifier.busy(OTHER)
        hook.open.set()
        assert (await task).delivered


async def test_a_reload_lets_a_send_end_under_the_old_url_and_sends_on_to_the_new_one() -> None:
    async with webhook() as old, webhook() as new:
        notifier = Notifier({OPS: f"json://{old.address}"})
        task = await _hang(notifier, OPS, old)
        notifier.reload({OPS: f"json://{new.address}"})
        assert (await notifier.send(OPS, MESSAGE)).delivered
        closing = asyncio.create_task(notifier.aclose(10))
        for _ in range(3):
            await asyncio.sleep(0)
        assert not closing.done()
        old.open.set()
        await closing
        assert (await task).delivered
    assert len(new.received) == 1


async def test_a_system_without_threads_to_spare_is_a_failure_that_may_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    notifier = Notifier({OPS: "json://127.0.0.1"})
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert await notifier.send(OPS, MESSAGE) == failure("not sent: the system allows no further thread")
    assert not notifier.busy(OPS)


async def test_no_secret_reaches_a_log_or_an_outcome(refused: str) -> None:
    """At DEBUG Apprise and urllib3 print URLs, tokens and bodies; no handler may see that, wherever it is attached."""
    records: list[str] = []
    listener = logging.Handler(logging.NOTSET)
    listener.addFilter(lambda record: record.name != "mail.log")  # the mail server's own, in this same process
    listener.emit = lambda record: records.append(record.getMessage())  # type: ignore[method-assign]  # the short way
    root = logging.getLogger()
    before, loggers = root.level, [root, logging.getLogger("apprise"), logging.getLogger("urllib3")]
    secret = "user_canary:pass_canary@{}/path_canary?x=query_canary&+X-Token=header_canary"
    async with webhook() as hook, mail_server() as mailbox:
        hook.status = 500
        mailbox.refusals["RCPT"] = "550 <to_canary@example.com> refused for from_canary@example.com"
        urls = [
            "json://" + secret.format(hook.address),
            "json://" + secret.format(refused),
            "slak://" + secret.format(refused),
            f"mailto://{mailbox.address}?from=from_canary@example.com&to=to_canary@example.com",
        ]
        try:
            root.setLevel(logging.DEBUG)
            for logger in loggers:
                logger.addHandler(listener)
            outcomes = [await _send(url) for url in urls]
            root.debug("the listener hears")
        finally:
            root.setLevel(before)
            for logger in loggers:
                logger.removeHandler(listener)
    assert records[-1] == "the listener hears"
    assert not any("canary" in text for text in [*records, *map(str, outcomes)])
    assert not any(outcome.delivered for outcome in outcomes)


HUNG = """
import asyncio, sys, warnings
from monitor.model import Destination, Message, Severity
from monitor.notifier import Notifier

async def main():
    channel = Destination("ops")
    notifier = Notifier({channel: sys.argv[1]}, timeout=0.05)
    outcome = await notifier.send(channel, Message("t", "b", Severity.INFO, "r"))
    print(outcome.reason, notifier.busy(channel))

asyncio.run(main())
"""


def test_the_interpreter_leaves_although_a_send_hangs() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"json://127.0.0.1:{silent.getsockname()[1]}/?rto=600"
        run = subprocess.run([sys.executable, "-c", HUNG, url], capture_output=True, text=True, timeout=30, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "no answer within 0.05 s True\n", "")
