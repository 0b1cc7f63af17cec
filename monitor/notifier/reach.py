"""Does a channel's host answer? A connection and a TLS handshake, and by mail a greeting; nothing is ever sent."""

from __future__ import annotations

import os
import smtplib
import socket
import ssl
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import requests

from monitor.notifier.address import Address
from monitor.notifier.library import Endpoint

_SECONDS = 8.0


class Reached(msgspec.Struct, frozen=True):
    """What came of it. ``place`` is host and port, empty where they are not known; ``problem`` why it failed.

    Where ``tried`` is false, ``why_not`` says why.
    """

    place: str = ""
    secure: bool = False
    problem: str = ""
    tried: bool = True
    why_not: str = ""


def reach(url: str) -> Reached:
    """Try the host that messages to this URL go to; ChannelError if Apprise cannot use the URL. Blocks some seconds."""
    address = Endpoint(url).address
    if address is None:
        return Reached(tried=False, why_not="which host it talks to is not known")
    if address.speaks == "http" and _proxied(address):
        return Reached(address.place, tried=False, why_not="messages go through the proxy of the environment")
    try:
        _greet(address) if address.speaks == "smtp" else _connect(address)
    except (OSError, smtplib.SMTPException, ValueError) as error:  # ValueError: a host name that is none
        return Reached(address.place, address.tls != "none", _words(error))
    return Reached(address.place, address.tls != "none")


def _connect(address: Address) -> None:
    with closing(socket.create_connection((address.host, address.port), _SECONDS)) as plain:
        if address.tls == "tls":
            _context(address).wrap_socket(plain, server_hostname=address.host).close()


def _greet(address: Address) -> None:
    context = _context(address) if address.tls != "none" else None
    with _open_mail(address, context) as server:
        server.ehlo_or_helo_if_needed()
        if address.tls == "starttls":
            server.starttls(context=context)


def _open_mail(address: Address, context: ssl.SSLContext | None) -> smtplib.SMTP:
    if address.tls == "tls":
        return smtplib.SMTP_SSL(address.host, address.port, timeout=_SECONDS, context=context)
    return smtplib.SMTP(address.host, address.port, timeout=_SECONDS)


def _context(address: Address) -> ssl.SSLContext:
    """What the message itself will trust: Apprise's mail the system's certificates, all others those of requests."""
    trusted = None if address.speaks == "smtp" else Path(str(_environment(address)["verify"]))
    folder = trusted is not None and trusted.is_dir()
    context = ssl.create_default_context(cafile=None if folder else trusted, capath=trusted if folder else None)
    if not address.verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _proxied(address: Address) -> bool:
    proxies = _environment(address)["proxies"]
    return bool(requests.utils.select_proxy(_web(address), proxies))


def _environment(address: Address) -> dict[str, Any]:
    """What requests makes of the environment's variables for this host."""
    with requests.Session() as session:
        found = session.merge_environment_settings(_web(address), {}, None, None, None)
    return {**found, "verify": requests.utils.DEFAULT_CA_BUNDLE_PATH if found["verify"] is True else found["verify"]}


def _web(address: Address) -> str:
    return f"{'http' if address.tls == 'none' else 'https'}://{address.place}/"


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"no TLS connection ({error.reason or 'not TLS'})"
    if isinstance(error, TimeoutError):
        return f"no answer within {_SECONDS:g} s"
    if isinstance(error, socket.gaierror):
        return f"the host is not found ({error.strerror})"
    if isinstance(error, smtplib.SMTPException):
        return f"it does not answer as a mail server should ({type(error).__name__})"
    number = getattr(error, "errno", None) or 0
    return f"no connection ({os.strerror(number) if number > 0 else type(error).__name__})"
