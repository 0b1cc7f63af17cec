"""`order-monitor report`: all that an issue needs; no secret, and nothing of an order."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from monitor import __version__
from monitor.cli import main
from monitor.cli.report import Scrubber
from monitor.config import Settings, load
from monitor.diff import Change
from monitor.model import (
    Destination,
    Doubt,
    EventKind,
    Item,
    Known,
    Money,
    Order,
    OrderEvent,
    Outcome,
    SourceEvent,
    SourceState,
)
from monitor.store.base import Transaction
from monitor.store.sqlite import SqliteStore

AT = datetime(2026, 4, 11, 8, 0, tzinfo=UTC)
SECRETS = ("TokenCanary1", "HookCanary2", "PasswordCanary3", "HeaderCanary4")
OF_ORDERS = (
    "777001",
    "ORD-777002",
    "77.03",
    "Canary Hosting Plan",
    "Jane Canary",
    "jane@canary.example",
    "canary word",
)
OF_PEOPLE = (
    "acme-canary",
    "canary-host.example",
    "finance@canary.example",
    "ada@canary.example",
    "Grace Canary",
    "grace.canary",
)
CONFIG = """
sources:
  shop:
    type: opterius
    url: https://canary-host.example/billing
    token: TokenCanary1
    headers: {X-Tenant: HeaderCanary4}
    labels: {client: acme-canary}
channels:
  ops: {url: "json://alerts.example.com/HookCanary2"}
  mail: {url: "mailto://monitor:PasswordCanary3@mail.example.com?from=monitor@example.com&to=finance@canary.example"}
  form:
    mail:
      host: mail.example.com
      user: grace.canary
      from: Grace Canary <grace@canary.example>
      to: Grace Canary <g@canary.example>
routes:
  - name: fraud
    when: {to: fraud, labels: {client: acme-canary}}
    channels: [ops, mail]
    title: "```{{ order.number }} https://canary-host.example/admin ada@canary.example TokenCanary1"
"""
DETAIL = "Order ORD-777002 of Jane Canary <jane@canary.example>, 77.03 (canary word) failed for TokenCanary1"

Report = Callable[[], str]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "monitor.yaml"
    file.write_text(CONFIG)
    return file


@pytest.fixture
def report(file: Path, capsys: pytest.CaptureFixture[str]) -> Report:
    """Runs the command; what it prints."""

    def run() -> str:
        assert main(["report", "-c", str(file)]) == 0
        return capsys.readouterr().out

    return run


def write(file: Path, work: Callable[[Transaction], None]) -> None:
    """Write into the state beside this configuration."""

    async def open_and_write() -> None:
        store = SqliteStore.open(file.parent / "order-monitor.db")
        try:
            await store.transact(work)
        finally:
            await store.aclose()

    asyncio.run(open_and_write())


def trouble(tx: Transaction) -> None:
    """A source that fails and messages that nobody takes, each with foreign words that hold all the canaries."""
    item = Item("Canary Hosting Plan", 1, Money(Decimal("77.03"), "USD"))
    order = Order("777001", "fraud", "ORD-777002", Money(Decimal("77.03"), "USD"), AT, (item,))
    odd = Order("777004", "Held for Jane Canary!")
    claim = tx.claim("shop", "test", AT, 15)
    assert claim is not None
    tx.save_orders("shop", [Change(Known(one, 1, AT, AT), new=True) for one in (order, odd)], {"777001": 777005})
    event = OrderEvent("shop", EventKind.STATUS_CHANGED, AT, order, 2)
    event_id = tx.add_event(event, "{}")
    error = f"500 from https://canary-host.example/api/v1/orders: the server cannot answer now ({DETAIL})"
    tx.add_event(SourceEvent("shop", EventKind.SOURCE_DOWN, AT, error, AT), "{}")
    doubt = Doubt("order 777001 stands on one page twice", AT)
    tx.save_source("shop", SourceState("opterius https://canary-host.example", error=error, down=True, doubt=doubt))
    for channel, reason in (
        ("ops", "connection refused"),
        ("mail", f"mail server refused the recipient (550 5.1.1 {DETAIL})"),
    ):
        tx.add_delivery("fraud", Destination(channel), event, event_id, AT)
        delivery = tx.claim_delivery([Destination(channel)], "test", AT)
        assert delivery is not None
        tx.retry_at(delivery, AT, 60, Outcome(delivered=False, reason=reason))


def test_no_secret_and_nothing_of_an_order_is_printed(file: Path, report: Report) -> None:
    write(file, trouble)
    said = report().casefold()
    canaries = (*SECRETS, *OF_ORDERS, *OF_PEOPLE, "777004")
    assert [canary for canary in canaries if canary.casefold() in said] == []


def test_the_canaries_are_in_the_state(file: Path) -> None:
    """Else the search would prove nothing."""
    write(file, trouble)
    rows = sqlite3.connect(file.parent / "order-monitor.db")
    kept = str([rows.execute(f"SELECT * FROM {table}").fetchall() for table in ("sources", "orders", "deliveries")])
    rows.close()
    assert [canary for canary in OF_ORDERS if canary not in kept] == []


def test_it_tells_what_an_issue_needs(file: Path, report: Report) -> None:
    write(file, trouble)
    said = report()
    for part in (
        f"order-monitor {__version__}",
        "Python 3.",
        "SQLite 3.",
        "apprise 2.",
        "type: opterius",
        "url: https://***/billing",
        "Channels: ops (json), mail (mailto)",
        "down `500 from <address>: the server cannot answer now (…)`",
        "- Orders: shop: fraud 1; shop: of another status 1",
        "- Events: source_down 1; status_changed 1",
        "- Deliveries: waiting 2",
        "2026-04-11 08:00:00 UTC shop source_down: `500 from <address>: the server cannot answer now (…)`",
        "1 × ops, waiting: `connection refused`, up to 1 attempts",
        "1 × mail, waiting: `mail server refused the recipient (550 …)`",
    ):
        assert part in said, said


def test_a_reason_that_many_messages_share_is_told_once(file: Path, report: Report) -> None:
    write(file, trouble)

    def again(tx: Transaction) -> None:
        tx.add_delivery("fraud", Destination("ops"), tx.events("shop")[0].event, 1, AT)
        tx.bury_orphans(Destination("ops"), AT, "connection refused")

    write(file, again)
    assert report().count("connection refused") == 1
    assert "2 × ops, waiting: `connection refused`" in report()


def test_without_a_state_it_says_so(report: Report) -> None:
    said = report()
    assert "there is no state yet" in said
    assert "type: opterius" in said


def test_a_state_of_a_newer_version_is_told(file: Path, report: Report) -> None:
    write(file, trouble)
    rows = sqlite3.connect(file.parent / "order-monitor.db")
    rows.execute("UPDATE alembic_version SET version_num = '9999'")
    rows.commit()
    rows.close()
    assert "written by a newer Order Monitor (schema 9999" in report()


def test_a_configuration_that_is_refused_is_told_with_all_its_problems(file: Path, report: Report) -> None:
    file.write_text(CONFIG.replace("token:", "tokn:").replace("to: fraud", "too: fraud"))
    said = report()
    assert "monitor.yaml:6:5: sources.shop.tokn: unknown key, did you mean token?" in said
    assert "routes[0].when.too: unknown key" in said
    assert [canary for canary in (*SECRETS, *OF_PEOPLE) if canary in said] == []


def test_the_configuration_cannot_end_its_own_block(report: Report) -> None:
    said = report()
    assert "````yaml\n" in said
    assert said.count("````") == 2


def test_a_secret_in_an_error_is_masked(file: Path) -> None:
    scrubber = Scrubber(load(file, {}))
    assert scrubber.code("refused: TokenCanary1 is no token") == "`refused: *** is no token`"


def test_nothing_in_an_error_is_markup() -> None:
    assert Scrubber(Settings()).code("says ` [here](x) ` |") == "`says ' [here](x) ' |`"


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        ("401 from https://a.example.com/api/v1/orders: the token is refused (Invalid token for Jane Doe)",
         "401 from <address>: the token is refused (…)"),
        ("https://a.example.com/x: no connection, or a broken one (Connection refused)",
         "<address>: no connection, or a broken one (Connection refused)"),
        ("https://a.example.com: its certificate is not trusted (certificate has expired): set ca_file if it has",
         "<address>: its certificate is not trusted (certificate has expired): set ca_file if it has"),
        ("https://a.example.com/x: no whole answer within 0.25 s", "<address>: no whole answer within 0.25 s"),
        ("the list says that it holds 1,001 orders, but shows 1,000",
         "the list says that it holds 1,001 orders, but shows 1,000"),
        ("order a b (c) stands on one page twice", "order … stands on one page twice"),
        ("row 3: status is no text", "row 3: status is no text"),
        ("sending failed (KeyError)", "sending failed (KeyError)"),
        ("mail server refused the user or password (535 5.7.8 jane@example.com unknown)",
         "mail server refused the user or password (535 …)"),
        ("the service answered 404 Not Found", "the service answered 404 Not Found"),
        ("no $49.00 for ORD-0088 of jane@example.com, nor 1.234,56 for #91", "no … for … of <mail>, nor … for …"),
        ("says 'Jane Doe' is unknown", "says '…' is unknown"),
    ],
)  # fmt: skip
def test_of_an_error_our_own_words_stay(error: str, shown: str) -> None:
    assert Scrubber(Settings()).code(error) == f"`{shown}`"
