"""`init`: asks, or takes flags, and writes a commented configuration; the secrets go elsewhere."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

from monitor.cli.dialogue import Check, Dialogue
from monitor.cli.interview import Interview, channel_url, machine_time_zone, source_url, time_zone
from monitor.cli.starter import Draft, Secret, fill_in
from monitor.errors import ConfigError, Problem

_PRIVATE, _PUBLIC = 0o600, 0o666  # the latter before the umask
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def init(options: argparse.Namespace) -> int:
    """Write a configuration from flags, answers and placeholders."""
    config = Path(options.config)
    if config.exists() and not options.force:
        raise ConfigError([Problem(str(config), "", "is there already: --force overwrites it, -c names another")])
    _check_folder(config)
    draft = _draft(options, config)
    dialogue = Dialogue() if not options.yes and sys.stdin.isatty() and sys.stdout.isatty() else None
    if dialogue and not _interview(dialogue, draft, config, options):
        return 1
    if options.yes:
        draft.time_zone = draft.time_zone or machine_time_zone()
    _write(config, draft)
    _tell(options, draft)
    if dialogue:
        _try(dialogue, options, draft)
    return 0


def _check_folder(config: Path) -> None:
    """Nobody should answer questions only to hear that nothing can be written."""
    there = next(folder for folder in (config.parent, *config.parent.parents) if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise ConfigError([Problem(str(config), "", f"cannot be written: {there} is no folder that you may write to")])


def _draft(options: argparse.Namespace, config: Path) -> Draft:
    """What the flags say."""
    return Draft(
        url=_checked("--url", source_url, options.url),
        token=Secret("file", _beside(Path(options.token_file), config)) if options.token_file else None,
        to=_channel(options, config),
        time_zone=_checked("--time-zone", time_zone, options.time_zone),
    )


def _checked(flag: str, check: Check, value: str | None) -> str | None:
    try:
        return None if value is None else check(value)
    except ValueError as error:
        raise ConfigError([Problem("init", flag, str(error))]) from None


def _channel(options: argparse.Namespace, config: Path) -> Secret | None:
    if options.channel_url is None:
        return None
    reference = _REFERENCE.fullmatch(options.channel_url)
    if reference:
        return Secret("variable", reference[1])
    url = _checked("--channel-url", channel_url, options.channel_url)
    return Secret("file", _free(config, options, "ops_url"), url)


def _interview(dialogue: Dialogue, draft: Draft, config: Path, options: argparse.Namespace) -> bool:
    """Whether all was answered."""
    try:
        Interview(dialogue, config, lambda name: _free(config, options, name)).complete(draft)
    except EOFError:
        print("\n\nNothing was written.")
        return False
    except KeyboardInterrupt:
        print("\n\nNothing was written.")
        raise
    return True


def _free(config: Path, options: argparse.Namespace, name: str) -> str:
    """A file beside the configuration that is not there yet, or may be overwritten."""
    number, found = 1, name
    while (config.parent / found).exists() and not options.force:
        number += 1
        found = f"{name}_{number}"
    return found


def _beside(file: Path, config: Path) -> str:
    """The file's path as the configuration names it: relative to its own folder where the file is in there."""
    folder, target = config.parent.resolve(), file.resolve()
    return str(target.relative_to(folder) if target.is_relative_to(folder) else target)


def _write(config: Path, draft: Draft) -> None:
    starter = (files("monitor.cli") / "starter.yaml").read_text(encoding="utf-8")
    secrets = list(draft.secrets())
    contents = {config.parent / s.name: (f"{s.value}\n", _PRIVATE) for s in secrets if s.kept == "file" and s.value}
    mode = _PRIVATE if any(secret.kept == "here" for secret in secrets) else _PUBLIC
    contents[config] = (fill_in(starter, draft), mode)
    try:
        config.parent.mkdir(parents=True, exist_ok=True)
        _write_all(contents)
    except OSError as error:
        raise ConfigError([Problem(str(config), "", f"cannot be written: {error.strerror}")]) from None


def _write_all(contents: Mapping[Path, tuple[str, int]]) -> None:
    """Every file whole or not at all: each is complete under another name before the first gets its own."""
    ready: dict[Path, Path] = {}
    try:
        for path, (text, mode) in contents.items():
            ready[path] = path.with_name(f".{path.name}.{os.getpid()}")
            descriptor = os.open(ready[path], os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
        for path, temporary in ready.items():
            temporary.replace(path)
    finally:
        for temporary in ready.values():
            temporary.unlink(missing_ok=True)


def _tell(options: argparse.Namespace, draft: Draft) -> None:
    written = [s.name for s in draft.secrets() if s.kept == "file" and s.value]
    beside = f"; beside it {' and '.join(written)}, readable by you alone" if written else ""
    complete = draft.url is not None and draft.token is not None and draft.to is not None
    todo = "." if complete else f": fill in what its comments name, then: order-monitor check{_named(options)}"
    print(f"{options.config} is written{beside}{todo}")


def _next(draft: Draft, command: str) -> str:
    unset = [secret.name for secret in draft.secrets() if secret.kept == "variable"]
    return f"set {' and '.join(unset)} in the environment, then: {command}" if unset else command


def _try(dialogue: Dialogue, options: argparse.Namespace, draft: Draft) -> None:
    """Offer to check at once, and to send a test message."""
    for secret in draft.secrets():
        if secret.kept == "variable" and secret.value:
            os.environ[secret.name] = secret.value  # for these trials alone
    with suppress(EOFError):
        check = dialogue.confirm("\nCheck it now, at the billing system, too? Nothing is sent")
        if check and not _ran("check", options, connect=True, json=False, show=False):
            print(f"\nNot all is well. Edit {options.config}, then: order-monitor check --connect{_named(options)}")
        if dialogue.confirm(f"\nSend a test message to {draft.channel}?"):
            _ran("test", options, channel=draft.channel)
    command = f"order-monitor run{_named(options)}"
    print(f"\nNext: {_next(draft, command)}")


def _ran(command: str, options: argparse.Namespace, **more: object) -> bool:
    """Whether this command, run as if it had been typed, did what it should."""
    from monitor.cli import setup

    try:
        run = setup.check if command == "check" else setup.test
        return run(argparse.Namespace(config=options.config, **more)) == 0
    except ConfigError as error:
        for problem in error.problems:
            print(problem)
        return False


def _named(options: argparse.Namespace) -> str:
    return "" if options.config == "config/monitor.yaml" else f" -c {options.config}"
