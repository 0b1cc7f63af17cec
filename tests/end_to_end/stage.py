"""Where a scenario is played: simulated billing systems, receivers, the monitor, and a clock that nobody waits for.

The monitor is one daemon, or several that share a database; then each looks at the sources whose leases it holds, and
they exchange these between any two steps: no two polls of a source in a row are the same daemon's.
"""

from __future__ import annotations

import asyncio
import io
import os
import shlex
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager, redirect_stderr, redirect_stdout
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from acceptance import Dialect, Expected, Scenario, Step, copies, faults, matches, parse_expected
from receivers import JsonWebhook, MailServer, Received, Receiver, SlackServer
from stage_clock import StageClock

from monitor.app import App, open_app
from monitor.checks import CHECKS
from monitor.cli import main
from monitor.config import Settings, load
from monitor.fields import parse_duration
from monitor.roster import Roster
from monitor.simulator.server import Simulator
from monitor.simulator.timeline import Timeline
from monitor.simulator.world import World
from monitor.store.postgres_driver import PostgresDriver
from monitor.store.sql import to_us

_WORLDLY = ("place", "set", "change", "delete", "fault", "clear")
_MODIFIERS = {"in", "says", "exit"}


class Cast(NamedTuple):
    """Who plays the monitor: so many daemons on the state at this URL; None: on a file beside the configuration."""

    state: str | None = None
    daemons: int = 1


ONE = Cast()


class Stage:
    """One scenario's surroundings; ``await play(scenario, …)`` makes and ends them."""

    def __init__(
        self, folder: Path, systems: Mapping[str, Simulator], receivers: Mapping[str, Receiver], cast: Cast = ONE
    ) -> None:
        self.clock = StageClock()
        self.systems = systems
        self.receivers = receivers
        self.file = folder / "monitor.yaml"
        self.read = dict.fromkeys(receivers, 0)
        self.apps: deque[App] = deque()
        self._cast = cast
        self._running = AsyncExitStack()
        self._settings = Settings()

    @property
    def app(self) -> App:
        """The monitor that runs; of several daemons, the one whose turn it is."""
        return self.apps[0]

    def configure(self, text: str) -> Settings:
        """Write the configuration and read it as the daemon does."""
        urls = {name: system.url for name, system in self.systems.items()}
        urls |= {name: receiver.url for name, receiver in self.receivers.items()}
        for name, url in urls.items():
            text = text.replace(f"{{{name}}}", url)
        if self._cast.state:
            text = f"state: {self._cast.state}\n{text}"
        self.file.write_text(text, encoding="utf-8")
        self._settings = load(self.file, os.environ, CHECKS)
        return self._settings

    async def start(self) -> None:
        """Start the monitor with the configuration that was read last."""
        for _ in range(self._cast.daemons):
            app = await self._running.enter_async_context(open_app(self._settings, self.clock))
            self.apps.append(app)
            if app.sharing:
                app.sharing.serve(self._settings)

    async def stop(self) -> None:
        """End the monitor."""
        for roster in self._rosters():
            await roster.leave()
        self.apps.clear()
        await self._running.aclose()

    async def poll(self) -> None:
        """One look at each source."""
        if len(self.apps) == 1:
            await self.app.poll_all()
            return
        self.apps.rotate()
        await self._share_anew()
        await self.app.rounds.drill()
        # Known before the first look: one at a system that is away takes longer than a lease.
        holders = [(name, self._holder(name)) for name in self._settings.sources]
        for name, holder in holders:
            await holder._poll(name, at_once=True)  # ``poll_all`` asks nobody whose they are
        for app in self.apps:
            await app.enrichment.done()

    async def deliver(self) -> None:
        """What is due is tried, by a daemon that has looked at other sources, or at none."""
        self.apps.rotate()
        await self.app.deliveries.drain()

    async def reload(self, text: str) -> None:
        """This configuration is in force from now on."""
        settings = self.configure(text)
        for app in self.apps:
            await app.reload(settings)

    async def _share_anew(self) -> None:
        """Whoever comes first takes all sources, and gives up what is too much once it sees the others."""
        for roster in self._rosters():
            await roster.leave()
        for roster in self._rosters() * 2:
            await roster.beat()

    def _holder(self, source: str) -> App:
        [holder] = [app for app in self.apps if app.sharing and app.sharing.roster.holds(source)]
        return holder

    def _rosters(self) -> list[Roster]:
        return [app.sharing.roster for app in self.apps if app.sharing]

    async def step(self, step: Step) -> None:
        """Do one step of a timeline."""
        (verb,) = step.keys() - _MODIFIERS
        if verb in _WORLDLY:
            system = self.systems[step.get("in", "shop")]
            Timeline.parse([{"at": "0s", verb: step[verb]}]).step(0, system.world, system.faults)
        else:
            await _STEPS[verb](self, step[verb], step)

    async def command(self, line: str, code: int = 0) -> str:
        """What a command says that is typed beside the daemon; it must end with this code."""
        output = io.StringIO()
        with redirect_stdout(output), redirect_stderr(output):
            ended = await asyncio.to_thread(main, [*shlex.split(line), "-c", str(self.file)], self.clock)
        assert ended == code, output.getvalue()
        return output.getvalue()

    def unread(self) -> dict[str, list[Received]]:
        """What has been received since this was asked last."""
        unread = {name: receiver.received[self.read[name] :] for name, receiver in self.receivers.items()}
        self.read = {name: len(receiver.received) for name, receiver in self.receivers.items()}
        return unread

    def check(self, expected: Mapping[str, list[str | Expected]]) -> None:
        """What has been received since the last check is this."""
        found = list(faults(expected, self.unread()))
        assert not found, "\n".join(found)


async def _poll(stage: Stage, times: Any, _: Step) -> None:
    """``poll:`` or ``poll: 3``: the daemon looks at each source, and tries what is due."""
    for _number in range(times or 1):
        await stage.poll()
        await stage.deliver()


async def _wait(stage: Stage, duration: Any, _: Step) -> None:
    """``wait: 1h``: time passes, and what has become due is tried."""
    span = parse_duration(duration)
    assert isinstance(span, timedelta)
    stage.clock.pass_(span)
    await stage.deliver()


async def _receiver(stage: Stage, changes: Any, _: Step) -> None:
    """``receiver: {ops: 500, mail: away, slack: back}``: it answers so from now on, leaves, or returns."""
    for name, what in changes.items():
        receiver = stage.receivers[name]
        if isinstance(what, int):
            receiver.answer(what)
        else:
            await {"away": receiver.away, "back": receiver.back}[what]()


async def _system(stage: Stage, changes: Any, _: Step) -> None:
    """``system: {shop: away}``: the billing system leaves, or returns."""
    for name, what in changes.items():
        system = stage.systems[name]
        await (system.stop() if what == "away" else system.start(port=system.port))


async def _restart(stage: Stage, config: Any, _: Step) -> None:
    """``restart:``: the daemon ends, and starts again; with another configuration if one is given."""
    await stage.stop()
    if config:
        stage.configure(config)
    await stage.start()


async def _reload(stage: Stage, config: Any, _: Step) -> None:
    """``reload: |`` and a configuration: it is in force from now on."""
    await stage.reload(config)


async def _command(stage: Stage, line: Any, step: Step) -> None:
    """``command: accept shop``: typed beside the daemon; ``says`` are lines of its output, ``exit`` its code."""
    output = await stage.command(line, step.get("exit", 0))
    for wanted in step.get("says", ()):
        assert any(matches(wanted, line.strip()) for line in output.splitlines()), f"no line {wanted!r} in:\n{output}"


async def _expect(stage: Stage, expected: Any, _: Step) -> None:
    """``expect:``: what has been received since the last one."""
    stage.check(parse_expected(expected))


_STEPS: Mapping[str, Callable[[Stage, Any, Step], Awaitable[None]]] = {
    "poll": _poll,
    "wait": _wait,
    "receiver": _receiver,
    "system": _system,
    "restart": _restart,
    "reload": _reload,
    "command": _command,
    "expect": _expect,
}


async def play(
    scenario: Scenario, folder: Path, dialect: Dialect, redirect_slack: Callable[[str], None], cast: Cast = ONE
) -> None:
    """Play a scenario and check its messages; ``redirect_slack`` makes a server stand in for Slack."""
    async with AsyncExitStack() as servers:
        stage = await set_stage(scenario, folder, dialect, servers, cast)
        servers.enter_context(_database_time(stage.clock))
        slack = stage.receivers["slack"]
        assert isinstance(slack, SlackServer)
        redirect_slack(slack.services)
        stage.configure(scenario.config)
        await stage.start()
        servers.push_async_callback(stage.stop)
        for number, step in enumerate(scenario.timeline, 1):
            try:
                await stage.step(step)
            except AssertionError as error:
                raise AssertionError(f"{scenario.name}, step {number} ({step}): {error}") from None
        stage.check(scenario.messages)
        twice = [fault for receiver in stage.receivers.values() for fault in copies(receiver.received)]
        assert scenario.copies or not twice, "\n".join(twice)


@contextmanager
def _database_time(clock: StageClock) -> Iterator[None]:
    """The time of all daemons is the database's, which nobody waits for here either."""
    with patch.object(PostgresDriver, "now_us", lambda *_: to_us(clock.now())):
        yield


async def set_stage(
    scenario: Scenario, folder: Path, dialect: Dialect, servers: AsyncExitStack, cast: Cast = ONE
) -> Stage:
    """The surroundings of a scenario, which end with ``servers``; the monitor is not started yet."""
    receivers: dict[str, Receiver] = {"ops": JsonWebhook(), "second": JsonWebhook(), "slack": SlackServer()}
    receivers["mail"] = MailServer()
    stage = Stage(folder, {}, receivers, cast)
    systems = {}
    for name, system in scenario.systems.items():
        world = World.seeded(system.seed, system.orders, stage.clock.now)
        systems[name] = Simulator(world, system.dialect or dialect, token=system.token, sleep=stage.clock.sleep)
        await systems[name].start()
        servers.push_async_callback(systems[name].stop)
    for receiver in receivers.values():
        await receiver.back()
        servers.push_async_callback(receiver.away)
    stage.systems = systems
    return stage
