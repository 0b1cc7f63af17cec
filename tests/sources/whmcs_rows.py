"""Orders and answers as WHMCS shows them."""

from __future__ import annotations

import json
from typing import Any

from monitor.model import Order
from monitor.sources.base import Answer, Request
from monitor.sources.rows import RowPage
from monitor.sources.whmcs import Whmcs, WhmcsSettings

URL = "https://billing.example.com"
IDENTIFIER, SECRET, ACCESS_KEY = "canary-identifier", "canary-secret", "canary-access-key"
LINE: dict[str, Any] = {
    "type": "product",
    "relid": 1,
    "producttype": "Other Product/Service",
    "product": "SSL Certificates - Rapid SSL",
    "domain": "sample.example.com",
    "billingcycle": "One-Time",
    "amount": "$8.00 USD",
    "status": "Active",
}
ROW: dict[str, Any] = {
    "id": 1,
    "ordernum": 7858259149,
    "userid": 1,
    "date": "2020-09-23 13:59:35",
    "transfersecret": "canary-transfer",
    "amount": "8.00",
    "paymentmethod": "stripe",
    "invoiceid": 17,
    "status": "Active",
    "ipaddress": "canary-ip",
    "fraudmodule": "fraudlabs",
    "fraudoutput": "canary-fraud",
    "notes": "Sample Notes!",
    "paymentmethodname": "Stripe",
    "paymentstatus": "Paid",
    "name": "Quilla Tester",
    "currencyprefix": "$",
    "currencysuffix": " USD",
    "lineitems": {"lineitem": [LINE]},
}


def source(**settings: object) -> Whmcs:
    given = {"type": "whmcs", "url": URL, "identifier": IDENTIFIER, "secret": SECRET, **settings}
    return Whmcs(WhmcsSettings.model_validate(given))


SOURCE = source()


def answer(body: bytes | str, request: Request | None = None) -> Answer:
    raw = body if isinstance(body, bytes) else body.encode()
    return Answer(f"{URL}/includes/api.php", 200, {}, raw, 0.0, 1.0, request=request)


def listed(orders: object, **envelope: object) -> str:
    return json.dumps({"result": "success", "totalresults": 1, "startnumber": 0, "orders": orders, **envelope})


def page(*rows: object) -> RowPage:
    return SOURCE.decode_list(answer(listed({"order": rows})))


def only(row: dict[str, Any], **settings: object) -> Order:
    return source(**settings).decode_list(answer(listed({"order": [row]}))).order(str(row["id"]))
