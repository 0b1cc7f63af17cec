"""What the log shows, and what it must not."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from monitor.logs import configure_logs
from monitor.notifier import warm_up
from monitor.redact import Redactor

SECRET = "pl4nted-canary"
LIBRARIES = ("apprise", "urllib3", "requests")


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before
    structlog.reset_defaults()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def logged(level: str = "info", form: Any = "auto", stream: io.StringIO | None = None) -> io.StringIO:
    stream = stream or io.StringIO()
    configure_logs(level, form, redactor=Redactor([SECRET]), stream=stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_where_there_is_no_terminal_each_line_is_json() -> None:
    stream = logged()
    structlog.get_logger().info("poll", source="shop", events={"status_changed": 2}, seconds=0.5)
    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "poll",
        "level": "info",
        "source": "shop",
        "events": {"status_changed": 2},
        "seconds": 0.5,
    }


def test_a_traceback_stays_on_its_json_line() -> None:
    stream = logged()
    structlog.get_logger().error("job_failed", exc_info=LookupError("two\nlines"))
    (line,) = lines(stream)
    assert "LookupError: two\nlines" in line["exception"]


def test_on_a_terminal_lines_are_coloured_text() -> None:
    stream = logged(stream=Terminal())
    structlog.get_logger().info("poll", source="shop")
    assert "\x1b[" in stream.getvalue()
    assert "{" not in stream.getvalue()


def test_format_overrides_what_the_stream_is() -> None:
    as_text, as_json = logged(form="text"), Terminal()
    structlog.get_logger().info("poll", source="shop")
    assert "source=shop" in as_text.getvalue()
    assert "\x1b[" not in as_text.getvalue()
    logged(form="json", stream=as_json)
    structlog.get_logger().info("poll", source="shop")
    assert json.loads(as_json.getvalue())["source"] == "shop"


@pytest.mark.parametrize("level", ["debug", "INFO", "Warning", "error", "critical"])
def test_lines_below_the_level_are_left_out(level: str) -> None:
    stream = logged(level)
    written = ["debug", "info", "warning", "error", "critical"]
    for name in written:
        getattr(structlog.get_logger(), name)(name)
    assert [line["event"] for line in lines(stream)] == written[written.index(level.lower()) :]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR])
def test_libraries_that_print_tokens_are_silent_at_every_level(library: str, level: int) -> None:
    stream = logged("debug")
    logging.getLogger(library).log(level, "POST /services/%s", SECRET)
    logging.getLogger(f"{library}.connectionpool").log(level, "POST /services/%s", SECRET)
    assert stream.getvalue() == ""


def test_they_stay_silent_after_apprise_is_loaded_and_the_logs_are_set_up_again() -> None:
    """A reload sets the logs up anew, in a process that has sent messages."""
    warm_up()
    logged("debug")
    stream = logged("debug")
    for library in LIBRARIES:
        for level in (logging.DEBUG, logging.WARNING, logging.CRITICAL):
            logging.getLogger(library).log(level, "POST /services/%s", SECRET)
    assert stream.getvalue() == ""
    assert all(len(logging.getLogger(name).handlers) <= 1 for name in LIBRARIES)


def test_what_another_library_warns_of_becomes_a_line_of_ours() -> None:
    stream = logged()
    logging.getLogger("aiohttp.client").info("chatter")
    logging.getLogger("aiohttp.client").warning("a certificate of %s expires", "example.com")
    (line,) = lines(stream)
    assert (line["library"], line["level"]) == ("aiohttp.client", "warning")
    assert line["event"] == "a certificate of example.com expires"


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize(
    "fields",
    [
        {"reason": f"refused: {SECRET}"},
        {"problems": [f"token {SECRET}", {"deep": (SECRET,)}]},
        {"headers": {SECRET: 1}},
        {"error": ValueError(f"bad {SECRET}")},
        {"path": Path("/services") / SECRET},
        {"seen": {SECRET}},
        {"exc_info": ValueError(f"bad {SECRET}")},
    ],
)
def test_secrets_are_struck_out_wherever_they_stand(form: str, fields: dict[str, Any]) -> None:
    stream = logged("debug", form)
    structlog.get_logger().error(f"failed with {SECRET}", **fields)
    assert SECRET not in stream.getvalue()
    assert stream.getvalue().count("***") >= 2


def test_secrets_are_struck_out_of_a_chain_of_exceptions_and_of_libraries_lines() -> None:
    stream = logged("debug")
    error = LookupError(f"outer {SECRET}")
    error.__cause__ = ValueError(f"inner {SECRET}")
    structlog.get_logger().error("failed", exc_info=error)
    logging.getLogger("asyncio").error("task failed: %s", SECRET, exc_info=error)
    first, second = lines(stream)
    assert SECRET not in stream.getvalue()
    assert "inner ***" in first["exception"]
    assert second["event"] == "task failed: ***"


def test_numbers_and_truth_stay_what_they_are() -> None:
    stream = logged()
    structlog.get_logger().info("poll", orders=3, seconds=0.25, dry=True, error=None)
    (line,) = lines(stream)
    assert (line["orders"], line["seconds"], line["dry"], line["error"]) == (3, 0.25, True, None)
