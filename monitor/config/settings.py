"""All settings, composed of each room's own."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_core import PydanticCustomError

from monitor.alerting.drill import DrillSettings
from monitor.alerting.settings import LocaleName, RouteSettings, TimeZone
from monitor.config import redact
from monitor.config.sources import AnySource, OneSource, SourceSettings
from monitor.delivery.settings import ChannelSettings
from monitor.fields import Duration, Name, Section
from monitor.polling.heartbeat import HeartbeatSettings
from monitor.store.address import SQLITE, fault, is_shared, shown, with_password
from monitor.web.settings import WebSettings

STATE_FILE = "order-monitor.db"

__all__ = ["SQLITE", "ConfigFile", "Defaults", "Settings", "SourceSettings"]


class HealthSettings(Section):
    """The monitor's own news: a source is down, or back, or shows what cannot be believed."""

    channels: list[str] | None = None
    """Names of channels; ``[]`` for none; default: every channel."""


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


_Level = Literal["debug", "info", "warning", "error", "critical"]
_LoudLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


class LogSettings(Section):
    """What the daemon writes about itself."""

    level: Annotated[_Level, BeforeValidator(_lower, json_schema_input_type=_Level | _LoudLevel)] = "info"
    """The least important kind of line to write, in any case."""

    format: Annotated[Literal["auto", "text", "json"], BeforeValidator(_lower)] = "auto"
    """``auto``: coloured text on a terminal, JSON elsewhere."""


def _state(value: str) -> str:
    if is_shared(value):
        return _postgres(value)
    name = value.removeprefix(SQLITE)
    if name == value or not name.strip("/") or "?" in name or "\0" in name or name.endswith((":memory:", "/")):
        raise PydanticCustomError(
            "state",
            "expected sqlite:///file.db, with four slashes before an absolute path, and a file that lasts;"
            " or postgresql://user@host/database",
        )
    return value


def _postgres(value: str) -> str:
    if wrong := fault(value):
        raise PydanticCustomError("state", "{wrong}", {"wrong": wrong})
    return value


class Settings(Section):
    """The whole configuration, validated. After ``load`` every path in it is absolute."""

    state: Annotated[str, AfterValidator(_state), Field(repr=False)] = SQLITE + STATE_FILE
    """Where orders, events and deliveries are kept: ``sqlite:///file.db``, or ``postgresql://user@host/database``,
    which several daemons may share; default: a file beside the configuration."""

    state_password: SecretStr | None = None
    """The password of a ``postgresql://`` state; default: the one in its URL, or what PostgreSQL's own ways say
    (``~/.pgpass``, ``PGPASSWORD``)."""

    time_zone: TimeZone = "UTC"
    """Time zone of the times in messages and tables, such as Europe/Stockholm."""

    locale: LocaleName = "en"
    """How messages write amounts and times: en, sv, de_AT …"""

    sources: dict[Name, OneSource] = Field(default_factory=dict)
    """The billing systems to watch, by name."""

    channels: dict[Name, ChannelSettings] = Field(default_factory=dict)
    """The destinations of messages, by name."""

    health: HealthSettings = HealthSettings()
    """Where the monitor's own news go."""

    routes: list[RouteSettings] = Field(default_factory=list)
    """Rules: which events go to which channels. Default: every status_changed to every channel."""

    drill: DrillSettings | None = None
    """When a test order goes the whole way to which channels; default: never."""

    heartbeat: HeartbeatSettings | None = None
    """What is asked while all sources are looked at and all messages sent; default: nothing."""

    keep: Annotated[Duration, Field(ge=timedelta(days=1))] = timedelta(days=400)
    """How long events are kept, with the messages about them; and orders that have vanished, ended silences."""

    web: WebSettings | None = None
    """The status page, the JSON API, health and metrics; default: no server."""

    log: LogSettings = LogSettings()
    """The daemon's log."""

    @property
    def state_file(self) -> Path:
        """The file in which the state is kept, if it is one."""
        return Path(self.state.removeprefix(SQLITE))

    @property
    def state_url(self) -> str:
        """Where the state is, with all that it takes to open it: a secret, if there is a password."""
        if self.state_password is None or not is_shared(self.state):
            return self.state
        return with_password(self.state, self.state_password.get_secret_value())

    @property
    def state_place(self) -> str:
        """Where the state is, as people may see it: a file, or a database without its password."""
        return shown(self.state)

    @property
    def health_channels(self) -> tuple[str, ...]:
        """Names of the channels for the monitor's own news."""
        return tuple(self.channels if self.health.channels is None else self.health.channels)

    def secrets(self) -> frozenset[str]:
        """Everything that no log may show: secrets, and the parts of URLs that may be some; 4 letters or more."""
        return redact.secrets(self)

    def redacted(self) -> dict[str, Any]:
        """The settings as plain data, in the file's own spelling, with ``***`` for each secret."""
        return redact.redacted(self)


class Defaults(Section):
    """What applies to every entry that does not say otherwise: mappings merge, lists replace."""

    source: AnySource | None = None
    """Under every source whose type has the key."""

    channel: ChannelSettings | None = None
    """Under every channel."""

    route: RouteSettings | None = None
    """Under every route."""


class ConfigFile(Settings):
    """What may stand in a file: the settings, and what is worked into them while reading."""

    include: str | list[str] = Field(default_factory=list)
    """Other files, by name or pattern (``sources.d/*.yaml``), relative to this one. Names stay unique across them."""

    defaults: Defaults = Defaults()
    """Settings for every source, channel or route."""
