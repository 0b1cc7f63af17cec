"""Orders and answers as WooCommerce shows them: all fields of a row, those included that nobody should see."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from monitor.model import Order
from monitor.sources.base import Answer
from monitor.sources.rows import StampedPage
from monitor.sources.woocommerce import WooCommerce, WooCommerceSettings

URL = "https://shop.example.com"
KEY, SECRET = "ck_made_up", "cs_made_up"
SETTINGS: dict[str, Any] = {"type": "woocommerce", "url": URL, "consumer_key": KEY, "consumer_secret": SECRET}
SOURCE = WooCommerce(WooCommerceSettings.model_validate(SETTINGS))
ROW: dict[str, Any] = {
    "id": 727,
    "parent_id": 0,
    "number": "2026-0727",
    "order_key": "canary-order-key",
    "status": "processing",
    "currency": "USD",
    "date_created": "2026-04-01T11:15:00",
    "date_created_gmt": "2026-04-01T09:15:00",
    "date_modified": "2026-04-02T10:00:00",
    "date_modified_gmt": "2026-04-02T08:00:00",
    "total": "29.35",
    "customer_ip_address": "canary-ip",
    "customer_note": "Ring twice",
    "billing": {
        "first_name": "Jane",
        "last_name": "Doe",
        "company": "Sample Ltd",
        "address_1": "969 Market",
        "address_2": "",
        "city": "San Francisco",
        "state": "CA",
        "postcode": "94103",
        "country": "US",
        "email": "canary-mail@example.com",
        "phone": "canary-phone",
    },
    "shipping": {"first_name": "canary-receiver"},
    "payment_method": "bacs",
    "payment_method_title": "Direct Bank Transfer",
    "transaction_id": "canary-transaction",
    "meta_data": [{"id": 1, "key": "token", "value": "canary-meta"}],
    "line_items": [
        {"id": 1, "name": "Woo Single #1", "quantity": 2, "price": 3, "meta_data": [{"value": "canary-licence"}]},
        {"id": 2, "name": "Ship Your Idea", "quantity": 1, "price": 20.35, "sku": ""},
    ],
    "payment_url": "https://shop.example.com/?pay_for_order=true&key=canary-order-key",
    "set_paid": False,
    "_links": {"self": [{"href": "https://shop.example.com/wp-json/wc/v3/orders/727"}]},
}
TOTALS = {"x-wp-total": "1", "x-wp-totalpages": "1"}


def answer(body: bytes | str, headers: Mapping[str, str] = TOTALS) -> Answer:
    raw = body if isinstance(body, bytes) else body.encode()
    return Answer(f"{URL}/wp-json/wc/v3/orders", 200, headers, raw, 0.0, 1.0)


def page(*rows: object, headers: Mapping[str, str] = TOTALS) -> StampedPage:
    return SOURCE.decode_list(answer(json.dumps(rows), headers))


def only(row: dict[str, Any]) -> Order:
    decoded = page(row)
    assert decoded.rejected == ()
    return decoded.order(str(row["id"]))
