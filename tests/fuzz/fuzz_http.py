"""What servers, and what stands before them, have sent over the wire; made up. Each ends in an Answer or a SourceError.

``RAW`` are whole answers as bytes, after which the connection is closed.
"""

from __future__ import annotations

import bz2
import gzip
import zlib
from collections.abc import Iterator, Mapping

BODY = b'{"data":[],"meta":{"current_page":1,"last_page":1,"per_page":100,"total":0}}'
_JSON = b"Content-Type: application/json\r\n"


def http(*headers: bytes, status: bytes = b"200 OK", body: bytes = BODY, length: bool = True) -> bytes:
    """An answer with these header lines."""
    said = [b"Content-Length: %d" % len(body)] if length else []
    return (
        b"HTTP/1.1 "
        + status
        + b"\r\n"
        + _JSON
        + b"".join(line + b"\r\n" for line in (*headers, *said))
        + b"\r\n"
        + body
    )


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """An answer in chunks, written as they are."""
    return http(b"Transfer-Encoding: chunked", body=b"".join(chunks) + end, length=False)


def _one_chunk(data: bytes) -> bytes:
    return b"%x\r\n" % len(data) + data + b"\r\n"


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


_LENGTHS = (b"-1", b"0", b"1", b"abc", b"1e3", b"99999999999999999999999", b"76, 76", b"76, 77", b"+76", b"0x4c", b"")
_DATES = (
    b"never",
    b"0",
    b"-1",
    b"Thu, 01 Jan 1970 00:00:00 GMT",
    b"Fri, 31 Dec 9999 23:59:59 GMT",
    b"Sat, 30 Feb 2026 25:61:61 XYZ",
    b"Sun, 06 Nov 94 08:49:37 -9999",
    b"2026-04-11T08:00:00Z",
    b"\xff\xfe",
    b"9" * 400,
)
_NUMBERS = (
    b"-5",
    b"0",
    b"1.5",
    b"1e9",
    b"NaN",
    b"inf",
    b"9" * 400,
    b"soon",
    b"1, 2",
    b"\xd9\xa5",
    b"",
    b'"60"',
    b"0x10",
)
_LIMITS = (b"X-RateLimit-Remaining", b"X-RateLimit-Reset", b"X-RateLimit-Limit", b"RateLimit", b"RateLimit-Reset")
_ENCODED: Mapping[str, tuple[bytes, bytes]] = {
    "gzip": (b"gzip", gzip.compress(BODY, mtime=0)),
    "gzip of a byte order mark": (b"gzip", gzip.compress(b"\xef\xbb\xbf" + BODY, mtime=0)),
    "gzip that is none": (b"gzip", BODY),
    "gzip cut off": (b"gzip", gzip.compress(BODY, mtime=0)[:-12]),
    "gzip with a wrong checksum": (b"gzip", gzip.compress(BODY, mtime=0)[:-8] + b"\0" * 8),
    "gzip with rubbish behind": (b"gzip", gzip.compress(BODY, mtime=0) + b"rubbish"),
    "gzip of gzip": (b"gzip", gzip.compress(gzip.compress(BODY, mtime=0), mtime=0)),
    "gzip, said twice": (b"gzip, gzip", gzip.compress(BODY, mtime=0)),
    "gzip in capitals": (b"GZIP", gzip.compress(BODY, mtime=0)),
    "gzip of nothing": (b"gzip", b""),
    "gzip's head only": (b"gzip", b"\x1f\x8b"),
    "deflate": (b"deflate", zlib.compress(BODY)),
    "deflate, raw": (b"deflate", _raw_deflate(BODY)),
    "deflate that is gzip": (b"deflate", gzip.compress(BODY, mtime=0)),
    "brotli that is none": (b"br", BODY),
    "zstd that is none": (b"zstd", BODY),
    "an encoding nobody knows": (b"rot13", BODY),
    "bzip2": (b"bzip2", bz2.compress(BODY)),
    "identity": (b"identity", BODY),
}
_CHUNKS: Mapping[str, bytes] = {
    "in order": chunked(_one_chunk(BODY)),
    "one byte each": chunked(*(_one_chunk(BODY[i : i + 1]) for i in range(len(BODY)))),
    "without an end": chunked(_one_chunk(BODY), end=b""),
    "of negative size": chunked(b"-5\r\nhello\r\n"),
    "of huge size": chunked(b"ffffffffffffffffff\r\n" + BODY),
    "of no size": chunked(b"\r\n" + BODY),
    "shorter than said": chunked(b"1000\r\n" + BODY + b"\r\n"),
    "longer than said": chunked(b"2\r\n" + BODY + b"\r\n"),
    "with an endless extension": chunked(b"4c;" + b"x" * 100_000 + b"\r\n" + BODY + b"\r\n"),
    "with many trailers": chunked(_one_chunk(BODY), end=b"0\r\n" + b"X-Trailer: y\r\n" * 10_000 + b"\r\n"),
    "and a length": http(b"Transfer-Encoding: chunked", body=_one_chunk(BODY) + b"0\r\n\r\n"),
    "not said": http(body=_one_chunk(BODY) + b"0\r\n\r\n"),
    "twice": http(b"Transfer-Encoding: chunked, chunked", body=_one_chunk(BODY) + b"0\r\n\r\n", length=False),
    "of gzip": http(
        b"Transfer-Encoding: chunked",
        b"Content-Encoding: gzip",
        body=_one_chunk(gzip.compress(BODY, mtime=0)) + b"0\r\n\r\n",
        length=False,
    ),
}
_STATUS_LINES = (
    b"HTTP/1.0 200 OK",
    b"HTTP/0.9 200 OK",
    b"HTTP/1.1 200",
    b"HTTP/1.1 2000 OK",
    b"HTTP/1.1 099 What",
    b"HTTP/1.1 -200 OK",
    b"HTTP/1.1 abc OK",
    b"HTTP/2 200",
    b"HTTP/9.9 200 OK",
    b"ICY 200 OK",
    b"200 OK",
    b"HTTP/1.1 200 " + b"O" * 20_000,
    b"HTTP/1.1 200 \xff\xfe",
    b"HTTP/1.1 100 Continue",
    b"HTTP/1.1 101 Switching Protocols",
    b"HTTP/1.1 103 Early Hints",
    b"HTTP/1.1 199 What",
    b"HTTP/1.1 204 No Content",
    b"HTTP/1.1 205 Reset Content",
    b"HTTP/1.1 206 Partial Content",
    b"HTTP/1.1 226 IM Used",
    b"HTTP/1.1 300 Multiple Choices",
    b"HTTP/1.1 304 Not Modified",
    b"HTTP/1.1 399 What",
    b"HTTP/1.1 418 I'm a teapot",
    b"HTTP/1.1 451 No",
    b"HTTP/1.1 499 No",
    b"HTTP/1.1 600 What",
    b"HTTP/1.1 999 Request Denied",
)
_LOCATIONS = (
    b"",
    b"/api/v1/orders",
    b"?page=1",
    b"#",
    b"//",
    b"///",
    b"http://",
    b"http://[::1",
    b"http://example.com:99999/",
    b"http://user:pass@example.com/",
    b"https://\xff\xfe/",
    b"javascript:alert(1)",
    b"file:///etc/passwd",
    b"mailto:x@example.com",
    b"http://\xe4\xbe\x8b.example.com/",
    b"/%zz%00",
    b"/" + b"x" * 50_000,
    b"../" * 1000,
)
_HEADERS: Mapping[str, tuple[bytes, ...]] = {
    "a storm of cookies": (b"Set-Cookie: a=" + b"b" * 3000 + b"; Path=/",) * 300,
    "a flood": (b"X-Flood: y",) * 20_000,
    "one of a megabyte": (b"X-Long: " + b"y" * 1024 * 1024,),
    "without a name": (b": nothing",),
    "without a colon": (b"no header at all",),
    "with a blank in the name": (b"Bad Name: x",),
    "with NUL": (b"X-Nul: a\0b",),
    "folded": (b"X-Folded: a\r\n b",),
    "in Latin-1": (b"X-Latin: \xe4\xf6\xfc",),
    "two types": (b"Content-Type: text/html", b"Content-Type: application/json"),
    "a strange type": (b"Content-Type: ;;;===",),
    "a strange character set": (b"Content-Type: application/json; charset=x-nonsense",),
    "an ETag without end": (b'ETag: "' + b"e" * 50_000 + b'"',),
    "an upgrade": (b"Upgrade: websocket", b"Connection: Upgrade"),
    "two lengths": (b"Content-Length: 5",),
    "a captcha": (b"cf-mitigated: challenge",),
    "Vary and no-store": (b"Vary: *", b"Cache-Control: no-store, ,=,max-age=x"),
    "Last-Modified in nonsense": (b"Last-Modified: yesterday", b"ETag: W/", b"Date: tomorrow"),
}


def _raw() -> Iterator[tuple[str, bytes]]:
    yield "nothing", b""
    yield "blank lines", b"\r\n" * 1000
    yield "a body alone", BODY
    yield "NUL bytes", b"\0" * 10_000
    yield "a mail server", b"220 mail.example.com ESMTP\r\n"
    yield "TLS", b"\x15\x03\x01\x00\x02\x02\x28"
    yield "a head without end", b"HTTP/1.1 200 OK\r\nContent-Type: application/json"
    yield "two answers", http() + http()
    yield "no length", http(length=False)
    yield "a longer body than said", http() + b"x" * 10_000
    yield "bare line feeds", http().replace(b"\r\n", b"\n")
    for line in _STATUS_LINES:
        yield f"{line[:30]!r}", line + http()[len(b"HTTP/1.1 200 OK") :]
        yield f"{line[:30]!r} alone", line + b"\r\nETag: x\r\nContent-Length: 0\r\n\r\n"
    for length in _LENGTHS:
        yield f"length {length!r}", http(b"Content-Length: " + length, length=False)
    for name, (encoding, body) in _ENCODED.items():
        yield name, http(b"Content-Encoding: " + encoding, body=body)
    for name, answer in _CHUNKS.items():
        yield f"chunks {name}", answer
    for name, lines in _HEADERS.items():
        yield f"headers: {name}", http(*lines)
    for where in _LOCATIONS:
        yield f"to {where[:30]!r}", http(b"Location: " + where, status=b"302 Found")
    for when in _DATES:
        for dated in (b"Date", b"Last-Modified", b"Expires"):
            yield f"{dated.decode()} {when[:40]!r}", http(dated + b": " + when)
    for number in (*_NUMBERS, *_DATES):
        yield f"Age {number[:40]!r}", http(b"Age: " + number)
        for status in (b"403 Forbidden", b"429 Too Many Requests", b"503 Service Unavailable"):
            yield f"{status[:3].decode()} Retry-After {number[:40]!r}", http(b"Retry-After: " + number, status=status)
        for limit in _LIMITS:
            yield f"{limit.decode()} {number[:40]!r}", http(limit + b": " + number)


RAW: Mapping[str, bytes] = dict(_raw())
