"""What `init` asks: a source, a channel, a time zone. Each answer is checked as the configuration will check it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from monitor.alerting.words import known_time_zone
from monitor.cli.dialogue import Dialogue
from monitor.cli.starter import Draft, Mail, Secret
from monitor.errors import ChannelError
from monitor.fields import Name
from monitor.sources.opterius import PATH
from monitor.sources.settings import BaseUrl, Credential

_ADDRESS = re.compile(r"[^\s@,<>]+@[^\s@,<>]+")
_TLS: tuple[tuple[Literal["starttls", "ssl", "none"], str, str], ...] = (
    ("starttls", "587", "STARTTLS, most often at port 587"),
    ("ssl", "465", "TLS from the start, most often at port 465"),
    ("none", "25", "no encryption: inside your own network only"),
)


class Interview:
    """Asks for what a draft does not know yet. ``free`` gives the name of a file that is not there yet."""

    def __init__(self, dialogue: Dialogue, config: Path, free: Callable[[str], str]) -> None:
        self._dialogue = dialogue
        self._config = config
        self._free = free
        self._kept: int | None = None

    def complete(self, draft: Draft) -> None:
        """Fill in what the draft lacks."""
        self._dialogue.say(
            f"This writes {self._config}. Return takes what stands in [brackets]; Ctrl-C leaves everything as it is."
        )
        if draft.url is None or draft.token is None:
            self._ask_source(draft)
        if draft.to is None:
            self._ask_channel(draft)
        if draft.time_zone is None:
            self._dialogue.heading("Times in messages")
            draft.time_zone = self._dialogue.ask("Time zone", machine_time_zone(), time_zone)
        self._dialogue.say()

    def _ask_source(self, draft: Draft) -> None:
        ask = self._dialogue
        ask.heading("The billing system to watch: Opterius Commerce (type: opterius)")
        ask.say("  For any other: Ctrl-C, and copy its example, as docs/start.md says.")
        if draft.url is None:
            draft.url = ask.ask("Its address, such as https://billing.example.com", check=source_url)
        draft.source = ask.ask("What messages call it", draft.source, _name)
        if draft.token is None:
            token = ask.ask_unseen("Its API token", _credential)
            draft.token = self._kept_somewhere("token", f"{draft.source}_token", token)

    def _ask_channel(self, draft: Draft) -> None:
        ask = self._dialogue
        ask.heading("Where alerts go")
        kind = ask.choose("To", ["Slack or Discord, by a webhook; or any Apprise URL (appriseit.com)", "mail"])
        draft.to = self._ask_url(draft) if kind == 0 else self._ask_mail(draft)

    def _ask_url(self, draft: Draft) -> Secret:
        from monitor.notifier import kind

        url = self._dialogue.ask_unseen("The webhook's address, or the URL", channel_url)
        self._dialogue.say(f"  That is {kind(url)}.")
        return self._kept_somewhere("address", f"{draft.channel}_url", url)

    def _ask_mail(self, draft: Draft) -> Mail:
        ask = self._dialogue
        host = ask.ask("Mail server, such as mail.example.com", check=_host)
        tls, usual_port, _ = _TLS[ask.choose("Encryption", [words for *_, words in _TLS])]
        port = int(ask.ask("Port", usual_port, _port))
        user = ask.ask("User, or - if the server wants none", check=str)
        password = None
        if user != "-":
            password = self._kept_somewhere("password", f"{draft.channel}_password", ask.ask_unseen("Password"))
        sender = ask.ask("From", user if _ADDRESS.fullmatch(user) else "", _addresses)
        to = ask.ask("To (several: with commas)", check=_addresses)
        recipients = tuple(part.strip() for part in to.split(","))
        return Mail(host, port, tls, sender, recipients, "" if user == "-" else user, password)

    def _kept_somewhere(self, what: str, name: str, value: str) -> Secret:
        """Where to keep a secret is asked once."""
        file, variable = self._free(name), name.upper()
        if self._kept is None:
            self._kept = self._dialogue.choose(
                f"Keep the {what}, and what else is secret,",
                [
                    f"in files beside the configuration, readable by you alone ({file})",
                    f"in environment variables, which you set ({variable})",
                    f"in {self._config.name} itself, which then is a secret, too",
                ],
            )
        return (Secret("file", file, value), Secret("variable", variable, value), Secret("here", "", value))[self._kept]


def machine_time_zone() -> str:
    """What this machine has its clock set to; UTC where that cannot be told."""
    return next((name for name in map(_zone_or_none, _zone_names()) if name), "UTC")


def source_url(text: str) -> str:
    """A source's address as it is meant: a scheme is added, and the path of the list of orders left out."""
    with_scheme = text if "://" in text else f"https://{text}"
    return _checked(BaseUrl, with_scheme.partition("?")[0].rstrip("/").removesuffix(PATH))


def channel_url(text: str) -> str:
    """A URL that Apprise can use; ValueError if it cannot."""
    from monitor.notifier import check_url

    try:
        check_url(text)
    except ChannelError as error:
        raise ValueError(str(error)) from None
    return text


def _zone_names() -> list[str]:
    import os

    link = os.path.realpath("/etc/localtime")
    named = Path("/etc/timezone")
    written = named.read_text(encoding="utf-8", errors="replace").strip() if named.is_file() else ""
    return [os.environ.get("TZ", "").lstrip(":"), link.partition("/zoneinfo/")[2], written]


def _zone_or_none(name: str) -> str | None:
    try:
        return time_zone(name).removeprefix("Etc/") if name in ("Etc/UTC", "Etc/GMT") else time_zone(name)
    except ValueError:
        return None


def time_zone(name: str) -> str:
    """A time zone's name; ValueError if there is none of this name."""
    known_time_zone(name)
    return name


def _checked(kind: Any, text: str) -> str:
    try:
        value = TypeAdapter(kind).validate_python(text)
    except ValidationError as error:
        raise ValueError(error.errors(include_input=False)[0]["msg"]) from None
    return str(value)


def _credential(text: str) -> str:
    _checked(Credential, text)
    return text


def _name(text: str) -> str:
    try:
        return _checked(Name, text)
    except ValueError:
        raise ValueError("a name has lower-case letters, digits and _, a letter first") from None


def _host(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.-]+|[0-9A-Fa-f:]+", text):
        raise ValueError("expected the name of a host, such as mail.example.com")
    return text


def _port(text: str) -> str:
    if not re.fullmatch("[0-9]{1,5}", text) or not 0 < int(text) < 65536:
        raise ValueError("a port is a number from 1 to 65535")
    return text


def _addresses(text: str) -> str:
    for part in text.split(","):
        if not _ADDRESS.fullmatch(part.strip()):
            raise ValueError("expected an address such as ops@example.com")
    return text
