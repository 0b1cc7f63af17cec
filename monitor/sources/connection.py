"""How a source is reached, from its settings and the environment: TLS and proxies. SourceError says what is wrong."""

from __future__ import annotations

import ssl
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from monitor.errors import SourceError
from monitor.sources.settings import HttpSettings, split_url

TlsKey = tuple[tuple[str, int], ...]
"""The files that a context is made of, and when each was written: a renewed certificate makes a new context."""


def tls_key(settings: HttpSettings) -> TlsKey:
    """Equal as long as the same context serves; empty where the system's own does. SourceError if a file is missing."""
    named = (
        ("ca_file", settings.ca_file),
        ("client_cert", settings.client_cert),
        ("client_key_file", settings.client_key_file),
    )
    return tuple((f"{key}={path}", _written(key, path)) for key, path in named if path)


def tls_context(settings: HttpSettings) -> ssl.SSLContext:
    """Reads and checks the files; the server is always verified. SourceError if one cannot be used."""
    context = _trusting(settings.ca_file)
    if settings.client_cert:
        _add_client_cert(context, settings.client_cert, settings.client_key_file)
    return context


def proxy_for(url: str, settings: HttpSettings) -> str | None:
    """The address of the proxy for this url, credentials in it; None for a direct connection."""
    if settings.proxy is not None:
        return settings.proxy.get_secret_value().strip()
    parts = urlsplit(url)
    found = getproxies()
    address = found.get(parts.scheme) or found.get("all")
    if not address or proxy_bypass(parts.netloc):
        return None
    address = address if "://" in address else f"http://{address}"
    if split_url(address) is None:
        raise SourceError(
            f"the proxy variables of the environment name no HTTP proxy for {parts.scheme}://{parts.netloc}: "
            "set proxy, or NO_PROXY"
        )
    return address


def _written(key: str, path: str) -> int:
    try:
        return Path(path).stat().st_mtime_ns
    except OSError as error:
        raise SourceError(f"{key}: {path} cannot be read: {error.strerror}") from None


def _trusting(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError:
        raise SourceError(f"ca_file: {ca_file} holds no certificate in PEM form") from None
    except OSError as error:
        raise SourceError(f"ca_file: {ca_file} cannot be read: {error.strerror}") from None


def _add_client_cert(context: ssl.SSLContext, cert: str, key_file: str | None) -> None:
    where = f"client_cert: {cert}" + (f" with client_key_file: {key_file}" if key_file else "")
    try:
        context.load_cert_chain(cert, key_file, password=_no_password)
    except ssl.SSLError as error:
        reason = error.reason or "no certificate and key in PEM form"
        raise SourceError(f"{where} cannot be used ({reason}): a key without password is needed") from None
    except OSError as error:
        raise SourceError(f"{where} cannot be read: {error.strerror}") from None


def _no_password() -> str:
    # Without this, OpenSSL would ask on the terminal and stop the daemon.
    return ""
