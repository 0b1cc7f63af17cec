"""``${NAME}`` and ``${NAME:-default}`` in values, ``$$`` for a dollar."""

from __future__ import annotations

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{")


class BadReference(ValueError):
    """A reference that cannot be resolved. The text names variables, never their values."""


def is_reference(text: str) -> bool:
    """Whether the text is one reference and nothing else."""
    match = _REFERENCE.fullmatch(text)
    return match is not None and match[1] is not None


def interpolate(text: str, environ: Mapping[str, str]) -> str:
    """The text with its references replaced; BadReference if a name is unset and has no default."""
    return _REFERENCE.sub(lambda match: _replacement(match, environ), text)


def _replacement(match: re.Match[str], environ: Mapping[str, str]) -> str:
    name, default = match[1], match[2]
    if match[0] == "$$":
        return "$"
    if name is None:
        raise BadReference(
            "after ${ a name and } are expected, as in ${NAME} or ${NAME:-default}; write $${ for a plain ${"
        )
    value = environ.get(name, "")
    if default is not None:
        return _checked(name, value) if value else default
    if name not in environ:
        raise BadReference(f"the environment variable {name} is not set: set it, or write ${{{name}:-default}}")
    return _checked(name, value)


def _checked(name: str, value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadReference(f"the environment variable {name} is not valid UTF-8") from None
    return value
