"""Sends messages through Apprise: a thread for each send, a pace for each URL, a verdict from what the endpoint said.

``library`` is the only Apprise import, made on first use. ``recording`` listens to what endpoints answer, ``answers``
reads it as Outcomes, ``harmless`` takes the meaning out of markup in order data, and ``service`` is the Notifier.
"""

from monitor.notifier.library import check_url, kind, recipients, silence_libraries, warm_up
from monitor.notifier.service import Notifier
from monitor.redact import secrets_of

__all__ = ["Notifier", "check_url", "kind", "recipients", "secrets_of", "silence_libraries", "warm_up"]
