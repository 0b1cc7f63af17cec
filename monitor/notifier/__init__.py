"""Sends messages through Apprise: a thread for each send, a pace for each URL, a verdict from what the endpoint said.

``library`` imports Apprise on first use, and with it ``plugins``, ours of some services; nobody else does.
``contents`` says what each service is given, ``mails`` makes mails and ``mail_url`` their channels' URLs, ``harmless``
takes the meaning out of markup in order data. ``recording`` listens to what endpoints answer, ``answers`` reads it as
Outcomes, and ``service`` is the Notifier.
"""

from monitor.notifier.library import check_url, kind, recipients, silence_libraries, warm_up
from monitor.notifier.mail_url import build_mail_url
from monitor.notifier.service import Notifier
from monitor.redact import secrets_of

__all__ = [
    "Notifier",
    "build_mail_url",
    "check_url",
    "kind",
    "recipients",
    "secrets_of",
    "silence_libraries",
    "warm_up",
]
