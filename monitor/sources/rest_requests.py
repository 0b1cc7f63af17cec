"""The requests to a ``rest`` source: parameters in the query or the body, and the credentials where they belong."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import msgspec

from monitor.sources.base import ListQuery, Params, Request
from monitor.sources.rest_auth import AuthSettings, HeldSecret
from monitor.sources.rest_links import target
from monitor.sources.rest_paging import Paging, Sent
from monitor.sources.rest_parts import Param
from monitor.sources.rest_settings import OrderSettings, RestSettings


class Credentials:
    """What shows who asks: headers, parameters of the address and of the body, and all that is secret in these."""

    def __init__(self, auth: AuthSettings | None) -> None:
        auth = auth or AuthSettings()
        self.headers = {**_plain(auth.header), **_authorization(auth)}
        self.query = tuple(_plain(auth.query).items())
        self.form = _plain(auth.form)
        basic = (auth.basic.user, auth.basic.password) if auth.basic else ()
        bare = (secret.get_secret_value() for secret in basic)
        self.secrets = tuple(filter(None, (*_plain(auth.query).values(), *self.form.values(), *bare)))


class Requests:
    """Makes the requests that the settings describe."""

    def __init__(self, settings: RestSettings, paging: Paging) -> None:
        self._settings = settings
        self._credentials = Credentials(settings.auth)
        self._paging = paging
        self._zone = ZoneInfo(settings.time_zone)

    def list(self, query: ListQuery) -> Request:
        """The request for a page; Redirected if the page before said that this one is elsewhere."""
        settings = self._settings
        if settings.pages.by in ("link", "header") and query.after is not None:
            return self._linked(query)
        return self._paging.noted(self._request(settings.path, self._asked(query)), query)

    def order(self, settings: OrderSettings, order_id: str) -> Request:
        """The request for one order."""
        path = settings.path.replace("{id}", quote(order_id, safe=""))
        return self._request(path, _filled(settings.params, "{id}", order_id))

    def _asked(self, query: ListQuery) -> Sent:
        return {**self._settings.params, **self._paging.params(query), **self._filters(query)}

    def _filters(self, query: ListQuery) -> Sent:
        by_status, modified = self._settings.by_status, self._settings.modified
        filters: dict[str, Param] = {}
        if by_status and query.status is not None:
            filters |= _filled(by_status.params or {by_status.param or "": "{status}"}, "{status}", query.status)
        if modified and query.modified_since is not None:
            since = written(query.modified_since, modified.format, self._zone)
            filters |= _filled(modified.params or {modified.param or "": "{since}"}, "{since}", since)
        return filters

    def _linked(self, query: ListQuery) -> Request:
        found = target(query.after or "", self._settings.url)
        given = {name for name, _ in found.params}
        ours = _flat(self._asked(query)) if self._settings.pages.repeat_params else ()
        return self._made(found.path, (*(param for param in ours if param[0] not in given), *found.params))

    def _request(self, path: str, params: Sent) -> Request:
        if self._settings.send == "query":
            return self._made(path, _flat(params))
        body = {**params, **self._credentials.form}
        if self._settings.send == "form":
            return self._made(path, (), form=_flat(body))
        return self._made(path, (), json=msgspec.json.encode(_nested(body)))

    def _made(self, path: str, params: Params, *, form: Params | None = None, json: bytes | None = None) -> Request:
        known = self._credentials
        return Request(path, (*params, *known.query), known.headers, form, json, known.secrets)


def written(time: datetime, form: str, zone: ZoneInfo) -> str:
    """The time as a parameter takes it: see ``ModifiedSettings.format``."""
    if form in ("seconds", "milliseconds"):
        return str(int(time.timestamp()) * (1 if form == "seconds" else 1000))
    if form == "iso":
        return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return time.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S" if form == "sql" else "%Y-%m-%dT%H:%M:%S")


def _plain(held: Mapping[str, HeldSecret]) -> dict[str, str]:
    return {name: secret.value.get_secret_value() for name, secret in held.items()}


def _authorization(auth: AuthSettings) -> dict[str, str]:
    if auth.bearer:
        return {"Authorization": f"Bearer {auth.bearer.get_secret_value()}"}
    if auth.basic:
        pair = f"{auth.basic.user.get_secret_value()}:{auth.basic.password.get_secret_value()}"
        return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
    return {}


def _filled(params: Sent, placeholder: str, value: str) -> dict[str, Param]:
    def fill(part: str | int) -> str | int:
        return part.replace(placeholder, value) if isinstance(part, str) else part

    return {name: [fill(p) for p in part] if isinstance(part, list) else fill(part) for name, part in params.items()}


def _flat(params: Sent) -> Params:
    parts = ((name, part) for name, value in params.items() for part in (value if isinstance(value, list) else [value]))
    return tuple((name, str(part).lower() if isinstance(part, bool) else str(part)) for name, part in parts)


def _nested(params: Sent) -> dict[str, Any]:
    """Parameters as a JSON object; a dot in a name leads into another one."""
    made: dict[str, Any] = {}
    for name, value in params.items():
        *above, last = name.split(".")
        inside = made
        for part in above:
            inside = inside.setdefault(part, {})
        inside[last] = value
    return made
