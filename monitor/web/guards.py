"""What every request passes: the checks that decide whether it is answered at all."""

from __future__ import annotations

import asyncio
from html import escape

from aiohttp import web
from aiohttp.typedefs import Handler
from yarl import URL

from monitor.web import origins
from monitor.web.access import Access, Area, Visitor, area_of
from monitor.web.context import FORM_TOKEN, LOGGED_IN, context_of
from monitor.web.failures import ADMITTED

LONGEST_BODY = 64 * 1024
_LONGEST_WAIT_S = 10.0
_READING = ("GET", "HEAD")
_FORM = "application/x-www-form-urlencoded"


class Misdirected(web.HTTPClientError):
    """421: this server goes by another name."""

    status_code = 421


@web.middleware
async def guarding(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer only who may ask, and do only what was asked on a page of ours."""
    access, area = context_of(request).access, _area(request)
    _check_shape(request)
    if area is Area.OPEN and not _is_login(request):
        return await handler(request)
    if _followed_a_link(request) and not access.knocked(request):
        return _come_again(request, access)
    visitor = access.visitor(request.cookies)
    if area is Area.MACHINES and _has_token(request, access):
        return await handler(request)
    if not (visitor.session or _is_login(request)):
        _check_login(request, access, area)
    request[ADMITTED] = not _is_login(request) or access.admits(request)
    request[LOGGED_IN], request[FORM_TOKEN] = visitor.session is not None, access.form_token(visitor)
    await _check_form(request, access, visitor)
    return await _answer(request, handler, access, visitor)


async def _answer(request: web.Request, handler: Handler, access: Access, visitor: Visitor) -> web.StreamResponse:
    """The page, and a mark for a browser that has none yet."""
    cookie = ""
    if _wants_mark(request, visitor):
        visitor, cookie = access.greet()
        request[FORM_TOKEN] = access.form_token(visitor)
    response = await handler(request)
    if not response.prepared:
        access.remember(request, response, cookie)
    return response


def _wants_mark(request: web.Request, visitor: Visitor) -> bool:
    """Not from elsewhere: a browser that has one keeps it back then, and must not lose it."""
    known = visitor.session or visitor.browser
    is_page = _area(request) is Area.PAGES or _is_login(request)
    return not known and is_page and request.method == "GET" and not _followed_a_link(request)


def _area(request: web.Request) -> Area:
    resource = request.match_info.route.resource
    return area_of(resource.canonical if resource else request.path)


def _is_login(request: web.Request) -> bool:
    resource = request.match_info.route.resource
    return resource is not None and resource.canonical == "/login"


def _check_shape(request: web.Request) -> None:
    """What can be said without knowing who asks."""
    settings = context_of(request).site.settings
    hosts = request.headers.getall("Host", [])
    if settings.password is None and not origins.may_be_asked_as(hosts, settings.public_url):
        raise Misdirected(
            text="Without a password, this server answers only to localhost, 127.0.0.1 and [::1], and to the host in"
            " web.public_url."
        )
    if isinstance(request.match_info.http_exception, web.HTTPMethodNotAllowed):
        raise request.match_info.http_exception
    # A hint's body is signed, not kept: hooks.py has a limit of its own.
    if (request.content_length or 0) > LONGEST_BODY and not request.path.startswith("/hooks/"):
        raise web.HTTPRequestEntityTooLarge(LONGEST_BODY, request.content_length or 0)


def _followed_a_link(request: web.Request) -> bool:
    return request.method in _READING and origins.is_navigation_from_elsewhere(request.headers)


def _come_again(request: web.Request, access: Access) -> web.Response:
    """Let the browser ask once more, by itself: its cookies are not sent with a link from another site."""
    text = _COME_AGAIN.format(escape(request.path_qs, quote=True))
    response = web.Response(text=text, content_type="text/html")
    access.knock(response)
    return response


def _has_token(request: web.Request, access: Access) -> bool:
    fits = access.has_token(request.headers.get("Authorization", ""))
    if fits is False:
        raise _unauthorized("This is not the token.")
    return bool(fits)


def _check_login(request: web.Request, access: Access, area: Area) -> None:
    """For who is not logged in."""
    if area is Area.MACHINES and access.needs_token:
        raise _unauthorized("Send the token of web.token_file (Authorization: Bearer …), or log in.")
    if not access.needs_login or area is Area.MACHINES:
        return
    if area is Area.SCRIPTS:
        raise _unauthorized("Log in first.")
    wish = request.path_qs if request.method in _READING else "/"
    raise web.HTTPSeeOther(URL("/login").with_query({"next": wish} if wish != "/" else {}))


def _unauthorized(text: str) -> web.HTTPUnauthorized:
    return web.HTTPUnauthorized(text=text, headers={"WWW-Authenticate": 'Bearer realm="order-monitor"'})


async def _check_form(request: web.Request, access: Access, visitor: Visitor) -> None:
    """What changes something must have been asked for on a page of ours, shown to the same visitor."""
    if request.method in _READING:
        if origins.is_part_of_another_page(request.headers):
            raise web.HTTPForbidden(text="This is for no other page than this server's own.")
        return
    if origins.acts_from_elsewhere(request.headers, context_of(request).site.settings.public_url):
        raise web.HTTPForbidden(
            text="This was asked for on another page than this server's. Behind a proxy, set web.public_url."
        )
    if not access.is_form_token(visitor, request.headers.get("X-CSRF-Token") or await _field(request)):
        raise web.HTTPForbidden(
            text="This page was made for somebody else, or before the server was started anew. Load it again."
        )


async def _field(request: web.Request) -> str:
    """The token in a form. Only plain forms are read: anything else is no page of ours."""
    if request.content_type != _FORM or (request.charset or "utf-8").lower() != "utf-8":
        return ""
    try:
        async with asyncio.timeout(_LONGEST_WAIT_S):
            return str((await request.post()).get("csrf", ""))
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="The request did not arrive in time.") from None
    except ValueError:
        raise web.HTTPBadRequest(text="This is no form.") from None


_COME_AGAIN = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta http-equiv="refresh" content="0;url={0}"><title>Order Monitor</title></head>
<body><p><a href="{0}">Go on to Order Monitor</a></p></body>
</html>
"""
