"""`probe`: look at one page of any list of orders, and print a description of it for the configuration."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import yaml
from pydantic import ValidationError

from monitor.alerting.views import view_money
from monitor.alerting.words import Words
from monitor.cli.output import at, print_json, print_table
from monitor.clock import SystemClock
from monitor.errors import ConfigError, Problem
from monitor.model import Order
from monitor.sources import rest
from monitor.sources.base import Answer, Page, Request
from monitor.sources.guess import guess
from monitor.sources.http import HttpClient, Reader
from monitor.sources.lenient import error_text
from monitor.sources.rest_auth import AuthSettings
from monitor.sources.rest_settings import RestSettings
from monitor.sources.settings import HttpSettings, split_url

_SHOWN = 10
_LIKE_A_NUMBER = re.compile(r"[-+]?\.?[0-9]")
_SECRET = re.compile("key|token|secret|pass|pwd|auth|sig|session|credential", re.IGNORECASE)


class _Dumper(yaml.SafeDumper):
    """PyYAML writes YAML 1.1, and we read 1.2: ``1e3`` is a text to the one and a number to the other."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="'" if _LIKE_A_NUMBER.match(text) else None)


_Dumper.add_representer(str, _text)


class Target(NamedTuple):
    """What to ask, and with what credentials: the request, and how they would stand in the configuration."""

    url: str
    request: Request
    query: tuple[tuple[str, str], ...]
    auth: Mapping[str, Any]


def probe(options: argparse.Namespace) -> int:
    """Fetch one page, guess how it is to be read, show the orders so read, and print the YAML."""
    target = _target(options)
    answer = asyncio.run(_fetch(target))
    found = guess(answer, target.query)
    described = {"type": "rest", "url": target.url, "path": target.request.path, **found.settings}
    page = _read(described, answer)
    whole = {**_verbatim(described), **({"auth": dict(target.auth)} if target.auth else {})}
    if options.json:
        print_json([{"settings": whole, "remarks": found.remarks, "orders": list(map(_plain, _orders(page)))}])
        return 0
    _show(page)
    print(_as_yaml(options.name, whole, found.remarks))
    return 0


def _target(options: argparse.Namespace) -> Target:
    """The request; ConfigError if the command line does not make one."""
    text = options.url if "://" in options.url else f"https://{options.url}"
    parts = split_url(text)
    if parts is None or "@" in parts.netloc:
        raise _usage("URL: expected an address such as https://shop.example.com/api/v1/orders, without a user")
    query = tuple(parse_qsl(parts.query, keep_blank_values=True))
    secret = tuple((name, value) for name, value in query if _SECRET.search(name))
    auth, headers, more = _credentials(options, options.name)
    if secret:
        # What opens something has no place in a file that is shown to others.
        auth = {**auth, "query": {name: _variable(f"{options.name}_{name}") for name, _ in secret}}
    secrets = (*more, *(value for _, value in secret))
    request = Request(parts.path or "/", query, headers, secrets=secrets)
    return Target(f"{parts.scheme}://{parts.netloc}", request, tuple(p for p in query if p not in secret), auth)


def _variable(name: str) -> str:
    """How a variable of the environment is referred to."""
    return f"${{{re.sub('[^A-Z0-9_]', '_', name.upper())}}}"


def _verbatim(value: Any) -> Any:
    """The same for the file, where ``${`` would begin a reference, and ``$$`` is a dollar."""
    if isinstance(value, str):
        return re.sub(r"\$(?=[${])", "$$", value)
    if isinstance(value, Mapping):
        return {key: _verbatim(part) for key, part in value.items()}
    return list(map(_verbatim, value)) if isinstance(value, list) else value


def _credentials(options: argparse.Namespace, name: str) -> tuple[dict[str, Any], dict[str, str], tuple[str, ...]]:
    """How the secret goes with a request: for the file, as headers, and what of it must not be quoted."""
    if options.secret_file is None:
        if options.auth != "bearer":
            raise _usage(f"--auth {options.auth} needs --secret-file beside it")
        return {}, {}, ()
    secret = _secret(options.secret_file)
    variable = _variable(f"{name}_TOKEN")
    kind, _, header = options.auth.partition(":")
    if kind == "bearer" and not header:
        _check_sendable({"bearer": secret})
        return {"bearer": variable}, {"Authorization": f"Bearer {secret}"}, (secret,)
    if kind == "basic" and not header:
        user, _, password = secret.partition(":")
        _check_sendable({"basic": {"user": user, "password": password}})
        auth = {"basic": {"user": _variable(f"{name}_USER"), "password": _variable(f"{name}_PASSWORD")}}
        return auth, {"Authorization": f"Basic {b64encode(secret.encode()).decode()}"}, (secret, user, password)
    if kind == "header" and header:
        _check_sendable({"header": {header: secret}})
        return {"header": {header: variable}}, {header: secret}, (secret,)
    raise _usage("--auth: expected bearer, basic (the file holds user:password) or header:NAME")


def _check_sendable(auth: Mapping[str, Any]) -> None:
    try:
        AuthSettings.model_validate(auth)
    except ValidationError as error:
        raise _usage(f"--auth: {error.errors(include_url=False, include_input=False)[0]['msg']}") from None


def _secret(path: str) -> str:
    try:
        text = Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise _usage(f"--secret-file: {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise _usage(f"--secret-file: {path} holds something other than UTF-8 text") from None
    if not text or not text.isprintable():
        raise _usage(f"--secret-file: {path} is empty, or holds more than one line")
    return text


async def _fetch(target: Target) -> Answer:
    """The answer; SourceError if there is none."""
    client = HttpClient()
    try:
        return await Reader(client, target.url, HttpSettings(), error_text, SystemClock()).get(target.request)
    finally:
        await client.aclose()


def _read(described: Mapping[str, Any], answer: Answer) -> Page:
    """The page, as the source that is described would read it."""
    try:
        settings = RestSettings.model_validate({name: value for name, value in described.items() if name != "statuses"})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise _usage(f"URL: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    return rest.make(settings).decode_list(answer)


def _orders(page: Page) -> list[Order]:
    return [page.order(order_id) for order_id in page.ids if order_id]


def _show(page: Page) -> None:
    """The first orders, as they are read, and what is no order."""
    words, orders = Words("UTC", "en"), _orders(page)
    rows = [
        (o.id, o.number or "", o.status, str(view_money(o.total, words) or ""), at(o.created_at, "UTC"), _items(o))
        for o in orders[:_SHOWN]
    ]
    print_table(("id", "number", "status", "total", "placed", "items"), rows, "no orders", to=sys.stderr)
    behind = f"and {len(orders) - _SHOWN} more on this page" if len(orders) > _SHOWN else ""
    for line in filter(None, (behind, *page.rejected[:3])):
        print(line, file=sys.stderr)


def _items(order: Order) -> str:
    return ", ".join(f"{item.name} ×{item.quantity}" for item in order.items or ())


def _plain(order: Order) -> dict[str, Any]:
    return {"id": order.id, "order": order}


def _as_yaml(name: str, described: Mapping[str, Any], remarks: tuple[str, ...]) -> str:
    """The description, ready to stand in a configuration; what could not be told stands above it."""
    text = _dumped({"sources": {name: dict(described)}}, as_it_is=True)
    if not all(sign.isprintable() or sign == "\n" for sign in text):
        text = _dumped({"sources": {name: dict(described)}}, as_it_is=False)
    about = ["Guessed from one page: compare the orders above with what the system shows.", *remarks]
    return "\n".join([*(f"# {line}" for line in about), text.rstrip()])


def _dumped(document: Mapping[str, Any], *, as_it_is: bool) -> str:
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=as_it_is, width=110)


def _usage(text: str) -> ConfigError:
    return ConfigError([Problem("order-monitor", "probe", text)])
