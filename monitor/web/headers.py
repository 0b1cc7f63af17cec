"""What every answer says besides: what a browser may do with it. Nothing comes from elsewhere, or goes there."""

from __future__ import annotations

from aiohttp import web

PROTECTION = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types fragments",
        )
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: it makes the Origin of our own forms "null".
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Server": "order-monitor",
}
_KEPT = (200, 206, 304)
BEGUN = web.RequestKey("begun", bool)
"""Of a request: whether its answer is being sent, so that there can be no other."""


async def protect(request: web.Request, response: web.StreamResponse) -> None:
    """Add them to an answer that is about to be sent, whoever made it."""
    request[BEGUN] = True
    response.headers.update(PROTECTION)
    if not (request.path.startswith("/static/") and response.status in _KEPT):
        response.headers["Cache-Control"] = "no-store"
