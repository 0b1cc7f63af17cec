"""Made-up examples for the API's description: what each operation answers, and takes. A test holds them to it."""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]

PATHS: dict[str, tuple[str, Document, str | int]] = {
    "source": ("The name of a source.", {"type": "string"}, "shop"),
    "name": ("The name of a source.", {"type": "string"}, "shop"),
    "order": (
        "An order's id or number, percent-encoded: a slash in it as `%2F`.",
        {"type": "string", "minLength": 1},
        "ORD-0088",
    ),
    "id": ("An id.", {"type": "integer", "minimum": 0}, 4711),
}
"""What a variable part of an address is, its schema, and an example."""

_ORDER = {
    "id": "88",
    "status": "Fraud",
    "number": "ORD-0088",
    "total": {"amount": "49.00", "currency": "USD"},
    "created_at": "2026-11-30T17:12:00Z",
    "items": [{"name": "Hosting, small", "quantity": 1, "price": {"amount": "49.00", "currency": "USD"}}],
}
_KNOWN = {
    "order": _ORDER,
    "revision": 3,
    "first_seen": "2026-11-30T17:13:05Z",
    "seen_at": "2026-12-01T08:00:12Z",
    "status_since": "2026-12-01T08:00:12Z",
    "previous_status": "pending",
}
_TELLS = {"route": "fraud", "part": "tells", "to": ["ops_slack"]}
_EVENT = {
    "id": 4711,
    "type": "order",
    "source": "shop",
    "kind": "status_changed",
    "at": "2026-12-01T08:00:12Z",
    "order": _ORDER,
    "revision": 3,
    "before": {"id": "88", "status": "Pending", "number": "ORD-0088"},
    "after_time": "2026-12-01T07:59:12Z",
    "decided": [_TELLS],
    "stopped_by": None,
    "unfit": [],
}
_MESSAGE = {
    "id": 1203,
    "ref": "7Q4M2K",
    "route": "fraud",
    "channel": "ops_slack",
    "url_number": 1,
    "source": "shop",
    "order_id": "88",
    "state": "sent",
    "created_at": "2026-12-01T08:00:12Z",
    "due_at": "2026-12-01T08:00:12Z",
    "expires_at": "2026-12-02T08:00:12Z",
    "attempts": 1,
    "settled_at": "2026-12-01T08:00:13Z",
    "title": "ORD-0088: pending → fraud",
}
_ATTEMPT = {
    "at": "2026-12-01T08:00:13Z",
    "delivered": True,
    "reason": "",
    "status": 200,
    "permanent": False,
    "retry_after": None,
}
_SOURCE = {
    "name": "shop",
    "type": "opterius",
    "host": "billing.example.com",
    "labels": {"client": "acme"},
    "every": "1m",
    "down_after": 3,
    "health": "well",
    "reason": None,
    "since": "2026-11-01T00:00:05Z",
    "failures": 0,
    "total": 5120,
    "baseline_at": "2026-11-01T00:00:05Z",
    "polled_at": "2026-12-01T08:00:12Z",
    "good_at": "2026-12-01T08:00:12Z",
    "complete_at": "2026-12-01T03:10:00Z",
    "settled_at": "2026-12-01T08:00:12Z",
    "new_order_at": "2026-11-30T17:13:05Z",
    "daemon": None,
    "looked": {
        "bound": "a change of a pending order within 1 min, of any other within 10 min",
        "refusal": "",
        "used": 4,
        "per_minute": 60,
        "orders": 5120,
        "requests": 4,
        "seconds": 0.41,
        "next_at": "2026-12-01T08:01:12Z",
    },
}
_SILENCE = {
    "id": 12,
    "matcher": {"source": ["shop"], "to": ["fraud"]},
    "created_at": "2026-12-01T08:05:00Z",
    "until": "2026-12-01T10:05:00Z",
    "reason": "the fraud filter is being tuned",
    "by": "Ada",
    "active": True,
}
_STORY = {
    "source": "shop",
    "id": "88",
    "number": "ORD-0088",
    "known": _KNOWN,
    "last_shown": "2026-12-01T08:00:12Z",
    "baseline_at": "2026-11-01T00:00:05Z",
    "stuck": [],
    "events": [
        {
            **_EVENT,
            "today": [_TELLS, {"route": "paid", "part": "refuses", "why": ["it is about to active, not fraud"]}],
            "today_agrees": True,
            "messages": [{**_MESSAGE, "other_events": 0, "attempts_said": [_ATTEMPT]}],
        }
    ],
}


def _page(item: Document, following: str | None = None) -> Document:
    return {"items": [item], "next": following}


EXAMPLES: dict[str, Document] = {
    "orders": _page({"source": "shop", **_KNOWN}, "K3sVqlsxNzY0NTc2MDEyMDAwMDAwLCJzaG9wIiwiODgiXQ"),
    "order": _STORY,
    "events": _page(_EVENT, "q1mX4ltmYWxzZSw0NzExXQ"),
    "event": _EVENT,
    "deliveries": _page(_MESSAGE),
    "delivery": {
        **_MESSAGE,
        "body": "ORD-0088: pending → fraud\n$49.00, Hosting, small",
        "attempts_said": [_ATTEMPT],
    },
    "retry": {"retried": 1},
    "retryAll": {"retried": 3},
    "sources": _page(_SOURCE),
    "source": _SOURCE,
    "poll": {"source": "shop", "polled": "now"},
    "silences": _page(_SILENCE),
    "addSilence": _SILENCE,
    "addSilence asked": {
        "matcher": {"source": ["shop"], "to": ["fraud"]},
        "for": "2h",
        "reason": "the fraud filter is being tuned",
        "by": "Ada",
    },
    "endSilence": {**_SILENCE, "until": "2026-12-01T08:30:00Z", "active": False},
}
