"""``password``: the hash to configure the page with."""

from __future__ import annotations

import argparse
import getpass
import sys
import warnings

from monitor.errors import MonitorError

_HINT = """\
Put this line into a file that only the daemon can read, and name that in the configuration:
  web: {password_file: web_password}
A daemon that runs takes it at the next SIGHUP, and every session of the old password ends."""


def password(_: argparse.Namespace) -> int:
    """Ask for a password; print its hash, and nothing else, on stdout."""
    chosen = _asked() if sys.stdin.isatty() else _piped()

    from monitor.web.passwords import hash_of

    print(hash_of(chosen))
    print(_HINT, file=sys.stderr)
    return 0


def _asked() -> str:
    """Typed twice, unseen, until it will do."""
    while True:
        chosen = _unseen("Password (not shown): ")
        fault = _fault_of(chosen)
        if not fault and _unseen("Once more: ") != chosen:
            fault = "these were two different ones"
        if not fault:
            return chosen
        print(f"{fault[0].upper()}{fault[1:]}. Try again.", file=sys.stderr)


def _unseen(prompt: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(prompt)
        except getpass.GetPassWarning:
            raise MonitorError("this terminal cannot hide what is typed: pipe the password in instead") from None
        except EOFError:
            raise MonitorError("no password was typed") from None


def _piped() -> str:
    """The first line of stdin."""
    from monitor.web.passwords import LONGEST

    line = sys.stdin.buffer.readline(4 * LONGEST + 2).removesuffix(b"\n").removesuffix(b"\r")
    chosen = line.decode("utf-8", "surrogateescape")
    if fault := _fault_of(chosen):
        raise MonitorError(fault)
    return chosen


def _fault_of(chosen: str) -> str:
    """Why this is no password; empty if it is one."""
    from monitor.web.passwords import LONGEST, SHORTEST

    if not chosen:
        return "a password cannot be empty"
    if len(chosen) < SHORTEST:
        return f"a password has at least {SHORTEST} characters"
    if len(chosen) > LONGEST:
        return f"a password has at most {LONGEST} characters"
    try:
        chosen.encode()
    except UnicodeEncodeError:
        return "this is no UTF-8 text"
    return ""
