"""Opening the page in somebody's browser, where there is one; never a text browser in the middle of our output."""

from __future__ import annotations

import sys
import webbrowser
from collections.abc import Mapping
from contextlib import suppress
from typing import TextIO

_FAR_AWAY = ("SSH_CONNECTION", "SSH_TTY")
_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")


def can_open(environment: Mapping[str, str], out: TextIO, platform: str = sys.platform) -> bool:
    """Whether somebody sits here: at a terminal, on this machine, with a screen."""
    has_screen = platform in ("darwin", "win32") or any(environment.get(name) for name in _DISPLAYS)
    return out.isatty() and has_screen and not any(environment.get(name) for name in _FAR_AWAY)


def open_in_browser(url: str) -> None:
    """Open it, if that can be done. A page that does not open is no failure: its address is printed."""
    with suppress(webbrowser.Error, OSError):
        browser = webbrowser.get()
        # The plain class is for browsers of the terminal, such as lynx.
        if type(browser) is not webbrowser.GenericBrowser:
            browser.open(url)
