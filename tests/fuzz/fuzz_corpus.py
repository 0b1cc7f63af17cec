"""What billing systems, and what stands before them, have answered instead of a list of orders; all of it made up.

``NO_ORDERS`` are whole bodies in which no row is an order. ``ODD_ROWS`` are rows that may be orders or not, ``JUNK``
rows that are none, ``STRANGERS`` orders with odd ids. ``META`` are odd things that stand where the paging information
should, ``CLAIMS`` odd numbers in it.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

ROW = b'{"id":7,"status":"active","total":2200,"currency_code":"USD","items":[{"product_name":"Plan","qty":1}]}'
PAGE = b'{"data":[' + ROW + b'],"meta":{"current_page":1,"last_page":1,"per_page":100,"total":1}}'
_EMPTY_META = b'"meta":{"current_page":1,"last_page":1,"per_page":100,"total":0}'
_DEEP = 100_000

NO_ORDERS: Mapping[str, bytes] = {
    "nothing": b"",
    "blanks": b" \r\n\t ",
    "a log-in page": b'<!DOCTYPE html><html><body><form action="/login">Log in</form></body></html>',
    "a captcha": b"\n<html><head><title>Just a moment...</title></head></html>",
    "an XML error": b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
    "a PHP warning before JSON": b"<br />\n<b>Warning</b>: Undefined index in <b>/srv/api.php</b>\n" + PAGE,
    "plain text": b"Too many connections",
    "success false": b'{"success": false}',
    "success false with data": b'{"success":false,"data":[],' + _EMPTY_META + b"}",
    "success as text": b'{"success":"0","data":[]}',
    "an error with data": b'{"error":"busy","data":[]}',
    "errors as a list": b'{"success":false,"error":["Access denied","Wrong call"]}',
    "an error that says nothing": b'{"message":"","errors":{}}',
    "an error in a foreign tongue": '{"message":"Ошибка \\ud83d\\ude00 \u202e \\u0000 ошибка"}'.encode(),
    "an endless error": b'{"message":"' + b"x" * 100_000 + b'"}',
    "a deep error": b'{"errors":' + b"[" * 500 + b'"x"' + b"]" * 500 + b"}",
    "null": b"null",
    "true": b"true",
    "a number": b"42",
    "a huge number": b"9" * 100_000,
    "a text": b'"data"',
    "an unfinished text": b'"data',
    "a bare list": b"[]",
    "a bare list of rows": b"[1,2,3]",
    "truncated in a row": PAGE[:60],
    "truncated before its end": PAGE[:-1],
    "two documents": b'{"data":[]}{"data":[]}',
    "NaN": b'{"data":[NaN],"meta":{"total":NaN}}',
    "NaN in a row": b'{"data":[{"id":9,"status":"active","total":NaN}]}',
    "infinity": b'{"data":[],"meta":{"total":Infinity}}',
    "single quotes": b"{'data':[]}",
    "a comma too many": b'{"data":[1,],}',
    "a comment": b'/* api */ {"data":[]}',
    "JSONP": b'callback({"data":[]});',
    "a guard before JSON": b')]}\',\n{"data":[]}',
    "a byte order mark alone": b"\xef\xbb\xbf",
    "two byte order marks": b"\xef\xbb\xbf\xef\xbb\xbf" + PAGE,
    "UTF-16": PAGE.decode().encode("utf-16"),
    "UTF-32": PAGE.decode().encode("utf-32"),
    "invalid UTF-8": b'{"data":[{"id":"\xff\xfe","status":"\xc3\x28"}]}',
    "overlong UTF-8": b'{"data":[{"id":"\xc0\xaf","status":"active"}]}',
    "a surrogate in UTF-8": b'{"data":[{"id":"\xed\xa0\x80","status":"active"}]}',
    "NUL bytes": b"\0" * 5000,
    "NUL amid JSON": b'{"data"\0:[]}',
    "gzip not said": gzip.compress(PAGE, mtime=0),
    "deep lists": b'{"data":' + b"[" * _DEEP,
    "deep lists, closed": b'{"data":[' + b"[" * _DEEP + b"]" * _DEEP + b"]}",
    "deep objects": b'{"data":' * _DEEP,
    "a row that is deep": b'{"data":[{"id":{"id":' + b"[" * 500 + b"]" * 500 + b'},"status":"active"}]}',
    "no data": b'{"orders":[],' + _EMPTY_META + b"}",
    "data null": b'{"data":null}',
    "data false": b'{"data":false}',
    "data a text": b'{"data":""}',
    "data a number": b'{"data":0}',
    "data an object": b'{"data":{}}',
    "data keyed by id": b'{"data":{"7":' + ROW + b"}}",
    "data in data": b'{"data":{"data":[' + ROW + b"]}}",
    "data twice": b'{"data":[' + ROW + b'],"data":{}}',
    "data twice, then empty": b'{"data":[' + ROW + b'],"data":[]}',
    "empty": b'{"data":[]}',
    "empty with a total": b'{"data":[],' + _EMPTY_META + b"}",
    "empty, promising more": b'{"data":[],"meta":{"current_page":1,"last_page":1000000000000,"total":100000000000000}}',
    "rows of null": b'{"data":[null,null]}',
    "rows as texts": b'{"data":["7","8"]}',
    "rows as JSON in texts": msgspec.json.encode({"data": [ROW.decode()]}),
    "rows as lists": b'{"data":[[7,"active"]]}',
    "rows in rows": b'{"data":[[' + ROW + b"]]}",
    "rows without anything": b'{"data":[{},{}]}',
    "rows without end": b'{"data":[1],"meta":{"last_page":100000000000000,"per_page":1,"total":100000000000000}}',
}

JUNK: tuple[bytes, ...] = (
    b"null",
    b"0",
    b"true",
    b'""',
    b"[]",
    b"{}",
    b'{"id":null,"status":"active"}',
    b'{"id":"","status":"active"}',
    b'{"id":7.5,"status":"active"}',
    b'{"id":7.0,"status":"active"}',
    b'{"id":true,"status":"active"}',
    b'{"id":[7],"status":"active"}',
    b'{"id":1e400,"status":"active"}',
    b'{"id":"a\\u0000b","status":"active"}',
    b'{"id":' + b"9" * 5000 + b',"status":"active"}',
    b'{"id":9000001}',
    b'{"id":9000001,"status":null}',
    b'{"id":9000001,"status":""}',
    b'{"id":9000001,"status":1}',
    b'{"id":9000001,"status":["active"]}',
    b'{"id":9000001,"status":{"name":"active"}}',
    b'{"status":"active"}',
    b'{"ID":7,"Status":"active"}',
)

ODD_ROWS: tuple[bytes, ...] = (
    *JUNK,
    ROW,
    b'{"id":-7,"status":"active"}',
    b'{"id":0,"status":"active"}',
    b'{"id":18446744073709551616,"status":"active"}',
    b'{"id":' + b"9" * 4000 + b',"status":"active"}',
    b'{"id":"' + b"9" * 5000 + b'","status":"active"}',
    b'{"id":"' + b"x" * 100_000 + b'","status":"' + b"y" * 100_000 + b'"}',
    '{"id":"٣","status":"Оплачен"}'.encode(),
    '{"id":"²","status":"\u202eactive"}'.encode(),
    b'{"id":" 7 ","status":" Active "}',
    b'{"id":"007","status":"on-hold"}',
    b'{"id":7,"id":8,"status":"active","status":"fraud"}',
    b'{"id":"a","status":"a\\u0000b"}',
    b'{"id":"\\ud83d\\ude00","status":"\\ud83d\\ude00"}',
    b'{"id":"\\ud800","status":"active"}',
    b'{"id":"b","status":"\\udfff"}',
    b'{"id":"c","status":"a\\ud83d"}',
    b'{"id":9,"status":"active","total":1e400,"currency":"USD"}',
    b'{"id":9,"status":"active","total":"1E999999999","currency_code":"USD"}',
    b'{"id":9,"status":"active","total":' + b"9" * 5000 + b',"currency_code":"JPY"}',
    b'{"id":9,"status":"active","total":-0,"currency":null,"currency_code":null}',
    b'{"id":9,"status":"active","total":"NaN","currency":"USD"}',
    b'{"id":9,"status":"active","total":"22,50","currency":["USD"]}',
    b'{"id":9,"status":"active","total":22.5,"currency":"' + b"\\u0130" * 500 + b'"}',
    b'{"id":9,"status":"active","order_number":{"n":1},"created_at":{"date":"2026-01-01"}}',
    b'{"id":9,"status":"active","order_number":"\\u0000\\u202e","created_at":"0000-00-00 00:00:00"}',
    b'{"id":9,"status":"active","created_at":"0001-01-01T00:00:00+23:59"}',
    b'{"id":9,"status":"active","created_at":"9999-12-31T23:59:59-23:59"}',
    b'{"id":9,"status":"active","created_at":' + b"9" * 400 + b"}",
    b'{"id":9,"status":"active","items":""}',
    b'{"id":9,"status":"active","items":{"0":{"product_name":"Plan"}}}',
    b'{"id":9,"status":"active","items":[null,1,"x"]}',
    b'{"id":9,"status":"active","items":[{}],"currency":"USD"}',
    b'{"id":9,"status":"active","items":[{"product_name":[],"qty":-1,"amount":"x"}],"currency":"USD"}',
    b'{"id":9,"status":"active","items":[{"qty":1e18,"amount":1e99}],"currency_code":"KWD"}',
    b'{"id":9,"status":"active","items":' + b"[" * 900 + b"]" * 900 + b"}",
    b'{"id":9,"status":"active","x":"\xff\xfe"}',
)

STRANGERS: Mapping[str, bytes] = {
    "abc": b'"abc"',
    "9" * 5000: b'"' + b"9" * 5000 + b'"',
    "9" * 100: b"9" * 100,
    "٣": '"٣"'.encode(),
    "0007": b'"0007"',
    " 7 ": b'" 7 "',
    "-5": b"-5",
    str(10**17): b"100000000000000000",
    "\ufffd": b'"\\ud800"',
}
"""Their ids, and how these are written."""

CLAIMS: tuple[bytes, ...] = (
    b"null",
    b"true",
    b"0",
    b"-1",
    b"-0",
    b"1",
    b"2",
    b"7",
    b"1000",
    b"999999999999999",
    b"1000000000000000000",
    b"1e18",
    b"1e400",
    b"15.5",
    b"15.0",
    b'""',
    b'"many"',
    b'"15"',
    b'" 15 "',
    '"١٥"'.encode(),
    b'"0x10"',
    b"[]",
    b"[15,15]",
    b"{}",
    b"9" * 5000,
)

META: tuple[bytes, ...] = (b"null", b"[]", b"{}", b'""', b'"1/3"', b"0", b"[1,2]", b"true")
CLAIMED = ("current_page", "last_page", "per_page", "total")


def stranger(order_id: str) -> bytes:
    """The row of an order with an odd id."""
    return b'{"id":' + STRANGERS[order_id] + b',"status":"odd"}'


def page_of(rows: list[bytes], meta: bytes = b"{}") -> bytes:
    """A page of these rows, with this paging information."""
    return b'{"data":[' + b",".join(rows) + b'],"meta":' + meta + b"}"


def meta_of(claims: Mapping[str, bytes]) -> bytes:
    """Paging information that claims this."""
    return b"{" + b",".join(b'"' + name.encode() + b'":' + value for name, value in claims.items()) + b"}"


def with_meta(body: bytes, meta: bytes) -> bytes:
    """This page, its rows as they are, with other paging information."""
    return msgspec.json.encode({**_fields(body), "meta": Raw(meta)})


def with_claim(body: bytes, name: str, value: bytes) -> bytes:
    """This page, its rows as they are, one of its claims another one."""
    meta = msgspec.json.decode(_fields(body).get("meta", Raw(b"{}")), type=dict[str, Raw])
    return with_meta(body, msgspec.json.encode({**meta, name: Raw(value)}))


def with_junk(body: bytes, junk: bytes, at: int) -> bytes:
    """This page with one more row, which is no order."""
    rows = msgspec.json.decode(_fields(body)["data"], type=list[Raw])
    rows.insert(at, Raw(junk))
    return msgspec.json.encode({**_fields(body), "data": rows})


def with_field(body: bytes, name: str, value: bytes, rows_from: int = 0) -> bytes:
    """This page, with the same nonsense in one field of each of its rows but so many at its start."""
    rows = msgspec.json.decode(_fields(body)["data"], type=list[dict[str, Raw]])
    return msgspec.json.encode(
        {**_fields(body), "data": rows[:rows_from] + [{**row, name: Raw(value)} for row in rows[rows_from:]]}
    )


def _fields(body: bytes) -> dict[str, Any]:
    return msgspec.json.decode(body, type=dict[str, Raw])
